"""Synthetic low resolution that looks as if the user's own camera had taken it.

The estimate of the camera is refined by doing: what it makes of sharp photos is measured in the
same way as the user's photos, until both measure alike. See docs/method.md, Imitating the target.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor

from pdd_cli.data.jpeg import through_jpeg
from pdd_cli.data.resizing import reduce_in_size
from pdd_cli.data.target import (
    FREQUENCIES,
    LARGEST_GAIN,
    SMALLEST_GAIN,
    Noise,
    NoiseByOctave,
    Photo,
    Target,
    measure_against,
    measure_noise,
    spectrum,
)
from pdd_cli.data.veil import Veil

_ROUNDS = 3
_KERNEL = 15
_GRID = 64

# No two photos of a camera are alike: how far single crops depart from the estimate.
_RESPONSE_SPREAD = 0.25
_NOISE_SPREAD = 0.3
_QUALITY_SPREAD = 5


@dataclass(frozen=True)
class ImitateTarget:
    """Makes low resolution of sharp photos as the target's camera would."""

    target: Target
    """What is applied: response, white noise of two octaves, compression."""
    veil: Veil | None = None
    """What lies over the scene before the camera takes it."""

    def __call__(self, hr: Tensor, scale: int, chance: Generator) -> Tensor:
        """Make the LR of each picture, each a little different.

        Args:
            hr: (n, 3, scale·h, scale·w), RGB in [0, 1].
            scale: 1 to 4.
            chance: where what is drawn at random comes from.

        Returns:
            (n, 3, h, w), in steps of 1/255.
        """
        small = reduce_in_size(hr, scale, "area")
        if self.veil is not None:
            small = self.veil.over(small)
        response = chance.uniform(1 - _RESPONSE_SPREAD, 1 + _RESPONSE_SPREAD, len(hr))
        noise = chance.uniform(1 - _NOISE_SPREAD, 1 + _NOISE_SPREAD, len(hr))
        return self._photograph(small, response, noise, _QUALITY_SPREAD, chance)

    def exactly(self, small: Tensor, chance: Generator) -> Tensor:
        """Photograph pictures of the right size, all alike, without spread."""
        ones = np.ones(len(small))
        return self._photograph(small, ones, ones, 0, chance)

    def _photograph(
        self,
        small: Tensor,
        response: np.ndarray,
        noise: np.ndarray,
        quality_spread: int,
        chance: Generator,
    ) -> Tensor:
        light = self._respond(small, response)
        read = (light + self._draw_noise(light, noise, chance)).clamp(0, 1)
        quality = self.target.jpeg_quality
        if quality is None:
            return (read * 255).round() / 255
        qualities = quality + chance.integers(-quality_spread, quality_spread + 1, len(read))
        offsets = chance.integers(8, size=len(read)) if quality_spread else np.zeros(len(read))
        return through_jpeg(
            read,
            [int(q) for q in np.clip(qualities, 5, 95)],
            [int(offset) for offset in offsets],
        )

    def _respond(self, small: Tensor, strength: np.ndarray) -> Tensor:
        """Filter each picture by the response, raised to its own strength."""
        gains = np.asarray(self.target.response)
        kernels = torch.stack([_kernel(gains**power) for power in strength]).to(small)
        pad = _KERNEL // 2
        padded = F.pad(small, (pad, pad, pad, pad), mode="replicate")
        # Each picture by a kernel of its own: pictures become groups of channels.
        n, _, height, width = padded.shape
        flat = padded.reshape(1, 3 * n, height, width)
        weights = kernels.repeat_interleave(3, dim=0)[:, None]
        return F.conv2d(flat, weights, groups=3 * n).reshape(small.shape)

    def _draw_noise(self, light: Tensor, strength: np.ndarray, chance: Generator) -> Tensor:
        level = 255 * light.mean(dim=1, keepdim=True).clamp(0, 1)
        luma = _two_octaves(level, 1, self.target.luma_noise, chance)
        chroma = _two_octaves(level, 2, self.target.chroma_noise, chance)
        blue, red = chroma.chunk(2, dim=1)
        # BT.601, from colour differences back to colours.
        rgb = torch.cat(
            [luma + 1.402 * red, luma - 0.344 * blue - 0.714 * red, luma + 1.772 * blue], 1
        )
        return rgb * torch.from_numpy(strength).to(light).view(-1, 1, 1, 1) / 255


class Imitation(NamedTuple):
    """A camera that was found out."""

    degradation: ImitateTarget
    """Does what the camera does."""
    measured: Target
    """What the camera's photos show."""


def imitate(
    photos: Sequence[Photo], sharp: Sequence[Photo], seed: int, veil: Veil | None = None
) -> Imitation:
    """Learn to photograph as the camera that took some photos does.

    Args:
        photos: the camera's, (h, w, 3) RGB each; a dozen or more, of various scenes.
        sharp: sharp photos reduced to the same resolution, likewise.
        seed: of the noise that trials are made with.
        veil: what lies over the photos and not over the sharp ones, if that is to be imitated.
    """
    if veil is not None:
        sharp = [_veiled(photo, veil) for photo in sharp]
    sharp_spectrum = spectrum(sharp, measure_noise(sharp)[0].fine)
    wanted = measure_against(photos, sharp_spectrum)
    applied = wanted
    for _ in range(_ROUNDS):
        trial = ImitateTarget(applied)
        made = [
            _taken_by(trial, photo, np.random.default_rng([seed, i]))
            for i, photo in enumerate(sharp)
        ]
        applied = _corrected(applied, wanted, measure_against(made, sharp_spectrum))
    return Imitation(ImitateTarget(applied, veil), wanted)


def _taken_by(camera: ImitateTarget, photo: Photo, chance: Generator) -> Photo:
    return _as_photo(camera.exactly(_as_tensor(photo), chance))


def _veiled(photo: Photo, veil: Veil) -> Photo:
    return _as_photo(veil.over(_as_tensor(photo)))


def _as_tensor(photo: Photo) -> Tensor:
    return torch.from_numpy(photo.astype(np.float32) / 255).permute(2, 0, 1)[None]


def _as_photo(picture: Tensor) -> Photo:
    photo: Photo = (picture[0] * 255).round().byte().permute(1, 2, 0).numpy()
    return photo


def _corrected(applied: Target, wanted: Target, measured: Target) -> Target:
    gains = np.asarray(applied.response) * wanted.response / np.asarray(measured.response)
    return replace(
        applied,
        response=tuple(float(g) for g in np.clip(gains, SMALLEST_GAIN, LARGEST_GAIN)),
        luma_noise=_corrected_noise(applied.luma_noise, wanted.luma_noise, measured.luma_noise),
        chroma_noise=_corrected_noise(
            applied.chroma_noise, wanted.chroma_noise, measured.chroma_noise
        ),
    )


def _corrected_noise(
    applied: NoiseByOctave, wanted: NoiseByOctave, measured: NoiseByOctave
) -> NoiseByOctave:
    return NoiseByOctave(
        *(
            Noise(
                dark=float(np.sqrt(max(a.dark**2 + w.dark**2 - m.dark**2, 0))),
                shot=max(a.shot + w.shot - m.shot, 0.0),
            )
            for a, w, m in zip(applied, wanted, measured, strict=True)
        )
    )


def _two_octaves(level: Tensor, channels: int, noise: NoiseByOctave, chance: Generator) -> Tensor:
    """Draw grains, and the blotches that grains alone would not make: (n, channels, h, w)."""
    n, _, height, width = level.shape
    fine = _grains((n, channels, height, width), chance).to(level)
    coarse = _grains((n, channels, (height + 1) // 2, (width + 1) // 2), chance).to(level)
    blotches = coarse.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    of_fine = _variance(noise.fine, level)
    of_coarse = (_variance(noise.coarse, level) - of_fine / 4).clamp(min=0)
    return fine * of_fine.sqrt() + blotches[..., :height, :width] * of_coarse.sqrt()


def _grains(shape: tuple[int, ...], chance: Generator) -> Tensor:
    return torch.from_numpy(chance.standard_normal(shape, dtype=np.float32))


def _variance(noise: Noise, level: Tensor) -> Tensor:
    return noise.dark**2 + noise.shot * level


def _kernel(gains: np.ndarray) -> Tensor:
    """Make the small filter whose gains at ``FREQUENCIES`` are as given: (15, 15)."""
    radius = np.hypot(np.fft.fftfreq(_GRID)[:, None], np.fft.fftfreq(_GRID)[None])
    wave = np.interp(radius, FREQUENCIES, gains)
    centred = np.fft.fftshift(np.fft.ifft2(wave).real)
    start = _GRID // 2 - _KERNEL // 2
    kernel = centred[start : start + _KERNEL, start : start + _KERNEL]
    window = np.outer(np.hanning(_KERNEL + 2)[1:-1], np.hanning(_KERNEL + 2)[1:-1])
    kernel = kernel * window
    return torch.from_numpy((kernel / kernel.sum()).astype(np.float32))
