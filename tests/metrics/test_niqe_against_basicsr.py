"""NIQE block by block against BasicSR, which follows its authors' MATLAB code.

``golden/niqe.json`` holds what BasicSR 1.4.2's ``basicsr/metrics/niqe.py`` makes of the picture
below: the 36 features of every block, row by row (what ``compute_feature`` returned to ``niqe``;
null where it is no number), the score by its own ``niqe_pris_params.npz``, and the score by a mean
of 0.5 with unit covariance. It ran with numpy 2.4.6 and scipy 1.17.1 and two changes: ``convolve``
came from ``scipy.ndimage``, its place of today, and OpenCV and the metrics' registry were left out.
It was given the luma, 0.2989 R + 0.5870 G + 0.1140 B, rounded and in single precision, which is how
its ``calculate_niqe`` hands it on. Nothing of it is needed to run these tests.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from pdd_cli.assets.weights import niqe_model
from pdd_cli.metrics.niqe import NIQE, block_features

GOLDEN = json.loads((Path(__file__).parent / "golden" / "niqe.json").read_text("utf-8"))
SHAPES = [0, 2, 6, 10, 14, 18, 20, 24, 28, 32]


@pytest.fixture
def picture() -> torch.Tensor:
    """Squares of colour under noise, of odd size, 3 × 4 blocks; one of them lies in plain white.

    The generator's raw output is the same in every version of numpy; the rest is whole numbers.
    """
    generator = np.random.PCG64(7)

    def levels(*shape: int) -> np.ndarray:
        words = generator.random_raw(int(np.prod(shape)))
        return (words >> np.uint64(56)).astype(np.int64).reshape(shape)

    squares = levels(38, 50, 3).repeat(8, axis=0).repeat(8, axis=1)[:301, :397]
    grey, coloured = levels(301, 397, 1), levels(301, 397, 3)
    pixels = np.clip((2 * squares + grey + coloured // 2) // 4 + 20, 0, 255)
    pixels[90:200, 90:200] = 255
    return torch.from_numpy(pixels).permute(2, 0, 1).float()[None] / 255


def test_every_feature_of_every_block_is_basicsrs(picture):
    found = block_features(picture[0].double()).numpy()
    expected = np.array(GOLDEN["features"], dtype=float)
    assert found.shape == expected.shape == (12, 36)
    assert np.array_equal(np.isnan(found), np.isnan(expected))
    assert np.isnan(expected).any(axis=1).sum() == 1
    others = np.setdiff1d(np.arange(36), SHAPES)
    # Shapes are looked up in steps of 0.001, and may fall to either side.
    np.testing.assert_allclose(found[:, SHAPES], expected[:, SHAPES], rtol=0, atol=1.1e-3)
    np.testing.assert_allclose(found[:, others], expected[:, others], rtol=0, atol=1e-3)


def test_the_score_by_a_plain_model_is_basicsrs(picture):
    plain = NIQE({"mean": torch.full((36,), 0.5), "covariance": torch.eye(36)})
    expected = GOLDEN["score_by_a_plain_model"]
    assert plain(picture).item() == pytest.approx(expected, rel=2e-4)


@pytest.mark.whole
def test_the_score_by_the_authors_model_is_basicsrs(picture):
    assert NIQE(niqe_model())(picture).item() == pytest.approx(GOLDEN["score"], rel=2e-4)
