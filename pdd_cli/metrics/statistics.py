"""What a few pictures can tell of many: intervals, and differences of the same pictures.

Bootstrap by percentiles (doi 10.1214/aos/1176344552): pictures are drawn anew with replacement, so
that nothing is assumed of how the figures are distributed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pdd_cli.metrics.protocol import Direction

CONFIDENCE = 0.95
DRAWS = 10_000

_SEED = 0
_AT_ONCE = 250


@dataclass(frozen=True)
class Mean:
    """A mean over pictures."""

    value: float
    interval: tuple[float, float] | None
    """Of 95 %; None for one picture, or where a figure is not finite."""
    pictures: int


@dataclass(frozen=True)
class Difference:
    """What one way has over another on the same pictures."""

    mean: Mean
    """Of the differences."""
    won: float | None
    """Share of the pictures on which it is strictly better; None where that cannot be told."""

    @property
    def certain(self) -> bool:
        """Whether the interval leaves zero out."""
        interval = self.mean.interval
        return interval is not None and not interval[0] <= 0 <= interval[1]


def mean_of(values: Sequence[float]) -> Mean:
    """Return the mean of at least one value and its 95 % bootstrap interval.

    The same values always give the same interval.
    """
    figures = np.asarray(values, np.float64)
    count = len(figures)
    if count == 1 or not np.isfinite(figures).all():
        return Mean(float(figures.mean()), None, count)
    chance = np.random.default_rng(_SEED)
    drawn = np.concatenate(
        [
            figures[chance.integers(count, size=(_AT_ONCE, count))].mean(axis=1)
            for _ in range(DRAWS // _AT_ONCE)
        ]
    )
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, (tail, 1 - tail))
    return Mean(float(figures.mean()), (float(low), float(high)), count)


def difference(
    values: Sequence[float], reference: Sequence[float], better: Direction | None
) -> Difference:
    """Compare two ways on the same pictures.

    Args:
        values: a figure of each picture, at least one.
        reference: the other way's, in the same order.
        better: which way is.
    """
    # Two infinite PSNR are equal, though their difference is no number.
    differences = [0.0 if a == b else a - b for a, b in zip(values, reference, strict=True)]
    sign = {"higher": 1, "lower": -1, None: 0}[better]
    if not sign or any(math.isnan(value) for value in differences):
        return Difference(mean_of(differences), None)
    won = sum(sign * value > 0 for value in differences) / len(differences)
    return Difference(mean_of(differences), won)
