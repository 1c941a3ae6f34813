"""What a folder of photos tells about the camera that took them: response, noise, compression.

Nothing here needs to know the scenes. Photos of many scenes have, on average, the same spectrum;
where that of the user's photos departs from that of sharp ones reduced in size, the camera did it.
See docs/method.md, Imitating the target.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pdd_cli.data.grain import FLATTEST, LUMA, grain_of, luma_of, patches_of, texture_of
from pdd_cli.data.jpeg import estimate_quality

Photo = NDArray[np.uint8]

FREQUENCIES = np.linspace(0.0, 0.5, 17)
"""Cycles a pixel at which a response is told."""

TYPICAL_SPECTRUM = np.array(
    (
        *(4.11, 1.0, 0.201, 0.0763, 0.0421, 0.0230, 0.0163, 0.0105, 0.00795),
        *(0.00571, 0.00472, 0.00346, 0.00285, 0.00220, 0.00194, 0.00165, 0.00143),
    )
)
"""Power of sharp photos at ``FREQUENCIES``, for want of sharp ones to compare with.

Measured by ``spectrum`` on Sun-Hays 80, each photo reduced by 4; 40 of the photos differ from the
other 40 by an eighth in amplitude at the most, and reductions by 2 and 3 by no more."""

SMALLEST_GAIN, LARGEST_GAIN = 0.05, 3.0
"""Bounds of what is believed of a response."""

_WINDOW = 64
_WINDOWS_A_PHOTO = 24
_LOW = (1, 6)
"""From and up to which of the frequencies counts as low."""

_BRIGHTNESSES = 6
_FEWEST_PATCHES = 12
_MID_GREY = 128.0


@dataclass(frozen=True)
class Noise:
    """Noise whose variance grows with the light: ``dark² + shot · level``, in 8-bit levels."""

    dark: float
    shot: float

    def deviation(self, level: float) -> float:
        """Return the standard deviation at a level, 0 to 255."""
        return float(np.sqrt(max(self.dark**2 + self.shot * level, 0.0)))


class NoiseByOctave(NamedTuple):
    """Noise as its shape tells: single grains, and blotches two pixels wide."""

    fine: Noise
    """As it stands in the photo."""
    coarse: Noise
    """As it stands in the photo reduced to half its size; half as strong if it is white."""


@dataclass(frozen=True)
class Target:
    """A camera as its photos show it."""

    response: tuple[float, ...]
    """Gains at ``FREQUENCIES`` against sharp photos reduced in size; below 1 is blur, above 1
    sharpening."""
    luma_noise: NoiseByOctave
    chroma_noise: NoiseByOctave
    jpeg_quality: int | None
    """None where the photos show no trace of JPEG."""

    def describe(self) -> str:
        """Say in one line what a person wants to know."""
        half = self.response[len(self.response) // 2]
        jpeg = f"JPEG quality {self.jpeg_quality}" if self.jpeg_quality else "no trace of JPEG"
        return (
            f"contrast of fine detail {half:.2f} of a sharp photo's, noise of "
            f"{self.luma_noise.fine.deviation(_MID_GREY):.1f} levels in luma and "
            f"{self.chroma_noise.fine.deviation(_MID_GREY):.1f} in chroma, {jpeg}"
        )


def estimate_target(photos: Sequence[Photo], reference: Sequence[Photo]) -> Target:
    """Measure a camera.

    Args:
        photos: its photos, (h, w, 3) RGB each; a dozen or more, of various scenes.
        reference: sharp photos without noise at the same resolution, likewise.
    """
    return measure_against(photos, spectrum(reference, measure_noise(reference)[0].fine))


def measure_against(photos: Sequence[Photo], sharp: NDArray[np.float64]) -> Target:
    """Measure a camera against the ``spectrum`` of sharp photos, of any contrast.

    See ``estimate_target``.
    """
    luma_noise, chroma_noise = measure_noise(photos)
    return Target(
        response=_response(spectrum(photos, luma_noise.fine), sharp),
        luma_noise=luma_noise,
        chroma_noise=chroma_noise,
        jpeg_quality=estimate_quality(photos),
    )


def measure_noise(photos: Sequence[Photo]) -> tuple[NoiseByOctave, NoiseByOctave]:
    """Measure the noise of luma and of chroma where photos are flattest, by brightness."""
    octaves = []
    for reduction in (1, 2):
        patches = np.concatenate([_flat_patches(_reduced(photo, reduction)) for photo in photos])
        level, luma, chroma = patches.T
        octaves.append((_fit_noise(level, luma), _fit_noise(level, chroma)))
    (fine_luma, fine_chroma), (coarse_luma, coarse_chroma) = octaves
    return NoiseByOctave(fine_luma, coarse_luma), NoiseByOctave(fine_chroma, coarse_chroma)


def _reduced(photo: Photo, factor: int) -> NDArray[np.float64]:
    size = (photo.shape[1] // factor, photo.shape[0] // factor)
    pixels = photo[: size[1] * factor, : size[0] * factor].astype(np.float64)
    if factor == 1:
        return pixels
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.float64, copy=False)


def _flat_patches(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Find the patches with the least texture; tell brightness and noise of luma and of chroma."""
    luma = luma_of(pixels)
    chroma = (pixels[..., 2] - luma) / (2 - 2 * LUMA[2])
    texture = texture_of(luma)
    level = patches_of(luma).mean(axis=1)
    exposed = (level > 8) & (level < 247)
    if not exposed.any():
        return np.empty((0, 3))
    flat = exposed & (texture <= np.quantile(texture[exposed], FLATTEST))
    return np.stack([level[flat], grain_of(luma)[flat], grain_of(chroma)[flat]], axis=1)


def _fit_noise(level: NDArray[np.float64], deviation: NDArray[np.float64]) -> Noise:
    """Fit a line through the median variances at several brightnesses."""
    if not level.size:
        return Noise(0.0, 0.0)
    edges = np.quantile(level, np.linspace(0, 1, _BRIGHTNESSES + 1))
    levels, variances = [], []
    for low, high in pairwise(edges):
        inside = (level >= low) & (level <= high)
        if inside.sum() >= _FEWEST_PATCHES:
            levels.append(level[inside].mean())
            variances.append(np.median(deviation[inside]) ** 2)
    if len(levels) < 3 or np.ptp(levels) < 32:
        return Noise(float(np.median(deviation)), 0.0)
    slope, offset = np.polyfit(levels, variances, 1)
    if slope < 0 or offset < 0:
        return Noise(float(np.sqrt(np.mean(variances))), 0.0)
    return Noise(float(np.sqrt(offset)), float(slope))


def _response(seen: NDArray[np.float64], sharp: NDArray[np.float64]) -> tuple[float, ...]:
    ratio = np.sqrt(seen / sharp)
    # The photos' contrast is their scenes'. A response begins at 1, level, and leaves it with the
    # square of the frequency: so it is drawn through the lowest ones.
    low = slice(*_LOW)
    bend, contrast = np.polyfit(FREQUENCIES[low] ** 2, np.log(ratio[low]), 1)
    gains = ratio / np.exp(contrast)
    smooth = np.convolve(np.pad(gains, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid")
    smooth[: _LOW[1]] = np.exp(bend * FREQUENCIES[: _LOW[1]] ** 2)
    return tuple(float(gain) for gain in np.clip(smooth, SMALLEST_GAIN, LARGEST_GAIN))


def spectrum(photos: Sequence[Photo], noise: Noise) -> NDArray[np.float64]:
    """Average the power of the luma at ``FREQUENCIES``, the noise's own taken away: (17,)."""
    window = np.outer(np.hanning(_WINDOW), np.hanning(_WINDOW))
    radius = np.hypot(np.fft.fftfreq(_WINDOW)[:, None], np.fft.fftfreq(_WINDOW)[None])
    band = np.clip(np.rint(radius * 2 * (len(FREQUENCIES) - 1)), 0, len(FREQUENCIES)).astype(int)
    counts = np.bincount(band.ravel())[: len(FREQUENCIES)]
    chance = np.random.default_rng(0)
    total = np.zeros(len(FREQUENCIES))
    for photo in photos:
        luma = luma_of(photo)
        if min(luma.shape) < _WINDOW:
            continue
        for _ in range(_WINDOWS_A_PHOTO):
            top, left = (int(chance.integers(length - _WINDOW + 1)) for length in luma.shape)
            seen = luma[top : top + _WINDOW, left : left + _WINDOW]
            power = np.abs(np.fft.fft2((seen - seen.mean()) * window)) ** 2
            of_noise = noise.deviation(float(seen.mean())) ** 2 * (window**2).sum()
            bands = np.bincount(band.ravel(), power.ravel())[: len(FREQUENCIES)] / counts
            signal = np.maximum(bands - of_noise, 0)
            strength = signal[slice(*_LOW)].sum()
            if strength > 20 * of_noise and strength > 0:
                total += signal / strength  # every window counts alike, whatever its contrast
    return np.maximum(total, 1e-12)
