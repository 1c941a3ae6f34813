"""Tiles are what was cut, nothing flat among them, and a store that broke off goes on."""

import cv2
import numpy as np
import pytest

from pdd_cli.data import tile_store
from pdd_cli.data.crops import RandomCrops
from pdd_cli.data.tile_store import TILE, build_store, open_store
from pdd_cli.errors import DataError


def textured(height: int, width: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def pictures(tmp_path):
    def make(*shapes):
        paths = []
        for number, shape in enumerate(shapes):
            path = tmp_path / f"{number}.png"
            cv2.imwrite(str(path), textured(*shape, number)[..., ::-1])
            paths.append(path)
        return paths

    return make


def nothing(_done):
    pass


def test_tiles_cover_a_picture_to_its_borders(tmp_path, pictures):
    store = build_store(tmp_path / "store", pictures((TILE, 2 * TILE - 100)), nothing)
    pixels = textured(TILE, 2 * TILE - 100, 0)
    assert len(store.keys) == 2
    assert np.array_equal(store[0], pixels[:, :TILE])
    assert np.array_equal(store[1], pixels[:, -TILE:])


def test_tiles_of_many_pictures_are_found_by_number(tmp_path, pictures, monkeypatch):
    monkeypatch.setattr(tile_store, "_PICTURES_A_SHARD", 2)
    paths = pictures(*[(TILE, TILE)] * 5)
    store = build_store(tmp_path / "store", paths, nothing)
    assert len(list((tmp_path / "store").glob("*.npy"))) == 3
    assert all(np.array_equal(store[n], textured(TILE, TILE, n)) for n in range(5))


def test_flat_blurred_small_and_unreadable_pictures_give_no_tiles(tmp_path, pictures):
    paths = pictures((TILE, TILE), (TILE - 1, TILE))
    flat, blurred, broken = (tmp_path / f"{name}.png" for name in ("flat", "blurred", "broken"))
    cv2.imwrite(str(flat), np.full((TILE, TILE, 3), 90, np.uint8))
    cv2.imwrite(str(blurred), cv2.GaussianBlur(textured(TILE, TILE, 7), (0, 0), 4.0))
    broken.write_bytes(b"no picture")
    store = build_store(tmp_path / "store", [*paths, flat, blurred, broken], nothing)
    assert len(store.keys) == 1


def test_without_any_tile_there_is_no_store(tmp_path, pictures):
    with pytest.raises(DataError, match="384×384"):
        build_store(tmp_path / "store", pictures((50, 50)), nothing)
    assert open_store(tmp_path / "store") is None


def test_a_store_that_broke_off_goes_on_with_what_is_missing(tmp_path, pictures, monkeypatch):
    monkeypatch.setattr(tile_store, "_PICTURES_A_SHARD", 1)
    paths = pictures(*[(TILE, TILE)] * 3)

    def interrupt(done):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_store(tmp_path / "store", paths, interrupt)
    assert open_store(tmp_path / "store") is None
    first = tmp_path / "store" / "000000.npy"
    made = first.stat().st_mtime_ns
    assert len(build_store(tmp_path / "store", paths, nothing).keys) == 3
    assert first.stat().st_mtime_ns == made


def test_a_store_of_other_pictures_is_made_anew(tmp_path, pictures):
    first, second = pictures((TILE, TILE), (TILE, TILE))
    build_store(tmp_path / "store", [first], nothing)
    store = build_store(tmp_path / "store", [second], nothing)
    assert np.array_equal(store[0], textured(TILE, TILE, 1))


def test_crops_are_slices_of_tiles(tmp_path, pictures):
    store = build_store(tmp_path / "store", pictures((TILE, TILE)), nothing)
    crops = RandomCrops(store.keys, 192, store, (0, 1))
    first, again, other = crops.take(0), crops.take(0), crops.take(1)
    assert first.shape == (192, 192, 3)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
