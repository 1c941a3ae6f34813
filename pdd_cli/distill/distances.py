"""The pairwise distances, and the losses that keep them equal (arXiv 2407.07302).

Two networks see two unrelated pictures, one real and one synthetic. *Inter* distances lie between
the networks' predictions for one picture and speak of appearance; *intra* distances lie between
one network's two predictions and speak of content. As the paper's released code computes them;
the formulas are in docs/method.md, Distances.
"""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pdd_cli.distill.features import VGGFeatures
from pdd_cli.errors import UsageError

InterDistance = Literal["gram_of_difference", "difference_of_grams", "l1", "l2"]
InterCriterion = Literal["frobenius"]
IntraDistance = Literal["l1", "frobenius"]
IntraCriterion = Literal["cross_entropy", "l1", "l2", "frobenius", "cosine"]

FeatureMaps = Mapping[str, Tensor]

_PROBABILITY_FLOOR = 1e-6


class PairwiseDistances(NamedTuple):
    """The two losses, each weighted by its layers' weights and its overall weight."""

    inter: Tensor
    intra: Tensor


class PairwiseDistanceLoss(nn.Module):
    """How far the specialist's pairwise distances are from the generalist's.

    Args:
        features: maps pictures to the feature maps of every layer named below.
        inter_layers: ``{layer: weight}`` for the inter-model distance.
        intra_layers: ``{layer: weight}`` for the intra-model distance.
        inter_distance: what is measured between the networks' predictions for one picture.
        inter_criterion: how the distances on real and on synthetic pictures are compared.
        intra_distance: what is measured between one network's two predictions.
        intra_criterion: how the specialist's distance is compared with the generalist's.
            ``cosine`` is kept as the released code has it; minimising it drives them apart.
        inter_weight: overall weight of the inter-model loss.
        intra_weight: overall weight of the intra-model loss.

    Raises:
        UsageError: an intra distance of ``frobenius`` with a criterion other than l1 and l2.
    """

    def __init__(
        self,
        features: VGGFeatures,
        *,
        inter_layers: Mapping[str, float],
        intra_layers: Mapping[str, float],
        inter_distance: InterDistance = "gram_of_difference",
        inter_criterion: InterCriterion = "frobenius",
        intra_distance: IntraDistance = "l1",
        intra_criterion: IntraCriterion = "cross_entropy",
        inter_weight: float = 1.0,
        intra_weight: float = 1.0,
    ) -> None:
        super().__init__()
        if intra_distance == "frobenius" and intra_criterion not in ("l1", "l2"):
            raise UsageError(
                f"The intra distance frobenius does not go with the criterion {intra_criterion}: "
                "it is one number for each network.",
                hint="Use the criterion l1 or l2.",
            )
        self.features = features
        self.inter_layers = dict(inter_layers)
        self.intra_layers = dict(intra_layers)
        self._inter_distance = _INTER_DISTANCES[inter_distance]
        self._inter_criterion = _INTER_CRITERIA[inter_criterion]
        self._intra_distance = _INTRA_DISTANCES[intra_distance]
        self._intra_criterion = intra_criterion
        self.inter_weight = inter_weight
        self.intra_weight = intra_weight

    def forward(
        self,
        *,
        specialist_real: Tensor,
        generalist_real: Tensor,
        specialist_synthetic: Tensor,
        generalist_synthetic: Tensor,
    ) -> PairwiseDistances:
        """Compare four batches of predictions, each (n, 3, h, w), RGB in [0, 1].

        Real and synthetic pictures are paired by their place in the batch. Gradients flow to the
        specialist's predictions alone; detach ``specialist_synthetic`` to stop them there too.
        """
        with torch.no_grad():
            generalist = (self.features(generalist_real), self.features(generalist_synthetic))
        return self.of_features(
            specialist_real=self.features(specialist_real),
            generalist_real=generalist[0],
            specialist_synthetic=self.features(specialist_synthetic),
            generalist_synthetic=generalist[1],
        )

    def of_features(
        self,
        *,
        specialist_real: FeatureMaps,
        generalist_real: FeatureMaps,
        specialist_synthetic: FeatureMaps,
        generalist_synthetic: FeatureMaps,
    ) -> PairwiseDistances:
        """Compare feature maps that were computed already; see ``forward``."""
        inter: Tensor = sum(
            (
                weight
                * self._inter_criterion(
                    self._inter_distance(
                        specialist_real[layer].float(), generalist_real[layer].float()
                    ),
                    self._inter_distance(
                        specialist_synthetic[layer].float(), generalist_synthetic[layer].float()
                    ),
                )
                for layer, weight in self.inter_layers.items()
            ),
            start=_zero_like(specialist_real),
        )
        intra: Tensor = sum(
            (
                weight
                * self._intra_loss(
                    specialist_real[layer].float() - specialist_synthetic[layer].float(),
                    generalist_real[layer].float() - generalist_synthetic[layer].float(),
                )
                for layer, weight in self.intra_layers.items()
            ),
            start=_zero_like(specialist_real),
        )
        return PairwiseDistances(self.inter_weight * inter, self.intra_weight * intra)

    def _intra_loss(self, specialist: Tensor, generalist: Tensor) -> Tensor:
        if self._intra_criterion == "cosine":
            return F.cosine_similarity(specialist, generalist, dim=1).mean()
        return _INTRA_CRITERIA[self._intra_criterion](
            self._intra_distance(specialist), self._intra_distance(generalist)
        )


def gram(features: Tensor) -> Tensor:
    """Correlate channels: (n, c, h, w) to (n, c, c), divided by c·h·w."""
    batch, channels, height, width = features.shape
    flat = features.reshape(batch, channels, height * width)
    return torch.bmm(flat, flat.transpose(1, 2)) / (channels * height * width)


def cross_entropy_over_channels(prediction: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of two maps, each made a distribution over its channels.

    Its floor is the entropy of the target, not 0.
    """
    log_probability = torch.log(prediction.softmax(dim=1) + _PROBABILITY_FLOOR)
    return -(target.softmax(dim=1) * log_probability).sum(dim=1).mean()


def frobenius_of_difference(first: Tensor, second: Tensor) -> Tensor:
    """One norm over the whole tensor: it grows with the root of the batch.

    Its gradient at equal tensors is 0, where a plain norm's would not be a number.
    """
    norm: Tensor = torch.linalg.vector_norm(first - second)
    return norm


def _zero_like(features: FeatureMaps) -> Tensor:
    return next(iter(features.values())).new_zeros((), dtype=torch.float32)


_INTER_DISTANCES: dict[InterDistance, Callable[[Tensor, Tensor], Tensor]] = {
    "gram_of_difference": lambda specialist, generalist: gram(specialist - generalist),
    "difference_of_grams": lambda specialist, generalist: gram(specialist) - gram(generalist),
    "l1": lambda specialist, generalist: (specialist - generalist).abs(),
    "l2": lambda specialist, generalist: (specialist - generalist).square(),
}
_INTER_CRITERIA: dict[InterCriterion, Callable[[Tensor, Tensor], Tensor]] = {
    "frobenius": frobenius_of_difference,
}
_INTRA_DISTANCES: dict[IntraDistance, Callable[[Tensor], Tensor]] = {
    "l1": torch.abs,
    "frobenius": torch.linalg.vector_norm,
}
_INTRA_CRITERIA: dict[IntraCriterion, Callable[[Tensor, Tensor], Tensor]] = {
    "cross_entropy": cross_entropy_over_channels,
    "l1": F.l1_loss,
    "l2": F.mse_loss,
    "frobenius": frobenius_of_difference,
}
