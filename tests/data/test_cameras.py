"""The simulated camera: the same photo for the same seed, and each of its faults can be seen."""

import numpy as np
import pytest

from pdd_cli.data.cameras import CAMERAS, Camera

_PERFECT = CAMERAS["clean"]


@pytest.fixture
def scene() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (64, 48, 3), dtype=np.uint8)


def _difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(float) - b.astype(float)).mean())


def test_a_camera_without_faults_takes_the_mean_of_what_each_pixel_covers():
    colours = np.array([[[200, 40, 10], [20, 180, 90]]], dtype=np.uint8)
    scene = colours.repeat(64, axis=0).repeat(32, axis=1)

    photo = _PERFECT.photograph(scene, 4, seed=0)

    assert photo.shape == (16, 16, 3)
    assert (photo[:, :8] == colours[0, 0]).all()
    assert (photo[:, 8:] == colours[0, 1]).all()


def test_rows_and_columns_beyond_a_multiple_of_the_scale_are_not_seen(scene):
    assert np.array_equal(
        _PERFECT.photograph(scene[:63, :47], 4, seed=0),
        _PERFECT.photograph(scene[:60, :44], 4, seed=0),
    )


def test_the_seed_decides_the_noise():
    camera = Camera(lens_blur=1.0, sensor_noise=3.0, jpeg_quality=95)
    scene = np.full((64, 64, 3), 128, dtype=np.uint8)

    first = camera.photograph(scene, 4, seed=1)

    assert np.array_equal(first, camera.photograph(scene, 4, seed=1))
    assert not np.array_equal(first, camera.photograph(scene, 4, seed=2))


def test_noise_is_as_strong_as_it_is_said_to_be():
    camera = Camera(sensor_noise=3.0, shot_noise=0.1)

    for level in (40, 128, 200):
        scene = np.full((512, 512, 3), level, dtype=np.uint8)
        noise = camera.photograph(scene, 4, seed=0).astype(float)
        assert noise.std() == pytest.approx(np.sqrt(9.0 + 0.1 * level), rel=0.03)


def test_the_lens_takes_detail_away(scene):
    blurred = Camera(lens_blur=4.0)

    assert (
        blurred.photograph(scene, 2, seed=0).std()
        < 0.5 * _PERFECT.photograph(scene, 2, seed=0).std()
    )


def test_a_lower_jpeg_quality_keeps_less(scene):
    poor = Camera(jpeg_quality=10)
    good = Camera(jpeg_quality=90)
    truth = _PERFECT.photograph(scene, 2, seed=0)

    assert _difference(poor.photograph(scene, 2, seed=0), truth) > _difference(
        good.photograph(scene, 2, seed=0), truth
    )


def test_haze_brings_everything_closer_to_the_brightness_of_the_air():
    hazy = Camera(haze=0.5)
    dark, bright = (np.full((8, 8, 3), level, dtype=np.uint8) for level in (5, 255))

    assert (hazy.photograph(dark, 4, seed=0) == 115).all()
    assert (hazy.photograph(bright, 4, seed=0) == 240).all()


def test_a_colour_cast_changes_the_balance_of_the_channels():
    warm = Camera(colour_gains=(1.0, 0.9, 0.5))
    grey = np.full((8, 8, 3), 100, dtype=np.uint8)

    assert (warm.photograph(grey, 4, seed=0) == (100, 90, 50)).all()


def test_sharpening_overshoots_at_an_edge():
    scene = np.zeros((64, 64, 3), dtype=np.uint8)
    scene[:, :32], scene[:, 32:] = 80, 160

    photo = Camera(sharpening=1.0).photograph(scene, 4, seed=0)

    assert photo.min() < 70
    assert photo.max() > 170
    assert photo[8, 0, 0] == 80


@pytest.mark.parametrize("name", CAMERAS)
def test_every_named_camera_takes_another_photo_than_the_one_without_faults(name, scene):
    same = np.array_equal(
        CAMERAS[name].photograph(scene, 4, seed=0), _PERFECT.photograph(scene, 4, seed=0)
    )
    assert same == (name == "clean")
