"""The simulated camera: the same photo for the same seed, and each of its faults can be seen."""

import numpy as np
import pytest

from pdd_cli.data.cameras import Camera

_PERFECT = Camera(lens_blur=0.01, sensor_noise=0.0, jpeg_quality=100)


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
    assert np.abs(photo[:, 0].astype(int) - colours[0, 0]).max() <= 4
    assert np.abs(photo[:, -1].astype(int) - colours[0, 1]).max() <= 4


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
    camera = Camera(lens_blur=1.0, sensor_noise=4.0, jpeg_quality=100)
    scene = np.full((512, 512, 3), 128, dtype=np.uint8)

    luma_weights = np.array([0.299, 0.587, 0.114])  # JPEG thins out chroma, and its noise
    luma = camera.photograph(scene, 4, seed=0) @ luma_weights

    assert luma.std() == pytest.approx(4.0 * np.linalg.norm(luma_weights), rel=0.1)


def test_the_lens_takes_detail_away(scene):
    blurred = Camera(lens_blur=4.0, sensor_noise=0.0, jpeg_quality=100)

    assert (
        blurred.photograph(scene, 2, seed=0).std()
        < 0.5 * _PERFECT.photograph(scene, 2, seed=0).std()
    )


def test_a_lower_jpeg_quality_keeps_less(scene):
    poor = Camera(lens_blur=0.01, sensor_noise=0.0, jpeg_quality=10)
    good = Camera(lens_blur=0.01, sensor_noise=0.0, jpeg_quality=90)
    truth = _PERFECT.photograph(scene, 2, seed=0)

    assert _difference(poor.photograph(scene, 2, seed=0), truth) > _difference(
        good.photograph(scene, 2, seed=0), truth
    )
