"""Structural similarity (Wang et al. 2004, doi 10.1109/TIP.2003.819861)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from pdd_cli.errors import DataError

WINDOW = 11
"""Side of the Gaussian window, pixels."""

_SIGMA = 1.5
_LUMINANCE_FLOOR = 0.01**2
_CONTRAST_FLOOR = 0.03**2


def ssim(prediction: Tensor, hr: Tensor) -> Tensor:
    """Return the mean SSIM of each picture, over channels and every whole window.

    As in the paper's own code: a Gaussian window of 11 pixels and a deviation of 1.5, K1 = 0.01,
    K2 = 0.03, population variances, no padding.

    Args:
        prediction: (n, c, h, w) in [0, 1].
        hr: the same shape.

    Returns:
        (n,), float64, at most 1.

    Raises:
        DataError: the pictures are smaller than the window.
    """
    if min(prediction.shape[-2:]) < WINDOW:
        raise DataError(
            f"SSIM needs pictures of at least {WINDOW}×{WINDOW}.", hint="Leave them out."
        )
    x, y = prediction.double(), hr.double()
    mean_x, mean_y = _smoothed(x), _smoothed(y)
    variance_x = _smoothed(x * x) - mean_x * mean_x
    variance_y = _smoothed(y * y) - mean_y * mean_y
    covariance = _smoothed(x * y) - mean_x * mean_y
    similarity = (
        (2 * mean_x * mean_y + _LUMINANCE_FLOOR)
        / (mean_x**2 + mean_y**2 + _LUMINANCE_FLOOR)
        * (2 * covariance + _CONTRAST_FLOOR)
        / (variance_x + variance_y + _CONTRAST_FLOOR)
    )
    return similarity.mean(dim=(1, 2, 3))


def _smoothed(pictures: Tensor) -> Tensor:
    """Weigh with the window where it lies wholly inside: rows first, then columns."""
    distance = torch.arange(WINDOW, dtype=torch.float64, device=pictures.device) - WINDOW // 2
    window = torch.exp(-(distance**2) / (2 * _SIGMA**2))
    window /= window.sum()
    channels = pictures.shape[1]
    columns = window.view(1, 1, -1, 1).expand(channels, 1, WINDOW, 1)
    rows = window.view(1, 1, 1, -1).expand(channels, 1, 1, WINDOW)
    return F.conv2d(F.conv2d(pictures, columns, groups=channels), rows, groups=channels)
