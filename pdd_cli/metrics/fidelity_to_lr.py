"""What can be said of an upscaled picture by its LR alone: is it still the same picture?"""

import torch
import torch.nn.functional as F
from torch import Tensor

from pdd_cli.metrics.psnr import psnr

# sRGB to CIE XYZ under D65 (IEC 61966-2-1), and the white point that Lab refers to.
_TO_XYZ = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
_WHITE = (0.95047, 1.0, 1.08883)
_KNEE = 6 / 29


def consistency(sr: Tensor, lr: Tensor) -> Tensor:
    """Return the PSNR, in dB, of the upscaled picture reduced again by area, against its LR.

    Args:
        sr: (n, 3, s·h, s·w), RGB in [0, 1].
        lr: (n, 3, h, w), likewise.

    Returns:
        (n,), float64.
    """
    return psnr(_reduced_to(sr, lr), lr)


def colour_drift(sr: Tensor, lr: Tensor) -> Tensor:
    """Return how far colours moved: mean ΔE (CIE 1976) between the reduced picture and its LR.

    A difference of 1 can just be seen. Arguments and result as for ``consistency``.
    """
    difference = _to_lab(_reduced_to(sr, lr)) - _to_lab(lr)
    return difference.double().square().sum(dim=1).sqrt().mean(dim=(1, 2))


def _reduced_to(sr: Tensor, lr: Tensor) -> Tensor:
    return F.avg_pool2d(sr.float(), sr.shape[-1] // lr.shape[-1])


def _to_lab(pictures: Tensor) -> Tensor:
    """Turn sRGB in [0, 1] into CIE L*a*b*."""
    encoded = pictures.float().clamp(0, 1)
    linear = torch.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    matrix = pictures.new_tensor(_TO_XYZ, dtype=torch.float32)
    white = pictures.new_tensor(_WHITE, dtype=torch.float32).view(1, 3, 1, 1)
    xyz = torch.einsum("ij,njhw->nihw", matrix, linear) / white
    f = torch.where(xyz > _KNEE**3, xyz.clamp(min=1e-9) ** (1 / 3), xyz / (3 * _KNEE**2) + 4 / 29)
    x, y, z = torch.split(f, 1, dim=1)
    return torch.cat([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)
