"""Archives of arrays: what numpy writes is read alike, and nothing but numbers is taken."""

import io
from contextlib import suppress

import numpy as np
import pytest

from pdd_cli.assets.arrays import read_arrays
from pdd_cli.errors import ModelError


def written(**arrays) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def test_arrays_are_read_by_name_as_they_were_written():
    chance = np.random.default_rng(0)
    expected = {"mean": chance.random((1, 36)), "m": np.asfortranarray(chance.random((3, 5)))}
    found = read_arrays(written(**expected), named="test.npz")
    assert set(found) == set(expected)
    assert all(np.array_equal(found[name].numpy(), expected[name]) for name in expected)


@pytest.mark.parametrize("kept", [0, 4, 100, 200, -1])
def test_a_file_cut_short_is_refused(kept):
    with pytest.raises(ModelError, match=r"cut\.npz"):
        read_arrays(written(matrix=np.ones((5, 5)))[:kept], named="cut.npz")


@pytest.mark.parametrize("variable", ["a word", np.array([{"a": 1}], object)])
def test_anything_but_numbers_is_refused(variable):
    with pytest.raises(ModelError, match=r"test\.npz"):
        read_arrays(written(variable=np.asarray(variable)), named="test.npz")


def test_any_damage_is_refused_or_changes_what_is_not_read():
    data = written(matrix=np.ones((2, 2)))
    chance = np.random.default_rng(1)
    for _ in range(500):
        damaged = bytearray(data)
        damaged[int(chance.integers(len(data)))] = int(chance.integers(256))
        with suppress(ModelError):
            assert all(
                tensor.eq(1).all() for tensor in read_arrays(bytes(damaged), named="x").values()
            )
