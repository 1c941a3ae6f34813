"""Photos are reduced just so far that blur and noise are gone."""

import cv2
import numpy as np
import pytest

from pdd_cli.data.cleanness import clean_reduction
from pdd_cli.data.jpeg import recompressed


def photo(seed: int, blur: float = 0.0, noise: float = 0.0) -> np.ndarray:
    """A large photo with the spectrum of nature and a part that is flat."""
    chance = np.random.default_rng(seed)
    size = 1024
    radius = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size)[None])
    radius[0, 0] = 1
    texture = np.real(np.fft.ifft2(np.fft.fft2(chance.standard_normal((size, size))) / radius))
    picture = 128 + 40 * texture / texture.std()
    picture[:400, :400] = 90
    if blur:
        picture = cv2.GaussianBlur(picture, (0, 0), blur)
    picture = picture + chance.normal(0, noise, picture.shape)
    grey = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def test_sharp_photos_stay_as_they_are():
    assert clean_reduction([photo(seed) for seed in range(3)]) == 1


def test_more_blur_takes_more_reduction():
    found = [clean_reduction([photo(s, blur) for s in range(3)]) for blur in (1.0, 2.0, 3.0)]
    assert found == sorted(found)
    assert found[0] > 1
    assert found[-1] > found[0]


def test_noise_is_averaged_away():
    assert clean_reduction([photo(seed, noise=5.0) for seed in range(3)]) in (3, 4)


def test_traces_of_jpeg_are_averaged_away():
    photos = [photo(seed) for seed in range(3)]
    found = [
        clean_reduction([recompressed(p, quality) for p in photos]) for quality in (97, 60, 30)
    ]
    assert found == sorted(found)
    assert found[0] == 1
    assert found[1] > 1


@pytest.mark.parametrize(("blur", "noise"), [(20.0, 0.0), (0.0, 60.0)])
def test_photos_that_never_get_clean_give_none(blur, noise):
    assert clean_reduction([photo(seed, blur, noise) for seed in range(3)]) is None
