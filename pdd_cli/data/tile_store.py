"""HR as 8-bit tiles in memory-mapped files: a random crop is a slice, and nothing is decoded twice.

A store lies beside a data set's manifest. It is made in parallel, one file for some dozens of
pictures; interrupted, it goes on with the files that are missing.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pdd_cli.data.grain import luma_of
from pdd_cli.data.inspection import fine_detail
from pdd_cli.errors import DataError
from pdd_cli.images.codec import read_picture
from pdd_cli.runtime.files import write_text_atomically

TILE = 384
"""Height and width of a tile, pixels."""

_PICTURES_A_SHARD = 32
_LEAST_CONTRAST = 4.0
_LEAST_DETAIL = 0.15
_INDEX = "store.json"


@dataclass(frozen=True)
class TileStore:
    """Tiles of a data set's HR, by number."""

    folder: Path

    @cached_property
    def keys(self) -> list[int]:
        """The numbers of all tiles."""
        return list(range(sum(len(shard) for shard in self._shards)))

    def __getitem__(self, key: int) -> NDArray[np.uint8]:
        """Return a tile, (384, 384, 3) RGB, read from the disk only where it is looked at."""
        shard = int(np.searchsorted(self._ends, key, side="right"))
        first = int(self._ends[shard - 1]) if shard else 0
        tile: NDArray[np.uint8] = self._shards[shard][key - first]
        return tile

    @cached_property
    def _shards(self) -> list[NDArray[np.uint8]]:
        return [np.load(path, mmap_mode="r") for path in sorted(self.folder.glob("*.npy"))]

    @cached_property
    def _ends(self) -> NDArray[np.int64]:
        return np.cumsum([len(shard) for shard in self._shards])


def tile_folder(manifest: Path) -> Path:
    """Return where the tiles of a prepared data set lie: beside its manifest."""
    return manifest.with_name("tiles")


def open_store(folder: Path) -> TileStore | None:
    """Return a finished store, or None."""
    return TileStore(folder) if (folder / _INDEX).is_file() else None


def build_store(
    folder: Path, pictures: Sequence[Path], on_done: Callable[[int], None]
) -> TileStore:
    """Cut pictures into tiles, leaving out those that are flat or blurred.

    Args:
        folder: of the store; what is in it already is kept when it is of the same pictures.
        pictures: sharp ones; what is smaller than a tile gives none.
        on_done: told how many pictures are done.

    Raises:
        DataError: no picture gives a tile.
        OSError: the disk has no room.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = {"tile": TILE, "pictures": [_identity(path) for path in pictures]}
    started = folder / "started.json"
    if _read_json(started) != content:
        for stale in (*folder.glob("*.npy"), folder / _INDEX):
            stale.unlink(missing_ok=True)
        write_text_atomically(started, json.dumps(content) + "\n")
    shards = [
        pictures[start : start + _PICTURES_A_SHARD]
        for start in range(0, len(pictures), _PICTURES_A_SHARD)
    ]
    done = 0
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as workers:
        for number, shard in enumerate(shards):
            path = folder / f"{number:06}.npy"
            if not path.is_file():
                tiles = [tile for found in workers.map(_tiles_of, shard) for tile in found]
                _write_shard(path, tiles)
            done += len(shard)
            on_done(done)
    store = TileStore(folder)
    if not store.keys:
        raise DataError(
            f"None of the {len(pictures)} pictures gives a tile of {TILE}×{TILE} with detail.",
            hint="Give larger or sharper pictures, or do without --tiles.",
        )
    write_text_atomically(folder / _INDEX, json.dumps({"tiles": len(store.keys)}) + "\n")
    return store


def _tiles_of(path: Path) -> list[NDArray[np.uint8]]:
    try:
        pixels = read_picture(path).rgb8()
    except DataError:
        return []
    return [tile for tile in _cut(pixels) if _has_detail(tile)]


def _cut(pixels: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Cover a picture with tiles, which overlap where its sides are no multiple of theirs."""
    if min(pixels.shape[:2]) < TILE:
        return
    rows, columns = (
        np.linspace(0, length - TILE, -(-length // TILE)).astype(int) for length in pixels.shape[:2]
    )
    for top in rows:
        for left in columns:
            yield pixels[top : top + TILE, left : left + TILE]


def _has_detail(tile: NDArray[np.uint8]) -> bool:
    luma = luma_of(tile)
    return bool(luma.std() >= _LEAST_CONTRAST) and fine_detail(luma) >= _LEAST_DETAIL


def _write_shard(path: Path, tiles: Sequence[NDArray[np.uint8]]) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            np.save(file, np.stack(tiles) if tiles else np.empty((0, TILE, TILE, 3), np.uint8))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _identity(path: Path) -> list[object]:
    state = path.stat()
    return [str(path), state.st_size, state.st_mtime_ns]


def _read_json(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
