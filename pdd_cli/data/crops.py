"""Random crops of a list of pictures, which depend on the seed and the step alone.

Nothing here has a state to save: asked again for the same step, the same crops come. That is what
makes a resumed run equal to one that was never interrupted.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Generic, Protocol, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from pdd_cli.errors import DataError
from pdd_cli.images.codec import read_picture

Crop = NDArray[np.uint8]
Key = TypeVar("Key", contravariant=True)

_BYTES_IN_A_GIGABYTE = 1024**3


class DecodedPictures:
    """8-bit RGB pictures, kept decoded within a memory budget, the longest unused leaving first.

    Args:
        budget_gb: gibibytes that decoded pixels may take.
        reduction: factor by which each picture is reduced in size, pixels being averaged.
    """

    def __init__(self, budget_gb: float, reduction: int = 1) -> None:
        self._reduction = reduction
        self._budget = budget_gb * _BYTES_IN_A_GIGABYTE
        self._kept: OrderedDict[Path, NDArray[np.uint8]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def __getitem__(self, path: Path) -> NDArray[np.uint8]:
        """Return a picture's pixels, (h, w, 3)."""
        with self._lock:
            if path in self._kept:
                self._kept.move_to_end(path)
                return self._kept[path]
        pixels = read_reduced(path, self._reduction)
        with self._lock:
            if path not in self._kept:
                self._kept[path] = pixels
                self._bytes += pixels.nbytes
            while self._bytes > self._budget and len(self._kept) > 1:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return pixels


class Pixels(Protocol[Key]):
    """Where the pixels of pictures or of tiles come from."""

    def __getitem__(self, key: Key) -> Crop:
        """Return (h, w, 3) RGB."""


class RandomCrops(Generic[Key]):
    """Square crops at random places, every picture taken once before any is taken twice.

    Args:
        keys: the pictures or tiles; each at least ``size`` high and wide.
        size: height and width of a crop, pixels.
        pictures: where their pixels come from.
        seed: names the sequence; two sources of one run need different seeds.
    """

    def __init__(
        self, keys: Sequence[Key], size: int, pictures: Pixels[Key], seed: Sequence[int]
    ) -> None:
        self._keys = list(keys)
        self._size = size
        self._pictures = pictures
        self._seed = tuple(seed)

    def take(self, index: int) -> Crop:
        """Return crop number ``index``, (size, size, 3), flipped and turned at random."""
        pixels = self._pictures[self._keys[_place_in_cycle(index, len(self._keys), self._seed)]]
        chance = np.random.default_rng([*self._seed, 1, index])
        top = chance.integers(pixels.shape[0] - self._size + 1)
        left = chance.integers(pixels.shape[1] - self._size + 1)
        crop = pixels[top : top + self._size, left : left + self._size]
        return _turned(crop, int(chance.integers(8)))


class RandomPairs:
    """Square crops of LR pictures together with the same part of their HR.

    Args:
        paths: LR and HR of each scene, the HR ``scale`` times as large.
        size: height and width of an LR crop, pixels.
        scale: of HR to LR.
        pictures: where their pixels come from.
        seed: names the sequence.
    """

    def __init__(
        self,
        paths: Sequence[tuple[Path, Path]],
        size: int,
        scale: int,
        pictures: DecodedPictures,
        seed: Sequence[int],
    ) -> None:
        self._paths = list(paths)
        self._size = size
        self._scale = scale
        self._pictures = pictures
        self._seed = tuple(seed)

    def take(self, index: int) -> tuple[Crop, Crop]:
        """Return pair number ``index``: LR (size, size, 3) and HR, both turned alike."""
        low, high = self._paths[_place_in_cycle(index, len(self._paths), self._seed)]
        lr, hr = self._pictures[low], self._pictures[high]
        chance = np.random.default_rng([*self._seed, 1, index])
        top = int(chance.integers(lr.shape[0] - self._size + 1))
        left = int(chance.integers(lr.shape[1] - self._size + 1))
        way = int(chance.integers(8))

        def cut(pixels: Crop, factor: int) -> Crop:
            rows = slice(factor * top, factor * (top + self._size))
            columns = slice(factor * left, factor * (left + self._size))
            return _turned(pixels[rows, columns], way)

        return cut(lr, 1), cut(hr, self._scale)


def _place_in_cycle(index: int, count: int, seed: tuple[int, ...]) -> int:
    """Tell which of ``count`` pictures comes at an index; each cycle has an order of its own."""
    cycle, position = divmod(index, count)
    return int(_order(count, cycle, seed)[position])


@lru_cache(maxsize=8)
def _order(count: int, cycle: int, seed: tuple[int, ...]) -> NDArray[np.int64]:
    return np.random.default_rng([*seed, 0, cycle]).permutation(count)


@dataclass(frozen=True)
class CropSources:
    """Pictures that crops are to be cut from."""

    sides: dict[Path, int]
    """The shorter side of each that can be read, pixels."""
    unreadable: list[Path]

    @classmethod
    def measure(cls, paths: Sequence[Path]) -> "CropSources":
        """Read every picture once."""
        sides: dict[Path, int] = {}
        unreadable: list[Path] = []
        for path in paths:
            try:
                picture = read_picture(path)
            except DataError:
                unreadable.append(path)
            else:
                sides[path] = min(picture.height, picture.width)
        return cls(sides, unreadable)

    def large_enough(self, size: int) -> list[Path]:
        """Return those of which crops of a height and width can be cut."""
        return [path for path, side in self.sides.items() if side >= size]

    def too_small(self, size: int) -> list[Path]:
        """Return those that can be read, but not be cut so."""
        return [path for path, side in self.sides.items() if side < size]

    def of(self, paths: Sequence[Path]) -> "CropSources":
        """Return the same of some of the pictures that can be read."""
        return CropSources({path: self.sides[path] for path in paths}, [])


class Reduced(Generic[Key]):
    """Pictures or tiles, reduced in size by averaging pixels as they are asked for."""

    def __init__(self, pictures: Pixels[Key], factor: int) -> None:
        self._pictures = pictures
        self._factor = factor

    def __getitem__(self, key: Key) -> Crop:
        """Return (h, w, 3) RGB."""
        return reduced(self._pictures[key], self._factor)


def read_reduced(path: Path, factor: int) -> Crop:
    """Read a picture as 8-bit RGB, (h, w, 3), reduced in size by averaging pixels.

    Raises:
        DataError: it cannot be read.
    """
    return reduced(read_picture(path).rgb8(), factor)


def reduced(pixels: Crop, factor: int) -> Crop:
    """Divide the sides of a picture, (h, w, 3), by a whole number, pixels being averaged."""
    if factor == 1:
        return pixels
    size = (max(1, pixels.shape[1] // factor), max(1, pixels.shape[0] // factor))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _turned(crop: NDArray[np.uint8], way: int) -> NDArray[np.uint8]:
    """Apply one of the eight flips and transposes of a square."""
    if way & 1:
        crop = crop[:, ::-1]
    if way & 2:
        crop = crop[::-1]
    if way & 4:
        crop = crop.transpose(1, 0, 2)
    return np.ascontiguousarray(crop)
