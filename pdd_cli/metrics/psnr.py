"""Peak signal-to-noise ratio."""

import torch
from torch import Tensor


def psnr(prediction: Tensor, hr: Tensor) -> Tensor:
    """Return the PSNR of each picture in decibels, over all its channels together.

    Args:
        prediction: (n, c, h, w) in [0, 1].
        hr: the same shape.

    Returns:
        (n,), float64; infinite for identical pictures.
    """
    error = (prediction - hr).double().square_().mean(dim=(1, 2, 3))
    return -10 * torch.log10(error)
