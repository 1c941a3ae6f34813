"""The second-order pipeline draws from the published ranges, and what it draws is what it says."""

from math import pi

import numpy as np
import pytest
import torch

from pdd_cli.data.blur_kernels import (
    KERNEL_SIZE,
    blur_kernel,
    draw_kernel,
    no_blur,
    sinc_kernel,
)
from pdd_cli.data.second_order import FIRST, SECOND, SecondOrder, draw_resize, with_noise

_DRAWS = 4000


def _deviations(kernel: np.ndarray) -> tuple[float, float]:
    reach = np.arange(len(kernel)) - len(kernel) // 2
    across, down = kernel.sum(axis=0), kernel.sum(axis=1)
    return float(np.sqrt(across @ reach**2)), float(np.sqrt(down @ reach**2))


def test_every_kernel_keeps_the_brightness_and_fits_the_largest_size():
    chance = np.random.default_rng(0)
    for _ in range(300):
        kernel = draw_kernel((0.2, 3.0), 0.1, chance)
        assert kernel.shape == (KERNEL_SIZE, KERNEL_SIZE)
        assert kernel.sum() == pytest.approx(1)


def test_a_gaussian_kernel_is_as_wide_as_asked_along_each_axis():
    assert _deviations(blur_kernel("gaussian", 21, 2.0, 1.0, 0.0, 1.0)) == pytest.approx(
        (2.0, 1.0), rel=0.01
    )
    assert _deviations(blur_kernel("gaussian", 21, 2.0, 1.0, pi / 2, 1.0)) == pytest.approx(
        (1.0, 2.0), rel=0.01
    )


def test_a_generalised_kernel_of_exponent_1_is_the_gaussian_one_and_a_plateau_is_wider():
    gaussian = blur_kernel("gaussian", 21, 1.5, 1.5, 0.0, 1.0)
    assert np.allclose(blur_kernel("generalised", 21, 1.5, 1.5, 0.0, 1.0), gaussian)
    assert _deviations(blur_kernel("plateau", 21, 1.5, 1.5, 0.0, 1.0)) > _deviations(gaussian)


def test_a_sinc_filter_stops_what_is_beyond_its_cutoff_and_rings():
    kernel = sinc_kernel(pi / 2, 21)
    gains = np.abs(np.fft.fft2(np.pad(kernel, (0, 43))))[0]
    assert gains[4] == pytest.approx(1, abs=0.05)  # an eighth of the cutoff's frequency
    assert gains[26:32].max() < 0.15
    assert kernel.min() < 0


@pytest.mark.parametrize("stage", [FIRST, SECOND])
def test_factors_of_size_are_drawn_in_the_published_shares_and_ranges(stage):
    chance = np.random.default_rng(0)
    factors = np.array([draw_resize(stage, chance) for _ in range(_DRAWS)])
    low, high = stage.resize
    assert low <= factors.min() < low + 0.02
    assert high - 0.02 < factors.max() <= high
    assert (factors > 1).mean() == pytest.approx(stage.enlarge_share, abs=0.03)
    assert (factors < 1).mean() == pytest.approx(stage.reduce_share, abs=0.03)


def test_published_ranges():
    assert (FIRST.resize, FIRST.gaussian_noise, FIRST.poisson_noise) == (
        (0.15, 1.5),
        (1.0, 30.0),
        (0.05, 3.0),
    )
    assert (SECOND.resize, SECOND.gaussian_noise, SECOND.poisson_noise) == (
        (0.3, 1.2),
        (1.0, 25.0),
        (0.05, 2.5),
    )
    assert FIRST.deviations == (0.2, 3.0)
    assert SECOND.deviations == (0.2, 1.5)
    assert FIRST.qualities == SECOND.qualities == (30, 95)


def test_noise_is_grey_as_often_as_published_and_never_beyond_the_strongest():
    chance = np.random.default_rng(0)
    picture = torch.full((1, 3, 48, 48), 0.5)
    grey, strengths = 0, []
    for _ in range(400):
        noise = with_noise(picture, FIRST, chance) - picture
        grey += bool(torch.equal(noise[:, 0], noise[:, 1]))
        strengths.append(255 * noise.std().item())
    assert grey / 400 == pytest.approx(FIRST.grey_share, abs=0.08)
    # A flat picture has one level: Poisson noise then counts two grains for white.
    assert max(strengths) < 255
    assert min(strengths) < 10


def test_each_picture_draws_its_own_and_one_seed_gives_one_result():
    hr = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)).repeat(3, 1, 1, 1)

    first = SecondOrder()(hr, 4, np.random.default_rng(5))

    assert first.shape == (3, 3, 16, 16)
    assert torch.equal(first, SecondOrder()(hr, 4, np.random.default_rng(5)))
    assert not torch.equal(first[0], first[1])
    assert torch.equal((first * 255).round() / 255, first)


def test_the_kernel_without_blur_changes_nothing():
    assert no_blur()[KERNEL_SIZE // 2, KERNEL_SIZE // 2] == no_blur().sum() == 1
