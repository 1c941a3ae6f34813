"""``pdd demo``: the whole of pdd on a few public photos."""

from pathlib import Path
from typing import Annotated

import typer

from pdd_cli.cli.console import observing, print_json
from pdd_cli.cli.options import Device, Json, Quiet
from pdd_cli.cli.scores import print_scores
from pdd_cli.config.demo import DemoConfig
from pdd_cli.config.loader import load


def demo_command(
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Working folder.", show_default="pdd-demo"
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Steps of the adaptation.", show_default="45")
    ] = None,
    device: Device = "auto",
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Adapt, upscale and score on a few public photos; nothing of yours is needed."""
    config = load(DemoConfig, flags={"folder": output, "steps": steps, "device": device})
    from pdd_cli.recipes.demo import demo

    with observing(quiet=quiet, json=json) as observer:
        result = demo(config, observer)
    if json:
        print_json({"schema_version": 1, "command": "demo", "result": result})
        return
    print_scores("upscaled by", result.scores.items(), result.protocol)
    typer.echo(f"\nSide by side: {result.picture}")
    typer.echo(f"With a slider: {result.report}")
    typer.echo(f"The adapted model: {result.run}")
