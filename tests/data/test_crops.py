from collections import Counter

import cv2
import numpy as np
import pytest
import torch

from pdd_cli.data.batches import Batches, SyntheticPairs
from pdd_cli.data.crops import (
    CropSources,
    DecodedPictures,
    RandomCrops,
    RandomPairs,
    Reduced,
    read_reduced,
)
from pdd_cli.data.degradations import PlainResizes


@pytest.fixture
def pictures(tmp_path, write):
    paths = [tmp_path / f"{number}.png" for number in range(5)]
    for number, path in enumerate(paths):
        write(path, 20 + number, 30, number)
    return paths


def crops(paths, size=16, seed=(0, 1)):
    return RandomCrops(paths, size, DecodedPictures(1), seed)


def test_a_crop_depends_on_seed_and_index_alone(pictures):
    first, again, other = crops(pictures), crops(pictures), crops(pictures, seed=(1, 1))
    order = [7, 2, 11]
    taken = {index: first.take(index) for index in order}
    assert all(np.array_equal(again.take(index), taken[index]) for index in sorted(order))
    assert any(not np.array_equal(other.take(index), taken[index]) for index in order)


def test_every_picture_is_taken_once_before_any_is_taken_twice(tmp_path):
    paths = []
    for shade in range(5):
        paths.append(tmp_path / f"{shade}.png")
        flat = np.full((16, 16, 3), 10 * shade, np.uint8)
        paths[-1].write_bytes(cv2.imencode(".png", flat)[1].tobytes())
    source = crops(paths)
    cycles = [[source.take(5 * cycle + n)[0, 0, 0] for n in range(5)] for cycle in range(4)]
    assert all(set(Counter(cycle).values()) == {1} for cycle in cycles)
    assert len({tuple(cycle) for cycle in cycles}) > 1


def test_a_budget_bounds_what_is_kept(pictures):
    kept = DecodedPictures(budget_gb=4000 / 1024**3)
    before = [kept[path].copy() for path in pictures]
    assert all(
        np.array_equal(kept[path], pixels) for path, pixels in zip(pictures, before, strict=True)
    )
    assert kept._bytes <= 4000


def test_small_and_unreadable_pictures_are_told_apart(pictures, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"x")
    found = CropSources.measure([*pictures, broken])
    assert found.large_enough(22) == pictures[2:]
    assert found.too_small(22) == pictures[:2]
    assert found.unreadable == [broken]
    assert found.of(pictures[1:3]).large_enough(22) == pictures[2:3]


def test_pictures_are_reduced_as_they_are_asked_for(pictures):
    reduced = Reduced(DecodedPictures(budget_gb=1), 2)
    assert np.array_equal(reduced[pictures[0]], read_reduced(pictures[0], 2))


def test_batches_made_ahead_are_those_asked_for(pictures):
    hr = crops(pictures, 16, (0, 2))
    batches = Batches(
        pairs=SyntheticPairs(hr, PlainResizes(("bicubic", "area")), scale=2, seed=3),
        real=crops(pictures, 8),
        size=2,
        device=torch.device("cpu"),
    )
    for step, made in batches.steps(4, 6):
        expected = batches.batch(step)
        assert all((a == b).all() for a, b in zip(made, expected, strict=True))
        assert made.real.shape == made.synthetic.shape == (2, 3, 8, 8)
        assert made.hr.shape == (2, 3, 16, 16)


def test_pairs_are_the_same_part_of_lr_and_hr_turned_alike(tmp_path, write):
    paths = []
    for number in range(2):
        hr = write(tmp_path / f"{number}_hr.png", 64, 48, number)
        low = tmp_path / f"{number}_lr.png"
        cv2.imwrite(str(low), hr[::4, ::4, ::-1])
        paths.append((low, tmp_path / f"{number}_hr.png"))
    pairs = RandomPairs(paths, 8, 4, DecodedPictures(1.0), (0,))
    for index in range(16):
        lr, hr = pairs.take(index)
        assert lr.shape == (8, 8, 3)
        # Wherever a turn has put the kept pixel of each 4×4 block, LR lies in its HR.
        kept = [hr[row::4, column::4] for row in (0, 3) for column in (0, 3)]
        assert any(np.array_equal(lr, part) for part in kept)
