"""Scored pictures under a slider: the part that tells most, and what was measured of the whole."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pdd_cli.images.codec import read_picture
from pdd_cli.metrics.protocol import METRICS
from pdd_cli.recipes.gains import Scored
from pdd_cli.recipes.gallery import change_note, gain_note
from pdd_cli.report.page import Comparison, Shown
from pdd_cli.report.pictures import change_map, gain_map, telling_window


class Showcase:
    """Makes comparisons, and shows no picture twice.

    Args:
        labels: what the earlier and the later pictures are called.
    """

    def __init__(self, labels: tuple[str, str]) -> None:
        self._labels = labels
        self._seen: set[Path] = set()

    def of(self, entries: Sequence[Scored]) -> list[Comparison]:
        """Compare those pictures that were not shown yet.

        Raises:
            DataError: one cannot be read any more.
        """
        comparisons = []
        for entry in entries:
            if entry.picture.prediction not in self._seen:
                self._seen.add(entry.picture.prediction)
                comparisons.append(self._comparison(entry))
        return comparisons

    def _comparison(self, entry: Scored) -> Comparison:
        sr, hr = (read_picture(p).rgb8() for p in (entry.picture.prediction, entry.picture.hr))
        before = entry.before(sr)
        place = telling_window(hr if before is None else before, sr)
        told = _told(entry, place, sr.shape)
        earlier, later = self._labels
        after, truth = sr[place], hr[place]
        if before is None:
            change = Shown("Change", change_map(after, truth), change_note())
            return Comparison(entry.name, Shown(later, after), Shown("HR", truth), (change,), told)
        others = (
            Shown("HR", truth, "The truth."),
            Shown("Gain", gain_map(before[place], after, truth), gain_note(earlier)),
        )
        return Comparison(
            entry.name, Shown(earlier, before[place]), Shown(later, after), others, told
        )


def figure(metric: str, value: float, sign: Literal["", "+"] = "") -> str:
    """Write a figure as ``pdd eval`` prints it."""
    return format(value, f"{sign}.{2 if METRICS[metric].unit == 'dB' else 4}f")


def heading(metric: str) -> str:
    """Name a metric, with its unit."""
    unit = METRICS[metric].unit
    return f"{metric.upper()}, {unit}" if unit else metric.upper()


def _told(entry: Scored, place: tuple[slice, slice], shape: tuple[int, ...]) -> str:
    """Say the figures of the whole picture, and which part of it is seen."""
    figures = []
    for name, value in entry.picture.scores.items():
        was = f"{figure(name, entry.earlier[name])} → " if name in entry.earlier else ""
        unit = f" {METRICS[name].unit}" if METRICS[name].unit else ""
        figures.append(f"{name.upper()} {was}{figure(name, value)}{unit}")
    height, width = (part.stop - part.start for part in place)
    if (height, width) == shape[:2]:
        return ", ".join(figures)
    part = f"{width}×{height} of {shape[1]}×{shape[0]} pixels, where the two differ most"
    return f"{', '.join(figures)}. Shown: {part}."
