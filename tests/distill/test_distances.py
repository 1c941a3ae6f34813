import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pdd_cli.distill.distances import PairwiseDistanceLoss
from pdd_cli.errors import UsageError

ROLES = ("specialist_real", "generalist_real", "specialist_synthetic", "generalist_synthetic")
LAYERS = {"inter_layers": {"conv2_1": 1.0}, "intra_layers": {"conv1_2": 1.0, "conv2_1": 0.5}}
INTRA_OPTIONS = [
    ("l1", "cross_entropy"),
    ("l1", "l1"),
    ("l1", "l2"),
    ("l1", "frobenius"),
    ("frobenius", "l1"),
    ("frobenius", "l2"),
]


def pictures(seed, count=2, size=16):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, 3, size, size, generator=generator)


def four_batches(seed, count=2):
    return {role: pictures(4 * seed + index, count) for index, role in enumerate(ROLES)}


def gradient_at_a_distance(loss):
    batches = four_batches(9)
    real = batches["specialist_real"].requires_grad_()
    loss(**batches).intra.backward()
    return real.grad.norm().item()


@pytest.mark.parametrize("distance", ["gram_of_difference", "difference_of_grams", "l1", "l2"])
@pytest.mark.parametrize(("intra_distance", "criterion"), INTRA_OPTIONS)
def test_equal_networks_have_no_inter_loss_and_no_gradient(
    shallow_features, distance, intra_distance, criterion
):
    loss = PairwiseDistanceLoss(
        shallow_features,
        **LAYERS,
        inter_distance=distance,
        intra_distance=intra_distance,
        intra_criterion=criterion,
    )
    real, synthetic = pictures(1), pictures(2)
    learning = [real.clone().requires_grad_(), synthetic.clone().requires_grad_()]
    inter, intra = loss(
        specialist_real=learning[0],
        generalist_real=real,
        specialist_synthetic=learning[1],
        generalist_synthetic=synthetic,
    )
    (inter + intra).backward()
    assert inter.item() == 0
    # The floor under the probabilities leaves the cross-entropy a trace of a gradient.
    bound = 1e-3 * gradient_at_a_distance(loss) if criterion == "cross_entropy" else 0
    assert all(picture.grad.norm().item() <= bound for picture in learning)


@given(seed=st.integers(0, 1000), order=st.permutations(range(3)))
@settings(max_examples=15, deadline=None)
def test_one_reordering_of_all_batches_changes_nothing(shallow_features, seed, order):
    loss = PairwiseDistanceLoss(shallow_features, **LAYERS)
    batches = four_batches(seed, count=3)
    reordered = {role: batch[list(order)] for role, batch in batches.items()}
    before, after = loss(**batches), loss(**reordered)
    assert after.inter.item() == pytest.approx(before.inter.item(), rel=1e-4)
    assert after.intra.item() == pytest.approx(before.intra.item(), rel=1e-4)


def test_the_generalist_gets_no_gradient(shallow_features):
    batches = {role: batch.requires_grad_() for role, batch in four_batches(3).items()}
    inter, intra = PairwiseDistanceLoss(shallow_features, **LAYERS)(**batches)
    (inter + intra).backward()
    assert batches["generalist_real"].grad is None
    assert batches["generalist_synthetic"].grad is None
    assert batches["specialist_real"].grad.abs().sum() > 0


def test_a_detached_synthetic_prediction_gets_no_gradient(shallow_features):
    batches = four_batches(4)
    synthetic = batches["specialist_synthetic"].requires_grad_()
    real = batches["specialist_real"].requires_grad_()
    batches["specialist_synthetic"] = synthetic.detach()
    inter, intra = PairwiseDistanceLoss(shallow_features, **LAYERS)(**batches)
    (inter + intra).backward()
    assert synthetic.grad is None
    assert real.grad.abs().sum() > 0


def test_weights_scale_the_losses(shallow_features):
    batches = four_batches(5)
    once = PairwiseDistanceLoss(shallow_features, **LAYERS)(**batches)
    scaled = PairwiseDistanceLoss(shallow_features, **LAYERS, inter_weight=0.5, intra_weight=3.0)(
        **batches
    )
    assert scaled.inter.item() == pytest.approx(0.5 * once.inter.item())
    assert scaled.intra.item() == pytest.approx(3.0 * once.intra.item())


@pytest.mark.parametrize("criterion", ["cross_entropy", "frobenius", "cosine"])
def test_one_number_for_each_network_goes_with_l1_and_l2_only(shallow_features, criterion):
    with pytest.raises(UsageError, match="frobenius does not go with"):
        PairwiseDistanceLoss(
            shallow_features, **LAYERS, intra_distance="frobenius", intra_criterion=criterion
        )
