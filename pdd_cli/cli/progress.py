"""How far a stage is, how fast it goes and how long it takes yet: as live bars or as lines."""

from collections import deque
from collections.abc import Callable, Mapping
from time import monotonic
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from pdd_cli.runtime.events import Started

_SECONDS_BETWEEN_LINES = 30.0

# Long enough that one slow step does not upset the estimate, short enough to follow a change
# of pace, such as the start of distillation.
_ADVANCES_IN_ESTIMATE = 20

# Units too small to count one by one: how many make one that a person reads, and its name.
_LARGE_UNITS = {"byte": (10**6, "MB"), "pixel": (10**6, "megapixels")}

# Names under which a recipe reports its pace and what it waited for: told by words of their own, or
# for the record alone.
_TIMES = ("seconds", "waited")


class Stage:
    """A stage of a recipe while it runs.

    Args:
        event: how the stage was announced.
        clock: seconds that only go forward.
    """

    def __init__(self, event: Started, clock: Callable[[], float] = monotonic) -> None:
        self.name = event.stage
        self.unit = event.unit
        self.total = event.total
        self.done: float = event.done
        self.scalars: Mapping[str, float] = {}
        self._clock = clock
        self._start = clock()
        self._recent: deque[tuple[float, float]] = deque(
            [(self._start, self.done)], maxlen=_ADVANCES_IN_ESTIMATE
        )

    @property
    def elapsed(self) -> float:
        """Seconds since the stage began."""
        return self._clock() - self._start

    @property
    def complete(self) -> bool:
        """Whether every unit is done."""
        return self.done == self.total

    def advance(self, done: float, scalars: Mapping[str, float]) -> None:
        """Note that so many units are done, and the figures of this moment."""
        self.done, self.scalars = done, scalars
        self._recent.append((self._clock(), done))

    def state(self) -> str:
        """Tell how far the stage is, its pace, the time it takes yet, and its figures."""
        per_large_unit, plural = _LARGE_UNITS.get(self.unit, (1, f"{self.unit}s"))
        numbers = [self.done, self.total] if self.total else [self.done]
        counts = [
            str(int(n)) if per_large_unit == 1 else f"{n / per_large_unit:.1f}" for n in numbers
        ]
        parts = [f"{'/'.join(counts)} {plural}"]
        pace = self._seconds_a_unit()
        if pace is not None and per_large_unit == 1:
            parts.append(f"{_seconds(pace)}/{self.unit}")
        if pace is not None and self.total > self.done:
            parts.append(f"{duration(pace * (self.total - self.done))} left")
        figures = self.scalars.items()
        return ", ".join(parts + [f"{k} {v:.3g}" for k, v in figures if k not in _TIMES])

    def ending(self, summary: str) -> str:
        """Tell that the stage is over, how long it took and what came of it."""
        took = f"{self.name}: done in {duration(self.elapsed)}"
        return f"{took}; {summary}" if summary else took

    def _seconds_a_unit(self) -> float | None:
        (start, first), (end, last) = self._recent[0], self._recent[-1]
        return (end - start) / (last - first) if last > first else None


class Display(Protocol):
    """A way to show running stages."""

    def show(self, stage: Stage) -> None:
        """Show a stage that has just begun or come forward."""

    def remove(self, stage: Stage) -> None:
        """Take away a stage that is over."""


class Lines:
    """For a log: a line for the first advance, then about every 30 seconds, and for the last.

    The last is left out where it tells no figures, for the stage's end tells the rest.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next_line: dict[Stage, float] = {}

    def show(self, stage: Stage) -> None:
        """Write a line if one is due."""
        if stage not in self._next_line:
            self._next_line[stage] = 0.0
        elif stage.elapsed >= self._next_line[stage] or (stage.complete and stage.scalars):
            self._next_line[stage] = stage.elapsed + _SECONDS_BETWEEN_LINES
            self._console.print(Text(f"{stage.name}: {stage.state()}"))

    def remove(self, stage: Stage) -> None:
        """Forget the stage."""
        del self._next_line[stage]


class Bars:
    """For a terminal: a live bar for each running stage, cleared away at its end."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[state]}", markup=False),
            console=console,
            transient=True,
        )
        self._tasks: dict[Stage, TaskID] = {}

    def __enter__(self) -> Self:
        """Start to draw."""
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was."""
        self._progress.stop()

    def show(self, stage: Stage) -> None:
        """Draw the stage's bar."""
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(
                stage.name, total=stage.total or None, state=""
            )
        self._progress.update(self._tasks[stage], completed=stage.done, state=stage.state())

    def remove(self, stage: Stage) -> None:
        """Take the stage's bar away."""
        self._progress.remove_task(self._tasks.pop(stage))


def duration(seconds: float) -> str:
    """Say a length of time as exactly as a person wants to know it."""
    if seconds < 60:
        return _seconds(seconds)
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _seconds(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds:.2g} s"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
