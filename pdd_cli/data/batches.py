"""Batches of real and synthetic crops, one for each step, made one step ahead."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pdd_cli.data.crops import RandomCrops
from pdd_cli.data.synthetic import Resize, reduce_in_size


class Crops(NamedTuple):
    """The crops of one step as 8-bit RGB tensors on the CPU, (n, 3, h, w)."""

    real: Tensor
    synthetic: Tensor
    hr: Tensor


@dataclass(frozen=True)
class Batches:
    """Makes the crops of any step; a step's crops depend on the seed and its number alone."""

    real: RandomCrops
    hr: RandomCrops
    size: int
    """Real crops in a batch, and as many synthetic."""
    scale: int
    resizes: Sequence[Resize]
    seed: int

    def batch(self, step: int) -> Crops:
        """Make the crops of one step, counted from 1."""
        indices = range((step - 1) * self.size, step * self.size)
        chance = np.random.default_rng([self.seed, 2, step])
        hr = [self.hr.take(index) for index in indices]
        synthetic = [
            reduce_in_size(crop, self.scale, self.resizes[int(chance.integers(len(self.resizes)))])
            for crop in hr
        ]
        return Crops(
            real=_stack([self.real.take(index) for index in indices]),
            synthetic=_stack(synthetic),
            hr=_stack(hr),
        )

    def steps(self, first: int, last: int) -> Iterator[tuple[int, Crops]]:
        """Go through the steps from first to last, the next batch being made meanwhile."""
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches") as ahead:
            coming: Future[Crops] = ahead.submit(self.batch, first)
            for step in range(first, last + 1):
                crops = coming.result()
                if step < last:
                    coming = ahead.submit(self.batch, step + 1)
                yield step, crops


def _stack(crops: list[NDArray[np.uint8]]) -> Tensor:
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2)
