"""The losses against values that the method's released code gave for the same inputs.

``golden/inputs.npz`` holds five batches (2, 3, 64, 64); ``golden/golden.json`` what arXiv
2407.07302's code computes for them in float32 on a CPU, with VGG19 weights drawn as in conftest.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from pdd_cli.distill.distances import PairwiseDistanceLoss
from pdd_cli.distill.objectives import AdversarialLoss, HaarPixelLoss, PerceptualLoss

GOLDEN = Path(__file__).parent / "golden"
VALUES = json.loads((GOLDEN / "golden.json").read_text())
DISTANCE_ROWS = [name for name, row in VALUES.items() if isinstance(row, dict) and "args" in row]

INTER_LAYERS = {"conv2_1": 0.25, "conv3_1": 0.25, "conv4_1": 0.25, "conv5_1": 0.25}
INTRA_LAYERS = {"conv2_2": 0.1, "conv3_4": 0.3, "conv4_4": 1.0, "conv5_4": 1.0}
PERCEPTUAL_LAYERS = {"conv1_2": 0.1, "conv2_2": 0.1, "conv3_4": 1.0, "conv4_4": 1.0, "conv5_4": 1.0}

# The released code's names for options and their values.
OPTIONS = {
    "delta_inter_type": "inter_distance",
    "delta_intra_type": "intra_distance",
    "cri_intra": "intra_criterion",
    "rinter_weight": "inter_weight",
    "rintra_weight": "intra_weight",
}
CHOICES = {"gram": "difference_of_grams", "fro": "frobenius", "cosine_sim": "cosine"}


@pytest.fixture(scope="module")
def batches():
    with np.load(GOLDEN / "inputs.npz") as stored:
        return {name: torch.from_numpy(stored[name]) for name in stored.files}


def options_of(row):
    return {OPTIONS[name]: CHOICES.get(value, value) for name, value in row["args"].items()}


@pytest.mark.parametrize("name", DISTANCE_ROWS)
def test_distances_and_their_gradients_equal_the_released_code(name, batches, vgg19):
    row = VALUES[name]
    loss = PairwiseDistanceLoss(
        vgg19, inter_layers=INTER_LAYERS, intra_layers=INTRA_LAYERS, **options_of(row)
    )
    real = batches["spec_real"].clone().requires_grad_()
    synthetic = batches["spec_syn"].clone().requires_grad_()
    inter, intra = loss(
        specialist_real=real,
        generalist_real=batches["gen_real"],
        specialist_synthetic=synthetic,
        generalist_synthetic=batches["gen_syn"],
    )
    (inter + intra).backward()

    assert inter.item() == pytest.approx(row["inter"], rel=1e-4)
    # A mean of cosines near 0 and the kinks of L1 hang on the order of a convolution's sums.
    intra_bound = {"abs": 1e-6, "rel": 0} if name == "intra_cosine" else {"rel": 1e-4}
    gradient_bound = 1e-3 if name == "intra_l1" else 1e-4
    assert intra.item() == pytest.approx(row["intra"], **intra_bound)
    assert real.grad.norm().item() == pytest.approx(row["grad_norm_spec_real"], rel=gradient_bound)
    assert synthetic.grad.norm().item() == pytest.approx(
        row["grad_norm_spec_syn"], rel=gradient_bound
    )


def test_pixel_loss_equals_the_released_code(batches):
    loss = 0.5 * HaarPixelLoss()(batches["spec_syn"], batches["gt_syn"])
    assert loss.item() == pytest.approx(VALUES["wavelet_pixel"], rel=1e-4)


def test_perceptual_loss_equals_the_released_code(batches, vgg19):
    loss = PerceptualLoss(vgg19, PERCEPTUAL_LAYERS)(batches["spec_syn"], batches["gt_syn"])
    assert loss.item() == pytest.approx(VALUES["perceptual"], rel=1e-4)


def test_adversarial_loss_equals_the_released_code():
    logits = torch.from_numpy(np.load(GOLDEN / "gan_logits.npy"))
    loss, values = AdversarialLoss(), VALUES["gan"]
    assert 0.01 * loss(logits, real=True).item() == pytest.approx(values["gen_real"], rel=1e-4)
    assert loss(logits, real=True).item() == pytest.approx(values["disc_real"], rel=1e-4)
    assert loss(logits, real=False).item() == pytest.approx(values["disc_fake"], rel=1e-4)
