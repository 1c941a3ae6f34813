"""``pdd train``: make a network for one degradation from sharp photos, or from real pairs."""

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
)
from pdd_cli.config.train import TrainConfig
from pdd_cli.errors import UsageError


def train_command(
    hr: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Sharp high-resolution photos; LR is made of them."),
    ] = None,
    pairs: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            metavar="LR HR",
            help="Two folders of real, aligned pairs with the same names, in the place of --hr.",
        ),
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="From scratch: rrdbnet, rrdbnet-6 or compact.",
            show_default="rrdbnet",
        ),
    ] = None,
    scale: Annotated[
        int | None, typer.Option(help="Scale of a network from scratch.", show_default="4")
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Go on from this model: a name, a file, a run or hf:user/repo.",
            show_default="from scratch",
        ),
    ] = None,
    degradation: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="How LR is made: resizes or second-order.",
            show_default="resizes",
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
    resume: Resume = False,
    config: Config = None,
    assignments: Assignments = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Train a network for one synthetic degradation, or fine-tune one on real pairs."""
    if hr is not None and pairs is not None:
        raise UsageError("--hr and --pairs exclude each other.", hint="Give one of them.")
    low, high = pairs or (None, hr)
    flags = {
        "network": network,
        "scale": scale,
        "weights": weights,
        "data.hr": high,
        "data.lr": low,
        "data.degradation": degradation,
        "data.batch": batch,
        "data.crop": crop,
        "data.cache_gb": cache_gb,
        "train.steps": steps,
        "train.lr": lr,
        "train.seed": seed,
        "device": device if device != "auto" else None,
    }
    if not resume and high is None and config is None and not assignments:
        raise UsageError(
            "Which photos? --hr is missing.", hint="Give --hr with a folder of sharp photos."
        )
    asked = Request(flags, name, resume, config, assignments or (), quiet, json)
    carry_out("train", TrainConfig, _recipe, asked)


def _recipe() -> tuple[Begin[TrainConfig], GoOn]:
    from pdd_cli.recipes import train as recipe

    return recipe.train, recipe.resume
