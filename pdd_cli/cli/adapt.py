"""``pdd adapt``: make a model for a folder of photos."""

from pathlib import Path
from typing import Annotated

import typer

from pdd_cli.cli.console import observing, print_json
from pdd_cli.cli.options import Device, Json, Quiet
from pdd_cli.config.adapt import AdaptConfig
from pdd_cli.config.loader import load
from pdd_cli.errors import UsageError


def adapt_command(
    generalist: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="The model to adapt: a name from `pdd models list`, a file or hf:user/repo.",
            show_default="realesrgan",
        ),
    ] = None,
    real_lr: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Your low-resolution photos; subfolders count."),
    ] = None,
    hr: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Sharp high-resolution photos, of any scenes, that supervise.",
            show_default="DIV2K, else large photos of yours, else starter photos",
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="How many steps.", show_default="240 on a CPU, else 4000")
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(
            help="Real crops in a step, and as many synthetic.",
            show_default="1 on a CPU, else 8",
        ),
    ] = None,
    crop: Annotated[
        int | None,
        typer.Option(
            help="Side of an LR crop in pixels, a multiple of 8.",
            show_default="32 on a CPU, else 48",
        ),
    ] = None,
    lr: Annotated[
        float | None,
        typer.Option(help="Learning rate.", show_default="follows the batch"),
    ] = None,
    device: Device = "auto",
    seed: Annotated[
        int | None, typer.Option(help="One seed, one result.", show_default="0")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="Name of the run's folder in runs/.", show_default="job and time"),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the run --name, or with the newest that was interrupted.",
        ),
    ] = False,
    config: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Settings in YAML, or the name of a preset; options win over it."
        ),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any other setting: train.lr=1e-5."),
    ] = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Adapt a super-resolution model to your own low-resolution photos."""
    flags = {
        "generalist": generalist,
        "data.real_lr": real_lr,
        "data.hr": hr,
        "data.batch": batch,
        "data.crop": crop,
        "train.steps": steps,
        "train.lr": lr,
        "train.seed": seed,
        "device": device if device != "auto" else None,
    }
    given = [key for key, value in flags.items() if value is not None]
    if resume and (given or config or assignments):
        raise UsageError(
            "--resume goes on with the settings of its run and takes no others.",
            hint="Give --name at most.",
        )
    if not resume and real_lr is None and config is None and not assignments:
        raise UsageError(
            "Which photos? --real-lr is missing.", hint="Give --real-lr with your folder of photos."
        )
    settings = (
        None
        if resume
        else load(
            AdaptConfig,
            preset=None if config is None or _is_file(config) else config,
            file=Path(config) if config is not None and _is_file(config) else None,
            assignments=assignments or (),
            flags={**flags, "name": name},
        )
    )
    from pdd_cli.recipes import adapt as recipe
    from pdd_cli.runtime.run_directory import unfinished_run

    with observing(quiet=quiet, json=json) as observer:
        if settings is None:
            run = unfinished_run(Path("runs"), name)
            result = recipe.resume(run, observer)
        else:
            result = recipe.adapt(settings, observer)
    if json:
        print_json({"schema_version": 1, "command": "adapt", "result": result})


def _is_file(config: str) -> bool:
    return config.endswith((".yaml", ".yml")) or Path(config).exists()
