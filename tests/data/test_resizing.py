"""Making pictures smaller agrees with OpenCV, and with the cubic kernel that MATLAB documents."""

import cv2
import numpy as np
import pytest
import torch

from pdd_cli.data.degradations import PlainResizes
from pdd_cli.data.resizing import antialiasing_matrix, reduce_in_size


@pytest.fixture
def picture() -> torch.Tensor:
    return torch.rand(1, 3, 48, 36, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(
    ("method", "interpolation"),
    [
        ("bicubic", cv2.INTER_CUBIC),
        ("bilinear", cv2.INTER_LINEAR),
        ("area", cv2.INTER_AREA),
    ],
)
def test_plain_resizes_are_opencvs(picture, method, interpolation, scale):
    pixels = picture[0].permute(1, 2, 0).numpy()
    expected = cv2.resize(pixels, (36 // scale, 48 // scale), interpolation=interpolation)

    found = reduce_in_size(picture, scale, method)[0].permute(1, 2, 0).numpy()

    assert np.abs(found - expected).max() < 2e-6


def _documented_cubic(signal: np.ndarray, reduced: int) -> np.ndarray:
    """Reduce a signal by the definition, one sample after the other."""
    size, factor = len(signal), len(signal) / reduced

    def kernel(x: float) -> float:
        x = abs(x)
        if x <= 1:
            return 1.5 * x**3 - 2.5 * x**2 + 1
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x <= 2 else 0.0

    result = np.zeros(reduced)
    mirrored = np.concatenate([signal[::-1], signal, signal[::-1]])
    for index in range(reduced):
        centre = (index + 0.5) * factor - 0.5
        weights = [kernel((place - centre) / factor) for place in range(-size, 2 * size)]
        result[index] = mirrored @ weights / np.sum(weights)
    return result


@pytest.mark.parametrize(("size", "reduced"), [(48, 12), (48, 16), (48, 24), (50, 12), (9, 3)])
def test_antialiased_bicubic_follows_the_documented_kernel(size, reduced):
    signal = np.random.default_rng(size).random(size)

    found = antialiasing_matrix(size, reduced).numpy() @ signal

    assert np.abs(found - _documented_cubic(signal, reduced)).max() < 1e-12


def test_antialiasing_works_along_both_axes(picture):
    pixels = picture[0, 0].double().numpy()
    rows = np.stack([_documented_cubic(column, 12) for column in pixels.T], axis=1)
    expected = np.stack([_documented_cubic(row, 9) for row in rows])

    found = reduce_in_size(picture, 4, "antialiased")[0, 0].numpy()

    assert np.abs(found - expected).max() < 1e-6


def test_lr_is_rounded_to_8_bits_and_made_in_every_way_asked_for(picture):
    many = picture.repeat(64, 1, 1, 1)

    made = PlainResizes(("bicubic", "area"))(many, 4, np.random.default_rng(0))

    ways = {tuple(lr.flatten().tolist()) for lr in made}
    assert len(ways) == 2
    assert torch.equal((made * 255).round() / 255, made)
