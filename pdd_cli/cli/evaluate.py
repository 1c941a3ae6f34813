"""``pdd eval``: score upscaled pictures against their HR, or several models on the same LR."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from pdd_cli.cli.console import observing
from pdd_cli.cli.evaluation_output import (
    Output,
    show_comparison,
    show_evaluation,
    show_metrics,
    write_picture_scores,
)
from pdd_cli.cli.options import Device, Json, Quiet
from pdd_cli.config.evaluate import CompareConfig, EvaluateConfig
from pdd_cli.config.loader import load
from pdd_cli.errors import SomeFilesFailed, UsageError


def evaluate_command(
    sr: Annotated[
        Path | None,
        typer.Argument(
            metavar="SR_DIR",
            help="Folder of upscaled pictures.",
            show_default="what the last `pdd infer` wrote",
        ),
    ] = None,
    gt: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of HR pictures; names pair them.",
            show_default="HR beside the LR, else in the tree of the last adaptation",
        ),
    ] = None,
    lr: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of LR pictures: for what compares with them, and for --models.",
            show_default="as `pdd infer` recorded",
        ),
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="CSV list of pairs, with the columns sr, hr and lr."),
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL…", help="Upscale --lr with each of these and compare them."),
    ] = None,
    controls: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME…", help="With --models, compare also: bicubic, generalist, color-fixed."
        ),
    ] = None,
    metrics: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME…",
            help="One of --list, or of pyiqa's where it is installed; several after one another.",
            show_default="psnr ssim lpips; without HR what needs none",
        ),
    ] = None,
    list_metrics: Annotated[
        bool, typer.Option("--list", help="List metrics and protocols, and do nothing else.")
    ] = False,
    protocol: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="default, iqa, crops or classic; see --list."),
    ] = None,
    border: Annotated[
        int | None,
        typer.Option(
            help="Pixels left out along each side by psnr and ssim.",
            show_default="the protocol's",
        ),
    ] = None,
    color: Annotated[
        str | None,
        typer.Option(
            metavar="RGB|Y", help="Colour of psnr and ssim.", show_default="the protocol's"
        ),
    ] = None,
    each: Annotated[bool, typer.Option("--each", help="Show every picture's figures.")] = False,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a page with pictures: one HTML file."),
    ] = None,
    before: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="What the page compares with: the pictures as another model has them.",
            show_default="bicubic enlargement",
        ),
    ] = None,
    show: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A picture to show on the page; may be repeated."),
    ] = None,
    scores: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write every picture's figures: .csv or .json."),
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print the means as CSV.")] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the table in Markdown.")
    ] = False,
    latex: Annotated[
        bool, typer.Option("--latex", help="Print the table in LaTeX (booktabs).")
    ] = False,
    device: Device = "auto",
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="TYPE",
            help="float32 or bfloat16.",
            show_default="bfloat16 where the device gains from it",
        ),
    ] = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Score upscaled pictures against their high-resolution counterparts."""
    if list_metrics:
        show_metrics(json=json)
        return
    output = _output(csv=csv, json=json, latex=latex, markdown=markdown)
    flags: dict[str, object] = {
        "gt": gt,
        "lr": lr,
        "metrics": metrics or None,
        "protocol": protocol,
        "border": border,
        "color": color,
        "report": report,
        "show": show or None,
        "device": device,
        "precision": precision,
    }
    if models or controls:
        _refuse_together(models, controls, sr=sr or before, pairs=pairs, lr=lr)
        _compare(
            load(CompareConfig, flags={**flags, "models": models, "controls": controls or None}),
            output,
            scores,
            each=each,
            quiet=quiet,
        )
        return
    config = load(EvaluateConfig, flags={**flags, "sr": sr, "pairs": pairs, "before": before})
    from pdd_cli.recipes.evaluate import evaluate
    from pdd_cli.recipes.evaluation_report import write_evaluation_report

    with observing(quiet=quiet, json=output != "rich") as observer:
        result = evaluate(config, observer)
    show_evaluation(result, output, each=each)
    if scores is not None:
        named = [(result.model or "", result.pictures)]
        write_picture_scores(scores, named, result.protocol.metrics)
    if config.report is not None:
        with observing(quiet=quiet, json=output != "rich") as observer:
            write_evaluation_report(config, result, observer)
    _raise_for(result.failures, len(result.pictures))


def _compare(
    config: CompareConfig, output: Output, scores: Path | None, *, each: bool, quiet: bool
) -> None:
    from pdd_cli.recipes.compare import compare
    from pdd_cli.recipes.comparison_report import write_comparison_report

    with observing(quiet=quiet, json=output != "rich") as observer:
        result = compare(config, observer)
    show_comparison(result, output, each=each)
    if scores is not None:
        named = [(model.name, model.result.pictures) for model in result.models]
        write_picture_scores(scores, named, result.protocol.metrics)
    if config.report is not None:
        with observing(quiet=quiet, json=output != "rich") as observer:
            write_comparison_report(config, result, observer)
    _raise_for(result.failures, result.pictures)


def _output(**chosen: bool) -> Output:
    wanted = [name for name, value in chosen.items() if value]
    if len(wanted) > 1:
        raise UsageError(
            f"--{wanted[0]} and --{wanted[1]} exclude each other.", hint="Give one of them."
        )
    names: dict[str, Output] = {
        "csv": "csv",
        "json": "json",
        "latex": "latex",
        "markdown": "markdown",
    }
    return names[wanted[0]] if wanted else "rich"


def _refuse_together(
    models: list[str] | None,
    controls: list[str] | None,
    *,
    sr: Path | None,
    pairs: Path | None,
    lr: Path | None,
) -> None:
    if controls and not models:
        raise UsageError(
            "--controls goes with --models.", hint="Name the models: --models realesrgan runs/a."
        )
    if sr is not None or pairs is not None:
        given = sr if sr is not None else "--pairs"
        raise UsageError(
            f"--models upscales for itself, but {given} was given too.",
            hint="Give --lr with the LR pictures alone.",
        )
    if lr is None:
        raise UsageError(
            "--models lacks something to upscale.", hint="Give --lr with a folder of LR pictures."
        )


def _raise_for(failures: Mapping[str, str], done: int) -> None:
    if not failures:
        return
    names = list(failures)
    raise SomeFilesFailed(
        f"{len(names)} of {len(names) + done} pictures could not be scored: "
        f"{', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}.",
        hint="The reasons stand above.",
    )
