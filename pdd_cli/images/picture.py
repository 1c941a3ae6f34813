"""A decoded picture, with what its file said beside the pixels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[Any]
"""uint8, uint16, or float32 with white at 1."""


@dataclass(frozen=True)
class Metadata:
    """What a file says about its picture beside the pixels."""

    exif: bytes = b""
    """An EXIF block that begins with its byte order, its orientation 1; empty for none."""
    icc: bytes = b""
    """An ICC profile that fits the pixels; empty for none, which stands for sRGB."""
    xmp: bytes = b""
    """An XMP packet, its orientation 1; empty for none."""
    pixels_per_inch: tuple[float, float] | None = None
    """Horizontal and vertical resolution."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded picture, upright."""

    pixels: Pixels
    """(h, w, 3) RGB or (h, w) grey; uint8, uint16, or float32 with white at 1."""
    alpha: Pixels | None = None
    """(h, w), of the same type, or None when there is no transparency."""
    metadata: Metadata | None = None
    """What the file said beside; None for a picture that comes from no file, or for nothing."""
    notes: tuple[str, ...] = ()
    """What was converted or dropped on the way here, as sentences for the user."""

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])

    @property
    def grey(self) -> bool:
        """Whether there is one channel of colour."""
        return self.pixels.ndim == 2

    def rgb8(self) -> NDArray[np.uint8]:
        """Return the colours as 8-bit RGB, (h, w, 3); alpha is left out."""
        pixels = np.repeat(self.pixels[..., None], 3, axis=2) if self.grey else self.pixels
        return np.asarray(at_depth(pixels, np.dtype(np.uint8)), np.uint8)


def white(pixels: Pixels) -> float:
    """Return the value that white has in pixels of this type: 255, 65535 or 1."""
    return float(np.iinfo(pixels.dtype).max) if pixels.dtype.kind == "u" else 1.0


def at_depth(pixels: Pixels, depth: np.dtype[Any]) -> Pixels:
    """Convert pixels to another type, white to white, rounded to the nearest level.

    What is outside black and white is cut off where the type cannot hold it.
    """
    if pixels.dtype == depth:
        return pixels
    if depth.kind == "f":
        return (pixels / np.float32(white(pixels))).astype(depth)
    top = float(np.iinfo(depth).max)
    levels = np.nan_to_num(pixels.astype(np.float64)) * (top / white(pixels))
    return np.clip(np.rint(levels), 0, top).astype(depth)
