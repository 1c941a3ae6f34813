"""Low-resolution pictures made from high-resolution ones, by a change of size alone."""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Resize = Literal["bicubic", "bilinear", "area"]

_INTERPOLATIONS: dict[Resize, int] = {
    "bicubic": cv2.INTER_CUBIC,
    "bilinear": cv2.INTER_LINEAR,
    "area": cv2.INTER_AREA,
}


def reduce_in_size(hr: NDArray[np.uint8], scale: int, resize: Resize) -> NDArray[np.uint8]:
    """Make the LR picture of an HR one, rounded to 8 bits.

    Bicubic and bilinear are OpenCV's, without antialiasing, as the method's authors have them
    (arXiv 2407.07302, as its released code computes it).

    Args:
        hr: (scale·h, scale·w, 3).
        scale: 2, 3 or 4.
        resize: the interpolation.

    Returns:
        (h, w, 3).
    """
    height, width = hr.shape[0] // scale, hr.shape[1] // scale
    reduced = cv2.resize(
        hr.astype(np.float32), (width, height), interpolation=_INTERPOLATIONS[resize]
    )
    return np.clip(np.rint(reduced), 0, 255).astype(np.uint8)
