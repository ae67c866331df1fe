"""Indicators of a whole array: compiled loops over the definitions of `indicators`.

Each function takes columns of one length, oldest first, and returns float64 of that length; a row knows its own bar and
the past, and is NaN while warming. A million bars of an average take some milliseconds. What is given is finite.

Raises, all of them:
    ConfigurationError: A period is less than 1 bar.
    DataError: The columns differ in length, or have more than one dimension.
    ImportError: numba is not installed.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading_system.data_pipeline.normalizers.indicators import (
    NAN,
    NO_CONVERGENCE,
    NO_DIRECTIONS,
    NO_MEAN,
    NO_RANGE,
    NO_STRENGTH,
    UNSEEDED,
    checked,
    checked_macd,
    convergence_step,
    directions_step,
    mean_of,
    mean_step,
    pointing,
    range_step,
    smooth_step,
    strength_of,
    strength_step,
)
from trading_system.data_pipeline.normalizers.indicators_windows import deviation, highest, lowest
from trading_system.errors import DataError
from trading_system.kernel import compiled, kernel

Floats = NDArray[np.float64]
Column = NDArray[np.int64] | Floats


class Bands(NamedTuple):
    """Bollinger's bands: the mean, and so many deviations to either side of it."""

    middle: Floats
    upper: Floats
    lower: Floats


class Macd(NamedTuple):
    """The difference of two averages, and its own average."""

    line: Floats
    signal: Floats


class Adx(NamedTuple):
    """How strongly prices go one way (`adx`, 0..100), and how strongly up (`plus`) and down (`minus`)."""

    adx: Floats
    plus: Floats
    minus: Floats


class Channel(NamedTuple):
    """Donchian's channel: the highest high and the lowest low."""

    upper: Floats
    lower: Floats


def sma(values: Column, period: int) -> Floats:
    """Return the simple moving average of the last `period` values."""
    (values,), out = _columns(values), np.empty(len(values))
    compiled(_means)(values, checked(period), out)
    return out


def ema(values: Column, period: int, *, seed: int = 1) -> Floats:
    """Return the exponential moving average over `period` values, alpha = 2 / (`period` + 1).

    Args:
        seed: It starts from the mean of so many first values: 1 for the first one itself, `period` for an SMA.
    """
    (values,), out = _columns(values), np.empty(len(values))
    compiled(_smoothed)(values, 0.5 * float(checked(period) + 1), checked(seed), out)
    return out


def wilder(values: Column, period: int) -> Floats:
    """Return Wilder's average over `period` values: alpha = 1 / `period`, seeded with an SMA."""
    (values,), out = _columns(values), np.empty(len(values))
    compiled(_smoothed)(values, float(checked(period)), period, out)
    return out


def rsi(close: Column, period: int) -> Floats:
    """Return Wilder's relative strength index, 0..100."""
    (close,), out = _columns(close), np.empty(len(close))
    compiled(_strengths)(close, checked(period), out)
    return out


def atr(high: Column, low: Column, close: Column, period: int) -> Floats:
    """Return Wilder's average true range."""
    (high, low, close), out = _columns(high, low, close), np.empty(len(close))
    compiled(_ranges)(high, low, close, checked(period), out)
    return out


def bollinger(values: Column, period: int = 20, width: float = 2.0) -> Bands:
    """Return the mean of `period` values and `width` population deviations around it."""
    (values,) = _columns(values)
    bands = Bands(*(np.empty(len(values)) for _ in Bands._fields))
    compiled(_bands)(values, checked(period), float(width), *bands)
    return bands


def macd(values: Column, fast: int = 12, slow: int = 26, signal: int = 9) -> Macd:
    """Return the fast less the slow exponential average, and the average of that over `signal` values."""
    checked_macd(fast, slow, signal)
    (values,) = _columns(values)
    both = Macd(*(np.empty(len(values)) for _ in Macd._fields))
    compiled(_convergences)(values, fast, slow, signal, *both)
    return both


def adx(high: Column, low: Column, close: Column, period: int = 14) -> Adx:
    """Return Wilder's average directional index, and the directional indicators that it is made of."""
    high, low, close = _columns(high, low, close)
    all_three = Adx(*(np.empty(len(close)) for _ in Adx._fields))
    compiled(_directions)(high, low, close, checked(period), *all_three)
    return all_three


def donchian(high: Column, low: Column, period: int) -> Channel:
    """Return the highest high and the lowest low of the last `period` bars, this one included."""
    high, low = _columns(high, low)
    channel = Channel(*(np.empty(len(high)) for _ in Channel._fields))
    compiled(_channel)(high, low, checked(period), *channel)
    return channel


def _columns(*columns: Column) -> tuple[Column, ...]:
    """Return `columns` as blocks of int64 or float64: compiled code does not look whether an index is within."""
    if len({column.shape for column in columns}) != 1 or columns[0].ndim != 1:
        raise DataError(f"columns of one length are expected, not of {[column.shape for column in columns]}")
    return tuple(
        np.ascontiguousarray(column, dtype=np.int64)
        if column.dtype.kind in "iu"
        else np.ascontiguousarray(column, dtype=np.float64)
        for column in columns
    )


@kernel
def _means(values: Column, period: int, out: Floats) -> None:
    state = NO_MEAN
    for i in range(len(values)):
        leaving = float(values[i - period]) if i >= period else 0.0
        state = mean_step(state, float(values[i]), leaving, period)
        out[i] = mean_of(state, period)


@kernel
def _smoothed(values: Column, span: float, seed: int, out: Floats) -> None:
    state = UNSEEDED
    for i in range(len(values)):
        state = smooth_step(state, float(values[i]), span, seed)
        out[i] = state.value


@kernel
def _strengths(close: Column, period: int, out: Floats) -> None:
    state = NO_STRENGTH
    for i in range(len(close)):
        state = strength_step(state, float(close[i]), period)
        out[i] = strength_of(state)


@kernel
def _ranges(high: Column, low: Column, close: Column, period: int, out: Floats) -> None:
    state = NO_RANGE
    for i in range(len(close)):
        state = range_step(state, float(high[i]), float(low[i]), float(close[i]), period)
        out[i] = state.average.value


@kernel
def _bands(values: Column, period: int, width: float, middle: Floats, upper: Floats, lower: Floats) -> None:
    state = NO_MEAN
    for i in range(len(values)):
        leaving = float(values[i - period]) if i >= period else 0.0
        state = mean_step(state, float(values[i]), leaving, period)
        mean = mean_of(state, period)
        reach = width * deviation(values, i + 1 - period, period, mean) if i + 1 >= period else NAN
        middle[i], upper[i], lower[i] = mean, mean + reach, mean - reach


@kernel
def _convergences(values: Column, fast: int, slow: int, signal: int, line: Floats, mark: Floats) -> None:
    state = NO_CONVERGENCE
    for i in range(len(values)):
        state = convergence_step(state, float(values[i]), fast, slow, signal)
        line[i] = state.fast.value - state.slow.value
        mark[i] = state.signal.value


@kernel
def _directions(
    high: Column, low: Column, close: Column, period: int, trend: Floats, plus: Floats, minus: Floats
) -> None:
    state = NO_DIRECTIONS
    for i in range(len(close)):
        state = directions_step(state, float(high[i]), float(low[i]), float(close[i]), period)
        trend[i] = state.trend.value
        plus[i] = pointing(state.plus, state.ranges)
        minus[i] = pointing(state.minus, state.ranges)


@kernel
def _channel(high: Column, low: Column, period: int, upper: Floats, lower: Floats) -> None:
    top = bottom = 0  # where they stand: looked for anew only when one leaves the window
    for i in range(len(high)):
        first = max(0, i + 1 - period)
        top = highest(high, first, i + 1) if top < first else i if high[i] >= high[top] else top
        bottom = lowest(low, first, i + 1) if bottom < first else i if low[i] <= low[bottom] else bottom
        warm = i + 1 >= period
        upper[i] = float(high[top]) if warm else NAN
        lower[i] = float(low[bottom]) if warm else NAN
