"""The parts of a training, put together as its settings ask: losses, discriminator, step.

Shared by the recipes that train, so that they differ in what they learn from and in nothing else.
"""

from collections.abc import Mapping
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from pdd_cli.assets.weights import feature_weights
from pdd_cli.config.adapt import DistanceSettings
from pdd_cli.config.training import SupervisionSettings, TrainingConfig
from pdd_cli.distill.distances import PairwiseDistanceLoss
from pdd_cli.distill.ema import start_average
from pdd_cli.distill.features import Architecture, VGGFeatures, deepest_in_block
from pdd_cli.distill.objectives import AdversarialLoss, HaarPixelLoss, PerceptualLoss
from pdd_cli.distill.step import DistillationStep, Objectives, Schedule
from pdd_cli.errors import ModelError
from pdd_cli.nets.discriminator import UNetDiscriminator
from pdd_cli.nets.network import Network
from pdd_cli.runtime.device import autocast, memory_format
from pdd_cli.runtime.events import Observer, Warned

_BETAS = (0.9, 0.99)

FeatureWeights = tuple[Architecture, Mapping[str, Tensor]]


def choose_features(
    wanted: Literal["auto", "vgg19", "vgg16"], observer: Observer
) -> FeatureWeights:
    """Fetch the network that pictures are compared in: VGG19, or VGG16 where it cannot be had."""
    if wanted != "auto":
        return wanted, feature_weights(wanted, observer=observer)
    try:
        return "vgg19", feature_weights("vgg19", observer=observer)
    except ModelError as error:
        observer(
            Warned(
                f"VGG19 cannot be had ({error.problem}) VGG16 takes its place, "
                "with the last layer of each of its shorter blocks."
            )
        )
        return "vgg16", feature_weights("vgg16", observer=observer)


def settled(
    config: TrainingConfig, features: FeatureWeights | None, precision: torch.dtype
) -> dict[str, object]:
    """Return the settings that the machine and the network chose, by name.

    Written into a run's settings, they make a resumed run choose the same.
    """
    precise = config.train.model_copy(update={"precision": str(precision).removeprefix("torch.")})
    return {"train": precise, **({"features": features[0]} if features else {})}


def build_step(
    config: TrainingConfig,
    specialist: Network,
    *,
    generalist: Network | Literal["average"] | None,
    distances: DistanceSettings | None,
    features: FeatureWeights | None,
    device: torch.device,
    precision: torch.dtype,
) -> DistillationStep:
    """Make what takes the steps of a training.

    Args:
        config: settings whose sizes are filled in.
        specialist: the network to train.
        generalist: a frozen network, the specialist's own average, or None.
        distances: how the distance to the generalist is kept; None for no distance.
        features: what pictures are compared in; None where no loss compares features.
        device: where everything computes.
        precision: of the networks' passes.
    """
    train = config.train
    assert train.lr is not None
    assert train.discriminator_steps is not None
    assert train.supervised_steps is not None
    assert train.ema_decay is not None
    layout = memory_format(device)
    specialist = specialist.to(device).to(memory_format=layout).train()
    average = start_average(specialist)
    reference: nn.Module | None = average if generalist == "average" else None
    if isinstance(generalist, Network):
        reference = generalist.to(device).to(memory_format=layout).requires_grad_(False).eval()
    discriminator = UNetDiscriminator().to(device).to(memory_format=layout)
    return DistillationStep(
        specialist=specialist,
        average=average,
        generalist=reference,
        discriminator=discriminator,
        objectives=_build_objectives(config.supervision, distances, features, device),
        specialist_optimizer=torch.optim.Adam(specialist.parameters(), train.lr, _BETAS),
        discriminator_optimizer=torch.optim.Adam(
            discriminator.parameters(), train.discriminator_lr, _BETAS
        ),
        schedule=Schedule(train.discriminator_steps, train.supervised_steps),
        autocast=partial(autocast, device, precision),
        ema_decay=train.ema_decay,
        detach_synthetic=bool(distances and distances.detach_synthetic),
        largest_gradient=train.largest_gradient,
    )


def _build_objectives(
    supervision: SupervisionSettings,
    distances: DistanceSettings | None,
    features: FeatureWeights | None,
    device: torch.device,
) -> Objectives:
    compared = perceptual = kept = None
    if features is not None:
        name, weights = features
        compares = supervision.perceptual_weight > 0
        perceptual_layers = _layers(name, supervision.perceptual_layers if compares else {})
        inter = _layers(name, distances.inter_layers if distances else {})
        intra = _layers(name, distances.intra_layers if distances else {})
        compared = VGGFeatures(name, {*inter, *intra, *perceptual_layers}, weights)
        compared = compared.to(device).to(memory_format=memory_format(device))
        perceptual = PerceptualLoss(compared, perceptual_layers) if compares else None
        if distances is not None:
            kept = PairwiseDistanceLoss(
                compared,
                inter_layers=inter,
                intra_layers=intra,
                inter_distance=distances.inter_distance,
                inter_criterion=distances.inter_criterion,
                intra_distance=distances.intra_distance,
                intra_criterion=distances.intra_criterion,
                inter_weight=distances.inter_weight,
                intra_weight=distances.intra_weight,
            )
    return Objectives(
        pixel=HaarPixelLoss(supervision.pixel_band_weights),
        adversarial=AdversarialLoss(),
        features=compared,
        perceptual=perceptual,
        distances=kept,
        pixel_weight=supervision.pixel_weight,
        perceptual_weight=supervision.perceptual_weight,
        adversarial_weight=supervision.adversarial_weight,
    )


def _layers(name: Architecture, layers: Mapping[str, float]) -> dict[str, float]:
    return {deepest_in_block(name, layer): weight for layer, weight in layers.items()}
