"""What noise measurements share: luma, the filter that leaves noise alone, and patches."""

import cv2
import numpy as np
from numpy.typing import NDArray

PATCH = 8
"""Height and width of a patch, pixels."""
FLATTEST = 0.1
"""Share of a picture's patches that count as flat: those with the least texture."""

LUMA = np.array([0.299, 0.587, 0.114])

Channel = NDArray[np.float64]
"""(h, w), 8-bit levels."""

# Takes away what is constant, sloped or an edge; of white noise it leaves six times its deviation
# (Immerkær 1996, doi 10.1006/cviu.1996.0060).
_NOISE_FILTER = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float64) / 6


def luma_of(pixels: NDArray[np.uint8] | NDArray[np.float64]) -> Channel:
    """Turn (h, w, 3) RGB into luma."""
    luma: Channel = pixels.astype(np.float64) @ LUMA
    return luma


def texture_of(channel: Channel) -> NDArray[np.float64]:
    """Tell how much each patch varies, (patches,).

    It is judged on a smoothed picture, or the patches with the least noise would pass for flat.
    """
    smooth = cv2.GaussianBlur(channel, (0, 0), 2.0).astype(np.float64, copy=False)
    deviation: NDArray[np.float64] = patches_of(smooth).std(axis=1)
    return deviation


def grain_of(channel: Channel) -> NDArray[np.float64]:
    """Tell the deviation of the noise in each patch, (patches,)."""
    filtered = cv2.filter2D(channel, cv2.CV_64F, _NOISE_FILTER).astype(np.float64, copy=False)
    deviation: NDArray[np.float64] = patches_of(filtered).std(axis=1)
    return deviation


def patches_of(channel: Channel) -> NDArray[np.float64]:
    """Cut a channel into whole patches, (patches, 64)."""
    height, width = (length - length % PATCH for length in channel.shape)
    blocks = channel[:height, :width].reshape(height // PATCH, PATCH, width // PATCH, PATCH)
    flat: NDArray[np.float64] = blocks.swapaxes(1, 2).reshape(-1, PATCH * PATCH)
    return flat
