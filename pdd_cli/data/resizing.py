"""Making pictures smaller: every way in which synthetic low resolution is made by size alone."""

from functools import cache
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Resize = Literal["bicubic", "bilinear", "area", "antialiased"]

# Keys's cubic, with the parameter that MATLAB's imresize documents.
_CUBIC = -0.5
_CUBIC_REACH = 2.0


def reduce_in_size(hr: Tensor, scale: int, method: Resize) -> Tensor:
    """Make pictures smaller by a whole factor.

    Bicubic, bilinear and area are OpenCV's, the first two without antialiasing, as the method's
    authors have them (arXiv 2407.07302, as its released code computes it). Antialiased is cubic
    interpolation with the kernel widened by the factor and the picture mirrored at its borders,
    as MATLAB's documentation of ``imresize`` describes it.

    Args:
        hr: (n, 3, scale·h, scale·w).
        scale: 1 to 4.
        method: how.

    Returns:
        (n, 3, h, w), of hr's type, not clamped.
    """
    height, width = hr.shape[-2] // scale, hr.shape[-1] // scale
    match method:
        case "antialiased":
            rows = antialiasing_matrix(hr.shape[-2], height).to(hr)
            columns = antialiasing_matrix(hr.shape[-1], width).to(hr)
            return rows @ hr @ columns.T
        case "area":
            return F.avg_pool2d(hr, scale)
        case _:
            return F.interpolate(hr, (height, width), mode=method, align_corners=False)


@cache
def antialiasing_matrix(size: int, reduced: int) -> Tensor:
    """Return the weights of an axis's pixels in each pixel of the reduced axis.

    Returns:
        (reduced, size), float64; each row sums to 1.
    """
    factor = size / reduced
    centres = (torch.arange(reduced, dtype=torch.float64) + 0.5) * factor - 0.5
    reach = int(_CUBIC_REACH * factor) + 2
    places = centres.floor()[:, None] + torch.arange(-reach, reach + 1, dtype=torch.float64)
    weights = _cubic((places - centres[:, None]) / factor)
    weights /= weights.sum(dim=1, keepdim=True)
    # Beyond a border the picture goes on as its mirror image, the border pixel standing twice.
    folded = places.long().remainder(2 * size)
    folded = torch.minimum(folded, 2 * size - 1 - folded)
    return torch.zeros(reduced, size, dtype=torch.float64).scatter_add_(1, folded, weights)


def _cubic(distance: Tensor) -> Tensor:
    x = distance.abs()
    near = (_CUBIC + 2) * x**3 - (_CUBIC + 3) * x**2 + 1
    far = _CUBIC * (x**3 - 5 * x**2 + 8 * x - 4)
    return torch.where(x <= 1, near, torch.where(x < _CUBIC_REACH, far, torch.zeros_like(x)))
