"""Figures that need no HR: they tell the same picture from another one, and faults from none."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from pdd_cli.errors import DataError, ModelError
from pdd_cli.metrics.fidelity_to_lr import colour_drift, consistency
from pdd_cli.metrics.niqe import NIQE, block_features
from pdd_cli.metrics.texture import noise, sharpness


@pytest.fixture
def hr() -> torch.Tensor:
    coarse = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    fine = torch.rand(1, 3, 192, 192, generator=torch.Generator().manual_seed(1))
    return 0.8 * F.interpolate(coarse, (192, 192), mode="bicubic").clamp(0, 1) + 0.2 * fine


def test_a_picture_that_reduces_to_its_lr_is_wholly_consistent(hr):
    lr = F.avg_pool2d(hr, 4)
    assert consistency(hr, lr).item() > 120
    assert colour_drift(hr, lr).item() < 1e-3


def test_consistency_is_the_psnr_of_the_reduced_picture(hr):
    lr = F.avg_pool2d(hr, 4)
    assert consistency(hr + 0.1, lr).item() == pytest.approx(20, abs=1e-3)


@pytest.mark.parametrize(
    ("colour", "lab"),
    [
        ((1.0, 1.0, 1.0), (100, 0, 0)),
        ((1.0, 0.0, 0.0), (53.24, 80.09, 67.20)),
        ((0.0, 0.0, 1.0), (32.30, 79.19, -107.86)),
    ],
)
def test_colour_drift_is_the_distance_in_lab(colour, lab):
    """Known coordinates of sRGB's corners, against black, which is the origin."""
    picture = torch.tensor(colour).view(1, 3, 1, 1).expand(1, 3, 8, 8)
    black = torch.zeros(1, 3, 2, 2)
    assert colour_drift(picture, black).item() == pytest.approx(np.linalg.norm(lab), rel=1e-3)


def test_sharpness_falls_with_blur_and_noise_is_told_in_levels(hr):
    assert sharpness(F.avg_pool2d(hr, 3, 1, 1)).item() < 0.5 * sharpness(hr).item()
    grain = torch.randn(1, 1, 256, 256, generator=torch.Generator().manual_seed(2))
    flat = 0.5 + grain.expand(-1, 3, -1, -1) * 4 / 255
    luma_swing = 219 / 255  # luma has 219 levels where RGB has 255
    assert noise(flat).item() == pytest.approx(4 * luma_swing, rel=0.1)
    assert noise(torch.full((1, 3, 64, 64), 0.5)).item() < 1e-3


@pytest.fixture
def niqe(hr) -> NIQE:
    """A model of what is natural, fitted to pictures like the one at hand."""
    features = torch.cat([block_features(torch.rot90(hr[0].double(), k, (1, 2))) for k in range(4)])
    spread = torch.cov(features.T) + 1e-3 * torch.eye(36, dtype=torch.float64)
    return NIQE({"mean": features.mean(dim=0), "covariance": spread})


def test_niqe_rises_with_blur_and_with_noise(niqe, hr):
    grain = torch.randn(1, 3, 192, 192, generator=torch.Generator().manual_seed(3))
    natural = niqe(hr).item()
    assert niqe(F.avg_pool2d(hr, 5, 1, 2)).item() > 1.5 * natural
    assert niqe((hr + 0.2 * grain).clamp(0, 1)).item() > 1.2 * natural


def test_niqe_takes_18_features_at_each_of_two_sizes(hr):
    features = block_features(hr[0].double())
    assert features.shape == (4, 36)
    assert (features[:, [0, 2, 18, 20]] > 0.2).all()


def test_niqe_says_what_it_cannot_measure(niqe):
    with pytest.raises(DataError, match="96×96"):
        niqe(torch.rand(1, 3, 95, 200))
    with pytest.raises(ModelError, match="36 features"):
        NIQE({"mean": torch.zeros(36)})
    assert niqe(torch.full((1, 3, 192, 192), 0.5)).isnan().all()
