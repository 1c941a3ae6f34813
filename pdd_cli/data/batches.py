"""Batches of real and synthetic crops, one for each step, made one step ahead."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pdd_cli.data.crops import RandomCrops
from pdd_cli.data.degradations import Degradation


class Crops(NamedTuple):
    """The crops of one step, (n, 3, h, w), RGB in [0, 1], on the device."""

    real: Tensor
    synthetic: Tensor
    hr: Tensor


@dataclass(frozen=True)
class Batches:
    """Makes the crops of any step; a step's crops depend on the seed and its number alone."""

    real: RandomCrops
    hr: RandomCrops
    degradation: Degradation
    size: int
    """Real crops in a batch, and as many synthetic."""
    scale: int
    seed: int
    device: torch.device

    def batch(self, step: int) -> Crops:
        """Make the crops of one step, counted from 1."""
        indices = range((step - 1) * self.size, step * self.size)
        hr = self._on_device([self.hr.take(index) for index in indices])
        chance = np.random.default_rng([self.seed, 2, step])
        return Crops(
            real=self._on_device([self.real.take(index) for index in indices]),
            synthetic=self.degradation(hr, self.scale, chance),
            hr=hr,
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

    def _on_device(self, crops: list[NDArray[np.uint8]]) -> Tensor:
        """Move crops as bytes, a quarter of the traffic, and make them floats there."""
        levels = torch.from_numpy(np.stack(crops)).to(self.device)
        return levels.permute(0, 3, 1, 2).float().div_(255)
