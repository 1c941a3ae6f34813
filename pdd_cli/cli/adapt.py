"""``pdd adapt``: make a model for a folder of photos."""

from pathlib import Path
from typing import Annotated

import typer

from pdd_cli.cli.options import Device, Json, Quiet
from pdd_cli.cli.training_job import Begin, GoOn, Request, carry_out
from pdd_cli.cli.training_options import (
    Assignments,
    Batch,
    CacheSize,
    Config,
    Crop,
    Name,
    Rate,
    Resume,
    Seed,
    Steps,
    ValidationHR,
    ValidationLR,
)
from pdd_cli.config.adapt import AdaptConfig
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
            help="Sharp high-resolution photos, of any scenes, that supervise, reduced in size "
            "until they are sharp and clean; `self` for your own photos, if they are large.",
            show_default="DIV2K, else large photos of yours, else starter photos",
        ),
    ] = None,
    specialist: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Train this model beside a generalist that stays as it is.",
            show_default="one that starts as the generalist",
        ),
    ] = None,
    degradation: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="How LR is made of sharp photos: resizes, target (as your camera would have), or "
            "second-order.",
            show_default="target",
        ),
    ] = None,
    lift_veil: Annotated[
        bool | None,
        typer.Option(
            "--lift-veil/--keep-veil",
            help="Learn to see through haze, stray light or fading, by which nothing in the photos "
            "is dark; results have other tones than the photos then.",
            show_default="keep",
        ),
    ] = None,
    strength: Annotated[
        float | None,
        typer.Option(
            help="How far the written weights go from the un-adapted model's (0) to the adapted "
            "ones (1).",
            show_default="what does best on pairs that are not learnt from",
        ),
    ] = None,
    steps: Steps = None,
    batch: Batch = None,
    crop: Crop = None,
    lr: Rate = None,
    cache_gb: CacheSize = None,
    device: Device = "auto",
    seed: Seed = None,
    name: Name = None,
    val_lr: ValidationLR = None,
    val_hr: ValidationHR = None,
    resume: Resume = False,
    config: Config = None,
    assignments: Assignments = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Adapt a super-resolution model to your own low-resolution photos."""
    flags = {
        "generalist": generalist,
        "specialist": specialist,
        "strength": strength,
        "data.real_lr": real_lr,
        "data.hr": hr,
        "data.degradation": degradation,
        "data.lift_veil": lift_veil,
        "data.batch": batch,
        "data.crop": crop,
        "data.cache_gb": cache_gb,
        "train.steps": steps,
        "train.lr": lr,
        "train.seed": seed,
        "monitor.lr": val_lr,
        "monitor.hr": val_hr,
        "device": device if device != "auto" else None,
    }
    if not resume and real_lr is None and config is None and not assignments:
        raise UsageError(
            "Which photos? --real-lr is missing.", hint="Give --real-lr with your folder of photos."
        )
    asked = Request(flags, name, resume, config, assignments or (), quiet, json)
    carry_out("adapt", AdaptConfig, _recipe, asked)


def _recipe() -> tuple[Begin[AdaptConfig], GoOn]:
    from pdd_cli.recipes import adapt as recipe

    return recipe.adapt, recipe.resume
