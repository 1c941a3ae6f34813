"""Whether two pictures show the same scene, and whether they lie on each other."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pdd_cli.images.codec import Picture, Pixels, read_picture

_SAME_SCENE = 0.6
_LARGEST_SHIFT = 1.5
"""In HR pixels; a shift of less is beyond what interpolation leaves certain."""
_SIDE = 1024
_SHIFT_OF_SCORED = 0.75
"""In pixels, of an upscaled picture against its HR."""

_DIFFERENT_BITS = 4
"""Fingerprints of one picture in two versions differ in this many bits at the most."""
_BANDS = 5
_CROWD = 200
"""A band that more pictures share than this tells nothing about any two of them."""


def what_does_not_fit(lr: Path, hr: Path, scale: int | None) -> str | None:
    """Say what is wrong with a pair, or None.

    Args:
        lr: the LR picture.
        hr: its HR.
        scale: how many times the HR must be as large; None where any whole scale will do.

    Raises:
        DataError: one of them cannot be read.
    """
    low, high = _read_grey(lr), _read_grey(hr)
    if low.shape[0] > high.shape[0] or low.shape[1] > high.shape[1]:
        return "the LR is larger than the HR: they may be swapped"
    ratio = high.shape[0] / low.shape[0]
    found = round(ratio)
    if high.shape != (low.shape[0] * found, low.shape[1] * found) or scale not in (None, found):
        wanted = f"{scale} times" if scale else "a whole number of times"
        return f"{high.shape[1]}×{high.shape[0]} is not {wanted} {low.shape[1]}×{low.shape[0]}"
    reduced = cv2.resize(high, low.shape[::-1], interpolation=cv2.INTER_AREA)
    if _correlation(reduced, low) < _SAME_SCENE:
        return "they show different scenes"
    shift = _shift(low, high, found)
    if shift > _LARGEST_SHIFT:
        return f"they lie {shift:.1f} HR pixels apart"
    return None


def what_is_odd(prediction: Pixels, hr: Pixels) -> str | None:
    """Say what makes figures of an upscaled picture and its HR doubtful, or None.

    Args:
        prediction: (h, w, 3) RGB or (h, w) grey, of any depth.
        hr: of the same height and width.
    """
    first, second = (_grey(Picture(pixels)) for pixels in (prediction, hr))
    alike = _correlation(first, second)
    if alike < _SAME_SCENE:
        return "they show different scenes"
    x, y = _displacement(first, second)
    if np.hypot(x, y) < _SHIFT_OF_SCORED:
        return None
    # Noise and invented detail can mislead the phase: a true shift makes the pictures more alike.
    height, width = second.shape
    moved = cv2.warpAffine(
        first, np.array([[1, 0, x], [0, 1, y]]), (width, height), borderMode=cv2.BORDER_REPLICATE
    )
    if _correlation(moved, second) <= alike:
        return None
    return f"they lie {np.hypot(x, y):.1f} pixels apart"


def alike(fingerprints: Sequence[int]) -> list[tuple[int, int]]:
    """Find the pairs of pictures that look the same, by their fingerprints' positions.

    Fingerprints without any structure, as of flat pictures, are like all others and are left out.
    """
    buckets: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for position, bits in enumerate(fingerprints):
        if 8 <= bits.bit_count() <= 56:
            for band in _bands(bits):
                buckets[band].append(position)
    # What differs in four bits at the most is equal in one of five bands.
    crowds = (bucket for bucket in buckets.values() if len(bucket) <= _CROWD)
    candidates = {pair for bucket in crowds for pair in combinations(bucket, 2)}
    return sorted(
        (a, b)
        for a, b in candidates
        if (fingerprints[a] ^ fingerprints[b]).bit_count() <= _DIFFERENT_BITS
    )


def _read_grey(path: Path) -> NDArray[np.uint8]:
    return _grey(read_picture(path))


def _grey(picture: Picture) -> NDArray[np.uint8]:
    grey = cv2.cvtColor(picture.rgb8(), cv2.COLOR_RGB2GRAY)
    return grey.astype(np.uint8, copy=False)


def _bands(bits: int) -> Iterator[tuple[int, int]]:
    width = -(-64 // _BANDS)
    for band in range(_BANDS):
        yield band, (bits >> band * width) & ((1 << width) - 1)


def _correlation(first: NDArray[np.generic], second: NDArray[np.generic]) -> float:
    a, b = (picture.astype(np.float32).ravel() for picture in (first, second))
    a, b = a - a.mean(), b - b.mean()
    spread = float(np.sqrt((a @ a) * (b @ b)))
    # Flat pictures are alike when their levels are.
    return float(a @ b) / spread if spread > 1e-6 else 1.0


def _shift(low: NDArray[np.uint8], high: NDArray[np.uint8], scale: int) -> float:
    """Measure how far two pictures lie apart, in HR pixels, by the phase of their spectra."""
    enlarged = cv2.resize(low, high.shape[::-1], interpolation=cv2.INTER_CUBIC)
    # The LR holds nothing finer than its own pixels; both are compared without it.
    blurred = cv2.GaussianBlur(high, (0, 0), 0.5 * scale)
    return float(np.hypot(*_displacement(enlarged, blurred)))


def _displacement(first: NDArray[np.generic], second: NDArray[np.generic]) -> tuple[float, float]:
    """Measure how far right and down the centre of the second picture lies of the first's."""
    top, left = (max(0, (length - _SIDE) // 2) for length in second.shape)
    window = (slice(top, top + _SIDE), slice(left, left + _SIDE))
    a, b = (part[window].astype(np.float32) for part in (first, second))
    (x, y), _ = cv2.phaseCorrelate(a, b, cv2.createHanningWindow(a.shape[::-1], cv2.CV_32F))
    return x, y
