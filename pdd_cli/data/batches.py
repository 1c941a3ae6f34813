"""Batches of crops, one for each step, made one step ahead on the device."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from pdd_cli.data.crops import Crop, RandomCrops, RandomPairs
from pdd_cli.data.degradations import Degradation

HRCrops = RandomCrops[Path] | RandomCrops[int]
"""From picture files, or from the tiles of a store."""


class Crops(NamedTuple):
    """The crops of one step, (n, 3, h, w), RGB in [0, 1], on the device."""

    synthetic: Tensor
    hr: Tensor
    real: Tensor | None = None


class Pairs(Protocol):
    """Where pairs of LR and HR come from."""

    def take(self, indices: Sequence[int], device: torch.device) -> tuple[Tensor, Tensor]:
        """Return the LR and HR of the given numbers, (n, 3, h, w) each, in [0, 1]."""


@dataclass(frozen=True)
class SyntheticPairs:
    """HR crops, and LR made of them."""

    hr: HRCrops
    degradation: Degradation
    scale: int
    seed: int

    def take(self, indices: Sequence[int], device: torch.device) -> tuple[Tensor, Tensor]:
        """Make the pairs of the given numbers; see ``Pairs``."""
        hr = _on_device([self.hr.take(index) for index in indices], device)
        chance = np.random.default_rng([self.seed, 2, indices[0]])
        return self.degradation(hr, self.scale, chance), hr


@dataclass(frozen=True)
class RealPairs:
    """Crops of photos whose HR was taken too."""

    pairs: RandomPairs

    def take(self, indices: Sequence[int], device: torch.device) -> tuple[Tensor, Tensor]:
        """Cut the pairs of the given numbers; see ``Pairs``."""
        lr, hr = zip(*(self.pairs.take(index) for index in indices), strict=True)
        return _on_device(lr, device), _on_device(hr, device)


@dataclass(frozen=True)
class Batches:
    """Makes the crops of any step; a step's crops depend on the seed and its number alone."""

    pairs: Pairs
    real: RandomCrops[Path] | None
    """Crops of the target domain; None where there is none."""
    size: int
    """Crops of each kind in a step."""
    device: torch.device

    def batch(self, step: int) -> Crops:
        """Make the crops of one step, counted from 1."""
        indices = range((step - 1) * self.size, step * self.size)
        synthetic, hr = self.pairs.take(indices, self.device)
        if self.real is None:
            return Crops(synthetic, hr)
        real = _on_device([self.real.take(index) for index in indices], self.device)
        return Crops(synthetic, hr, real)

    def steps(self, first: int, last: int) -> Iterator[tuple[int, Crops]]:
        """Go through the steps from first to last, the next batch being made meanwhile."""
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches") as ahead:
            coming: Future[Crops] = ahead.submit(self.batch, first)
            for step in range(first, last + 1):
                crops = coming.result()
                if step < last:
                    coming = ahead.submit(self.batch, step + 1)
                yield step, crops


def _on_device(crops: Sequence[Crop], device: torch.device) -> Tensor:
    """Move crops as bytes, a quarter of the traffic, and make them floats there."""
    levels = torch.from_numpy(np.stack(crops)).to(device)
    return levels.permute(0, 3, 1, 2).float().div_(255)
