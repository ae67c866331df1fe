"""Indicators, defined once: what one more bar does to each of them.

A definition is a state of plain numbers and a marked function that takes it one value further. `indicators_arrays`
compiles a loop over these very functions, `indicators_bars` calls them bar by bar: the bits are the same because there
is nothing else to be the same as. An indicator that is still warming is NaN.

Prices are whole ticks. Sums of whole numbers are exact in a float below 2**53, so a running sum here never drifts,
however long it runs. Fractions may be given as well; their sums then carry the usual rounding.

Averages that never forget (EMA, and all of Wilder's) depend on where the data begin, as their inventors meant it. The
features of models (`features`) have steps of their own, on plain numbers in the place of tuples; those that never
forget are held by a test to these, to the bit, and those that must forget are plain sums.
"""

import math
from typing import Final, NamedTuple

from trading_system.errors import ConfigurationError
from trading_system.kernel import kernel

NAN: Final = math.nan


def checked(period: int) -> int:
    """Return `period`, bars; ConfigurationError where it is less than one."""
    if period < 1:
        raise ConfigurationError(f"an indicator over {period} bars is not one; a period is at least 1")
    return period


def checked_macd(fast: int, slow: int, signal: int) -> None:
    """Raise ConfigurationError where the periods of a MACD are not 1 <= `fast` < `slow` and 1 <= `signal`."""
    if not (checked(fast) < slow and checked(signal)):
        raise ConfigurationError(f"a MACD's fast average ({fast}) must be shorter than its slow one ({slow})")


class Mean(NamedTuple):
    """The mean of the last values, each weighing the same."""

    total: float
    seen: int
    """Values taken in, at most the period."""


NO_MEAN: Final = Mean(total=0.0, seen=0)


@kernel
def mean_step(state: Mean, value: float, leaving: float, period: int) -> Mean:
    """Take `value` in and `leaving` out: the value `period` earlier, 0.0 before there is one."""
    return Mean(total=state.total + (value - leaving), seen=min(state.seen + 1, period))


@kernel
def mean_of(state: Mean, period: int) -> float:
    """Return the simple moving average (SMA); NaN before `period` values."""
    return state.total / float(period) if state.seen >= period else NAN


class Smooth(NamedTuple):
    """An average that moves a part of the way to each value and never forgets."""

    value: float
    """The average; NaN before it is seeded."""
    total: float
    seen: int


UNSEEDED: Final = Smooth(value=NAN, total=0.0, seen=0)


@kernel
def smooth_step(state: Smooth, value: float, span: float, seed: int) -> Smooth:
    """Move 1/`span` of the way to `value`; the mean of the first `seed` values is where it starts.

    Over n bars, an exponential average (EMA) has a span of (n + 1) / 2, seeded with its first value or with the mean
    of the first n; Wilder's average has a span of n, seeded with the mean of the first n.

    Source: Wilder (1978), "New Concepts in Technical Trading Systems", section II.

    >>> smooth_step(Smooth(value=10.0, total=10.0, seen=1), 16.0, span=2.0, seed=1).value
    13.0
    """
    if state.seen >= seed:
        return Smooth(value=state.value + (value - state.value) / span, total=state.total, seen=state.seen)
    total, seen = state.total + value, state.seen + 1
    return Smooth(value=total / float(seed) if seen >= seed else NAN, total=total, seen=seen)


class Range(NamedTuple):
    """Wilder's average true range."""

    close: float
    average: Smooth


NO_RANGE: Final = Range(close=0.0, average=UNSEEDED)


@kernel
def true_range(high: float, low: float, before: float) -> float:
    """Return how far the price went since the close `before`."""
    return max(high, before) - min(low, before)


@kernel
def range_step(state: Range, high: float, low: float, close: float, period: int) -> Range:
    """Take a bar in. The first bar has no close before it: its range is high - low, and it counts in the seed."""
    reach = high - low if state.average.seen == 0 else true_range(high, low, state.close)
    return Range(close=close, average=smooth_step(state.average, reach, float(period), period))


class Strength(NamedTuple):
    """Wilder's averages of the moves up and of the moves down."""

    close: float
    seen: int
    """1 once there is a close to move from."""
    up: Smooth
    down: Smooth


NO_STRENGTH: Final = Strength(close=0.0, seen=0, up=UNSEEDED, down=UNSEEDED)


@kernel
def strength_step(state: Strength, close: float, period: int) -> Strength:
    """Take a close in."""
    if state.seen == 0:
        return Strength(close=close, seen=1, up=state.up, down=state.down)
    span = float(period)
    return Strength(
        close=close,
        seen=1,
        up=smooth_step(state.up, max(close - state.close, 0.0), span, period),
        down=smooth_step(state.down, max(state.close - close, 0.0), span, period),
    )


@kernel
def strength_of(state: Strength) -> float:
    """Return the relative strength index (RSI), 0..100; 50 where nothing moved; NaN before period + 1 closes.

    Source: Wilder (1978), section VI; 100 - 100 / (1 + up / down), written without the pole at down = 0.
    """
    both = state.up.value + state.down.value
    if not math.isfinite(both):
        return NAN
    return 100.0 * state.up.value / both if both > 0.0 else 50.0


class Directions(NamedTuple):
    """Wilder's averages of true range and of directional movement, and of what they amount to."""

    high: float
    low: float
    close: float
    seen: int
    """1 once there is a bar to move from."""
    ranges: Smooth
    plus: Smooth
    minus: Smooth
    trend: Smooth
    """The ADX: how much the two directions differ."""


NO_DIRECTIONS: Final = Directions(
    high=0.0, low=0.0, close=0.0, seen=0, ranges=UNSEEDED, plus=UNSEEDED, minus=UNSEEDED, trend=UNSEEDED
)


@kernel
def directions_step(state: Directions, high: float, low: float, close: float, period: int) -> Directions:
    """Take a bar in; the average directional index (ADX), 0..100, is `trend.value`, from 2 x period bars on.

    Source: Wilder (1978), section IV. Where prices do not move at all, nothing points anywhere: that counts as 0.
    """
    ranges, plus, minus, trend = state.ranges, state.plus, state.minus, state.trend
    if state.seen == 1:
        span, up, down = float(period), high - state.high, state.low - low
        ranges = smooth_step(ranges, true_range(high, low, state.close), span, period)
        plus = smooth_step(plus, up if up > down and up > 0.0 else 0.0, span, period)
        minus = smooth_step(minus, down if down > up and down > 0.0 else 0.0, span, period)
        both = plus.value + minus.value
        if math.isfinite(both):
            apart = 100.0 * abs(plus.value - minus.value) / both if both > 0.0 else 0.0
            trend = smooth_step(trend, apart, span, period)
    return Directions(high=high, low=low, close=close, seen=1, ranges=ranges, plus=plus, minus=minus, trend=trend)


@kernel
def pointing(movement: Smooth, ranges: Smooth) -> float:
    """Return +DI or -DI, 0..100: the part of the range that went that way; NaN while warming."""
    if not math.isfinite(ranges.value):
        return NAN
    return 100.0 * movement.value / ranges.value if ranges.value > 0.0 else 0.0


class Convergence(NamedTuple):
    """Moving average convergence and divergence (MACD): two averages, and one of their difference."""

    fast: Smooth
    slow: Smooth
    signal: Smooth


NO_CONVERGENCE: Final = Convergence(fast=UNSEEDED, slow=UNSEEDED, signal=UNSEEDED)


@kernel
def convergence_step(state: Convergence, value: float, fast: int, slow: int, signal: int) -> Convergence:
    """Take a value in; every average is exponential and seeded with the mean of its first values.

    Source: Appel (2005), "Technical Analysis: Power Tools for Active Investors"; seeds as in RC-8's vectors.
    """
    quick = smooth_step(state.fast, value, 0.5 * float(fast + 1), fast)
    steady = smooth_step(state.slow, value, 0.5 * float(slow + 1), slow)
    mark = state.signal
    if math.isfinite(steady.value):
        mark = smooth_step(mark, quick.value - steady.value, 0.5 * float(signal + 1), signal)
    return Convergence(fast=quick, slow=steady, signal=mark)
