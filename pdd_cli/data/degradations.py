"""Ways in which synthetic low resolution is made of sharp photos, in batches, on any device."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from numpy.random import Generator
from torch import Tensor

from pdd_cli.data.resizing import Resize, reduce_in_size


class Degradation(Protocol):
    """Makes low resolution of sharp photos."""

    def __call__(self, hr: Tensor, scale: int, chance: Generator) -> Tensor:
        """Make the LR of each picture.

        Args:
            hr: (n, 3, scale·h, scale·w), RGB in [0, 1].
            scale: 1 to 4.
            chance: where everything drawn at random comes from.

        Returns:
            (n, 3, h, w), in steps of 1/255, on the same device.
        """


@dataclass(frozen=True)
class PlainResizes:
    """A change of size and nothing else, one way drawn for each picture with equal odds.

    With bicubic, bilinear and area this is what the method's authors supervise with
    (arXiv 2407.07302, as its released code computes it).
    """

    methods: Sequence[Resize]

    def __call__(self, hr: Tensor, scale: int, chance: Generator) -> Tensor:
        """Make the LR of each picture; see ``Degradation``."""
        drawn = chance.integers(len(self.methods), size=len(hr))
        reduced = [
            reduce_in_size(picture, scale, self.methods[number])
            for picture, number in zip(torch.split(hr, 1), drawn, strict=True)
        ]
        return rounded_to_8_bits(torch.cat(reduced))


def rounded_to_8_bits(pictures: Tensor) -> Tensor:
    """Clamp pictures to [0, 1] and round them to steps of 1/255, as a file would hold them."""
    return pictures.clamp(0, 1).mul(255).round().div(255)
