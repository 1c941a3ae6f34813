"""Colours come back from the LR, detail stays, and a flat picture does no harm."""

import pytest
import torch
import torch.nn.functional as F

from pdd_cli.images.colour_fix import fix_colours
from pdd_cli.metrics.fidelity_to_lr import colour_drift


@pytest.fixture
def lr() -> torch.Tensor:
    coarse = torch.rand(1, 3, 6, 5, generator=torch.Generator().manual_seed(0))
    return F.interpolate(0.2 + 0.6 * coarse, (48, 40), mode="bicubic").clamp(0, 1)


@pytest.fixture
def sr(lr) -> torch.Tensor:
    """The LR enlarged, with a colour cast and with detail of its own."""
    detail = 0.05 * torch.randn(1, 3, 192, 160, generator=torch.Generator().manual_seed(1))
    cast = torch.tensor([1.1, 0.95, 0.8]).view(1, 3, 1, 1)
    return F.interpolate(lr, scale_factor=4, mode="bicubic") * cast + 0.03 + detail


def test_none_leaves_the_picture_alone(sr, lr):
    assert fix_colours(sr, lr, "none") is sr


@pytest.mark.parametrize("way", ["mean-std", "wavelet"])
def test_the_colours_of_the_lr_come_back(sr, lr, way):
    fixed = fix_colours(sr, lr, way)
    assert colour_drift(fixed, lr).item() < 0.5 * colour_drift(sr, lr).item()


def test_mean_std_gives_each_channel_the_moments_of_the_lr(sr, lr):
    fixed = fix_colours(sr, lr, "mean-std")
    assert torch.allclose(fixed.mean(dim=(2, 3)), lr.mean(dim=(2, 3)), atol=1e-5)
    assert torch.allclose(fixed.std(dim=(2, 3)), lr.std(dim=(2, 3)), rtol=1e-3)


def test_wavelet_keeps_detail(sr, lr):
    fixed = fix_colours(sr, lr, "wavelet")
    fine = lambda picture: (picture - F.avg_pool2d(picture, 5, 1, 2))[..., 8:-8, 8:-8]  # noqa: E731
    assert torch.allclose(fine(fixed), fine(sr), atol=0.01)


@pytest.mark.parametrize("way", ["mean-std", "wavelet"])
@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_a_flat_picture_gets_the_level_of_its_lr(way, level):
    lr, sr = torch.full((1, 3, 8, 8), level), torch.full((1, 3, 32, 32), 0.4)
    assert torch.allclose(fix_colours(sr, lr, way), torch.full_like(sr, level), atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (3, 2)])
def test_the_smallest_pictures_come_through(size):
    lr = torch.rand(1, 3, *size)
    sr = F.interpolate(lr, scale_factor=4)
    for way in ("mean-std", "wavelet"):
        assert fix_colours(sr, lr, way).isfinite().all()
