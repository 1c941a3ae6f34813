"""What watches over a training: figures of pictures that it never learns from.

Without HR, what can be told of real photos by their LR alone. With pairs, the figures that count,
by which the best weights of a run are chosen. The first measurement, before the first step, is the
baseline of all later ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from torch import Tensor

from pdd_cli.assets.weights import lpips_weights, niqe_model
from pdd_cli.data.degradations import Degradation
from pdd_cli.data.veil import Veil
from pdd_cli.errors import DataError, ModelError
from pdd_cli.images.codec import read_picture
from pdd_cli.images.colour import pixels_to_tensor
from pdd_cli.metrics.fidelity_to_lr import colour_drift, consistency
from pdd_cli.metrics.lpips import LPIPS
from pdd_cli.metrics.niqe import BLOCK, NIQE
from pdd_cli.metrics.psnr import psnr
from pdd_cli.metrics.smallest import SMALLEST
from pdd_cli.metrics.ssim import ssim
from pdd_cli.metrics.texture import noise, sharpness
from pdd_cli.nets.network import Network
from pdd_cli.recipes.upscaling import upscale_between_steps
from pdd_cli.runtime.events import Observer, Warned


@dataclass(frozen=True)
class ValidationPair:
    """The centre of an LR photo and of its HR, (1, 3, h, w) in [0, 1]."""

    lr: Tensor
    hr: Tensor
    name: str = ""
    """Of the scene, for people."""


@dataclass
class Monitors:
    """Measures a network on fixed pictures."""

    photos: Sequence[Tensor]
    """Centres of real photos, (1, 3, h, w) in [0, 1]."""
    pairs: Sequence[ValidationPair]
    scale: int
    device: torch.device
    precision: torch.dtype
    niqe: NIQE | None
    lpips: LPIPS | None
    veil: Veil | None = None
    """What the network is to lift from the photos, whose LR is then compared without it."""
    history: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    """Steps and what was measured after them."""

    def measure(self, network: Network, step: int) -> dict[str, float]:
        """Measure the network as it is after a step, and remember it."""
        figures: dict[str, list[float]] = {}
        for lr in self.photos:
            _add(figures, self._without_hr(self._upscaled(network, lr), lr))
        means = {name: fmean(values) for name, values in figures.items()}
        means |= self.compare(network, self.pairs)
        self.history.append((step, means))
        return means

    def compare(self, network: Network, pairs: Sequence[ValidationPair]) -> dict[str, float]:
        """Average a network's figures on pairs."""
        figures: dict[str, list[float]] = {}
        for pair in pairs:
            _add(figures, self._with_hr(self._upscaled(network, pair.lr), pair.hr))
        return {name: fmean(values) for name, values in figures.items()}

    @property
    def baseline(self) -> dict[str, float]:
        """What was measured before the first step."""
        return self.history[0][1]

    def best_step(self) -> int | None:
        """Choose by pairs: the lowest LPIPS among the steps whose PSNR is not below the baseline's.

        Returns:
            The step; None without pairs, or where no step is sound.
        """
        if not self.pairs:
            return None
        floor = self.baseline["val_psnr"]
        sound = [(step, now) for step, now in self.history[1:] if now["val_psnr"] >= floor]
        return min(sound, key=lambda entry: entry[1]["val_lpips"])[0] if sound else None

    def _upscaled(self, network: Network, lr: Tensor) -> Tensor:
        """Upscale as ``infer`` does, to 8 bits."""
        sr = upscale_between_steps(network, lr, self.device, self.precision)
        return sr.clamp(0, 1).mul(255).round().div(255)

    def _without_hr(self, sr: Tensor, lr: Tensor) -> dict[str, float]:
        if self.veil is not None:
            lr = self.veil.lifted_from(lr)
        figures = {
            "consistency": consistency(sr, lr).item(),
            "colour_drift": colour_drift(sr, lr).item(),
            "sharpness": sharpness(sr).item(),
            "noise": noise(sr).item(),
        }
        if self.niqe is not None and min(sr.shape[-2:]) >= BLOCK:
            figures["niqe"] = self.niqe(sr).item()
        return figures

    def _with_hr(self, sr: Tensor, hr: Tensor) -> dict[str, float]:
        border = (..., slice(self.scale, -self.scale), slice(self.scale, -self.scale))
        figures = {
            "val_psnr": psnr(sr[border], hr[border]).item(),
            "val_ssim": ssim(sr[border], hr[border]).item(),
        }
        if self.lpips is not None and min(sr.shape[-2:]) >= SMALLEST:
            figures["val_lpips"] = self.lpips(sr, hr).item()
        return figures


def build_monitors(
    photos: Sequence[Path],
    pairs: Sequence[ValidationPair],
    *,
    crop: int,
    scale: int,
    device: torch.device,
    precision: torch.dtype,
    observer: Observer,
    compares: bool = False,
    veil: Veil | None = None,
) -> Monitors:
    """Read the pictures to watch, and fetch what the figures need.

    Args:
        photos: real LR photos that were held out.
        pairs: LR and HR that is not learnt from.
        crop: side of the centre that is measured, LR pixels.
        scale: of the network.
        device: where the network computes.
        precision: in which type.
        observer: told when a figure has to be left out.
        compares: whether networks will be compared on other pairs too.
        veil: what the network is to lift from the photos.

    Raises:
        ModelError: there are pairs and LPIPS cannot be had.
    """
    niqe = None
    if photos:
        try:
            niqe = NIQE(niqe_model(observer=observer))
        except ModelError as error:
            observer(Warned(f"NIQE is left out: {error.problem}"))
    return Monitors(
        photos=[centre(read_photo(path), crop) for path in photos],
        pairs=pairs,
        scale=scale,
        device=device,
        precision=precision,
        niqe=niqe,
        lpips=LPIPS("alex", lpips_weights("alex", observer=observer))
        if pairs or compares
        else None,
        veil=veil,
    )


def read_validation_pair(lr_path: Path, hr_path: Path, crop: int, scale: int) -> ValidationPair:
    """Read the centre of an LR photo and of its HR.

    Raises:
        DataError: one cannot be read, or the HR is not ``scale`` times as large.
    """
    lr, hr = read_photo(lr_path), read_photo(hr_path)
    if hr.shape[-2:] != tuple(scale * length for length in lr.shape[-2:]):
        raise DataError(
            f"{hr_path} is not {scale} times as large as {lr_path}.",
            hint="Give pairs of the model's scale.",
        )
    return ValidationPair(centre(lr, crop), centre(hr, crop, scale), lr_path.stem)


def make_pair(
    hr: Tensor, crop: int, scale: int, degradation: Degradation, seed: Sequence[int]
) -> ValidationPair:
    """Make a pair of the centre of an HR photo, (1, 3, h, w), by degrading it."""
    hr = centre(hr, crop, scale)
    height, width = (length // scale * scale for length in hr.shape[-2:])
    hr = hr[..., :height, :width]
    return ValidationPair(degradation(hr, scale, np.random.default_rng(seed)), hr)


def read_photo(path: Path) -> Tensor:
    """Read a photo as (1, 3, h, w), 8-bit levels in [0, 1]."""
    return pixels_to_tensor(read_picture(path).rgb8())


def centre(picture: Tensor, crop: int, scale: int = 1) -> Tensor:
    """Cut out the centre of (1, 3, h, w), at the same place in LR and HR.

    Args:
        picture: LR, or HR with its scale.
        crop: side in LR pixels; what is smaller stays as it is.
        scale: of the picture against LR.
    """
    height, width = (length // scale for length in picture.shape[-2:])
    top, left = (max(0, (length - crop) // 2) for length in (height, width))
    rows = slice(scale * top, scale * min(top + crop, height))
    columns = slice(scale * left, scale * min(left + crop, width))
    return picture[..., rows, columns]


def row_of_squares(picture: Tensor, crop: int, scale: int, count: int) -> list[Tensor]:
    """Cut squares out of the middle of HR, (1, 3, h, w), beside one another along its longer side.

    Args:
        picture: what is smaller than a square is one by itself.
        crop: side in LR pixels.
        scale: of the picture against LR.
        count: so many, or as many as there is room for.
    """
    along = -1 if picture.shape[-1] >= picture.shape[-2] else -2
    length = picture.shape[along] // scale
    row = crop * max(1, min(count, length // crop))
    start = max(0, (length - row) // 2)
    middle = picture.narrow(along, scale * start, scale * min(row, length))
    return [centre(square, crop, scale) for square in torch.split(middle, scale * crop, along)]


def _add(figures: dict[str, list[float]], more: Mapping[str, float]) -> None:
    for name, value in more.items():
        figures.setdefault(name, []).append(value)
