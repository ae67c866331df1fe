"""The steps of windowed features: each a function of its last bars and of nothing older.

A step takes its memory, a row and its parameters, and returns the feature's value at that row. What it returns before
its warm-up is shown to nobody. Every division is guarded: a step never divides by nothing.
"""

import math
from typing import Final

import numpy as np

from trading_system.data_pipeline.normalizers.features.rolling import rolling_moments, rolling_sum
from trading_system.data_pipeline.normalizers.features.row import Row, State
from trading_system.kernel import kernel

PARKINSON: Final = 4.0 * math.log(2.0)
TURN: Final = 1_440
"""Steps in a full turn of `SINE`: minutes of a day, sevenths of an hour and some of a week."""
SINE: Final = np.array([round(math.sin(2.0 * math.pi * step / TURN), 12) + 0.0 for step in range(TURN)])
"""Rounded, so that it is the same on every machine."""


@kernel
def log_return(state: State, row: Row, bars: int) -> float:
    """Return the natural log of the close over the close `bars` earlier."""
    at = row.number % bars
    before = state[at]
    state[at] = row.log_close
    return row.log_close - before


@kernel
def realized_volatility(state: State, row: Row, bars: int) -> float:
    """Return the root mean square of the last `bars` one-bar log returns."""
    at = row.number % bars
    return math.sqrt(rolling_sum(state, 0, at, bars, row.log_return * row.log_return) / bars)


@kernel
def parkinson_volatility(state: State, row: Row, bars: int) -> float:
    """Return the deviation of a one-bar log return that the last `bars` ranges speak for.

    Source: Parkinson (1980), "The Extreme Value Method for Estimating the Variance of the Rate of Return".
    """
    reach = math.log(row.high / row.low)
    return math.sqrt(rolling_sum(state, 0, row.number % bars, bars, reach * reach) / (PARKINSON * bars))


@kernel
def mean_range(state: State, row: Row, bars: int) -> float:
    """Return the mean of the last `bars` true ranges, ticks: an ATR of plain sums."""
    return rolling_sum(state, 0, row.number % bars, bars, row.true_range) / bars


@kernel
def range_ratio(state: State, row: Row, bars: int) -> float:
    """Return `mean_range` as a fraction of the close."""
    return rolling_sum(state, 0, row.number % bars, bars, row.true_range) / bars / row.close


@kernel
def cutler_rsi(state: State, row: Row, bars: int) -> float:
    """Return the part of the last `bars` moves' total length that went up, 0..1; 0.5 if nothing moved."""
    at = row.number % bars
    up = rolling_sum(state, 0, at, bars, row.move if row.move > 0.0 else 0.0)
    both = rolling_sum(state, bars + 2, at, bars, abs(row.move))
    return up / both if both > 0.0 else 0.5


@kernel
def bollinger_position(state: State, row: Row, bars: int, width: int) -> float:
    """Return where the close is between Bollinger's bands, -1 (lower) .. 1 (upper) and beyond; 0 without spread."""
    away, variance = rolling_moments(state, 0, row.number % bars, bars, row.close, row.seen)
    return away / (width * math.sqrt(variance)) if variance > 0.0 else 0.0


@kernel
def volume_z(state: State, row: Row, bars: int) -> float:
    """Return the volume against mean and deviation of the last `bars`, this one included; 0 without spread."""
    away, variance = rolling_moments(state, 0, row.number % bars, bars, row.volume, row.seen)
    return away / math.sqrt(variance) if variance > 0.0 else 0.0


@kernel
def obv_slope(state: State, row: Row, bars: int) -> float:
    """Return by how much on-balance volume rose over `bars` bars, as a part of all that traded in them, -1..1.

    On-balance volume itself never forgets; its rise is a sum over a window. 0 where nothing traded.

    Source: Granville (1963), "New Key to Stock Market Profits".
    """
    at = row.number % bars
    signed = row.volume if row.move > 0.0 else -row.volume if row.move < 0.0 else 0.0
    rise = rolling_sum(state, 0, at, bars, signed)
    traded = rolling_sum(state, bars + 2, at, bars, row.volume)
    return rise / traded if traded > 0.0 else 0.0


@kernel
def vwap_distance(state: State, row: Row, bars: int) -> float:
    """Return the close over the volume-weighted mean of the last `bars` typical prices, less 1; 0 if nothing traded."""
    at = row.number % bars
    worth = rolling_sum(state, 0, at, bars, (row.high + row.low + row.close) / 3.0 * row.volume)
    traded = rolling_sum(state, bars + 2, at, bars, row.volume)
    return row.close * traded / worth - 1.0 if worth > 0.0 else 0.0


@kernel
def body(state: State, row: Row) -> float:
    """Return close less open as a part of the bar's range, -1..1; 0 for a bar without range."""
    span = row.high - row.low
    return (row.close - row.open) / span if span > 0.0 else 0.0


@kernel
def upper_wick(state: State, row: Row) -> float:
    """Return how much of the bar's range lies above open and close, 0..1."""
    span = row.high - row.low
    return (row.high - (row.open if row.open > row.close else row.close)) / span if span > 0.0 else 0.0


@kernel
def lower_wick(state: State, row: Row) -> float:
    """Return how much of the bar's range lies below open and close, 0..1."""
    span = row.high - row.low
    return ((row.open if row.open < row.close else row.close) - row.low) / span if span > 0.0 else 0.0


@kernel
def close_location(state: State, row: Row) -> float:
    """Return where the bar closed in its range, -1 (at the low) .. 1 (at the high); 0 for a bar without range."""
    span = row.high - row.low
    return (row.close + row.close - row.high - row.low) / span if span > 0.0 else 0.0


@kernel
def hour_sine(state: State, row: Row) -> float:
    """Return the sine of the time of day at the close, whole minutes, UTC: 0 at midnight, 1 at six."""
    return float(SINE[row.minute % TURN])


@kernel
def hour_cosine(state: State, row: Row) -> float:
    """Return the cosine of the time of day at the close, whole minutes, UTC: 1 at midnight, -1 at noon."""
    return float(SINE[(row.minute + 360) % TURN])


@kernel
def weekday_sine(state: State, row: Row) -> float:
    """Return the sine of the time of week at the close, steps of seven minutes: 0 as Monday begins, UTC."""
    return float(SINE[(row.minute + 4_320) // 7 % TURN])  # 1970 began on a Thursday, three days in


@kernel
def weekday_cosine(state: State, row: Row) -> float:
    """Return the cosine of the time of week at the close, steps of seven minutes: 1 as Monday begins, UTC."""
    return float(SINE[((row.minute + 4_320) // 7 + 360) % TURN])


@kernel
def level(state: State, row: Row) -> float:
    """Return the value beside the bar, as it is."""
    return row.aux


@kernel
def change(state: State, row: Row, bars: int) -> float:
    """Return the natural log of the value beside the bar over the one `bars` earlier; NaN where one is not positive."""
    at = row.number % bars
    before = state[at]
    state[at] = math.log(row.aux) if row.aux > 0.0 else math.nan
    return state[at] - before
