"""Photos that a training's report shows, as they came out before it and as they come out now."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from pdd_cli.images.colour import pixels_to_tensor, tensor_to_pixels
from pdd_cli.metrics.psnr import psnr
from pdd_cli.nets.network import Network
from pdd_cli.recipes.monitors import centre
from pdd_cli.recipes.upscaling import upscale_between_steps
from pdd_cli.report.page import RGB, Comparison, Shown
from pdd_cli.report.pictures import FULL_COLOUR, WINDOW, change_map, gain_map

# Each is upscaled twice, which on a CPU takes seconds.
_MOST = 6

_LEVELS = np.dtype(np.uint8)


@dataclass(frozen=True)
class Exhibit:
    """The centre of a photo, and of its HR where that is at hand, (1, 3, h, w) in [0, 1]."""

    name: str
    lr: Tensor
    hr: Tensor | None = None

    @classmethod
    def of(cls, name: str, lr: Tensor, hr: Tensor | None, *, crop: int, scale: int) -> "Exhibit":
        """Take the centre of what was read: ``crop`` LR pixels, fewer where a page shows fewer."""
        side = min(crop, WINDOW // scale)
        return cls(name, centre(lr, side), None if hr is None else centre(hr, side, scale))


class Gallery:
    """Upscales the same photos before and after a training.

    Args:
        exhibits: the photos to choose from; the shown ones are spread over the list.
        before: the network before its first step; None for one that knows nothing yet, which is
            compared with bicubic enlargement.
        labels: what the two results are called.
        scale: of the network.
        device: where the network computes.
        precision: in which type.
    """

    def __init__(
        self,
        exhibits: Sequence[Exhibit],
        before: Network | None,
        *,
        labels: tuple[str, str],
        scale: int,
        device: torch.device,
        precision: torch.dtype,
    ) -> None:
        stride = max(1, -(-len(exhibits) // _MOST))
        self._exhibits = exhibits[::stride]
        self._labels = labels
        self._scale = scale
        self._device = device
        self._precision = precision
        self._before = [
            enlarged(tensor_to_pixels(exhibit.lr, _LEVELS), scale)
            if before is None
            else self._upscaled(before, exhibit.lr)
            for exhibit in self._exhibits
        ]

    def compare(self, network: Network) -> list[Comparison]:
        """Compare the first results with a network's; what gained most comes first.

        Where HR is at hand, that is told by PSNR without a border as wide as the scale.
        """
        compared = []
        for exhibit, before in zip(self._exhibits, self._before, strict=True):
            after = self._upscaled(network, exhibit.lr)
            compared.append(self._compared(exhibit, before, after))
        return [comparison for _, comparison in sorted(compared, key=lambda entry: -entry[0])]

    def _compared(self, exhibit: Exhibit, before: RGB, after: RGB) -> tuple[float, Comparison]:
        shown = (Shown(self._labels[0], before), Shown(self._labels[1], after))
        if exhibit.hr is None:
            height, width = after.shape[:2]
            squares = cv2.resize(
                tensor_to_pixels(exhibit.lr, _LEVELS),
                (width, height),
                interpolation=cv2.INTER_NEAREST,
            )
            others = (
                Shown("LR", squares.astype(np.uint8, copy=False), "The photo's own pixels."),
                Shown("Change", change_map(before, after), change_note()),
            )
            return float("-inf"), Comparison(exhibit.name, *shown, others)
        hr = tensor_to_pixels(exhibit.hr, _LEVELS)
        figures = [psnr_inside(picture, hr, self._scale) for picture in (before, after)]
        gain = figures[1] - figures[0]
        others = (
            Shown("HR", hr, "The truth."),
            Shown("Gain", gain_map(before, after, hr), gain_note(self._labels[0])),
        )
        told = f"PSNR {figures[0]:.2f} → {figures[1]:.2f} dB ({gain:+.2f})"
        return gain, Comparison(exhibit.name, *shown, others, told)

    def _upscaled(self, network: Network, lr: Tensor) -> RGB:
        sr = upscale_between_steps(network, lr, self._device, self._precision)
        return tensor_to_pixels(sr, _LEVELS)


def enlarged(lr: RGB, scale: int) -> RGB:
    """Enlarge with OpenCV's bicubic kernel, (h, w, 3) to (h·scale, w·scale, 3)."""
    size = (lr.shape[1] * scale, lr.shape[0] * scale)
    return cv2.resize(lr, size, interpolation=cv2.INTER_CUBIC).astype(np.uint8, copy=False)


def psnr_inside(picture: RGB, hr: RGB, border: int) -> float:
    """Return the PSNR in decibels over RGB, without a border where the picture is larger."""
    if min(hr.shape[:2]) > 2 * border > 0:
        inside = slice(border, -border)
        picture, hr = picture[inside, inside], hr[inside, inside]
    return psnr(pixels_to_tensor(picture), pixels_to_tensor(hr)).item()


def gain_note(before: str) -> str:
    """Explain ``gain_map``."""
    return (
        f"Blue: closer to the HR than {before}; orange: further from it. Full colour at "
        f"{FULL_COLOUR} levels of 255."
    )


def change_note() -> str:
    """Explain ``change_map``."""
    return f"What is different; full colour at {FULL_COLOUR} levels of 255."
