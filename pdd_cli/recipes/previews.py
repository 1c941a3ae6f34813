"""Pictures of a run while it learns: LR, un-adapted and now, of the same photos each time."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pdd_cli.images.codec import Picture, encode_picture
from pdd_cli.images.colour import pixels_to_tensor, tensor_to_pixels
from pdd_cli.nets.network import Network
from pdd_cli.recipes.upscaling import upscale_between_steps
from pdd_cli.runtime.files import write_bytes_atomically

_PHOTOS = 3
_CROP = 48
_GAP = 4

_LEVELS = np.dtype(np.uint8)


class Previews:
    """Grids of fixed photos' centres, one row for each photo.

    Args:
        photos: LR photos or parts of them, (1, 3, h, w) in [0, 1]; the shown ones are spread over
            the list.
        unadapted: the network before its first step.
        folder: where grids are written, named by step.
        device: where the network computes.
        precision: in which type.
    """

    def __init__(
        self,
        photos: Sequence[Tensor],
        unadapted: Network,
        folder: Path,
        device: torch.device,
        precision: torch.dtype,
    ) -> None:
        self._folder = folder
        self._device = device
        self._precision = precision
        stride = max(1, len(photos) // _PHOTOS)
        self._crops = [_centre(photo) for photo in photos[::stride][:_PHOTOS]]
        self._before = [self._upscale(unadapted, crop) for crop in self._crops]

    def write(self, network: Network, step: int) -> None:
        """Write ``step_000120.png``: LR | un-adapted | the network as it is now."""
        if not self._crops:
            return
        rows = [
            _side_by_side([_enlarged(crop, before.shape), before, self._upscale(network, crop)])
            for crop, before in zip(self._crops, self._before, strict=True)
        ]
        width = max(row.shape[1] for row in rows)
        grid = np.concatenate(
            [np.pad(row, ((0, _GAP), (0, width - row.shape[1]), (0, 0))) for row in rows]
        )
        path = self._folder / f"step_{step:06d}.png"
        write_bytes_atomically(path, encode_picture(Picture(grid), path.suffix))

    def _upscale(self, network: Network, crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
        lr = pixels_to_tensor(crop)
        return tensor_to_pixels(
            upscale_between_steps(network, lr, self._device, self._precision), _LEVELS
        )


def _centre(photo: Tensor) -> NDArray[np.uint8]:
    pixels = tensor_to_pixels(photo, _LEVELS)
    top, left = (max(0, (length - _CROP) // 2) for length in pixels.shape[:2])
    return np.ascontiguousarray(pixels[top : top + _CROP, left : left + _CROP])


def _enlarged(crop: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Show the LR's own pixels as squares, so that nobody mistakes them for a result."""
    return cv2.resize(crop, (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST).astype(np.uint8)


def _side_by_side(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    return np.concatenate([np.pad(p, ((0, 0), (0, _GAP), (0, 0))) for p in pictures], axis=1)
