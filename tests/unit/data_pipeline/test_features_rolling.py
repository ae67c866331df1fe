"""Sums over the last bars: right, without drift, and the same whenever one began to listen."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.data_pipeline.normalizers.features.rolling import (
    rolling_moments,
    rolling_sum,
    room_of_moments,
    room_of_sum,
)

BARS = st.integers(1, 12)
STARTS = st.integers(0, 10**7)
WHOLE = st.lists(st.integers(-(10**6), 10**6).map(float), min_size=1, max_size=60)
WILD = st.lists(st.floats(-1e18, 1e18), min_size=1, max_size=60)


def sums(values, bars, start):
    """Return the sum at each value, from a memory with room for nothing more; `start` is the first bar's number."""
    state = [0.0] * room_of_sum(bars)
    return [rolling_sum(state, 0, (start + index) % bars, bars, value) for index, value in enumerate(values)]


def moments(values, bars, start):
    state = [0.0] * room_of_moments(bars)
    return [
        rolling_moments(state, 0, (start + index) % bars, bars, value, 1.0 if index == 0 else 2.0)
        for index, value in enumerate(values)
    ]


@given(values=WHOLE, bars=BARS, start=STARTS)
def test_a_sum_of_whole_numbers_is_exact(values, bars, start):
    """Each is the sum of its own window, and of nothing that has left it."""
    told = sums(values, bars, start)
    for end in range(bars, len(values) + 1):
        assert told[end - 1] == sum(values[end - bars : end])


@given(values=WILD, bars=BARS, start=STARTS)
def test_a_sum_of_any_numbers_is_as_good_as_adding_them_up(values, bars, start):
    """However large what has left the window was: no rounding of it stays behind."""
    told = sums(values, bars, start)
    for end in range(bars, len(values) + 1):
        window = values[end - bars : end]
        assert abs(told[end - 1] - math.fsum(window)) <= 1e-15 * bars * math.fsum(map(abs, window))


@given(values=WILD, bars=BARS, start=STARTS, late=st.integers(1, 30))
def test_whoever_began_later_has_the_same_bits(values, bars, start, late):
    """A sum knows its window alone, a variance the bar before it too."""
    rest = values[late:]
    whole, again = sums(values, bars, start)[late:], sums(rest, bars, start + late)
    assert whole[bars - 1 :] == again[bars - 1 :]
    spread, later = moments(values, bars, start)[late:], moments(rest, bars, start + late)
    assert spread[bars:] == later[bars:]


@given(values=WHOLE, bars=BARS, start=STARTS)
def test_moments_are_those_of_the_window(values, bars, start):
    """Distance from the mean, and the variance of a population; less than FLAT of all distances (300) is none."""
    told = moments(values, bars, start)
    for end in range(bars + 1, len(values) + 1):
        window = values[end - bars : end]
        mean = math.fsum(window) / bars
        away, variance = told[end - 1]
        assert away == pytest.approx(window[-1] - mean, rel=1e-9, abs=1e-8)
        assert variance == pytest.approx(math.fsum((value - mean) ** 2 for value in window) / bars, rel=1e-6, abs=300.0)


@given(value=st.integers(0, 4 * 10**18), bars=BARS, start=STARTS, before=st.integers(0, 4 * 10**18))
def test_what_is_all_the_same_has_no_spread(value, bars, start, before):
    """To the bit, whatever came before it: a rounding is no deviation to be divided by."""
    told = moments([float(before)] + [float(value)] * (3 * bars + 1), bars, start)
    assert told[bars + 1 :] == [(0.0, 0.0)] * (2 * bars + 1)


def test_by_hand():
    """Three bars, blocks that begin at multiples of three; the first bar is number 1."""
    assert sums([1.0, 2.0, 3.0, 4.0, 5.0], 3, 1)[2:] == [6.0, 9.0, 12.0]
    assert moments([1.0, 2.0, 3.0, 4.0, 8.0], 3, 1)[3:] == [
        (1.0, pytest.approx(2 / 3)),
        (3.0, pytest.approx(14 / 3)),
    ]
