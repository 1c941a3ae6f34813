"""Options that every training command has, declared once, and what becomes of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypedDict

import typer

from pdd_cli.config.differences import differences
from pdd_cli.config.loader import load
from pdd_cli.config.training import TrainingConfig
from pdd_cli.errors import UsageError
from pdd_cli.runtime.events import Observer, Said

# Which photos a run is about, and where it is kept, is no departure from a preset.
_PHOTOS = ("real_lr", "hr", "lr")
_NOT_TOLD = frozenset(
    {"name", "runs", "device", "monitor.lr", "monitor.hr"} | {f"data.{name}" for name in _PHOTOS}
)

Steps = Annotated[int | None, typer.Option(help="How many steps.", show_default=False)]
Batch = Annotated[
    int | None,
    typer.Option(
        help="Crops of each kind that are computed together.", show_default="1 on a CPU, else 8"
    ),
]
Crop = Annotated[
    int | None,
    typer.Option(
        help="Side of an LR crop in pixels, a multiple of 8.", show_default="32 on a CPU, else 48"
    ),
]
Rate = Annotated[
    float | None, typer.Option("--lr", help="Learning rate.", show_default="follows the batch")
]
CacheSize = Annotated[
    float | None,
    typer.Option("--cache-gb", help="Gibibytes of memory for decoded photos.", show_default="1"),
]
Seed = Annotated[int | None, typer.Option(help="One seed, one result.", show_default="0")]
Name = Annotated[
    str | None,
    typer.Option(help="Name of the run's folder in runs/.", show_default="job and time"),
]
ValidationLR = Annotated[
    Path | None,
    typer.Option(
        "--val-lr",
        metavar="DIR",
        help="LR photos with known HR, to measure with and choose the best weights by.",
    ),
]
ValidationHR = Annotated[
    Path | None, typer.Option("--val-hr", metavar="DIR", help="Their HR, by the same names.")
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on with the run --name, or with the newest that was interrupted. A few settings "
        "may change.",
    ),
]
Config = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Settings in YAML, or the name of a preset (pdd config list); options win over it.",
    ),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Any other setting: train.lr=1e-5."),
]


class Source(TypedDict):
    """Where settings come from that options win over."""

    preset: str | None
    file: Path | None


def settings_source(config: str | None) -> Source:
    """Tell a settings file from the name of a preset."""
    if config is None:
        return {"preset": None, "file": None}
    if config.endswith((".yaml", ".yml")) or Path(config).exists():
        return {"preset": None, "file": Path(config)}
    return {"preset": config, "file": None}


def say_differences(settings: TrainingConfig, config: str | None, observer: Observer) -> None:
    """Say which settings of a run are others than those of its preset, or than the defaults."""
    preset = settings_source(config)["preset"]
    given = settings.model_dump(mode="json")
    photos = {f"data.{name}": given["data"][name] for name in _PHOTOS if given["data"].get(name)}
    unchanged = load(type(settings), preset=preset, fallbacks=photos)
    lines = [str(d) for d in differences(unchanged, settings) if d.key not in _NOT_TOLD]
    if lines:
        above = f"the preset {preset}" if preset else "the defaults"
        observer(Said(f"Different from {above}: {', '.join(lines)}."))


def changes_on_resume(
    flags: Mapping[str, object], config: str | None, assignments: list[str] | None
) -> list[str]:
    """Turn the options given beside ``--resume`` into assignments.

    Raises:
        UsageError: a settings file was given, for a run has its own.
    """
    if config is not None:
        raise UsageError(
            "--resume goes on with the settings of its run, and takes no --config.",
            hint="Change single settings with --set.",
        )
    given = [f"{key}={value}" for key, value in flags.items() if value is not None]
    return [*given, *(assignments or [])]
