"""What ``pdd eval`` writes: tables of an evaluation or a comparison, and a file of all figures."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.console import Console
from rich.table import Table

from pdd_cli.cli.console import as_json, print_json
from pdd_cli.cli.scores import (
    Cell,
    Format,
    ScoreTable,
    comma_separated,
    figure,
    interval_text,
    print_table,
    score_table,
)
from pdd_cli.metrics.protocol import ARROWS, METRICS, PROTOCOLS, Metric

if TYPE_CHECKING:
    from pdd_cli.metrics.statistics import Difference
    from pdd_cli.recipes.compare import CompareResult
    from pdd_cli.recipes.evaluate import EvaluateResult, PictureScores

_INTERVALS = "In brackets: 95 % bootstrap interval of the mean over pictures."

Output = Literal["rich", "markdown", "latex", "csv", "json"]


def show_evaluation(result: "EvaluateResult", output: Output, *, each: bool) -> None:
    """Write one evaluation to standard output."""
    if output == "json":
        print_json({"schema_version": 1, "command": "eval", "result": result})
    elif output == "csv":
        _write(_csv_of_evaluation(result))
    else:
        _print_evaluation(result, output, each=each)


def show_comparison(result: "CompareResult", output: Output, *, each: bool) -> None:
    """Write a comparison to standard output."""
    if output == "json":
        print_json({"schema_version": 1, "command": "eval", "result": result})
    elif output == "csv":
        _write(_csv_of_comparison(result))
    else:
        _print_comparison(result, output, each=each)


def write_picture_scores(
    path: Path, models: Sequence[tuple[str, Sequence["PictureScores"]]], metrics: Sequence[str]
) -> None:
    """Write every picture's figures into a file: JSON by its suffix, else CSV."""
    from pdd_cli.runtime.files import write_text_atomically

    rows = [
        {
            "model": name,
            "picture": str(picture.prediction),
            "hr": str(picture.hr) if picture.hr else None,
            "odd": picture.odd,
            **picture.scores,
        }
        for name, pictures in models
        for picture in pictures
    ]
    if path.suffix.lower() == ".json":
        write_text_atomically(path, as_json(rows) + "\n")
        return
    columns = ["model", "picture", "hr", "odd", *metrics]
    write_text_atomically(path, comma_separated(columns, ([*row.values()] for row in rows)))


def show_metrics(*, json: bool) -> None:
    """List the metrics and the protocols."""
    if json:
        metrics = [{**vars(metric), "range": metric.range} for metric in METRICS.values()]
        result = {"metrics": metrics, "protocols": dict(PROTOCOLS)}
        print_json({"schema_version": 1, "command": "eval", "result": result})
        return
    table = Table(box=None, header_style="bold")
    for title in ("metric", "range", "better", "colour", "border", "compares with", "source"):
        table.add_column(title)
    for metric in METRICS.values():
        table.add_row(*_description(metric))
    console = Console(highlight=False, width=max(Console().width, 130))
    console.print(table)
    console.print("\nprotocols: colour of psnr and ssim, and the border", style="bold")
    for name, convention in PROTOCOLS.items():
        console.print(f" {name:8} {convention.meaning}")
    console.print("\nWhere pyiqa is installed, its metrics too, by name or as pyiqa:NAME.")


def _description(metric: Metric) -> tuple[str, ...]:
    return (
        f"{metric.name} {metric.unit}".strip(),
        metric.range,
        f"{ARROWS[metric.better]} {metric.better}" if metric.better else "neither",
        metric.colour,
        "the protocol's" if metric.uses_border else "none",
        {"hr": "HR", "lr": "LR", "nothing": "nothing"}[metric.needs],
        metric.source,
    )


def _print_evaluation(result: "EvaluateResult", style: Format, *, each: bool) -> None:
    rows = [(p.prediction.name, p.scores) for p in result.pictures] if each else []
    rows.append((f"mean of {len(result.pictures)}", result.means))
    heading = "picture" if each else result.model or "pictures"
    definitions = {name: result.protocol.metric(name) for name in result.means}
    notes = [result.protocol_text, *([_INTERVALS] if any(result.intervals.values()) else [])]
    table = score_table(
        heading, rows, definitions, notes, mark_best=False, intervals=[result.intervals]
    )
    print_table(table, style)


def _print_comparison(result: "CompareResult", style: Format, *, each: bool) -> None:
    definitions = {name: result.protocol.metric(name) for name in result.protocol.metrics}
    if each:
        for model in result.models:
            _print_evaluation(model.result, style, each=True)
    rows = [(model.name, model.result.means) for model in result.models]
    notes = [f"means of {result.pictures} pictures; {result.protocol_text}", _INTERVALS]
    intervals = [model.result.intervals for model in result.models]
    table = score_table("model", rows, definitions, notes, mark_best=True, intervals=intervals)
    print_table(table, style)
    if len(result.models) > 1:
        print_table(_differences(result, definitions), style)


def _differences(result: "CompareResult", definitions: dict[str, Metric]) -> ScoreTable:
    rows = [
        (
            f"{model.name}: {name} {metric.unit} {ARROWS[metric.better]}".strip(),
            _difference_cells(model.differences[name], metric),
        )
        for model in result.models
        if model.differences
        for name, metric in definitions.items()
    ]
    columns = [("difference", None), ("95 % interval", None), ("won", None)]
    note = (
        f"Differences from {result.reference} on the same pictures, marked where the interval "
        "leaves zero out. Won: share of the pictures that are better."
    )
    return ScoreTable(f"against {result.reference}", columns, rows, [note])


def _difference_cells(difference: "Difference", metric: Metric) -> list[Cell]:
    mean = difference.mean
    return [
        Cell(figure(mean.value, metric, signed=True), difference.certain),
        Cell(interval_text(mean.interval, metric, signed=True) or "—"),
        Cell("—" if difference.won is None else f"{difference.won:.0%}"),
    ]


_CSV_COLUMNS = ("model", "metric", "colour", "border", "pictures", "mean", "low", "high")


def _csv_of_evaluation(result: "EvaluateResult") -> str:
    return comma_separated(_CSV_COLUMNS, _csv_rows(result.model or "", result))


def _csv_of_comparison(result: "CompareResult") -> str:
    columns = [*_CSV_COLUMNS, "reference", "difference", "difference_low", "difference_high", "won"]
    rows = []
    for model in result.models:
        for row, name in zip(
            _csv_rows(model.name, model.result), result.protocol.metrics, strict=True
        ):
            change = model.differences.get(name)
            interval = change.mean.interval if change else None
            told = (change.mean.value, *(interval or (None, None)), change.won) if change else ()
            rows.append([*row, result.reference, *(told or (None,) * 4)])
    return comma_separated(columns, rows)


def _csv_rows(name: str, result: "EvaluateResult") -> Iterator[list[object]]:
    for metric, mean in result.means.items():
        interval = result.intervals.get(metric) or (None, None)
        colour, border = result.protocol.metric(metric).colour, result.protocol.border_of(metric)
        yield [name, metric, colour, border, len(result.pictures), mean, *interval]


def _write(text: str) -> None:
    Console(highlight=False, soft_wrap=True).print(text, end="", markup=False)
