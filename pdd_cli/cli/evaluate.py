"""``pdd eval``: score upscaled pictures against their HR."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pdd_cli.cli.console import observing, print_json
from pdd_cli.cli.options import Device, Json, Quiet
from pdd_cli.config.evaluate import EvaluateConfig
from pdd_cli.config.loader import load
from pdd_cli.errors import SomeFilesFailed

if TYPE_CHECKING:
    from pdd_cli.recipes.evaluate import EvaluateResult


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
            "device": device,
        },
    )
    from pdd_cli.recipes.evaluate import evaluate

    with observing(quiet=quiet, json=json) as observer:
        result = evaluate(config, observer)
    if json:
        print_json({"schema_version": 1, "command": "eval", "result": result})
    else:
        _print_table(result, each=each)
    if result.failures:
        names = list(result.failures)
        raise SomeFilesFailed(
            f"{len(names)} of {len(names) + len(result.pictures)} pictures could not be scored: "
            f"{', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}.",
            hint="The reasons stand above.",
        )


def _print_table(result: "EvaluateResult", *, each: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from pdd_cli.metrics.protocol import METRICS

    table = Table(
        box=None, header_style="bold", caption=result.protocol_text, caption_justify="left"
    )
    table.add_column("picture" if each else result.model or "pictures")
    for name in result.protocol.metrics:
        arrow = "↑" if METRICS[name].better == "higher" else "↓"
        unit = f" {METRICS[name].unit}" if METRICS[name].unit else ""
        table.add_column(f"{name}{unit} {arrow}", justify="right")
    rows = [(p.prediction.name, p.scores) for p in result.pictures] if each else []
    rows.append((f"mean of {len(result.pictures)}", result.means))
    for label, scores in rows:
        table.add_row(
            label,
            *(_figure(name, scores[name]) for name in result.protocol.metrics if name in scores),
        )
    Console().print(table)


def _figure(metric: str, value: float) -> str:
    return f"{value:.2f}" if metric.startswith("psnr") else f"{value:.4f}"
