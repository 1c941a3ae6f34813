"""The U-Net discriminator with spectral norm, as Real-ESRGAN trains it (arXiv 2107.10833)."""

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

_SLOPE = 0.2

SMALLEST_MULTIPLE = 8
"""Heights and widths must divide by this: three levels, each half the size of the one above."""


class UNetDiscriminator(nn.Module):
    """Judges every pixel of a picture real or fake.

    Args:
        channels: of the first level; each level below has twice as many.
    """

    def __init__(self, channels: int = 64) -> None:
        super().__init__()
        c = channels
        self.entry = nn.Conv2d(3, c, 3, padding=1)
        self.down = nn.ModuleList(_halving(c << level, c << level + 1) for level in range(3))
        self.up = nn.ModuleList(_same_size(c << level + 1, c << level) for level in (2, 1, 0))
        self.refine = nn.ModuleList(_same_size(c, c) for _ in range(2))
        self.verdict = nn.Conv2d(c, 1, 3, padding=1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Map (n, 3, h, w), RGB in [0, 1], h and w multiples of 8, to logits (n, 1, h, w)."""
        levels = [F.leaky_relu(self.entry(pictures), _SLOPE)]
        for down in self.down:
            levels.append(F.leaky_relu(down(levels[-1]), _SLOPE))
        flow = levels.pop()
        for up in self.up:
            flow = F.interpolate(flow, scale_factor=2, mode="bilinear", align_corners=False)
            flow = F.leaky_relu(up(flow), _SLOPE) + levels.pop()
        for refine in self.refine:
            flow = F.leaky_relu(refine(flow), _SLOPE)
        logits: Tensor = self.verdict(flow)
        return logits


def _halving(inputs: int, outputs: int) -> nn.Module:
    return spectral_norm(nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False))


def _same_size(inputs: int, outputs: int) -> nn.Module:
    return spectral_norm(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False))
