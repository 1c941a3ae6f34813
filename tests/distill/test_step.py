"""One step: who learns from what, and what happens when something is not finite."""

from contextlib import nullcontext

import pytest
import torch
from torch import nn

from pdd_cli.distill.distances import PairwiseDistanceLoss
from pdd_cli.distill.ema import start_average
from pdd_cli.distill.objectives import AdversarialLoss, HaarPixelLoss, PerceptualLoss
from pdd_cli.distill.step import Batch, DistillationStep, Objectives, Phase, Schedule


class Enlarger(nn.Module):
    """A network of one convolution, ×2."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.mix = nn.Conv2d(3, 12, 3, padding=1)

    def forward(self, pictures):
        return torch.pixel_shuffle(self.mix(pictures), 2)


@pytest.fixture
def make_step(shallow_features):
    def make(*, adversarial=0.01, distances=True, generalist="average", **changes):
        specialist = Enlarger()
        average = start_average(specialist)
        discriminator = nn.Conv2d(3, 1, 3, padding=1)
        objectives = Objectives(
            pixel=HaarPixelLoss(),
            adversarial=AdversarialLoss(),
            features=shallow_features,
            perceptual=PerceptualLoss(shallow_features, {"conv1_2": 1.0}),
            distances=PairwiseDistanceLoss(
                shallow_features, inter_layers={"conv2_1": 1.0}, intra_layers={"conv2_1": 1.0}
            )
            if distances
            else None,
            pixel_weight=0.5,
            perceptual_weight=1.0,
            adversarial_weight=adversarial,
        )
        values = {
            "specialist": specialist,
            "average": average,
            "generalist": average if generalist == "average" else generalist,
            "discriminator": discriminator,
            "objectives": objectives,
            "specialist_optimizer": torch.optim.SGD(specialist.parameters(), 0.01),
            "discriminator_optimizer": torch.optim.SGD(discriminator.parameters(), 0.01),
            "schedule": Schedule(0, 0),
            "autocast": nullcontext,
            "ema_decay": 0.9,
        }
        return DistillationStep(**{**values, **changes})

    return make


def batch(size: int = 2, seed: int = 1) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.rand(*shape, generator=generator)  # noqa: E731
    return Batch(draw(size, 3, 16, 16), draw(size, 3, 32, 32), draw(size, 3, 16, 16))


def weights(network: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten().clone() for p in network.parameters()])


def halves(whole: Batch) -> list[Batch]:
    return [Batch(*parts) for parts in zip(*(part.chunk(2) for part in whole), strict=True)]


def test_the_phases_follow_each_other():
    schedule = Schedule(2, 1)
    assert [schedule.phase(step) for step in range(1, 5)] == [
        Phase.DISCRIMINATOR,
        Phase.DISCRIMINATOR,
        Phase.SUPERVISED,
        Phase.DISTILLATION,
    ]


def test_the_discriminator_learns_alone_at_first(make_step):
    step = make_step(schedule=Schedule(1, 0))
    specialist, discriminator = weights(step.specialist), weights(step.discriminator)
    step.take([batch()], 1)
    assert torch.equal(weights(step.specialist), specialist)
    assert not torch.equal(weights(step.discriminator), discriminator)


def test_accumulated_parts_equal_one_batch_where_losses_are_means(make_step):
    whole, parted = (make_step(distances=False) for _ in range(2))
    crops = batch(4)
    first, second = whole.take([crops], 1), parted.take(halves(crops), 1)
    assert torch.allclose(weights(whole.specialist), weights(parted.specialist), atol=1e-7)
    assert torch.allclose(weights(whole.discriminator), weights(parted.discriminator), atol=1e-7)
    assert first.losses == pytest.approx(second.losses, rel=1e-5)


def test_a_norm_over_the_batch_is_the_mean_of_the_parts_norms_when_accumulated(make_step):
    """So it is smaller by the root of their number where all parts are alike."""
    whole, parted = (make_step(generalist=Enlarger(9), adversarial=0.0) for _ in range(2))
    half = batch(2)
    crops = Batch(*(torch.cat([part, part]) for part in half))
    together, apart = whole.take([crops], 1), parted.take(halves(crops), 1)
    assert together.losses["inter"] == pytest.approx(2**0.5 * apart.losses["inter"], rel=1e-4)
    assert together.losses["intra"] == pytest.approx(apart.losses["intra"], rel=1e-4)


def test_a_gradient_is_cut_to_the_largest_norm(make_step):
    free, cut = make_step(), make_step(largest_gradient=1e-3)
    before = weights(free.specialist)
    free.take([batch()], 1)
    cut.take([batch()], 1)
    moved = weights(cut.specialist) - before
    assert moved.norm().item() == pytest.approx(0.01 * 1e-3, rel=1e-2)
    assert (weights(free.specialist) - before).norm() > moved.norm()


def test_a_step_that_is_not_finite_changes_no_weight(make_step):
    step = make_step()
    before = [weights(n) for n in (step.specialist, step.average, step.discriminator)]
    spoilt = batch()._replace(hr=torch.full((2, 3, 32, 32), float("nan")))
    outcome = step.take([spoilt], 1)
    assert outcome.skipped is not None
    after = [weights(n) for n in (step.specialist, step.average, step.discriminator)]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_frozen_generalist_stays_and_the_average_follows(make_step):
    generalist = Enlarger(9).requires_grad_(False)
    step = make_step(generalist=generalist)
    kept, average = weights(generalist), weights(step.average)
    step.take([batch()], 1)
    assert torch.equal(weights(generalist), kept)
    expected = 0.9 * average + 0.1 * weights(step.specialist)
    assert torch.allclose(weights(step.average), expected, atol=1e-6)


def test_without_real_crops_nothing_is_distilled(make_step):
    losses = make_step().take([batch()._replace(real=None)], 1).losses
    assert "inter" not in losses
    assert {"pixel", "perceptual", "adversarial"} <= losses.keys()


def test_detached_distances_leave_the_synthetic_prediction_alone(make_step):
    """With the same real crop, only what flows through the synthetic prediction can differ."""
    moved = []
    for detach in (False, True):
        step = make_step(
            generalist=Enlarger(9).requires_grad_(False),
            adversarial=0.0,
            detach_synthetic=detach,
        )
        before = weights(step.specialist)
        step.take([batch()], 1)
        moved.append(weights(step.specialist) - before)
    assert not torch.allclose(*moved)
