"""NIQE: how far a picture's statistics are from those of natural pictures (Mittal et al. 2013).

doi 10.1109/LSP.2012.2227726, with a model of natural pictures that is given. No
reference picture is needed; lower is better. What the publication leaves open is as BasicSR has it
from the authors' MATLAB code, with which their model was fitted: luma rounded to levels, borders
repeated, halving as ``imresize`` does it, blocks without contrast left out of the covariance.
"""

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pdd_cli.errors import DataError, ModelError

BLOCK = 96
"""Side of the blocks whose statistics are taken, pixels; also that of the smallest picture."""

_WINDOW = 7
_DEVIATION = 7 / 6
_SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))
_LUMA = (0.2989, 0.5870, 0.1140)

# Where a window has no contrast, rounding leaves some 1e-14 levels of it. Their sign would decide
# for which half of the Gaussian a whole white sky counts; as nothing, it counts for neither.
_NOTHING = 1e-9

# Shapes of a generalised Gaussian among which the best is looked up.
_SHAPES = torch.arange(200, 10_001, dtype=torch.float64) / 1000
_RATIOS = (
    2 * torch.lgamma(2 / _SHAPES) - torch.lgamma(1 / _SHAPES) - torch.lgamma(3 / _SHAPES)
).exp()


class NIQE(nn.Module):
    """The distance of a picture from the natural ones.

    Args:
        model: ``mean`` (36,) and ``covariance`` (36, 36) of the natural pictures' features.

    Raises:
        ModelError: one of them is missing or of another shape.
    """

    def __init__(self, model: Mapping[str, Tensor]) -> None:
        super().__init__()
        shapes = {name: tuple(tensor.shape) for name, tensor in model.items()}
        if shapes.get("mean") != (36,) or shapes.get("covariance") != (36, 36):
            raise ModelError(
                "NIQE's model does not hold a mean of 36 features and their covariance.",
                hint="Fetch it again with pdd models pull niqe-live.",
            )
        self.mean = model["mean"].double()
        self.covariance = model["covariance"].double()

    @torch.inference_mode()
    def forward(self, pictures: Tensor) -> Tensor:
        """Score pictures of (n, 3, h, w), RGB in [0, 1], at least 96×96.

        Returns:
            (n,), float64.

        Raises:
            DataError: they are too small.
        """
        if min(pictures.shape[-2:]) < BLOCK:
            raise DataError(f"NIQE needs pictures of {BLOCK}×{BLOCK}.", hint="Leave it out.")
        return torch.stack([self._score(picture) for picture in pictures.cpu().double()])

    def _score(self, picture: Tensor) -> Tensor:
        features = block_features(picture)
        complete = features[~features.isnan().any(dim=1)]
        if len(complete) < 2:
            return torch.tensor(math.nan, dtype=torch.float64)
        departure = self.mean - features.nanmean(dim=0)
        spread = (self.covariance + torch.cov(complete.T)) / 2
        distance: Tensor = (departure @ torch.linalg.pinv(spread) @ departure).sqrt()
        return distance


def block_features(picture: Tensor) -> Tensor:
    """Take the 36 features of each block: 18 at full size and 18 at half.

    Args:
        picture: (3, h, w), RGB in [0, 1], float64.

    Returns:
        (blocks, 36); of a block without any contrast the shapes alone are numbers, the smallest.
    """
    weights = picture.new_tensor(_LUMA).view(3, 1, 1)
    luma = (255 * (picture * weights).sum(dim=0)).round()
    rows, columns = (length // BLOCK for length in luma.shape)
    luma = luma[: rows * BLOCK, : columns * BLOCK]
    return torch.cat([_features(luma, BLOCK), _features(_halved(luma), BLOCK // 2)], dim=1)


def _halved(luma: Tensor) -> Tensor:
    """Halve with the cubic that is widened by two, the picture mirrored beyond its borders."""
    reach = 4
    for _ in range(2):  # above and below, and then, turned over, at both sides
        luma = torch.cat([luma[:reach].flip(0), luma, luma[-reach:].flip(0)]).T
    halved = F.interpolate(
        luma[None, None], scale_factor=0.5, mode="bicubic", antialias=True, align_corners=False
    )
    kept = slice(reach // 2, -reach // 2)
    return halved[0, 0, kept, kept]


def _features(luma: Tensor, block: int) -> Tensor:
    normal = _normalised(luma)
    blocks = normal.unfold(0, block, block).unfold(1, block, block).flatten(0, 1)
    return torch.stack([_features_of_block(content) for content in blocks])


def _normalised(luma: Tensor) -> Tensor:
    """Take away the local mean and divide by the local contrast."""
    distance = torch.arange(_WINDOW, dtype=torch.float64) - _WINDOW // 2
    line = torch.exp(-(distance**2) / (2 * _DEVIATION**2))
    window = torch.outer(line, line)
    window /= window.sum()

    def smoothed(values: Tensor) -> Tensor:
        pad = _WINDOW // 2
        padded = F.pad(values[None, None], (pad, pad, pad, pad), mode="replicate")
        return F.conv2d(padded, window[None, None])[0, 0]

    mean = smoothed(luma)
    deviation = (smoothed(luma * luma) - mean * mean).abs().sqrt()
    return F.hardshrink(luma - mean, _NOTHING) / (deviation + 1)


def _features_of_block(normal: Tensor) -> Tensor:
    shape, left, right = _asymmetric_gaussian(normal)
    features = [shape, (left + right) / 2]
    for shift in _SHIFTS:
        product = normal * torch.roll(normal, shift, dims=(0, 1))
        shape, left, right = _asymmetric_gaussian(product)
        mean = (right - left) * (torch.lgamma(2 / shape) - torch.lgamma(1 / shape)).exp()
        features += [shape, mean, left, right]
    return torch.stack(features)


def _asymmetric_gaussian(values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Fit a generalised Gaussian whose halves differ: its shape, left and right scale."""
    left = (values[values < 0] ** 2).mean().sqrt()
    right = (values[values > 0] ** 2).mean().sqrt()
    balance = left / right
    ratio = values.abs().mean() ** 2 / (values**2).mean()
    expected = ratio * (balance**3 + 1) * (balance + 1) / (balance**2 + 1) ** 2
    shape = _SHAPES[(_RATIOS - expected).abs().argmin()]
    scale = ((torch.lgamma(1 / shape) - torch.lgamma(3 / shape)) / 2).exp()
    return shape, left * scale, right * scale
