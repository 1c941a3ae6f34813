"""Simulated cameras: they take the low-resolution photo that a real one of some kind would take.

The scene is at hand as the truth, so that what an adaptation brings can be measured on faults that
are known. For studies, tests and the demonstration; ``CAMERAS`` names those that results are
reported on, one fault each, and one without any.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pdd_cli.data.jpeg import recompressed

_Light = NDArray[np.float32]

_AIRLIGHT = 225.0
_SHARPENING_RADIUS = 1.0


@dataclass(frozen=True)
class Camera:
    """What a camera does to a scene, in the order in which it does it.

    Light passes the air and the lens and falls on the pixels; it is read out with noise, given
    the camera's colours, sharpened, and kept.
    """

    haze: float = 0.0
    """Share of the light that comes from the air and not from the scene, 0 to 1."""
    lens_blur: float = 0.0
    """Standard deviation of the lens's Gaussian blur, in pixels of the scene."""
    sensor_noise: float = 0.0
    """Standard deviation of the noise of a reading in the dark, in 8-bit levels."""
    shot_noise: float = 0.0
    """Variance that each 8-bit level of light adds to that of a reading, in 8-bit levels."""
    colour_gains: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Factors of red, green and blue."""
    sharpening: float = 0.0
    """How much of the difference from a photo blurred by one pixel is added to the photo."""
    jpeg_quality: int | None = None
    """Quality of the JPEG that the camera keeps, 1 to 100; None for a lossless file."""

    def photograph(self, scene: NDArray[np.uint8], scale: int, seed: int) -> NDArray[np.uint8]:
        """Take a photo.

        Args:
            scene: (h, w, 3), RGB; what stands before the camera, at the resolution wanted of a
                perfect upscaler. Rows and columns beyond a multiple of the scale are not seen.
            scale: how many pixels of the scene one of the photo covers, in each direction.
            seed: which noise; the same seed takes the same photo.

        Returns:
            (h // scale, w // scale, 3), RGB.
        """
        height, width = scene.shape[0] // scale, scene.shape[1] // scale
        seen = scene[: height * scale, : width * scale].astype(np.float32)
        light = _blurred(seen + self.haze * (_AIRLIGHT - seen), self.lens_blur)
        readings = self._read_out(
            cv2.resize(light, (width, height), interpolation=cv2.INTER_AREA), seed
        )
        coloured = readings * np.asarray(self.colour_gains, np.float32)
        sharpened = coloured + self.sharpening * (coloured - _blurred(coloured, _SHARPENING_RADIUS))
        photo = np.clip(np.rint(sharpened), 0, 255).astype(np.uint8)
        return photo if self.jpeg_quality is None else recompressed(photo, self.jpeg_quality)

    def _read_out(self, pixels: NDArray[Any], seed: int) -> _Light:
        """Add the noise of the electronics and that of light itself, and stop at full wells."""
        variance = self.sensor_noise**2 + self.shot_noise * pixels.astype(np.float64)
        noise = np.random.default_rng(seed).normal(0.0, 1.0, pixels.shape) * np.sqrt(variance)
        readings: _Light = np.clip(pixels + noise, 0, 255).astype(np.float32)
        return readings


CAMERAS: Mapping[str, Camera] = {
    "lens-blur": Camera(lens_blur=3.2, sensor_noise=1.0, jpeg_quality=95),
    "sensor-noise": Camera(lens_blur=1.2, sensor_noise=4.0, shot_noise=0.25, jpeg_quality=95),
    "phone": Camera(lens_blur=2.0, sensor_noise=1.5, sharpening=1.0, jpeg_quality=60),
    "haze": Camera(
        haze=0.35,
        lens_blur=1.6,
        sensor_noise=1.5,
        colour_gains=(1.0, 0.96, 0.86),
        jpeg_quality=95,
    ),
    "clean": Camera(),
}
"""Strong lens blur; heavy sensor noise; a phone's sharpening and JPEG; haze and a colour cast;
nothing wrong at all."""


def _blurred(pixels: NDArray[np.float32], deviation: float) -> _Light:
    if not deviation:
        return pixels
    return cv2.GaussianBlur(pixels, (0, 0), deviation).astype(np.float32, copy=False)
