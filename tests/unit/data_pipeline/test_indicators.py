"""Indicators: values by hand, and one definition at two speeds, the same to the bit."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.data_pipeline.normalizers import indicators_arrays as arrays
from trading_system.data_pipeline.normalizers import indicators_bars as bars
from trading_system.errors import ConfigurationError, DataError

pytestmark = pytest.mark.slow

PERIODS = st.integers(1, 12)
WHOLE = st.lists(st.integers(1, 10**9), max_size=60).map(lambda values: np.array(values, dtype=np.int64))
FRACTIONS = st.lists(st.floats(1e-6, 1e6), max_size=60).map(lambda values: np.array(values, dtype=np.float64))
ROWS = st.lists(st.tuples(*[st.integers(1, 10**6)] * 3).map(sorted), max_size=60).map(
    lambda rows: np.array(rows, dtype=np.int64).reshape(-1, 3)
)


def bits(*columns):
    """Return the bits of float columns, so that NaN equals NaN and 0.0 is not -0.0."""
    return [np.asarray(column, dtype=np.float64).view(np.int64).tolist() for column in columns]


def pushed(indicator, *columns):
    """Return what `indicator` says row by row, as columns; it is fed Python's own numbers."""
    told = [indicator.push(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
    width = len(told[0]) if told and isinstance(told[0], tuple) else 1
    return np.array(told, dtype=np.float64).reshape(-1, width).T


@given(values=WHOLE | FRACTIONS, period=PERIODS, more=st.integers(1, 12), seed=PERIODS)
def test_of_one_column_array_and_bars_agree_to_the_bit(values, period, more, seed):
    """Whether a million values are told at once or one by one, whole or not."""
    same = bits(*pushed(bars.Sma(period), values)) if len(values) else [[]]
    assert bits(arrays.sma(values, period)) == same
    if not len(values):
        return
    slow = period + more
    assert bits(arrays.ema(values, period, seed=seed)) == bits(*pushed(bars.ema(period, seed=seed), values))
    assert bits(arrays.wilder(values, period)) == bits(*pushed(bars.wilder(period), values))
    assert bits(arrays.rsi(values, period)) == bits(*pushed(bars.Rsi(period), values))
    assert bits(*arrays.bollinger(values, period)) == bits(*pushed(bars.Bollinger(period), values))
    assert bits(*arrays.macd(values, period, slow, seed)) == bits(*pushed(bars.Macd(period, slow, seed), values))


@given(rows=ROWS.filter(len), period=PERIODS)
def test_of_bars_array_and_bars_agree_to_the_bit(rows, period):
    """Highs, lows and closes that jump about, flat ones among them."""
    low, close, high = rows.T
    assert bits(arrays.atr(high, low, close, period)) == bits(*pushed(bars.Atr(period), high, low, close))
    assert bits(*arrays.adx(high, low, close, period)) == bits(*pushed(bars.Adx(period), high, low, close))
    assert bits(*arrays.donchian(high, low, period)) == bits(*pushed(bars.Donchian(period), high, low))


@given(values=WHOLE.filter(len), period=PERIODS)
def test_an_average_of_whole_numbers_is_exact_however_long_it_runs(values, period):
    """Each is the sum of its own window divided once: nothing of what has left the window remains."""
    ours = arrays.sma(values, period).tolist()
    for end in range(period, len(values) + 1):
        assert ours[end - 1] == int(values[end - period : end].sum()) / period


def test_values_by_hand():
    """Small enough to follow with a pencil."""
    closes = np.array([1, 2, 3, 4, 2])
    assert arrays.sma(closes, 2)[1:].tolist() == [1.5, 2.5, 3.5, 3.0]
    assert arrays.ema(closes, 3).tolist() == [1.0, 1.5, 2.25, 3.125, 2.5625]  # alpha 1/2, from the first value
    assert arrays.ema(closes, 3, seed=3)[2:].tolist() == [2.0, 3.0, 2.5]  # from the mean of 1, 2, 3
    assert arrays.wilder(closes, 2)[1:].tolist() == [1.5, 2.25, 3.125, 2.5625]
    assert arrays.rsi(closes, 2)[2:].tolist() == [100.0, 100.0, 100 / 3]  # up 1, 1, then 1/2; down 0, 0, then 1
    assert arrays.bollinger(np.array([1, 3, 3]), 2).upper[1:].tolist() == [4.0, 3.0]  # 2 + 2 x 1; then no spread
    high, low = np.array([12, 15, 11]), np.array([10, 13, 6])
    assert arrays.atr(high, low, np.array([11, 14, 8]), 2)[1:].tolist() == [3.0, 5.5]  # ranges 2, 4, 8
    assert arrays.donchian(high, low, 2).upper[1:].tolist() == [15.0, 15.0]
    assert arrays.donchian(high, low, 2).lower[1:].tolist() == [10.0, 6.0]


def test_a_market_that_stands_still_has_no_strength_and_no_direction():
    """Where a formula divides nothing by nothing, the answer is the middle, not NaN."""
    still = np.full(40, 700)
    assert arrays.rsi(still, 14)[14:].tolist() == [50.0] * 26
    adx = arrays.adx(still, still, still, 14)
    assert (adx.adx[27:], adx.plus[14:], adx.minus[14:]) == pytest.approx((0.0, 0.0, 0.0), abs=0.0)


@pytest.mark.parametrize(
    ("known_from", "of"),
    [
        (13, lambda h, lo, c: arrays.sma(c, 14)),
        (0, lambda h, lo, c: arrays.ema(c, 14)),
        (13, lambda h, lo, c: arrays.ema(c, 14, seed=14)),
        (14, lambda h, lo, c: arrays.rsi(c, 14)),
        (13, lambda h, lo, c: arrays.atr(h, lo, c, 14)),
        (19, lambda h, lo, c: arrays.bollinger(c).lower),
        (25, lambda h, lo, c: arrays.macd(c).line),
        (33, lambda h, lo, c: arrays.macd(c).signal),
        (14, lambda h, lo, c: arrays.adx(h, lo, c).plus),
        (27, lambda h, lo, c: arrays.adx(h, lo, c).adx),
        (19, lambda h, lo, c: arrays.donchian(h, lo, 20).upper),
    ],
)
def test_an_indicator_is_nothing_while_warming_and_known_from_then_on(known_from, of):
    """NaN before, a number at every bar after."""
    close = 1_000 + np.arange(60) * 7 % 31
    told = of(close + 5, close - 4, close)
    assert np.isnan(told).tolist() == [True] * known_from + [False] * (60 - known_from)


def test_columns_of_different_lengths_are_refused():
    """Compiled code would read beyond the end of the shorter."""
    with pytest.raises(DataError, match=r"one length"):
        arrays.atr(np.ones(5), np.ones(4), np.ones(5), 2)
    with pytest.raises(DataError, match=r"one length"):
        arrays.sma(np.ones((2, 2)), 2)


@pytest.mark.parametrize("make", [bars.Sma, bars.ema, bars.Rsi, bars.Atr, bars.Bollinger, bars.Adx, bars.Donchian])
def test_a_period_is_at_least_one_bar(make):
    """Refused when it is made."""
    with pytest.raises(ConfigurationError, match="a period is at least 1"):
        make(0)


def test_the_fast_average_is_the_shorter_one():
    """At both speeds."""
    with pytest.raises(ConfigurationError, match="must be shorter"):
        bars.Macd(26, 12)
    with pytest.raises(ConfigurationError, match="must be shorter"):
        arrays.macd(np.ones(3), 26, 12)


def test_an_array_that_may_only_be_read_or_that_skips_is_as_good():
    """Columns come out of files and tables in every layout."""
    values = np.arange(20)
    values.setflags(write=False)
    assert math.isclose(arrays.sma(values[::2], 2)[1], 1.0)
    assert arrays.sma(values, 2)[-1] == 18.5
