"""Structural similarity (Wang et al. 2004, doi 10.1109/TIP.2003.819861)."""

import math

import torch
from torch import Tensor

from pdd_cli.errors import DataError

WINDOW = 11
"""Side of the Gaussian window, pixels."""

_SIGMA = 1.5
_STRIP = 48 * 1024
"""Values that are smoothed at once."""
_BELL = [math.exp(-((place - WINDOW // 2) ** 2) / (2 * _SIGMA**2)) for place in range(WINDOW)]
_WEIGHTS = [height / sum(_BELL) for height in _BELL]
_LUMINANCE_FLOOR = 0.01**2
_CONTRAST_FLOOR = 0.03**2


def ssim(prediction: Tensor, hr: Tensor, *, clip_structure: bool = False) -> Tensor:
    """Return the mean SSIM of each picture, over channels and every whole window.

    As in the paper's own code: a Gaussian window of 11 pixels and a deviation of 1.5, K1 = 0.01,
    K2 = 0.03, population variances, no padding.

    Args:
        prediction: (n, c, h, w) in [0, 1].
        hr: the same shape.
        clip_structure: take opposite structure for none, as IQA-PyTorch does.

    Returns:
        (n,), float64, at most 1.

    Raises:
        DataError: the pictures are smaller than the window.
    """
    if min(prediction.shape[-2:]) < WINDOW:
        raise DataError(
            f"SSIM needs pictures of at least {WINDOW}×{WINDOW}.", hint="Leave them out."
        )
    compared = zip(torch.split(prediction, 1), torch.split(hr, 1), strict=True)
    return torch.cat([_mean_in_strips(x, y, clip_structure) for x, y in compared])


def _mean_in_strips(x: Tensor, y: Tensor, clip_structure: bool) -> Tensor:
    """Average a few rows after another: what stays in the processor's cache is twice as fast."""
    channels, height, width = x.shape[-3:]
    rows = max(WINDOW, _STRIP // (channels * width))
    total = x.new_zeros(1, dtype=torch.float64)
    for top in range(0, height - WINDOW + 1, rows):
        strip = slice(top, top + rows + WINDOW - 1)
        part = (x[..., strip, :].double(), y[..., strip, :].double())
        total += _similarities(*part, clip_structure).sum(dim=(1, 2, 3))
    return total / (channels * (height - WINDOW + 1) * (width - WINDOW + 1))


def _similarities(x: Tensor, y: Tensor, clip_structure: bool) -> Tensor:
    mean_x, mean_y = _smoothed(x), _smoothed(y)
    means, squares = mean_x * mean_y, mean_x * mean_x + mean_y * mean_y
    # Only the sum of the variances is asked for, so one smoothing serves both.
    variances = _smoothed(x * x + y * y) - squares
    covariance = _smoothed(x * y) - means
    structure = (2 * covariance + _CONTRAST_FLOOR) / (variances + _CONTRAST_FLOOR)
    if clip_structure:
        structure = structure.clamp(min=0)
    luminance = (2 * means + _LUMINANCE_FLOOR) / (squares + _LUMINANCE_FLOOR)
    return luminance * structure


def _smoothed(pictures: Tensor) -> Tensor:
    """Weigh with the window where it lies wholly inside: rows first, then columns."""
    return _weighed(_weighed(pictures, -2), -1)


def _weighed(pictures: Tensor, axis: int) -> Tensor:
    """Sum shifted pictures: in float64 four times as fast as a convolution on a CPU."""
    length = pictures.shape[axis] - WINDOW + 1
    total = pictures.narrow(axis, 0, length) * _WEIGHTS[0]
    for shift, weight in enumerate(_WEIGHTS[1:], start=1):
        total.add_(pictures.narrow(axis, shift, length), alpha=weight)
    return total
