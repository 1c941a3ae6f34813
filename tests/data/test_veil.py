"""A veil over a whole folder is found; foggy days among others are not one."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdd_cli.data.cameras import CAMERAS, Camera
from pdd_cli.data.imitation import imitate
from pdd_cli.data.veil import TYPICAL_TONES, Veil, find_veil, tones_of

_SCALE = 2
_HAZE = Camera(haze=0.4, colour_gains=(1.0, 0.9, 0.8), sensor_noise=2.0)


def _scene(seed: int) -> np.ndarray:
    """Make a scene with shadows and lights."""
    chance = np.random.default_rng(seed)
    picture = np.full((160, 200, 3), chance.integers(60, 200, 3), np.uint8)
    for level in (*chance.integers(0, 256, (12, 3)), (0, 0, 0), (255, 255, 255)):
        top, left = chance.integers(0, 130, 2)
        picture[top : top + 30, left : left + 30] = level
    return picture


def _photos(camera: Camera, seeds: range) -> list[np.ndarray]:
    return [camera.photograph(_scene(seed), _SCALE, seed) for seed in seeds]


@pytest.fixture(scope="module")
def clear():
    return tones_of(_photos(Camera(), range(100, 112)))


def test_a_veil_is_found_with_what_became_of_black_and_white(clear):
    found = find_veil(tones_of(_photos(_HAZE, range(12))), clear)
    gains = np.array(_HAZE.colour_gains)
    assert found is not None
    assert np.abs(found.black - 0.4 * 225 * gains).max() < 6
    assert np.abs(found.white - (0.4 * 225 + 0.6 * 255) * gains).max() < 6


@pytest.mark.parametrize("name", ["lens-blur", "sensor-noise", "phone", "clean"])
def test_other_faults_are_no_veil(clear, name):
    assert find_veil(tones_of(_photos(CAMERAS[name], range(12))), clear) is None
    assert find_veil(tones_of(_photos(CAMERAS[name], range(12))), TYPICAL_TONES) is None


def test_foggy_days_among_others_are_no_veil(clear):
    photos = [*_photos(_HAZE, range(9)), *_photos(Camera(), range(9, 12))]
    assert find_veil(tones_of(photos), clear) is None


def test_a_cast_of_one_colour_is_no_veil(clear):
    photos = [
        np.maximum(photo, (90, 0, 90)).astype(np.uint8) for photo in _photos(Camera(), range(12))
    ]
    assert find_veil(tones_of(photos), clear) is None


ends = st.tuples(*[st.floats(40, 100)] * 3), st.tuples(*[st.floats(150, 255)] * 3)


@given(*ends)
def test_what_is_laid_over_can_be_lifted_again(black, white):
    veil = Veil(black, white)
    picture = torch.rand(1, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(veil.lifted_from(veil.over(picture)), picture, atol=1e-5)


def test_an_imitation_lays_the_veil_over_what_it_makes(clear):
    photos, sharp = _photos(_HAZE, range(12)), _photos(Camera(), range(100, 112))
    veil = find_veil(tones_of(photos), clear)
    imitation = imitate(photos, sharp, seed=0, veil=veil).degradation
    black = imitation(torch.zeros(1, 3, 32, 32), _SCALE, np.random.default_rng(0))
    shown = 255 * black.mean(dim=(0, 2, 3)).numpy()
    assert np.abs(shown - 0.4 * 225 * np.array(_HAZE.colour_gains)).max() < 8
