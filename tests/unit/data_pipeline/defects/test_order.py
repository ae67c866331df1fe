"""Rows in the wrong place: as few as can be are blamed, and those left never fall back."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.data_pipeline.normalizers.defects.order import misplaced, newest_first, outlying


def fewest(times):
    """Return the least number of rows to leave out so that the rest never falls, tried one by one."""
    for many in range(len(times) + 1):
        for left in combinations(range(len(times)), len(times) - many):
            if all(times[a] <= times[b] for a, b in pairwise(left)):
                return many
    raise AssertionError("none left is in order")


@given(times=st.lists(st.integers(0, 9), max_size=9))
def test_no_fewer_rows_could_be_blamed(times):
    """Held against every choice there is."""
    blamed = misplaced(np.array(times, dtype=np.int64))
    left = np.array(times, dtype=np.int64)[~blamed]
    assert (np.diff(left) >= 0).all()
    assert blamed.sum() == fewest(times)


@pytest.mark.parametrize(
    ("times", "blamed"),
    [
        ([1, 2, 3, 4], []),
        ([1, 3, 2, 4], [2]),  # of two, rather the later in the file
        ([1, 2, 9, 3, 4], [2]),
        ([5, 6, 1, 2, 3, 7], [0, 1]),
        ([1, 1, 2], []),  # told twice, but in order
    ],
)
def test_rows_are_blamed_where_a_reader_would(times, blamed):
    """By hand."""
    assert np.flatnonzero(misplaced(np.array(times))).tolist() == blamed


def test_a_stamp_out_of_this_world_is_broken_wherever_it_stands():
    """200 hours, one of them a century later: a broken clock, and no gap of a hundred years."""
    times = np.arange(200) * 3_600
    for place in (0, 77, 199):
        wild = times.copy()
        wild[place] = 100 * 365 * 86_400
        assert np.flatnonzero(outlying(wild)).tolist() == [place]
        assert np.flatnonzero(outlying(-wild)).tolist() == [place]
    assert not outlying(times).any()


def test_a_file_told_twice_has_no_broken_clock():
    """All 200 hours twice: steps of nothing between equals say nothing about how far apart rows stand."""
    assert not outlying(np.repeat(np.arange(200) * 3_600, 2)).any()


def test_a_long_gap_is_no_broken_clock():
    """Half of the rows behind a hole of years: the market, or the file, was away."""
    assert not outlying(np.concatenate((np.arange(100), np.arange(100) + 10**9)) * 3_600).any()


def test_an_export_runs_backwards_and_a_muddle_does_not():
    """Nine falls in ten steps and more are a habit; half of them are a muddle."""
    assert newest_first(np.arange(100)[::-1])
    assert not newest_first(np.arange(100))
    assert not newest_first(np.array([1, 3, 2, 5, 4, 7, 6]))
    assert not newest_first(np.array([2, 1]))
