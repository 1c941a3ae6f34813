"""Charts as inline SVG, told to screen readers by title and description."""

import math
from collections.abc import Sequence
from itertools import pairwise

from pdd_cli.report.markup import Markup, element
from pdd_cli.report.page import Better, Histogram, LineChart

_WIDTH, _HEIGHT = 360, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 342, 10, 172
_TICKS = 4

# More points than this are no finer on any screen; buckets of steps are averaged.
_MOST_POINTS = 300
_NOISY = 40
_MOST_BINS = 20


def number(value: float) -> str:
    """Write a figure as people read it, with four digits that count."""
    return f"{value:.4g}"


def direction(better: Better | None) -> str:
    """Say which way is better."""
    return f"{better} is better" if better else ""


def legend(chart: LineChart | Histogram) -> str:
    """Say what the lines are."""
    if isinstance(chart, Histogram):
        before, after = chart.labels
        return f"bars: {after}; line: {before}" if chart.before else ""
    parts = []
    if len(_thinned(chart.points)) > _NOISY:
        parts.append("bold: running mean")
    if chart.baseline is not None:
        parts.append("dashed: before the first step")
    if _marks(chart):
        parts.append("dotted: the weights that were written")
    return "; ".join(parts)


def line_chart(chart: LineChart) -> Markup:
    """Draw a figure over the steps; where steps are many and noisy, their running mean too."""
    points = _thinned(chart.points)
    values = [value for _, value in points]
    levels = values if chart.baseline is None else [*values, chart.baseline]
    across = _Axis(points[0][0], points[-1][0], _LEFT, _RIGHT)
    up = _Axis(min(levels), max(levels), _BOTTOM, _TOP, margin=0.06)
    drawn = [_grid(across, up), element("text", "step", x=_LEFT - 14, y=_BOTTOM + 16, class_="up")]
    if chart.baseline is not None:
        height = up.place(chart.baseline)
        drawn.append(_line(_LEFT, height, _RIGHT, height, "baseline"))
    if chart.marked is not None and _marks(chart):
        place = across.place(chart.marked)
        drawn.append(_line(place, _TOP, place, _BOTTOM, "marked"))
    noisy = len(points) > _NOISY
    drawn.append(_curve(points, across, up, "faint" if noisy else "curve"))
    if noisy:
        drawn.append(_curve(_running_mean(points), across, up, "curve"))
    elif len(points) < _NOISY / 2:
        drawn += [
            element("circle", cx=_px(across.place(step)), cy=_px(up.place(value)), r=2.5)
            for step, value in points
        ]
    unit = f" {chart.unit}" if chart.unit else ""
    described = (
        f"From {number(values[0])} at step {points[0][0]} to {number(values[-1])}{unit} at step "
        f"{points[-1][0]}; lowest {number(min(values))}, highest {number(max(values))}."
    )
    return _svg(chart.title, described, drawn)


def histogram(chart: Histogram) -> Markup:
    """Draw how many pictures have which figure; what it was before, as an outline."""
    edges = bin_edges([*chart.values, *chart.before])
    counts = count_within(edges, chart.values)
    earlier = count_within(edges, chart.before)
    across = _Axis(edges[0], edges[-1], _LEFT, _RIGHT)
    up = _Axis(0, max(*counts, *earlier), _BOTTOM, _TOP)
    drawn = [_grid(across, up, whole=True)]
    for (left, right), count in zip(pairwise(edges), counts, strict=True):
        if count:
            drawn.append(_bar(across, up, left, right, count))
    if chart.before:
        drawn.append(_outline(edges, earlier, across, up))
    unit = f" {chart.unit}" if chart.unit else ""
    described = (
        f"{len(chart.values)} pictures from {number(min(chart.values))} to "
        f"{number(max(chart.values))}{unit}."
    )
    return _svg(chart.title, described, drawn)


def bin_edges(values: Sequence[float]) -> list[float]:
    """Divide a range into bins of equal width, by Sturges' rule, at most 20."""
    low, high = min(values), max(values)
    if low == high:
        low, high = low - 0.5, high + 0.5
    count = min(_MOST_BINS, math.ceil(math.log2(len(values)) + 1) + 2)
    return [low + (high - low) * number / count for number in range(count + 1)]


def count_within(edges: Sequence[float], values: Sequence[float]) -> list[int]:
    """Count the values of each bin; the last holds its upper edge too."""
    counts = [0] * (len(edges) - 1)
    for value in values:
        share = (value - edges[0]) / (edges[-1] - edges[0])
        counts[min(int(share * len(counts)), len(counts) - 1)] += 1
    return counts


def _marks(chart: LineChart) -> bool:
    return chart.marked is not None and chart.points[0][0] < chart.marked <= chart.points[-1][0]


class _Axis:
    """Where values lie on the drawing."""

    def __init__(
        self, low: float, high: float, start: float, end: float, margin: float = 0.0
    ) -> None:
        if low == high:
            spread = abs(low) * 0.05 or 1.0
            low, high = low - spread, high + spread
        room = (high - low) * margin
        self.low, self.high = low - room, high + room
        self.start, self.end = start, end

    def place(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, *, whole: bool = False) -> list[float]:
        """Choose round values, 1, 2 or 5 times a power of ten apart."""
        rough = (self.high - self.low) / _TICKS
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
        step = max(1.0, step) if whole else step
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(index * step, 12) for index in range(first, last + 1)]


def _svg(title: str, described: str, drawn: Sequence[Markup]) -> Markup:
    return element(
        "svg",
        element("title", title),
        element("desc", described),
        *drawn,
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        aria_label=f"{title}. {described}",
    )


def _grid(across: _Axis, up: _Axis, *, whole: bool = False) -> Markup:
    parts = []
    for value in up.ticks(whole=whole):
        height = up.place(value)
        parts += [
            _line(_LEFT, height, _RIGHT, height, "grid"),
            element("text", number(value), x=_LEFT - 6, y=_px(height + 3.5), class_="up"),
        ]
    parts += [
        element("text", number(value), x=_px(across.place(value)), y=_BOTTOM + 16, class_="across")
        for value in across.ticks()
    ]
    return element("g", *parts, aria_hidden="true")


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    return element("line", x1=_px(x1), y1=_px(y1), x2=_px(x2), y2=_px(y2), class_=kind)


def _curve(points: Sequence[tuple[float, float]], across: _Axis, up: _Axis, kind: str) -> Markup:
    places = " ".join(f"{_px(across.place(x))},{_px(up.place(y))}" for x, y in points)
    return element("polyline", points=places, class_=kind)


def _bar(across: _Axis, up: _Axis, left: float, right: float, count: int) -> Markup:
    x, top = across.place(left), up.place(count)
    return element(
        "rect",
        x=_px(x + 0.5),
        y=_px(top),
        width=_px(across.place(right) - x - 1),
        height=_px(_BOTTOM - top),
    )


def _outline(edges: Sequence[float], counts: Sequence[int], across: _Axis, up: _Axis) -> Markup:
    corners = [(edges[0], 0.0)]
    for (left, right), count in zip(pairwise(edges), counts, strict=True):
        corners += [(left, count), (right, count)]
    corners.append((edges[-1], 0.0))
    return _curve(corners, across, up, "outline")


def _thinned(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Average neighbouring steps until few enough are left to draw."""
    size = math.ceil(len(points) / _MOST_POINTS)
    buckets = [points[start : start + size] for start in range(0, len(points), size)]
    return [(bucket[-1][0], sum(value for _, value in bucket) / len(bucket)) for bucket in buckets]


def _running_mean(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Average each point with its neighbours, a tenth of the run in all."""
    reach = max(1, len(points) // 20)
    means = []
    for place, (step, _) in enumerate(points):
        near = points[max(0, place - reach) : place + reach + 1]
        means.append((step, sum(value for _, value in near) / len(near)))
    return means


def _px(value: float) -> str:
    return f"{value:.1f}"
