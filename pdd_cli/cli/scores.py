"""Figures as tables that say which way is better: for people, and for papers in four formats."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from pdd_cli.metrics.protocol import ARROWS, METRICS, Direction, Metric

Format = Literal["rich", "markdown", "latex"]

_WIDER_THAN_ANY_TERMINAL = 1 << 16

_LATEX_ARROWS: Mapping[Direction | None, str] = {
    "higher": r" $\uparrow$",
    "lower": r" $\downarrow$",
    None: "",
}
_LATEX_SIGNS = {
    **{sign: rf"\{sign}" for sign in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "Δ": r"$\Delta$",
}


@dataclass(frozen=True)
class Cell:
    """One figure as it is shown."""

    text: str
    best: bool = False
    interval: str = ""
    """Of 95 %; "" where none is told."""


@dataclass(frozen=True)
class ScoreTable:
    """A table of figures: a row for each way, a column for each metric."""

    heading: str
    """Of the first column."""
    columns: Sequence[tuple[str, Direction | None]]
    """Titles, and which way is better."""
    rows: Sequence[tuple[str, Sequence[Cell]]]
    notes: Sequence[str]
    """Under the table: the protocol, first of all."""


def print_scores(
    heading: str, rows: Iterable[tuple[str, Mapping[str, float]]], protocol: str
) -> None:
    """Write a table to standard output.

    Args:
        heading: what the first column names.
        rows: each with its name and its figures by metric; all have the same metrics.
        protocol: how the figures were computed.
    """
    rows = list(rows)
    definitions = {name: METRICS[name] for name in (rows[0][1] if rows else ())}
    print_table(score_table(heading, rows, definitions, [protocol], mark_best=False), "rich")


def score_table(
    heading: str,
    rows: Sequence[tuple[str, Mapping[str, float]]],
    definitions: Mapping[str, Metric],
    notes: Sequence[str],
    *,
    mark_best: bool,
    intervals: Sequence[Mapping[str, tuple[float, float] | None]] = (),
) -> ScoreTable:
    """Lay figures out.

    Args:
        heading: what the first column names.
        rows: each with its name and its figures by metric.
        definitions: the metrics, by name, in the order of their columns.
        notes: what stands under the table.
        mark_best: whether the best figure of each column is marked.
        intervals: of the last rows' figures, by metric, as many as there are.
    """
    marked = mark_best and len(rows) > 1
    best = {
        name: _best([scores[name] for _, scores in rows], metric.better) if marked else None
        for name, metric in definitions.items()
    }
    without: list[Mapping[str, tuple[float, float] | None]] = [{}] * (len(rows) - len(intervals))
    return ScoreTable(
        heading,
        [(_title(metric), metric.better) for metric in definitions.values()],
        [
            (
                label,
                [
                    _cell(scores[name], metric, best[name], told.get(name))
                    for name, metric in definitions.items()
                ],
            )
            for (label, scores), told in zip(rows, [*without, *intervals], strict=True)
        ],
        notes,
    )


def interval_text(
    interval: tuple[float, float] | None, metric: Metric, *, signed: bool = False
) -> str:
    """Write an interval; "" where there is none."""
    if interval is None:
        return ""
    low, high = (figure(bound, metric, signed=signed) for bound in interval)
    return f"[{low}, {high}]"


def figure(value: float, metric: Metric, *, signed: bool = False) -> str:
    """Write a figure with as many digits as its unit is told with."""
    if math.isnan(value):
        return "—"
    digits = 2 if metric.unit in ("dB", "ΔE") else 4
    text = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    return text.replace("inf", "∞")


def print_table(table: ScoreTable, style: Format) -> None:
    """Write a table to standard output."""
    console = Console(highlight=False, soft_wrap=True)
    match style:
        case "rich":
            _print_rich(table)
        case "markdown":
            console.print(Text(markdown(table)))
        case "latex":
            console.print(Text(latex(table)))


def markdown(table: ScoreTable) -> str:
    """Write a table in Markdown, the best figures in bold."""
    titles = [table.heading, *(f"{name} {ARROWS[way]}".strip() for name, way in table.columns)]
    lines = [titles, ["---", *["---:"] * len(table.columns)]]
    lines += [[label, *(_markdown_cell(cell) for cell in cells)] for label, cells in table.rows]
    written = [
        "| " + " | ".join(word.replace("|", r"\|") for word in line) + " |" for line in lines
    ]
    return "\n".join([*written, *(f"\n{note}" for note in table.notes)]) + "\n"


def latex(table: ScoreTable) -> str:
    """Write a table in LaTeX, for the package booktabs, the best figures in bold."""
    titles = [
        _escaped(table.heading),
        *(f"{_escaped(name)}{_LATEX_ARROWS[way]}" for name, way in table.columns),
    ]
    rows = [
        " & ".join([_escaped(label), *(_latex_cell(cell) for cell in cells)])
        for label, cells in table.rows
    ]
    return "\n".join(
        [
            *(f"% {note}" for note in table.notes),
            rf"\begin{{tabular}}{{l{'r' * len(table.columns)}}}",
            r"\toprule",
            " & ".join(titles) + r" \\",
            r"\midrule",
            *(rf"{row} \\" for row in rows),
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def comma_separated(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write CSV; what is not finite stays empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow(
            ""
            if value is None or (isinstance(value, float) and not math.isfinite(value))
            else value
            for value in row
        )
    return text.getvalue()


def _print_rich(table: ScoreTable) -> None:
    console = Console(highlight=False)
    first = 0
    while first < len(table.columns):
        last = first + 1
        # A figure that is cut off at the edge is a wrong one: what does not fit stands below.
        while last < len(table.columns) and _fits(_of_columns(table, first, last + 1), console):
            last += 1
        console.print(_of_columns(table, first, last))
        first = last
    for note in table.notes:
        console.print(Text(note, style="dim"), soft_wrap=True)


def _of_columns(table: ScoreTable, first: int, last: int) -> Table:
    """Lay out the columns from number ``first`` up to ``last``."""
    shown = Table(box=None, header_style="bold")
    shown.add_column(table.heading)
    for name, better in table.columns[first:last]:
        shown.add_column(f"{name} {ARROWS[better]}".strip(), justify="right")
    for label, cells in table.rows:
        shown.add_row(label, *(_rich_cell(cell) for cell in cells[first:last]))
    return shown


def _fits(shown: Table, console: Console) -> bool:
    without_edge = console.options.update_width(_WIDER_THAN_ANY_TERMINAL)
    return Measurement.get(console, without_edge, shown).maximum <= console.width


def _title(metric: Metric) -> str:
    return f"{metric.name} {metric.unit}".strip()


def _cell(
    value: float, metric: Metric, best: float | None, interval: tuple[float, float] | None
) -> Cell:
    shown = figure(value, metric)
    # What reads the same is as good.
    is_best = best is not None and shown == figure(best, metric)
    return Cell(shown, is_best, interval_text(interval, metric))


def _best(values: Sequence[float], better: Direction | None) -> float | None:
    numbers = [value for value in values if not math.isnan(value)]
    if not numbers or better is None:
        return None
    return max(numbers) if better == "higher" else min(numbers)


def _rich_cell(cell: Cell) -> Text:
    text = Text(cell.text, style="bold green" if cell.best else "")
    return text.append(f"\n{cell.interval}", style="dim") if cell.interval else text


def _markdown_cell(cell: Cell) -> str:
    text = f"**{cell.text}**" if cell.best else cell.text
    return f"{text} {cell.interval}".strip()


def _latex_cell(cell: Cell) -> str:
    text = _escaped(cell.text).replace("∞", r"$\infty$").replace("—", "---")
    text = rf"\textbf{{{text}}}" if cell.best else text
    return rf"{text} {{\scriptsize {_escaped(cell.interval)}}}" if cell.interval else text


def _escaped(text: str) -> str:
    return "".join(_LATEX_SIGNS.get(sign, sign) for sign in text)
