"""JPEG as the codec makes it: what compression does to pictures, and how strong it was."""

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_BLOCK = 8

# The luminance table that the JPEG standard suggests (ITU-T T.81, annex K), which encoders scale
# by their quality.
_LUMINANCE_TABLE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    dtype=np.float64,
)

# Steps below this drown in the rounding of the decoded colours.
_SMALLEST_STEP = 3.0
_QUALITIES = range(20, 97)
_LOW_FREQUENCIES = [(0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (1, 2), (2, 1), (2, 2), (0, 3), (3, 0)]

_FEWEST_FREQUENCIES = 4
_MOST_BLOCKS = 1 << 16

# Coefficients that know nothing of a step lie a quarter of it from its nearest multiple.
_BY_CHANCE = 0.25
_CLEARLY_CLOSER = 0.75


def through_jpeg(pictures: Tensor, qualities: Sequence[int], offsets: Sequence[int]) -> Tensor:
    """Encode each picture and decode it again, on the CPU, by OpenCV's codec.

    Args:
        pictures: (n, 3, h, w), RGB in [0, 1].
        qualities: of each picture, 1 to 100.
        offsets: where each picture's upper left corner lies in the codec's grid of blocks, 0 to 7
            in both directions; crops of a photo begin anywhere in it.

    Returns:
        The same shape, in steps of 1/255, on the pictures' device.
    """
    levels = (pictures.detach().clamp(0, 1) * 255).round().to(torch.uint8)
    pixels = levels.permute(0, 2, 3, 1).cpu().numpy()
    kept = [
        recompressed(picture, quality, offset)
        for picture, quality, offset in zip(pixels, qualities, offsets, strict=True)
    ]
    return torch.from_numpy(np.stack(kept)).permute(0, 3, 1, 2).to(pictures) / 255


def estimate_quality(photos: Sequence[NDArray[np.uint8]]) -> int | None:
    """Tell the JPEG quality that photos went through, from their pixels.

    The luma's cosine coefficients of a decoded JPEG lie near multiples of its quantisation steps.

    Args:
        photos: (h, w, 3) RGB each, uncropped, so that the grid of blocks begins at their corner.

    Returns:
        The quality, or None where the photos show no trace of JPEG.
    """
    blocks = np.concatenate([_cosine_coefficients(photo) for photo in photos])
    distances = _distances(blocks[:: 1 + len(blocks) // _MOST_BLOCKS])
    best = int(np.argmin(distances))
    if distances[best] >= _CLEARLY_CLOSER * _BY_CHANCE:
        return None
    return _QUALITIES[best]


def quantisation_table(quality: int) -> NDArray[np.float64]:
    """Return the luminance steps of a quality as libjpeg scales them, (8, 8)."""
    factor = 5000 / quality if quality < 50 else 200 - 2 * quality
    table: NDArray[np.float64] = np.clip(np.floor((_LUMINANCE_TABLE * factor + 50) / 100), 1, 255)
    return table


def recompressed(picture: NDArray[np.uint8], quality: int, offset: int = 0) -> NDArray[np.uint8]:
    """Encode (h, w, 3) RGB and decode it again; see ``through_jpeg``."""
    padded = cv2.copyMakeBorder(picture, offset, 0, offset, 0, cv2.BORDER_REFLECT_101)
    _, file = cv2.imencode(".jpg", padded[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(file, cv2.IMREAD_COLOR_RGB)
    assert decoded is not None
    return decoded[offset:, offset:].astype(np.uint8, copy=False)


def _cosine_coefficients(photo: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Transform the luma of whole blocks: (blocks, 8, 8)."""
    height, width = (length - length % _BLOCK for length in photo.shape[:2])
    luma = photo[:height, :width].astype(np.float64) @ (0.299, 0.587, 0.114) - 128
    blocks = luma.reshape(height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK).swapaxes(1, 2)
    basis = _cosine_basis()
    transformed: NDArray[np.float64] = basis @ blocks.reshape(-1, _BLOCK, _BLOCK) @ basis.T
    return transformed


def _cosine_basis() -> NDArray[np.float64]:
    """Return the orthonormal cosine transform of eight samples, (8, 8), one wave a row."""
    frequency, place = np.meshgrid(np.arange(_BLOCK), np.arange(_BLOCK), indexing="ij")
    basis: NDArray[np.float64] = np.cos(np.pi * (2 * place + 1) * frequency / (2 * _BLOCK)) / 2
    basis[0] /= np.sqrt(2)
    return basis


def _distances(blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Measure how far coefficients lie from each quality's multiples, in steps, (qualities,).

    Infinite where a quality's steps are too fine to tell, or too few coefficients are not zero.
    """
    told = np.zeros(len(_QUALITIES))
    total = np.zeros(len(_QUALITIES))
    for row, column in _LOW_FREQUENCIES:
        # Neighbouring qualities have steps in common, which are measured once.
        steps, quality_of = np.unique(_tables()[:, row, column], return_inverse=True)
        mean, known = _distance_to_multiples(blocks[:, row, column], steps)
        told += known[quality_of]
        total += mean[quality_of]
    enough = told >= _FEWEST_FREQUENCIES
    return np.where(enough, total / np.maximum(told, 1), np.inf)


def _distance_to_multiples(
    coefficients: NDArray[np.float64], steps: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Average the distance to the nearest multiple of each step, and tell where that is known."""
    values = coefficients[:, None] / steps
    counted = np.abs(values) > 0.5  # zero is a multiple of every step
    count = counted.sum(axis=0)
    distance = (np.abs(values - np.rint(values)) * counted).sum(axis=0)
    known = (count > 0) & (steps >= _SMALLEST_STEP)
    return np.where(known, distance / np.maximum(count, 1), 0.0), known


@cache
def _tables() -> NDArray[np.float64]:
    return np.stack([quantisation_table(quality) for quality in _QUALITIES])
