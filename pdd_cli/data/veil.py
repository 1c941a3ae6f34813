"""A veil over a folder of photos: haze, stray light or fading, by which nothing in them is dark.

One scene may well have no black in it. Where a whole folder has none, the camera took it away. See
docs/method.md, Lifting a veil.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

# A single pixel may be dark or bright by its noise.
_SMOOTHED = 3

_DARKEST, _BRIGHTEST = 0.002, 0.998
_DARK_PHOTOS, _BRIGHT_PHOTOS = 0.1, 0.9

# Ordinary photos stay below 8 levels, and postcards taken by a zoom lens (City100) below 29.
_LEAST_LIGHT = 40.0


class Tones(NamedTuple):
    """How dark and how bright a folder's photos become, (3,) of RGB each, in 8-bit levels."""

    darkest: NDArray[np.float64]
    brightest: NDArray[np.float64]


TYPICAL_TONES = Tones(np.array([1.9, 2.3, 1.1]), np.full(3, 255.0))
"""Of Sun-Hays 80, reduced by 4; for want of sharp photos to compare with."""


@dataclass(frozen=True)
class Veil:
    """What became of black and of white, RGB each, in 8-bit levels."""

    black: tuple[float, float, float]
    white: tuple[float, float, float]

    def over(self, pictures: Tensor) -> Tensor:
        """Lay the veil over clear pictures, (n, 3, h, w) in [0, 1]."""
        black, white = self._ends(pictures)
        return black + (white - black) * pictures

    def lifted_from(self, pictures: Tensor) -> Tensor:
        """Take the veil from pictures, (n, 3, h, w) in [0, 1]; what is beyond white is white."""
        black, white = self._ends(pictures)
        return ((pictures - black) / (white - black)).clamp(0, 1)

    def describe(self) -> str:
        """Say in a few words what a person wants to know."""
        red, green, blue = (round(level) for level in self.black)
        return f"black has become the levels {red}, {green}, {blue}"

    def _ends(self, like: Tensor) -> tuple[Tensor, Tensor]:
        black, white = (
            like.new_tensor(end).view(3, 1, 1) / 255 for end in (self.black, self.white)
        )
        return black, white


def tones_of(photos: Sequence[NDArray[np.uint8]]) -> Tones:
    """Tell how dark and how bright the photos of a folder become, where they become most so.

    Args:
        photos: (h, w, 3) RGB each; a dozen or more, of various scenes.
    """
    darkest, brightest = np.array([_ends_of(photo) for photo in photos]).transpose(1, 0, 2)
    return Tones(
        np.quantile(darkest, _DARK_PHOTOS, axis=0), np.quantile(brightest, _BRIGHT_PHOTOS, axis=0)
    )


def find_veil(seen: Tones, clear: Tones) -> Veil | None:
    """Tell the veil that lies over photos, if one does.

    Args:
        seen: of the photos.
        clear: of clear photos of various scenes.

    Returns:
        None where any colour becomes nearly as dark as in clear photos.
    """
    if (seen.darkest - clear.darkest).min() < _LEAST_LIGHT:
        return None
    contrast = (seen.brightest - seen.darkest) / (clear.brightest - clear.darkest)
    black = seen.darkest - contrast * clear.darkest
    white = black + 255 * contrast
    return Veil(_triple(black), _triple(white))


def _ends_of(photo: NDArray[np.uint8]) -> list[list[int]]:
    """Return the quantiles of one photo, of the darkest and the brightest, RGB each, in levels.

    A histogram of levels tells them without putting millions of pixels into order.
    """
    smooth = cv2.blur(photo, (_SMOOTHED, _SMOOTHED))
    counts = [cv2.calcHist([smooth], [channel], None, [256], [0, 256]) for channel in range(3)]
    below = np.cumsum(counts, axis=1, dtype=np.float64).reshape(3, 256) / smooth[..., 0].size
    return [[int((seen < share).sum()) for seen in below] for share in (_DARKEST, _BRIGHTEST)]


def _triple(levels: NDArray[np.float64]) -> tuple[float, float, float]:
    red, green, blue = (float(level) for level in levels)
    return red, green, blue
