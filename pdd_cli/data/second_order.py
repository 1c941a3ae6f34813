"""Real-ESRGAN's degradation: blur, resize, noise and JPEG, twice over, in published ranges.

arXiv 2107.10833, with the settings that were published for Real-ESRGAN x4plus. Every picture of a
batch draws its own; JPEG is the codec's own and not an approximation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor

from pdd_cli.data.blur_kernels import (
    KERNEL_SIZE,
    Kernel,
    draw_kernel,
    draw_sinc_kernel,
    no_blur,
)
from pdd_cli.data.degradations import rounded_to_8_bits
from pdd_cli.data.jpeg import through_jpeg

_INTERPOLATIONS = ("area", "bilinear", "bicubic")
_LUMA = (0.2989, 0.5870, 0.1140)


@dataclass(frozen=True)
class Stage:
    """Ranges and shares of one of the two rounds."""

    blur_share: float
    deviations: tuple[float, float]
    """Of blur kernels, pixels."""
    enlarge_share: float
    reduce_share: float
    resize: tuple[float, float]
    """Range of the factor; what is neither enlarged nor reduced keeps its size."""
    gaussian_noise: tuple[float, float]
    """Standard deviation, 8-bit levels."""
    poisson_noise: tuple[float, float]
    """Strength, 1 being that of light counted in 8-bit levels."""
    sinc_share: float = 0.1
    gaussian_share: float = 0.5
    """How often noise is Gaussian rather than Poisson."""
    grey_share: float = 0.4
    """How often noise is the same in all channels."""
    qualities: tuple[int, int] = (30, 95)


FIRST = Stage(
    blur_share=1.0,
    deviations=(0.2, 3.0),
    enlarge_share=0.2,
    reduce_share=0.7,
    resize=(0.15, 1.5),
    gaussian_noise=(1.0, 30.0),
    poisson_noise=(0.05, 3.0),
)
SECOND = Stage(
    blur_share=0.8,
    deviations=(0.2, 1.5),
    enlarge_share=0.3,
    reduce_share=0.4,
    resize=(0.3, 1.2),
    gaussian_noise=(1.0, 25.0),
    poisson_noise=(0.05, 2.5),
)
FINAL_SINC_SHARE = 0.8


class SecondOrder:
    """Makes LR that has been through two modest cameras, editors and compressions."""

    def __call__(self, hr: Tensor, scale: int, chance: Generator) -> Tensor:
        """Make the LR of each picture; see ``Degradation``."""
        height, width = hr.shape[-2] // scale, hr.shape[-1] // scale
        made = [
            self._degrade(picture, (height, width), scale, chance) for picture in torch.split(hr, 1)
        ]
        return rounded_to_8_bits(torch.cat(made))

    def _degrade(
        self, picture: Tensor, size: tuple[int, int], scale: int, chance: Generator
    ) -> Tensor:
        full = picture.shape[-2:]
        once = _blurred(picture, _draw_blur(FIRST, chance))
        factor = draw_resize(FIRST, chance)
        once = _resized(once, [max(1, int(length * factor)) for length in full], chance)
        once = _compressed(with_noise(once, FIRST, chance), FIRST, chance)

        twice = _blurred(once, _draw_blur(SECOND, chance))
        factor = draw_resize(SECOND, chance) / scale
        twice = _resized(twice, [max(1, int(length * factor)) for length in full], chance)
        twice = with_noise(twice, SECOND, chance)

        # The last change of size and the last JPEG come in either order, as on the Internet.
        final = draw_sinc_kernel(chance) if chance.random() < FINAL_SINC_SHARE else no_blur()
        if chance.random() < 0.5:
            shrunk = _blurred(_resized(twice, size, chance), final)
            return _compressed(shrunk, SECOND, chance)
        compressed = _compressed(twice, SECOND, chance)
        return _blurred(_resized(compressed, size, chance), final)


def draw_resize(stage: Stage, chance: Generator) -> float:
    """Draw the factor of a change of size."""
    shares = (stage.enlarge_share, stage.reduce_share)
    low, high = stage.resize
    match chance.choice(3, p=[*shares, 1 - sum(shares)]):
        case 0:
            return float(chance.uniform(1, high))
        case 1:
            return float(chance.uniform(low, 1))
        case _:
            return 1.0


def with_noise(picture: Tensor, stage: Stage, chance: Generator) -> Tensor:
    """Add Gaussian or Poisson noise to (1, 3, h, w) in [0, 1], and clamp it again."""
    grey = chance.random() < stage.grey_share
    if chance.random() < stage.gaussian_share:
        deviation = chance.uniform(*stage.gaussian_noise) / 255
        shape = (1, 1 if grey else 3, *picture.shape[-2:])
        noise = deviation * chance.standard_normal(shape, dtype=np.float32)
        return (picture + torch.from_numpy(noise).to(picture)).clamp(0, 1)
    strength = chance.uniform(*stage.poisson_noise)
    return (picture + strength * _poisson_noise(picture, grey, chance)).clamp(0, 1)


def _poisson_noise(picture: Tensor, grey: bool, chance: Generator) -> Tensor:
    """Draw the noise of counting light, as many counts for white as the picture has levels."""
    levels = (picture.clamp(0, 1) * 255).round() / 255
    if grey:
        levels = (levels * levels.new_tensor(_LUMA).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
    distinct = len(torch.unique((levels * 255).round()))
    counts = 2.0 ** np.ceil(np.log2(max(distinct, 2)))
    expected = levels.cpu().double().numpy() * counts
    noise = (chance.poisson(expected) - expected) / counts
    return torch.from_numpy(noise).to(picture)


def _draw_blur(stage: Stage, chance: Generator) -> Kernel:
    if chance.random() >= stage.blur_share:
        return no_blur()
    return draw_kernel(stage.deviations, stage.sinc_share, chance)


def _blurred(picture: Tensor, kernel: Kernel) -> Tensor:
    pad = KERNEL_SIZE // 2
    # Mirroring needs a picture larger than the margin; a tiny one is continued by its border.
    mode = "reflect" if min(picture.shape[-2:]) > pad else "replicate"
    padded = F.pad(picture, (pad, pad, pad, pad), mode=mode)
    weight = torch.from_numpy(kernel).to(picture).expand(3, 1, -1, -1)
    return F.conv2d(padded, weight, groups=3)


def _resized(picture: Tensor, size: Sequence[int], chance: Generator) -> Tensor:
    mode = _INTERPOLATIONS[chance.integers(len(_INTERPOLATIONS))]
    return F.interpolate(picture, tuple(size), mode=mode)


def _compressed(picture: Tensor, stage: Stage, chance: Generator) -> Tensor:
    low, high = stage.qualities
    return through_jpeg(picture, [int(chance.integers(low, high + 1))], [0])
