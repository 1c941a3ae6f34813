"""Blur kernels of Real-ESRGAN's synthetic degradation, drawn at random from its published ranges.

Kinds and ranges are those of arXiv 2107.10833 and of the settings that were published with it.
"""

from collections.abc import Mapping
from math import pi
from typing import Literal

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

Kernel = NDArray[np.float64]
Profile = Literal["gaussian", "generalised", "plateau"]

KERNEL_SIZE = 21
"""Height and width that every kernel is padded to."""

_SIZES = range(7, KERNEL_SIZE + 1, 2)
_SMALL = 13

# Profile, whether it is the same in all directions, and how often that is drawn.
_KINDS: Mapping[tuple[Profile, bool], float] = {
    ("gaussian", True): 0.45,
    ("gaussian", False): 0.25,
    ("generalised", True): 0.12,
    ("generalised", False): 0.03,
    ("plateau", True): 0.12,
    ("plateau", False): 0.03,
}
# Exponents of the profiles that have one: half of the draws below 1, half above.
_EXPONENTS: Mapping[Profile, tuple[float, float]] = {
    "generalised": (0.5, 4.0),
    "plateau": (1.0, 2.0),
}


def draw_kernel(deviations: tuple[float, float], sinc_share: float, chance: Generator) -> Kernel:
    """Draw a kernel of any kind.

    Args:
        deviations: range of the standard deviation along an axis, pixels.
        sinc_share: how often a sinc filter is drawn instead of a blur, which rings as
            sharpening and recompression do.
        chance: where randomness comes from.

    Returns:
        (21, 21), summing to 1.
    """
    size = int(chance.choice(_SIZES))
    if chance.random() < sinc_share:
        return _padded(sinc_kernel(_draw_cutoff(size, chance), size))
    kinds = list(_KINDS)
    profile, isotropic = kinds[chance.choice(len(kinds), p=list(_KINDS.values()))]
    along = chance.uniform(*deviations)
    across = along if isotropic else chance.uniform(*deviations)
    angle = 0.0 if isotropic else chance.uniform(-pi, pi)
    exponent = 1.0
    if profile in _EXPONENTS:
        low, high = _EXPONENTS[profile]
        exponent = chance.uniform(low, 1) if chance.random() < 0.5 else chance.uniform(1, high)
    return _padded(blur_kernel(profile, size, along, across, angle, exponent))


def draw_sinc_kernel(chance: Generator) -> Kernel:
    """Draw a sinc filter for the end of the pipeline, (21, 21), summing to 1."""
    size = int(chance.choice(_SIZES))
    return _padded(sinc_kernel(chance.uniform(pi / 3, pi), size))


def no_blur() -> Kernel:
    """Return the kernel that changes nothing, (21, 21)."""
    return _padded(np.ones((1, 1)))


def blur_kernel(
    profile: Profile, size: int, along: float, across: float, angle: float, exponent: float
) -> Kernel:
    """Make a kernel whose weight falls with the distance from its centre.

    Args:
        profile: ``gaussian``; ``generalised``, a Gaussian of the distance to another power; or
            ``plateau``, which is flat in the middle.
        size: height and width, odd.
        along: standard deviation along the first axis, pixels.
        across: along the second.
        angle: by which the axes are turned, radians.
        exponent: of the squared distance; 1 for the Gaussian.

    Returns:
        (size, size), summing to 1.
    """
    reach = np.arange(size) - size // 2
    x, y = np.meshgrid(reach, reach)
    first = (x * np.cos(angle) + y * np.sin(angle)) / along
    second = (y * np.cos(angle) - x * np.sin(angle)) / across
    distance = (first**2 + second**2) ** exponent
    weights = 1 / (distance + 1) if profile == "plateau" else np.exp(-distance / 2)
    kernel: Kernel = weights / weights.sum()
    return kernel


def sinc_kernel(cutoff: float, size: int) -> Kernel:
    """Make the ideal low-pass filter for pictures, cut off at a radius; it rings.

    Args:
        cutoff: radians a pixel, up to π.
        size: height and width, odd.

    Returns:
        (size, size), summing to 1.
    """
    reach = torch.arange(size, dtype=torch.float64) - size // 2
    radius = torch.hypot(reach[:, None], reach[None])
    weights = cutoff * torch.special.bessel_j1(cutoff * radius) / (2 * pi * radius)
    weights[size // 2, size // 2] = cutoff**2 / (4 * pi)
    kernel: Kernel = (weights / weights.sum()).numpy()
    return kernel


def _draw_cutoff(size: int, chance: Generator) -> float:
    return float(chance.uniform(pi / 3 if size < _SMALL else pi / 5, pi))


def _padded(kernel: Kernel) -> Kernel:
    return np.pad(kernel, (KERNEL_SIZE - len(kernel)) // 2)
