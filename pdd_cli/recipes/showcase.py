"""Scored pictures under a slider: the part that tells most, and what was measured of the whole."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pdd_cli.images.codec import read_picture
from pdd_cli.metrics.protocol import Metric, Protocol
from pdd_cli.recipes.gains import Scored
from pdd_cli.recipes.gallery import change_note, gain_note
from pdd_cli.report.page import Comparison, Shown
from pdd_cli.report.pictures import change_map, gain_map, telling_window


class Showcase:
    """Makes comparisons, and shows no picture twice.

    Args:
        labels: what the earlier and the later pictures are called.
        protocol: that they were scored under.
    """

    def __init__(self, labels: tuple[str, str], protocol: Protocol) -> None:
        self._labels = labels
        self._protocol = protocol
        self._seen: set[Path] = set()

    def of(self, entries: Sequence[Scored]) -> list[Comparison]:
        """Compare those pictures that were not shown yet, and that have something beside them.

        Raises:
            DataError: one cannot be read any more.
        """
        comparisons = []
        for entry in entries:
            picture = entry.picture
            if picture.prediction in self._seen or not (picture.hr or entry.other or entry.lr):
                continue  # with nothing beside it there is no comparison
            self._seen.add(picture.prediction)
            comparisons.append(self._comparison(entry))
        return comparisons

    def _comparison(self, entry: Scored) -> Comparison:
        sr = read_picture(entry.picture.prediction).rgb8()
        hr = read_picture(entry.picture.hr).rgb8() if entry.picture.hr else None
        before = entry.before(sr)
        earlier, later = self._labels
        if before is None:  # then the result is what comes before, and its HR after it
            before, sr, hr = sr, sr if hr is None else hr, None
            earlier, later = later, "HR"
        place = telling_window(before, sr)
        first, second = Shown(earlier, before[place]), Shown(later, sr[place])
        others: tuple[Shown, ...]
        if hr is None:
            others = (Shown("Change", change_map(first.pixels, second.pixels), change_note()),)
        else:
            truth = hr[place]
            gain = gain_map(first.pixels, second.pixels, truth)
            others = (Shown("HR", truth, "The truth."), Shown("Gain", gain, gain_note(earlier)))
        told = self._told(entry, place, sr.shape)
        return Comparison(entry.name, first, second, others, told)

    def _told(self, entry: Scored, place: tuple[slice, slice], shape: tuple[int, ...]) -> str:
        """Say the figures of the whole picture, and which part of it is seen."""
        figures = []
        for name, value in entry.picture.scores.items():
            metric = self._protocol.metric(name)
            was = f"{figure(metric, entry.earlier[name])} → " if name in entry.earlier else ""
            unit = f" {metric.unit}" if metric.unit else ""
            figures.append(f"{name.upper()} {was}{figure(metric, value)}{unit}")
        told = ", ".join(figures)
        if entry.picture.odd:
            told += f". Doubtful: {entry.picture.odd}"
        height, width = (part.stop - part.start for part in place)
        if (height, width) == shape[:2]:
            return told
        part = f"{width}×{height} of {shape[1]}×{shape[0]} pixels, where the two differ most"
        return f"{told}. Shown: {part}."


def figure(metric: Metric, value: float, sign: Literal["", "+"] = "") -> str:
    """Write a figure as ``pdd eval`` prints it."""
    return format(value, f"{sign}.{2 if metric.unit == 'dB' else 4}f")


def heading(metric: Metric) -> str:
    """Name a metric, with its unit."""
    return f"{metric.name.upper()}, {metric.unit}" if metric.unit else metric.name.upper()
