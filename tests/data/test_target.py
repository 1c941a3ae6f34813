"""What a camera does is found out from its photos alone, and can then be done to others."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from pdd_cli.data.cameras import Camera
from pdd_cli.data.imitation import ImitateTarget, imitate
from pdd_cli.data.jpeg import estimate_quality, quantisation_table, through_jpeg
from pdd_cli.data.target import FREQUENCIES, Noise, NoiseByOctave, Target, estimate_target

_SCALE = 2
_QUIET = NoiseByOctave(Noise(0.0, 0.0), Noise(0.0, 0.0))


def _scene(seed: int, size: int = 512) -> np.ndarray:
    """Make a scene with flat parts, edges and texture, with the spectrum of nature."""
    chance = np.random.default_rng(seed)
    radius = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size)[None])
    radius[0, 0] = 1
    waves = np.fft.fft2(chance.standard_normal((size, size))) / radius
    texture = np.real(np.fft.ifft2(waves))
    picture = np.repeat((128 + 40 * texture / texture.std())[..., None], 3, axis=2)
    for _ in range(10):
        top, left = chance.integers(size - 160, size=2)
        picture[top : top + 160, left : left + 160] = chance.integers(30, 226, size=3)
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def scenes() -> list[np.ndarray]:
    return [_scene(seed) for seed in range(20)]


@pytest.fixture(scope="module")
def sharp(scenes) -> list[np.ndarray]:
    clean = Camera()
    return [clean.photograph(scene, _SCALE, 0) for scene in scenes[:10]]


def _photos(camera: Camera, scenes: list[np.ndarray]) -> list[np.ndarray]:
    """Photograph other scenes than those that are at hand sharp."""
    return [camera.photograph(scene, _SCALE, seed) for seed, scene in enumerate(scenes[10:])]


@pytest.mark.parametrize("quality", [30, 60, 75, 85, 90])
def test_the_quality_of_jpeg_is_found_within_2(scenes, quality):
    found = estimate_quality(_photos(Camera(lens_blur=1.0, jpeg_quality=quality), scenes))
    assert found == pytest.approx(quality, abs=2)


@pytest.mark.parametrize("noise", [0.0, 6.0])
def test_photos_that_never_were_jpeg_show_no_trace_of_it(scenes, noise):
    assert estimate_quality(_photos(Camera(lens_blur=1.0, sensor_noise=noise), scenes)) is None


@pytest.mark.parametrize("level", [0, 90, 255])
def test_flat_photos_tell_nothing_of_jpeg(level):
    assert estimate_quality([np.full((64, 64, 3), level, np.uint8)]) is None


def test_the_quantisation_table_is_the_codecs_own():
    assert quantisation_table(50)[0, 0] == 16
    assert quantisation_table(75)[0, 1] == 6
    assert (quantisation_table(100) == 1).all()


@pytest.mark.parametrize("blur", [1.0, 2.0, 3.0])
def test_blur_is_found_within_a_tenth_of_the_contrast(scenes, sharp, blur):
    found = estimate_target(_photos(Camera(lens_blur=blur), scenes), sharp)
    expected = np.exp(-2 * (np.pi * blur / _SCALE * FREQUENCIES) ** 2)
    assert np.abs(np.array(found.response) - np.maximum(expected, 0.05)).max() < 0.1


def test_sharpening_is_told_from_blur(scenes, sharp):
    found = estimate_target(_photos(Camera(sharpening=1.0), scenes), sharp)
    assert max(found.response) > 1.4


@pytest.mark.parametrize(("dark", "shot"), [(2.0, 0.0), (5.0, 0.0), (2.0, 0.15)])
def test_noise_is_found_within_a_sixth_at_every_brightness(scenes, sharp, dark, shot):
    photos = _photos(Camera(sensor_noise=dark, shot_noise=shot), scenes)
    of_luma = np.linalg.norm([0.299, 0.587, 0.114])
    found = estimate_target(photos, sharp).luma_noise.fine
    for level in (60, 128, 200):
        expected = of_luma * np.sqrt(dark**2 + shot * level)
        assert found.deviation(level) == pytest.approx(expected, rel=1 / 6)


@pytest.mark.parametrize(
    "camera",
    [
        Camera(lens_blur=2.4, sensor_noise=1.0),
        Camera(lens_blur=1.0, sensor_noise=4.0, shot_noise=0.1),
        Camera(lens_blur=1.6, sensor_noise=2.0, sharpening=1.0, jpeg_quality=60),
    ],
)
def test_what_an_imitation_makes_measures_as_the_camera_does(scenes, sharp, camera):
    wanted = estimate_target(_photos(camera, scenes), sharp)
    imitation = imitate(_photos(camera, scenes), sharp, seed=0).degradation

    batch = torch.from_numpy(np.stack(sharp)).permute(0, 3, 1, 2) / 255
    made = imitation.exactly(batch, np.random.default_rng(9))
    photos = list((made * 255).round().byte().permute(0, 2, 3, 1).numpy())
    measured = estimate_target(photos, sharp)

    assert np.abs(np.subtract(measured.response, wanted.response)).max() < 0.1
    assert measured.luma_noise.fine.deviation(128) == pytest.approx(
        wanted.luma_noise.fine.deviation(128), rel=0.15, abs=0.3
    )
    assert measured.jpeg_quality == wanted.jpeg_quality


def test_a_perfect_camera_is_imitated_by_a_change_of_size_alone():
    perfect = Target((1.0,) * len(FREQUENCIES), _QUIET, _QUIET, None)
    hr = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    pixels = hr[0].permute(1, 2, 0).numpy()
    expected = cv2.resize(pixels, (16, 16), interpolation=cv2.INTER_AREA)

    made = ImitateTarget(perfect)(hr, 4, np.random.default_rng(0))

    assert np.abs(made[0].permute(1, 2, 0).numpy() - expected).max() < 0.6 / 255


def test_one_seed_gives_one_imitation_and_crops_differ_from_each_other():
    target = Target(
        (1.0,) * len(FREQUENCIES), NoiseByOctave(Noise(3.0, 0.0), Noise(1.5, 0.0)), _QUIET, 80
    )
    same = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)).repeat(2, 1, 1, 1)

    made = ImitateTarget(target)(same, 4, np.random.default_rng(1))

    assert torch.equal(made, ImitateTarget(target)(same, 4, np.random.default_rng(1)))
    assert not torch.equal(made[0], made[1])


def test_noise_has_the_strength_that_the_target_has():
    quiet = Target((1.0,) * len(FREQUENCIES), _QUIET, _QUIET, None)
    noisy = replace(quiet, luma_noise=NoiseByOctave(Noise(5.0, 0.0), Noise(2.5, 0.0)))
    grey = torch.full((1, 3, 256, 256), 0.5)

    made = ImitateTarget(noisy).exactly(grey, np.random.default_rng(0))

    assert 255 * made.std().item() == pytest.approx(5.0, rel=0.05)


def test_jpeg_keeps_the_grid_where_it_was_put():
    flat = torch.full((2, 3, 32, 32), 0.4)
    flat[..., 12:] = 0.6
    made = through_jpeg(flat, [10, 10], [0, 4])
    assert not torch.equal(made[0], made[1])
    assert made.shape == flat.shape
