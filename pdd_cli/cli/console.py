"""Where words go: results on standard output, everything else on standard error."""

import json as json_format
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from functools import partial
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from pdd_cli.cli.progress import Bars, Display, Lines, Stage
from pdd_cli.runtime.events import (
    Advanced,
    Event,
    Finished,
    Measured,
    Observer,
    PictureFailed,
    Said,
    Started,
    Warned,
)


@contextmanager
def observing(*, quiet: bool, json: bool) -> Iterator[Observer]:
    """Show a recipe's events on standard error while it runs.

    Args:
        quiet: show warnings and failures alone.
        json: a program is watching; progress comes as plain lines, never as an animation.
    """
    console = talk()
    if quiet:
        yield partial(_show_trouble, console)
    elif console.is_interactive and not console.no_color and not json:
        with Bars(console) as bars:
            yield _Narrator(console, bars)
    else:
        yield _Narrator(console, Lines(console))


def talk() -> Console:
    """Return standard error: progress, remarks, warnings and errors."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(console: Console, label: str, text: str, style: str) -> None:
    """Write one line that opens with a coloured label, as an error or a warning does."""
    console.print(Text.assemble((f"{label}: ", style), text))


def print_json(value: object) -> None:
    """Write one JSON value to standard output; see ``as_json``."""
    typer.echo(as_json(value))


def as_json(value: object) -> str:
    """Write a value as JSON.

    Args:
        value: mappings, sequences, dataclasses, paths and plain values. Numbers that are not
            finite become null, for strict JSON has no word for them.
    """
    return json_format.dumps(_jsonable(value), indent=2, ensure_ascii=False, allow_nan=False)


class _Narrator:
    """An observer that tells everything; stages may nest."""

    def __init__(self, console: Console, display: Display) -> None:
        self.console = console
        self.display = display
        self.stages: list[Stage] = []

    def __call__(self, event: Event) -> None:
        _show_trouble(self.console, event)
        match event:
            case Said(text=text):
                self.console.print(Text(text))
            case Started():
                self.stages.append(Stage(event))
                self.display.show(self.stages[-1])
            case Advanced(done=done, scalars=scalars) if self.stages:
                self.stages[-1].advance(done, scalars)
                self.display.show(self.stages[-1])
            case Measured(step=step, figures=figures, baseline=baseline) if figures:
                self.console.print(Text(measurement(step, figures, baseline)))
            case Finished(summary=summary) if self.stages:
                stage = self.stages.pop()
                self.display.remove(stage)
                self.console.print(Text(stage.ending(summary)))


def measurement(step: int, figures: Mapping[str, float], baseline: Mapping[str, float]) -> str:
    """Say in one line what was measured, and how far it is from the baseline."""
    parts = [f"{name} {value:.4g}" for name, value in figures.items()]
    if not step:
        return f"before the first step: {', '.join(parts)}"
    changes = [
        f"{part} ({value - baseline[name]:+.3g})"
        for part, (name, value) in zip(parts, figures.items(), strict=True)
    ]
    return f"after step {step}: {', '.join(changes)}"


def _show_trouble(console: Console, event: Event) -> None:
    match event:
        case Warned(text=text):
            say(console, "warning", text, "yellow")
        case PictureFailed(source=source, reason=reason):
            say(console, "skipped", f"{source}: {reason}", "yellow")


def _jsonable(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    match value:
        case float():
            return value if math.isfinite(value) else None
        case Path():
            return str(value)
        case Mapping():
            return {str(key): _jsonable(item) for key, item in value.items()}
        case list() | tuple():
            return [_jsonable(item) for item in value]
        case _:
            return value
