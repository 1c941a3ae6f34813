"""One picture that shows the same details side by side, upscaled in several ways."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_GAP = 6
_LABEL_HEIGHT = 26
_PAPER = 255
_INK = (32, 32, 32)

RGB = NDArray[np.uint8]


@dataclass(frozen=True)
class Detail:
    """A square window of a picture."""

    top: int
    left: int
    size: int

    def of(self, picture: RGB) -> RGB:
        """Cut the window out of a picture (h, w, 3)."""
        bottom, right = self.top + self.size, self.left + self.size
        return picture[self.top : bottom, self.left : right]


def side_by_side(columns: Mapping[str, Sequence[RGB]], details: Sequence[Detail]) -> RGB:
    """Put details beside each other: a column for each way, a row for each picture.

    Args:
        columns: pictures (h, w, 3) by the label of their column; each column holds the same
            pictures in the same order and size.
        details: the window shown of each of these pictures, all of one size.

    Returns:
        (h, w, 3), on white, labels above.
    """
    return np.concatenate(
        [_column(label, pictures, details) for label, pictures in columns.items()], axis=1
    )


def _column(label: str, pictures: Sequence[RGB], details: Sequence[Detail]) -> RGB:
    shown = [detail.of(picture) for picture, detail in zip(pictures, details, strict=True)]
    heading = np.full((_LABEL_HEIGHT, shown[0].shape[1], 3), _PAPER, np.uint8)
    baseline = (2, _LABEL_HEIGHT - 9)
    cv2.putText(heading, label, baseline, cv2.FONT_HERSHEY_SIMPLEX, 0.5, _INK, 1, cv2.LINE_AA)
    return np.concatenate([_framed(part) for part in (heading, *shown)])


def _framed(picture: RGB) -> RGB:
    return np.pad(picture, ((0, _GAP), (0, _GAP), (0, 0)), constant_values=_PAPER)
