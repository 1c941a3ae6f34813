"""A simulated camera: it takes the low-resolution photo that a modest one would have taken."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Camera:
    """What a camera does to a scene, in the order in which it does it.

    Light passes the lens, falls on the pixels, is read out with noise and kept as JPEG.
    """

    lens_blur: float
    """Standard deviation of the lens's Gaussian blur, in pixels of the scene; above 0."""
    sensor_noise: float
    """Standard deviation of the noise of each reading, in 8-bit levels; 0 for none."""
    jpeg_quality: int
    """Quality of the JPEG that the camera keeps, 1 to 100."""

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
        light = cv2.GaussianBlur(seen, (0, 0), self.lens_blur)
        pixels = cv2.resize(light, (width, height), interpolation=cv2.INTER_AREA)
        noise = np.random.default_rng(seed).normal(0.0, self.sensor_noise, pixels.shape)
        readings = np.clip(np.rint(pixels + noise), 0, 255).astype(np.uint8)
        return self._through_jpeg(readings)

    def _through_jpeg(self, photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
        quality = [cv2.IMWRITE_JPEG_QUALITY, self.jpeg_quality]
        _, file = cv2.imencode(".jpg", cv2.cvtColor(photo, cv2.COLOR_RGB2BGR), quality)
        kept = cv2.imdecode(file, cv2.IMREAD_COLOR_RGB)
        assert kept is not None
        return kept.astype(np.uint8, copy=False)
