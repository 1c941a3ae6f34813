"""One optimisation step of the specialist and its discriminator: the heart of the method.

A run has three phases (docs/method.md, Schedule). First the discriminator learns alone, so that its
verdict means something. Then the supervised losses move the specialist away from the generalist,
because at zero distance there is nothing to distil. From there on all losses act together.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
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


class Batch(NamedTuple):
    """Crops of one step, RGB in [0, 1], on the device."""

    synthetic: Tensor
    """(n, 3, c, c): LR crops made from ``hr``."""
    hr: Tensor
    """(n, 3, s·c, s·c): what ``synthetic`` was made from."""
    real: Tensor | None = None
    """(n, 3, c, c): LR crops of the target domain; None where there is none to adapt to."""


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

    pixel: HaarPixelLoss
    adversarial: AdversarialLoss
    features: VGGFeatures | None
    """None where no loss compares features."""
    perceptual: PerceptualLoss | None
    distances: PairwiseDistanceLoss | None
    """None where there is no generalist to keep a distance to."""
    pixel_weight: float
    perceptual_weight: float
    adversarial_weight: float

    @property
    def uses_adversarial(self) -> bool:
        """Whether a discriminator takes part."""
        return self.adversarial_weight > 0


@dataclass(frozen=True)
class Outcome:
    """What became of a step."""

    losses: dict[str, float]
    """By name, weighted as they acted, the mean over the parts of the step."""
    skipped: str | None = None
    """Which quantity was not finite; then no weight was changed by this step."""


@dataclass
class DistillationStep:
    """The networks, their optimisers and their losses, ready to take one step after another."""

    specialist: nn.Module
    average: nn.Module
    """The running average of the specialist."""
    generalist: nn.Module | None
    """Never receives gradients: the average itself, a frozen network, or None where nothing is
    distilled."""
    discriminator: nn.Module
    objectives: Objectives
    specialist_optimizer: Optimizer
    discriminator_optimizer: Optimizer
    schedule: Schedule
    autocast: Callable[[], AbstractContextManager[object]]
    """Entered around every pass of a network."""
    ema_decay: float
    """Decay with which the average follows the specialist."""
    detach_synthetic: bool = False
    """Whether the distances send no gradient through the synthetic prediction."""
    largest_gradient: float = math.inf
    """Norm that the specialist's gradient is cut to."""

    def take(self, parts: Sequence[Batch], step: int) -> Outcome:
        """Train on one batch, given whole or in parts of one size.

        Gradients of the parts are averaged. That equals one large batch for every loss that is a
        mean over pictures; see docs/method.md, Accumulation, for those that are norms.

        Args:
            parts: the crops of this step.
            step: its number, from 1.
        """
        phase = self.schedule.phase(step)
        sums: dict[str, float] = {}
        fakes: list[Tensor] = []
        self.specialist_optimizer.zero_grad(set_to_none=True)
        for batch in parts:
            if phase is Phase.DISCRIMINATOR:
                with torch.no_grad(), self.autocast():
                    fakes.append(self.specialist(batch.synthetic))
                continue
            real, synthetic = self._predict(batch)
            losses = self._specialist_losses(batch, real, synthetic, phase)
            fakes.append(synthetic.detach())
            _descend(losses, len(parts), sums)
        if phase is not Phase.DISCRIMINATOR:
            skipped = _not_finite(sums) or self._update_specialist()
            if skipped:
                return Outcome(sums, skipped)
        if self.objectives.uses_adversarial:
            skipped = self._train_discriminator(parts, fakes, sums)
            if skipped:
                return Outcome(sums, skipped)
        update_average(self.average, self.specialist, self.ema_decay)
        return Outcome(sums)

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
            "average": self.average,
            "discriminator": self.discriminator,
            "specialist_optimizer": self.specialist_optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
        }

    def _predict(self, batch: Batch) -> tuple[Tensor | None, Tensor]:
        """Upscale both kinds of crops in one pass."""
        with self.autocast():
            if batch.real is None:
                return None, self.specialist(batch.synthetic)
            real, synthetic = self.specialist(torch.cat([batch.real, batch.synthetic])).chunk(2)
        return real, synthetic

    def _specialist_losses(
        self, batch: Batch, real: Tensor | None, synthetic: Tensor, phase: Phase
    ) -> dict[str, Tensor]:
        objectives = self.objectives
        predictions = synthetic if real is None else torch.cat([real, synthetic])
        losses: dict[str, Tensor] = {}
        if objectives.pixel_weight:
            losses["pixel"] = objectives.pixel_weight * objectives.pixel(synthetic, batch.hr)
        if objectives.features is not None:
            with self.autocast():
                maps = objectives.features(predictions)
            losses |= self._feature_losses(objectives.features, batch, maps, phase)
        if objectives.uses_adversarial:
            with _frozen(self.discriminator), self.autocast():
                logits = self.discriminator(predictions)
            losses["adversarial"] = objectives.adversarial_weight * objectives.adversarial(
                logits, real=True
            )
        return losses

    def _feature_losses(
        self, features: VGGFeatures, batch: Batch, maps: Mapping[str, Tensor], phase: Phase
    ) -> dict[str, Tensor]:
        objectives = self.objectives
        losses: dict[str, Tensor] = {}
        of_real, of_synthetic = ({}, maps) if batch.real is None else _halves(maps)
        if objectives.perceptual is not None:
            losses["perceptual"] = objectives.perceptual_weight * objectives.perceptual.of_features(
                of_synthetic, self._reference_maps(features, batch.hr)
            )
        if (
            phase is Phase.DISTILLATION
            and objectives.distances is not None
            and self.generalist is not None
            and batch.real is not None
        ):
            with torch.no_grad(), self.autocast():
                generalist = self.generalist(torch.cat([batch.real, batch.synthetic]))
            generalist_real, generalist_synthetic = _halves(
                self._reference_maps(features, generalist)
            )
            if self.detach_synthetic:
                of_synthetic = {name: part.detach() for name, part in of_synthetic.items()}
            distances = objectives.distances.of_features(
                specialist_real=of_real,
                generalist_real=generalist_real,
                specialist_synthetic=of_synthetic,
                generalist_synthetic=generalist_synthetic,
            )
            losses |= distances._asdict()
        return losses

    @torch.no_grad()
    def _reference_maps(self, features: VGGFeatures, pictures: Tensor) -> dict[str, Tensor]:
        with self.autocast():
            maps: dict[str, Tensor] = features(pictures)
        return maps

    def _update_specialist(self) -> str | None:
        norm = nn.utils.clip_grad_norm_(self.specialist.parameters(), self.largest_gradient)
        if not math.isfinite(norm.item()):
            return "the specialist's gradient"
        self.specialist_optimizer.step()
        return None

    def _train_discriminator(
        self, parts: Sequence[Batch], fakes: Sequence[Tensor], sums: dict[str, float]
    ) -> str | None:
        self.discriminator_optimizer.zero_grad(set_to_none=True)
        own: dict[str, float] = {}
        for batch, fake in zip(parts, fakes, strict=True):
            with self.autocast():
                logits_real, logits_fake = self.discriminator(torch.cat([batch.hr, fake])).chunk(2)
            losses = {
                "discriminator_real": self.objectives.adversarial(logits_real, real=True),
                "discriminator_fake": self.objectives.adversarial(logits_fake, real=False),
            }
            _descend(losses, len(parts), own)
        sums |= own
        skipped = _not_finite(own)
        if skipped is None:
            self.discriminator_optimizer.step()
        return skipped


def _descend(losses: Mapping[str, Tensor], parts: int, sums: dict[str, float]) -> None:
    """Add the gradient of one part, and its losses to their means."""
    total = torch.stack(list(losses.values())).sum() / parts
    total.backward()  # type: ignore[no-untyped-call]
    for name, loss in losses.items():
        sums[name] = sums.get(name, 0.0) + loss.item() / parts


def _not_finite(losses: Mapping[str, float]) -> str | None:
    return next((f"the loss {n}" for n, loss in losses.items() if not math.isfinite(loss)), None)


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
