"""The supervised losses, taken on synthetic pairs; see docs/method.md, Supervised losses."""

from collections.abc import Mapping, Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from pdd_cli.distill.features import VGGFeatures


class HaarPixelLoss(nn.Module):
    """L1 between the bands of a one-level Haar transform, coarse bands weighing most.

    Args:
        band_weights: of LL, of HL and LH together, and of HH.
    """

    def __init__(self, band_weights: Sequence[float] = (1.0, 0.1, 0.01)) -> None:
        super().__init__()
        self.coarse_weight, self.edge_weight, self.diagonal_weight = band_weights

    def forward(self, prediction: Tensor, hr: Tensor) -> Tensor:
        """Compare two batches of (n, 3, h, w).

        Raises:
            ValueError: the height or the width is odd.
        """
        if prediction.shape[-2] % 2 or prediction.shape[-1] % 2:
            raise ValueError(f"the Haar transform needs even sizes, not {tuple(prediction.shape)}")
        # The transform is linear, so the difference is transformed once instead of both pictures.
        coarse, edges, diagonal = _haar_bands(prediction.float() - hr.float())
        horizontal, vertical = edges
        return (
            self.coarse_weight * coarse.abs().mean()
            + self.edge_weight * (horizontal.abs().mean() + vertical.abs().mean()) / 2
            + self.diagonal_weight * diagonal.abs().mean()
        )


class PerceptualLoss(nn.Module):
    """Weighted L1 between feature maps.

    Args:
        features: maps pictures to feature maps.
        layers: ``{layer: weight}``.
    """

    def __init__(self, features: VGGFeatures, layers: Mapping[str, float]) -> None:
        super().__init__()
        self.features = features
        self.layers = dict(layers)

    def forward(self, prediction: Tensor, hr: Tensor) -> Tensor:
        """Compare two batches of (n, 3, h, w), RGB in [0, 1]."""
        return self.of_features(self.features(prediction), self.features(hr))

    def of_features(self, prediction: Mapping[str, Tensor], hr: Mapping[str, Tensor]) -> Tensor:
        """Compare feature maps that were computed already."""
        losses = [
            weight * F.l1_loss(prediction[layer].float(), hr[layer].float())
            for layer, weight in self.layers.items()
        ]
        return sum(losses[1:], start=losses[0])


class AdversarialLoss(nn.Module):
    """The vanilla GAN loss: binary cross-entropy on the discriminator's logits."""

    def forward(self, logits: Tensor, *, real: bool) -> Tensor:
        """Score logits, of any shape, against the verdict "real" or "fake", as one mean."""
        wanted = logits.new_ones(()) if real else logits.new_zeros(())
        return F.binary_cross_entropy_with_logits(logits.float(), wanted.float().expand_as(logits))


def _haar_bands(pictures: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor], Tensor]:
    """Split into LL, (HL, LH) and HH, each (n, c, h/2, w/2), every sample halved first."""
    half = pictures / 2
    top_left, top_right = half[..., 0::2, 0::2], half[..., 0::2, 1::2]
    bottom_left, bottom_right = half[..., 1::2, 0::2], half[..., 1::2, 1::2]
    return (
        top_left + bottom_left + top_right + bottom_right,
        (
            top_right + bottom_right - top_left - bottom_left,
            bottom_left + bottom_right - top_left - top_right,
        ),
        top_left - bottom_left - top_right + bottom_right,
    )
