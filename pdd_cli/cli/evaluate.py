"""``pdd eval``: score upscaled pictures against their HR."""

from pathlib import Path
from typing import Annotated

import typer

from pdd_cli.cli.console import observing, print_json
from pdd_cli.cli.options import Device, Json, Quiet
from pdd_cli.cli.scores import print_scores
from pdd_cli.config.evaluate import EvaluateConfig
from pdd_cli.config.loader import load
from pdd_cli.errors import SomeFilesFailed


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
    metrics: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME…",
            help="psnr, psnr-y, ssim, ssim-y, lpips, lpips-vgg; several after one another.",
            show_default="psnr ssim lpips",
        ),
    ] = None,
    border: Annotated[
        int | None,
        typer.Option(
            help="Pixels left out along each side, not for LPIPS.", show_default="the scale"
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
    device: Device = "auto",
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Score upscaled pictures against their high-resolution counterparts."""
    config = load(
        EvaluateConfig,
        flags={
            "sr": sr,
            "gt": gt,
            "metrics": metrics or None,
            "border": border,
            "report": report,
            "before": before,
            "show": show or None,
            "device": device,
        },
    )
    from pdd_cli.recipes.evaluate import evaluate
    from pdd_cli.recipes.evaluation_report import write_evaluation_report

    with observing(quiet=quiet, json=json) as observer:
        result = evaluate(config, observer)
    if json:
        print_json({"schema_version": 1, "command": "eval", "result": result})
    else:
        rows = [(p.prediction.name, p.scores) for p in result.pictures] if each else []
        rows.append((f"mean of {len(result.pictures)}", result.means))
        print_scores("picture" if each else result.model or "pictures", rows, result.protocol_text)
    if config.report is not None:
        with observing(quiet=quiet, json=json) as observer:
            write_evaluation_report(config, result, observer)
    if result.failures:
        names = list(result.failures)
        raise SomeFilesFailed(
            f"{len(names)} of {len(names) + len(result.pictures)} pictures could not be scored: "
            f"{', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}.",
            hint="The reasons stand above.",
        )
