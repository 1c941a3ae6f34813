import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdd_cli.metrics.statistics import difference, mean_of

figures = st.lists(st.floats(-100, 100), min_size=2, max_size=30)


@given(figures)
def test_an_interval_lies_around_the_mean_and_within_the_values(values):
    mean = mean_of(values)
    low, high = mean.interval
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9
    assert low - 1e-9 <= mean.value <= high + 1e-9 or len(set(values)) > 1


def test_an_interval_is_that_of_a_normal_mean_where_figures_are_normal():
    values = np.random.default_rng(1).normal(27, 2, 400)
    low, high = mean_of(values.tolist()).interval
    half = 1.96 * values.std() / np.sqrt(400)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.02)


def test_the_same_figures_give_the_same_interval():
    assert mean_of([1.0, 2.0, 5.0]) == mean_of([1.0, 2.0, 5.0])


@pytest.mark.parametrize("values", [[27.0], [27.0, math.inf], [27.0, math.nan]])
def test_one_picture_or_what_is_not_finite_has_no_interval(values):
    assert mean_of(values).interval is None


def test_a_paired_difference_is_surer_than_the_means_tell():
    reference = np.random.default_rng(0).normal(27, 3, 30).tolist()
    change = difference([value + 0.1 for value in reference], reference, "higher")
    low, high = change.mean.interval
    assert (low, high) == pytest.approx((0.1, 0.1), abs=1e-6)
    assert change.certain
    assert change.won == 1


def test_who_won_follows_the_direction_and_ties_are_nobodys():
    assert difference([1, 2, 3, 4], [1, 3, 4, 3], "higher").won == 0.25
    assert difference([1, 2, 3, 4], [1, 3, 4, 3], "lower").won == 0.5
    assert difference([1, 2], [3, 4], None).won is None


def test_two_infinite_figures_are_equal():
    change = difference([math.inf, 30.0], [math.inf, 29.0], "higher")
    assert change.mean.value == 0.5
    assert not difference([math.nan, 1.0], [1.0, 1.0], "lower").certain
    assert difference([math.nan, 1.0], [1.0, 1.0], "lower").won is None
