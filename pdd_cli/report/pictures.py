"""Pictures for a page: which part is shown, how two differ, and their bytes within the page."""

import base64

import cv2
import numpy as np
from numpy.typing import NDArray

from pdd_cli.report.page import RGB

WINDOW = 512
"""Side of the largest part of a picture that is shown, pixels."""
FULL_COLOUR = 16
"""Difference in levels of 255 that is drawn in full colour."""

_LARGEST_LOSSLESS = 100_000
_LOSSLESS = (cv2.IMWRITE_WEBP_QUALITY, 101)  # above 100 is how OpenCV says "without loss"
_LOSSY = (
    *(cv2.IMWRITE_JPEG_QUALITY, 92),
    *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
)
_STRIDE = 16

_PAPER = np.array((247, 247, 247), np.float32)
_CLOSER = np.array((33, 102, 172), np.float32)
_FURTHER = np.array((178, 64, 16), np.float32)


def telling_window(before: RGB, after: RGB) -> tuple[slice, slice]:
    """Find the part of at most 512×512 pixels in which two pictures differ most.

    Args:
        before: (h, w, 3).
        after: the same size.

    Returns:
        Its rows and columns.
    """
    height, width = (min(WINDOW, length) for length in before.shape[:2])
    difference = np.abs(before.astype(np.int16) - after).sum(axis=2, dtype=np.float64)
    sums = cv2.integral(difference)
    inside = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width]
    inside = (inside + sums[:-height, :-width])[::_STRIDE, ::_STRIDE]
    top, left = (
        int(place) * _STRIDE for place in np.unravel_index(np.argmax(inside), inside.shape)
    )
    return slice(top, top + height), slice(left, left + width)


def change_map(before: RGB, after: RGB) -> RGB:
    """Draw how far two pictures are apart: white where they agree, blue at 16 levels and more."""
    return _coloured(_difference(before, after))


def gain_map(before: RGB, after: RGB, hr: RGB) -> RGB:
    """Draw where the later picture is closer to the truth (blue), and where further (orange)."""
    return _coloured(_difference(before, hr) - _difference(after, hr))


def data_address(pixels: RGB) -> str:
    """Encode a picture as a ``data:`` address.

    WebP without loss up to 100 kB, else JPEG of quality 92 with colour at every pixel, as noise and
    fringes are what such pictures are looked at for.
    """
    bgr = np.ascontiguousarray(pixels[..., ::-1])
    kind, encoded = "webp", cv2.imencode(".webp", bgr, _LOSSLESS)[1].tobytes()
    if len(encoded) > _LARGEST_LOSSLESS:
        kind, encoded = "jpeg", cv2.imencode(".jpg", bgr, _LOSSY)[1].tobytes()
    return f"data:image/{kind};base64,{base64.b64encode(encoded).decode()}"


def _difference(first: RGB, second: RGB) -> NDArray[np.float32]:
    """Return the mean over the channels, (h, w), in levels."""
    return np.asarray(np.abs(first.astype(np.float32) - second).mean(axis=2), np.float32)


def _coloured(differences: NDArray[np.float32]) -> RGB:
    share = np.clip(differences / FULL_COLOUR, -1, 1)[..., None]
    ink = np.where(share > 0, _CLOSER, _FURTHER)
    return np.rint(_PAPER + np.abs(share) * (ink - _PAPER)).astype(np.uint8)
