"""Giving an upscaled picture the colours of its LR back: what a network shifts is taken out again.

Both ways look at the whole picture, so that tiles cannot show.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

ColourFix = Literal["none", "mean-std", "wavelet"]

_FLAT = 1e-4
_LEVELS = 5
_KERNEL = (0.25, 0.5, 0.25)


def fix_colours(sr: Tensor, lr: Tensor, way: ColourFix) -> Tensor:
    """Match an upscaled picture to its LR.

    Args:
        sr: (1, 3, s·h, s·w), RGB in [0, 1].
        lr: (1, 3, h, w), likewise.
        way: ``mean-std`` gives each channel the LR's mean and deviation, as the method's released
            code does (arXiv 2407.07302); ``wavelet`` gives it the LR's colours at scales of 32
            pixels and more, and leaves all detail alone.

    Returns:
        Of sr's shape, not clamped.
    """
    match way:
        case "none":
            return sr
        case "mean-std":
            return _with_moments_of(sr, lr)
        case "wavelet":
            enlarged = F.interpolate(lr, sr.shape[-2:], mode="bicubic", align_corners=False)
            return sr + _coarse(enlarged - sr)


def _with_moments_of(sr: Tensor, lr: Tensor) -> Tensor:
    mean, deviation = _moments(sr)
    wanted_mean, wanted_deviation = _moments(lr)
    # A channel without contrast has no deviation to be matched, and only its level is moved.
    flat = (deviation < _FLAT) | (wanted_deviation < _FLAT)
    ratio = torch.where(flat, torch.ones_like(deviation), wanted_deviation / deviation)
    return (sr - mean) * ratio + wanted_mean


def _moments(picture: Tensor) -> tuple[Tensor, Tensor]:
    axes = (-2, -1)
    mean = picture.mean(dim=axes, keepdim=True)
    return mean, (picture - mean).square().mean(dim=axes, keepdim=True).sqrt()


def _coarse(picture: Tensor) -> Tensor:
    """Smooth in ever wider steps (the à trous wavelet transform's coarsest part)."""
    line = picture.new_tensor(_KERNEL)
    columns = line.view(1, 1, 3, 1).expand(3, 1, 3, 1)
    rows = line.view(1, 1, 1, 3).expand(3, 1, 1, 3)
    for level in range(_LEVELS):
        reach = 2**level
        picture = F.pad(picture, (0, 0, reach, reach), mode="replicate")
        picture = F.conv2d(picture, columns, dilation=(reach, 1), groups=3)
        picture = F.pad(picture, (reach, reach, 0, 0), mode="replicate")
        picture = F.conv2d(picture, rows, dilation=(1, reach), groups=3)
    return picture
