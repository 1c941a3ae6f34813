"""One optimisation step of the specialist and its discriminator: the heart of the method.

A run has three phases (docs/method.md, Schedule). First the discriminator learns alone, so that its
verdict means something. Then the supervised losses move the specialist away from the generalist,
because at zero distance there is nothing to distil. From there on all losses act together.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from pdd_cli.distill.distances import PairwiseDistanceLoss
from pdd_cli.distill.ema import update_average
from pdd_cli.distill.features import VGGFeatures
from pdd_cli.distill.objectives import AdversarialLoss, HaarPixelLoss, PerceptualLoss
from pdd_cli.errors import TrainingDiverged


class Batch(NamedTuple):
    """Crops of one step, RGB in [0, 1], on the device."""

    real: Tensor
    """(n, 3, c, c): LR crops of the target domain."""
    synthetic: Tensor
    """(n, 3, c, c): LR crops made from ``hr``."""
    hr: Tensor
    """(n, 3, s·c, s·c): what ``synthetic`` was made from."""


class Phase(Enum):
    """What a step trains."""

    DISCRIMINATOR = "discriminator"
    SUPERVISED = "supervised"
    DISTILLATION = "distillation"


@dataclass(frozen=True)
class Schedule:
    """When each phase begins; steps are counted from 1."""

    discriminator_steps: int
    supervised_steps: int

    def phase(self, step: int) -> Phase:
        """Return what the given step trains."""
        if step <= self.discriminator_steps:
            return Phase.DISCRIMINATOR
        if step <= self.discriminator_steps + self.supervised_steps:
            return Phase.SUPERVISED
        return Phase.DISTILLATION


@dataclass(frozen=True)
class Objectives:
    """The losses of the specialist with their overall weights."""

    features: VGGFeatures
    distances: PairwiseDistanceLoss
    perceptual: PerceptualLoss
    pixel: HaarPixelLoss
    adversarial: AdversarialLoss
    pixel_weight: float
    perceptual_weight: float
    adversarial_weight: float

    @property
    def uses_adversarial(self) -> bool:
        """Whether a discriminator takes part."""
        return self.adversarial_weight > 0

    @property
    def uses_distances(self) -> bool:
        """Whether the generalist takes part."""
        return self.distances.inter_weight > 0 or self.distances.intra_weight > 0


@dataclass
class DistillationStep:
    """Both networks, their optimisers and their losses, ready to take one step after another."""

    specialist: nn.Module
    generalist: nn.Module
    """Never receives gradients."""
    discriminator: nn.Module
    objectives: Objectives
    specialist_optimizer: Optimizer
    discriminator_optimizer: Optimizer
    schedule: Schedule
    autocast: Callable[[], AbstractContextManager[object]]
    """Entered around every pass of a network."""
    ema_decay: float | None
    """Decay with which the generalist follows the specialist; None keeps the generalist frozen."""
    detach_synthetic: bool = False
    """Whether the distances send no gradient through the synthetic prediction."""

    def take(self, batch: Batch, step: int) -> dict[str, float]:
        """Train on one batch.

        Args:
            batch: the crops of this step.
            step: its number, from 1.

        Returns:
            Every loss of this step by name, weighted as it acted.

        Raises:
            TrainingDiverged: a loss is not finite; no weight was changed by it.
        """
        phase = self.schedule.phase(step)
        losses: dict[str, Tensor] = {}
        if phase is Phase.DISCRIMINATOR:
            with torch.no_grad(), self.autocast():
                synthetic = self.specialist(batch.synthetic)
        else:
            real, synthetic = self._predict_both(batch)
            losses |= self._specialist_losses(batch, real, synthetic, phase)
            total = torch.stack(list(losses.values())).sum()
            _refuse_what_is_not_finite(losses, step)
            self.specialist_optimizer.zero_grad(set_to_none=True)
            total.backward()  # type: ignore[no-untyped-call]
            self.specialist_optimizer.step()
        if self.objectives.uses_adversarial:
            losses |= self._train_discriminator(batch.hr, synthetic.detach(), step)
        if self.ema_decay is not None:
            update_average(self.generalist, self.specialist, self.ema_decay)
        return {name: loss.item() for name, loss in losses.items()}

    def set_learning_rates(self, *, specialist: float, discriminator: float) -> None:
        """Set the rates of the steps to come."""
        for optimizer, rate in (
            (self.specialist_optimizer, specialist),
            (self.discriminator_optimizer, discriminator),
        ):
            for group in optimizer.param_groups:
                group["lr"] = rate

    def state(self) -> dict[str, object]:
        """Return everything that the next step depends on but its batch."""
        return {name: part.state_dict() for name, part in self._parts().items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to where ``state`` was taken."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])

    def _parts(self) -> dict[str, nn.Module | Optimizer]:
        return {
            "specialist": self.specialist,
            "generalist": self.generalist,
            "discriminator": self.discriminator,
            "specialist_optimizer": self.specialist_optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
        }

    def _predict_both(self, batch: Batch) -> tuple[Tensor, Tensor]:
        with self.autocast():
            real, synthetic = self.specialist(torch.cat([batch.real, batch.synthetic])).chunk(2)
        return real, synthetic

    def _specialist_losses(
        self, batch: Batch, real: Tensor, synthetic: Tensor, phase: Phase
    ) -> dict[str, Tensor]:
        objectives = self.objectives
        distil = phase is Phase.DISTILLATION and objectives.uses_distances
        of_real, of_synthetic = self._specialist_features(real, synthetic)
        losses: dict[str, Tensor] = {}
        if objectives.pixel_weight:
            losses["pixel"] = objectives.pixel_weight * objectives.pixel(synthetic, batch.hr)
        if objectives.perceptual_weight:
            losses["perceptual"] = objectives.perceptual_weight * objectives.perceptual.of_features(
                of_synthetic, self._reference_features(batch.hr)
            )
        if objectives.uses_adversarial:
            with _frozen(self.discriminator), self.autocast():
                logits = self.discriminator(torch.cat([real, synthetic]))
            losses["adversarial"] = objectives.adversarial_weight * objectives.adversarial(
                logits, real=True
            )
        if distil:
            with torch.no_grad(), self.autocast():
                generalist = self.generalist(torch.cat([batch.real, batch.synthetic]))
            generalist_real, generalist_synthetic = _halves(self._reference_features(generalist))
            if self.detach_synthetic:
                of_synthetic = {name: maps.detach() for name, maps in of_synthetic.items()}
            distances = objectives.distances.of_features(
                specialist_real=of_real,
                generalist_real=generalist_real,
                specialist_synthetic=of_synthetic,
                generalist_synthetic=generalist_synthetic,
            )
            losses |= distances._asdict()
        return losses

    def _specialist_features(
        self, real: Tensor, synthetic: Tensor
    ) -> tuple[Mapping[str, Tensor], Mapping[str, Tensor]]:
        with self.autocast():
            return _halves(self.objectives.features(torch.cat([real, synthetic])))

    @torch.no_grad()
    def _reference_features(self, pictures: Tensor) -> dict[str, Tensor]:
        with self.autocast():
            maps: dict[str, Tensor] = self.objectives.features(pictures)
        return maps

    def _train_discriminator(self, hr: Tensor, fake: Tensor, step: int) -> dict[str, Tensor]:
        with self.autocast():
            logits_real, logits_fake = self.discriminator(torch.cat([hr, fake])).chunk(2)
        losses = {
            "discriminator_real": self.objectives.adversarial(logits_real, real=True),
            "discriminator_fake": self.objectives.adversarial(logits_fake, real=False),
        }
        _refuse_what_is_not_finite(losses, step)
        self.discriminator_optimizer.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        self.discriminator_optimizer.step()
        return losses


def _halves(maps: Mapping[str, Tensor]) -> tuple[Mapping[str, Tensor], Mapping[str, Tensor]]:
    pairs = {name: features.chunk(2) for name, features in maps.items()}
    return {n: pair[0] for n, pair in pairs.items()}, {n: pair[1] for n, pair in pairs.items()}


@contextmanager
def _frozen(network: nn.Module) -> Iterator[None]:
    """Keep gradients out of a network's weights while they pass through it."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)


def _refuse_what_is_not_finite(losses: Mapping[str, Tensor], step: int) -> None:
    for name, loss in losses.items():
        if not math.isfinite(loss.item()):
            raise TrainingDiverged(
                f"The loss {name} is not finite at step {step}; the run stopped before it "
                "reached the weights.",
                hint="Lower --lr and go on with --resume, or use --set train.precision=float32.",
            )
