"""What a report is made of, as plain data that knows nothing of HTML."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

RGB = NDArray[np.uint8]
"""(h, w, 3)."""

Better = Literal["higher", "lower"]


@dataclass(frozen=True, eq=False)
class Shown:
    """One picture of a comparison."""

    label: str
    """How it came to be, in one or two words: "bicubic"."""
    pixels: RGB
    note: str = ""
    """What is to be known when looking at it."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """The same place of a scene, shown in two ways under a slider, and in others beside it.

    Raises:
        ValueError: the pictures are not of one size.
    """

    title: str
    before: Shown
    after: Shown
    others: tuple[Shown, ...] = ()
    figures: str = ""
    """What was measured of it, in one line."""

    def __post_init__(self) -> None:
        if len({shown.pixels.shape for shown in self.pictures}) > 1:
            raise ValueError(f"The pictures of {self.title} are not of one size.")

    @property
    def pictures(self) -> tuple[Shown, ...]:
        """Every picture."""
        return (self.before, self.after, *self.others)


@dataclass(frozen=True)
class LineChart:
    """A figure over the steps of a run."""

    title: str
    points: Sequence[tuple[int, float]]
    """Steps and values; at least one."""
    better: Better | None = None
    unit: str = ""
    baseline: float | None = None
    """What it was before the first step."""
    marked: int | None = None
    """The step whose weights were written."""


@dataclass(frozen=True)
class Histogram:
    """How a figure is distributed over pictures."""

    title: str
    values: Sequence[float]
    """Finite; at least one."""
    before: Sequence[float] = ()
    """The same figure of what the pictures are compared with."""
    labels: tuple[str, str] = ("before", "after")
    better: Better | None = None
    unit: str = ""


@dataclass(frozen=True)
class Table:
    """Rows under a heading each; the first column names its row."""

    caption: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    folded: bool = False
    """Whether it is opened only on request."""


@dataclass(frozen=True)
class Verbatim:
    """A file's text, opened on request."""

    title: str
    text: str


Block = Comparison | LineChart | Histogram | Table | Verbatim


@dataclass(frozen=True)
class Section:
    """What stands under one heading."""

    heading: str
    blocks: Sequence[Block] = ()
    text: str = ""


@dataclass(frozen=True)
class Report:
    """A whole page."""

    title: str
    summary: str
    """What came of it, in plain words."""
    sections: Sequence[Section] = field(default_factory=tuple)
    made: str = ""
    """By which program, and when."""
