"""What becomes of the options of a training command: a run that begins or goes on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, TypeVar

from pdd_cli.cli.console import observing, print_json
from pdd_cli.config.differences import differences
from pdd_cli.config.loader import load
from pdd_cli.config.training import TrainingConfig
from pdd_cli.errors import UsageError
from pdd_cli.runtime.events import Observer, Said

if TYPE_CHECKING:
    from pdd_cli.recipes.training import TrainingResult
    from pdd_cli.runtime.run_directory import RunDirectory

# Which photos a run is about, and where it is kept, is no departure from a preset.
_PHOTOS = ("real_lr", "hr", "lr")
_NOT_TOLD = frozenset(
    {"name", "runs", "device", "monitor.lr", "monitor.hr"} | {f"data.{name}" for name in _PHOTOS}
)

Settings = TypeVar("Settings", bound=TrainingConfig)

Begin = Callable[[Settings, Observer], "TrainingResult"]
"""Carries a training out by its settings."""
GoOn = Callable[["RunDirectory", Sequence[str], Observer], "TrainingResult"]
"""Carries an interrupted run to its end, some settings changed."""


@dataclass(frozen=True)
class Request:
    """What a person asked of a training command, whichever it is."""

    flags: Mapping[str, object]
    """Values of its options by the settings' dotted keys; None where one was not given."""
    name: str | None
    """Of the run."""
    resume: bool
    config: str | None
    """A settings file, or the name of a preset."""
    assignments: Sequence[str]
    """``section.key=value`` each."""
    quiet: bool
    json: bool


def carry_out(
    job: Literal["adapt", "train"],
    schema: type[Settings],
    recipe: Callable[[], tuple[Begin[Settings], GoOn]],
    request: Request,
) -> None:
    """Begin a run or go on with one, and print its result if that was asked for.

    Args:
        job: the command.
        schema: of its settings.
        recipe: imports what carries it out, once the settings are known to be sound.
        request: what the person asked for.

    Raises:
        PddError: whatever the settings or the recipe find wrong.
    """
    changes = _changes(request) if request.resume else []
    settings = None if request.resume else _settings(schema, request)
    from pdd_cli.runtime.run_directory import unfinished_run

    begin, go_on = recipe()
    with observing(quiet=request.quiet, json=request.json) as observer:
        if settings is None:
            result = go_on(unfinished_run(Path("runs"), request.name, job), changes, observer)
        else:
            _say_differences(settings, request.config, observer)
            result = begin(settings, observer)
    if request.json:
        print_json({"schema_version": 1, "command": job, "result": result})


def _settings(schema: type[Settings], request: Request) -> Settings:
    return load(
        schema,
        **settings_source(request.config),
        assignments=request.assignments,
        flags={**request.flags, "name": request.name},
    )


def _changes(request: Request) -> list[str]:
    """Turn the options given beside ``--resume`` into assignments.

    Raises:
        UsageError: a settings file was given, for a run has its own.
    """
    if request.config is not None:
        raise UsageError(
            "--resume goes on with the settings of its run, and takes no --config.",
            hint="Change single settings with --set.",
        )
    given = [f"{key}={value}" for key, value in request.flags.items() if value is not None]
    return [*given, *request.assignments]


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


def _say_differences(settings: TrainingConfig, config: str | None, observer: Observer) -> None:
    """Say which settings of a run are others than those of its preset, or than the defaults."""
    preset = settings_source(config)["preset"]
    given = settings.model_dump(mode="json")
    photos = {f"data.{name}": given["data"][name] for name in _PHOTOS if given["data"].get(name)}
    unchanged = load(type(settings), preset=preset, fallbacks=photos)
    lines = [str(d) for d in differences(unchanged, settings) if d.key not in _NOT_TOLD]
    if lines:
        above = f"the preset {preset}" if preset else "the defaults"
        observer(Said(f"Different from {above}: {', '.join(lines)}."))
