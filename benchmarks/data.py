"""How fast HR crops come: from a tile store, and from decoding a PNG for each, as is usual.

Both in one run on the same pictures, so that the ratio holds on any machine.

Run: python benchmarks/data.py FOLDER_OF_HR_PNG
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from pdd_cli.data.crops import RandomCrops
from pdd_cli.data.tile_store import TILE, build_store
from pdd_cli.images.listing import list_pictures

CROP = 192
SECONDS = 5.0


def crops_a_second(take: Callable[[int], object]) -> float:
    """Take crops for some seconds."""
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < SECONDS:
        take(count)
        count += 1
    return count / (time.perf_counter() - start)


def main() -> None:
    """Measure and print."""
    pictures = list_pictures(Path(sys.argv[1])).pictures
    chance = np.random.default_rng(0)

    def decoded(index: int) -> np.ndarray:
        pixels = cv2.imread(str(pictures[index % len(pictures)]))
        assert pixels is not None
        top, left = (int(chance.integers(length - CROP + 1)) for length in pixels.shape[:2])
        crop = pixels[top : top + CROP, left : left + CROP]
        return np.ascontiguousarray(crop[..., ::-1])

    with tempfile.TemporaryDirectory() as folder:
        store = build_store(Path(folder), pictures, on_done=lambda _done: None)
        stored = crops_a_second(RandomCrops(store.keys, CROP, store, (0, 1)).take)
    usual = crops_a_second(decoded)
    print(f"{len(pictures)} pictures, {len(store.keys)} tiles of {TILE}, crops of {CROP}")  # noqa: T201
    print(f"from the store     {stored:9.0f} crops/s")  # noqa: T201
    print(f"decoding each PNG  {usual:9.0f} crops/s")  # noqa: T201
    print(f"ratio              {stored / usual:9.0f}")  # noqa: T201


if __name__ == "__main__":
    main()
