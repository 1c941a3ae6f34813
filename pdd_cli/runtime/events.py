"""What a recipe tells whoever watches it: events in, no prints.

A recipe calls its observer with one event at a time. The terminal and the JSONL record of a run
are observers; a window or a web page could be another.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Started:
    """A stage of known length begins."""

    stage: str
    """What is being done, as a person would say it: "adapting realesrgan"."""
    total: int
    """How many units the stage has; 0 when that is not known."""
    unit: str
    """What is counted: "step", "pixel", "picture", "byte"."""
    done: int = 0
    """Units already done, when the stage goes on from an earlier run."""


@dataclass(frozen=True)
class Advanced:
    """The running stage came forward."""

    done: float
    """Units done since the start of the stage, counted from 0; a share of one counts too."""
    scalars: Mapping[str, float] = field(default_factory=dict)
    """Figures of this moment, by name: losses, learning rate, seconds of the step, and seconds
    ``waited`` for its data."""


@dataclass(frozen=True)
class Measured:
    """What watches over a training has measured."""

    step: int
    figures: Mapping[str, float]
    baseline: Mapping[str, float]
    """The same figures before the first step."""


@dataclass(frozen=True)
class PictureDone:
    """One picture was written or scored."""

    source: Path
    output: Path | None


@dataclass(frozen=True)
class PictureFailed:
    """One picture of a batch could not be done; the batch goes on."""

    source: Path
    reason: str


@dataclass(frozen=True)
class Said:
    """A choice that the program made for the user, or a fact worth a line."""

    text: str


@dataclass(frozen=True)
class Warned:
    """Something that may make the result worse than the user expects."""

    text: str


@dataclass(frozen=True)
class Finished:
    """The running stage ended well."""

    stage: str
    summary: str = ""


Event = Started | Advanced | Measured | PictureDone | PictureFailed | Said | Warned | Finished
Observer = Callable[[Event], None]


def ignore(event: Event) -> None:
    """An observer that watches nothing."""


def both(first: Observer, second: Observer) -> Observer:
    """Let two observers watch."""

    def tell(event: Event) -> None:
        first(event)
        second(event)

    return tell
