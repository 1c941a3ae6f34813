"""MATLAB files: what scipy writes is read alike, and nothing but plain matrices is taken."""

import io
from contextlib import suppress

import numpy as np
import pytest
import scipy.io

from pdd_cli.assets.matlab import read_matrices
from pdd_cli.errors import ModelError


def written(**variables) -> bytes:
    file = io.BytesIO()
    scipy.io.savemat(file, variables)
    return file.getvalue()


def test_matrices_are_read_by_name_as_they_were_written():
    chance = np.random.default_rng(0)
    expected = {"pop_mu": chance.random((1, 36)), "m": chance.random((3, 5))}
    found = read_matrices(written(**expected), named="test.mat")
    assert set(found) == set(expected)
    assert all(np.array_equal(found[name].numpy(), expected[name]) for name in expected)


@pytest.mark.parametrize("kept", [0, 100, 130, 200, 260])
def test_a_file_cut_short_is_refused(kept):
    data = written(matrix=np.ones((5, 5)))[:kept]
    try:
        assert read_matrices(data, named="cut.mat") == {}
    except ModelError as error:
        assert "cut.mat" in str(error)


@pytest.mark.parametrize("variable", ["a word", {"a": 1}, [1 + 2j], np.array([[1, "x"]], object)])
def test_anything_but_a_matrix_of_doubles_is_refused(variable):
    with pytest.raises(ModelError, match=r"test\.mat"):
        read_matrices(written(variable=variable), named="test.mat")


def test_any_damage_is_refused_or_changes_a_value_and_nothing_else():
    data = written(matrix=np.ones((2, 2)))
    chance = np.random.default_rng(1)
    for _ in range(500):
        damaged = bytearray(data)
        damaged[int(chance.integers(len(data)))] = int(chance.integers(256))
        with suppress(ModelError):
            read_matrices(bytes(damaged), named="test.mat")
