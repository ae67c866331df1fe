"""A made-up market from a seed, like a real one in its habits and in nothing else. What is made here is *synthetic*.

Its habits (fat tails, clusters of volatility, busy hours, volume that goes with moves, how far a bar reaches beyond its
body) are calibrated to recorded bars by `scripts/calibrate.py`; docs/synthetic-market.md shows how well. Its direction
is a fair game: the price expected next is the last one, so that nothing in it can be earned, unless a pattern is
planted on purpose. The same seed gives the same bars on every machine (`trading_system.testnet.exact`), and more bars
of it continue the same market.

The model. The log of the variance is a sum of few mean-reverting factors, from minutes to weeks long, and of the habits
of the hour and the weekday; the return of a step is normal given its variance, which a heavy-tailed draw of the step
alone makes larger or smaller; the log of the volume follows the variance, and factors of its own.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from trading_system.errors import ConfigurationError
from trading_system.market.bars import Bar
from trading_system.market.columns import BarColumns, Floats, Ints
from trading_system.market.instruments import Instrument
from trading_system.market.timestamps import NS_PER_S
from trading_system.testnet.climate import STEP_S, Climate, Factor, climate_of
from trading_system.testnet.exact import Chance, exp, log

START_NS: Final = 1_704_067_200 * NS_PER_S
"""2024-01-01T00:00:00Z, where a synthetic market begins unless told otherwise."""
PLANTED: Final = 0.15
"""Strength of the pattern in the demonstration's market and in its model's: `planted` of `synthetic_columns`."""
TREND_BARS: Final = 64
"""Mean length of a planted trend, or of the pause between two, bars."""
MOST_STEPS: Final = 12
"""Steps in a bar, at most: an hour has twelve of the calibrated five minutes, longer bars have longer steps."""
BOUND: Final = 2.995732273553991
"""The price is reflected where it would leave a twentieth to twenty times the first one: ln 20."""
GAUSSIAN_FROM: Final = 40
"""From so many degrees of freedom on, Student's t is taken for the normal distribution."""

_MEAN_SIZE: Final = 0.7978845608028654
"""Mean absolute value of a standard normal draw: the root of 2 / pi."""
_HOUR_S: Final = 3_600
_DAY_S: Final = 86_400
_RETURN, _TAIL, _HIGH, _LOW, _NOISE, _TREND, _CLUSTER, _ACTIVITY = 0, 1, 2, 3, 4, 5, 100, 200  # streams of a seed


def synthetic_bars(
    *,
    seed: int,
    count: int,
    interval_ns: int,
    instrument: Instrument,
    start_ns: int = START_NS,
    climate: Climate | None = None,
    planted: float = 0.0,
) -> list[Bar]:
    """Return what `synthetic_columns` returns, as bars."""
    columns = synthetic_columns(
        seed=seed,
        count=count,
        interval_ns=interval_ns,
        instrument=instrument,
        start_ns=start_ns,
        climate=climate,
        planted=planted,
    )
    prices = (columns.open, columns.high, columns.low, columns.close)
    rows = zip(
        columns.close_ns.tolist(), *(each.tolist() for each in prices), columns.volume_atoms.tolist(), strict=True
    )
    return [
        Bar(
            symbol=instrument.symbol,
            open_ns=close_ns - interval_ns,
            close_ns=close_ns,
            open=opened,
            high=high,
            low=low,
            close=close,
            volume_atoms=atoms,
        )
        for close_ns, opened, high, low, close, atoms in rows
    ]


def synthetic_columns(
    *,
    seed: int,
    count: int,
    interval_ns: int,
    instrument: Instrument,
    start_ns: int = START_NS,
    climate: Climate | None = None,
    planted: float = 0.0,
) -> BarColumns:
    """Return `count` bars of a seeded market without gaps: each opens where the last one closed.

    Args:
        seed: Any whole number; the same one gives the same bars.
        count: Bars, >= 0.
        interval_ns: Length of a bar, whole seconds, ns. The climate was fitted to 5 minutes and checked from 1 minute
            to 1 day.
        start_ns: Open of the first, UTC ns.
        climate: The market's habits; None for those calibrated for the instrument's symbol, or else for BTCUSDT.
        planted: A pattern for a model to find, which no real market has: mean return of a bar while a hidden trend
            (up, down or none, of `TREND_BARS` bars on average) lasts, in standard deviations of a bar. 0 plants none.

    Raises:
        ConfigurationError: The interval is not a whole number of seconds.
    """
    if interval_ns <= 0 or interval_ns % NS_PER_S:
        raise ConfigurationError(f"a synthetic bar lasts whole seconds, not {interval_ns} ns")
    climate = climate or climate_of(instrument.symbol)
    per_bar = max(1, min(MOST_STEPS, interval_ns // (STEP_S * NS_PER_S)))
    total = count * per_bar
    step_s = interval_ns / NS_PER_S / per_bar
    variance, heat = _variance(climate, seed, total, start_ns, step_s)
    surprise = Chance(seed, _RETURN).normals(total)
    moves = np.sqrt(variance) * surprise - 0.5 * variance  # so that the price, not its log, is a fair game
    if planted:
        calm = climate.daily_volatility * (step_s / _DAY_S / per_bar) ** 0.5
        moves += _trends(seed, count).repeat(per_bar) * (planted * calm)
    path = _reflected(np.concatenate((np.zeros(1), np.cumsum(moves))))
    high, low = _reach(climate, seed, path, variance)
    volume = _volume(
        climate,
        seed,
        start_ns,
        step_s,
        climate.volume_heat * heat + climate.volume_move * (np.abs(surprise) - _MEAN_SIZE),
    )

    tick, lot = float(instrument.tick), float(instrument.lot)
    corners = _ticks(path[::per_bar], climate.price, tick)
    lots = np.maximum(np.rint(_summed(volume, per_bar) / lot), 1.0).astype(np.int64)
    return BarColumns(
        symbol=instrument.symbol,
        interval_ns=interval_ns,
        close_ns=start_ns + interval_ns * np.arange(1, count + 1, dtype=np.int64),
        open=corners[:-1],
        high=_ticks(high.reshape(count, per_bar).max(axis=1, initial=-np.inf), climate.price, tick),
        low=_ticks(low.reshape(count, per_bar).min(axis=1, initial=np.inf), climate.price, tick),
        close=corners[1:],
        volume_atoms=lots * instrument.lot_atoms,
    )


def _variance(climate: Climate, seed: int, total: int, start_ns: int, step_s: float) -> tuple[Floats, Floats]:
    """Return each step's variance of the log return, and the log of how heated it is without hour and weekday."""
    heat = _walk(climate.clusters, seed, _CLUSTER, total, step_s) - 0.5 * _size(climate.clusters, step_s)
    freedom = _freedom(climate.tail, step_s)
    if freedom < GAUSSIAN_FROM:
        half = freedom // 2  # a chi-squared draw is -2 ln of the product of so many uniform ones
        draws = Chance(seed, _TAIL).uniforms(total * half).reshape(total, half)
        product = draws[:, 0].copy()
        for column in range(1, half):
            product *= draws[:, column]
        heat += log((freedom - 2) / (-2.0 * log(product)))
    habit = _habit(climate.hourly_variance, climate.daily_variance, start_ns, step_s, total)
    mean = climate.daily_volatility * climate.daily_volatility * step_s / _DAY_S
    return mean * habit * exp(heat), heat


def _volume(climate: Climate, seed: int, start_ns: int, step_s: float, stirred: Floats) -> Floats:
    """Return the base units traded in each step: the hour's habit, what the price stirred, an activity of its own."""
    total = len(stirred)
    own = _walk(climate.activity, seed, _ACTIVITY, total, step_s)
    own += climate.volume_noise * Chance(seed, _NOISE).normals(total)
    habit = _habit(climate.hourly_volume, climate.daily_volume, start_ns, step_s, total)
    level = climate.usual_volume * step_s / _HOUR_S
    return level * habit * exp(stirred + own)


def _reach(climate: Climate, seed: int, path: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Return how high and low the log price went in each step: the extremes of a Brownian bridge from end to end.

    Source: Karatzas and Shreve (1991), section 4.3.C: the maximum of a bridge from 0 to x with variance v is
    (x + sqrt(x^2 + 2 v E)) / 2 with E exponential. The two sides are drawn independently.
    """
    before, after = path[:-1], path[1:]
    body = after - before
    slack = 2.0 * climate.wick * variance
    beyond = [
        0.5 * (np.sqrt(body * body + slack * Chance(seed, stream).exponentials(len(body))) - np.abs(body))
        for stream in (_HIGH, _LOW)
    ]
    return np.maximum(before, after) + beyond[0], np.minimum(before, after) - beyond[1]


def _walk(factors: Sequence[Factor], seed: int, stream: int, total: int, step_s: float) -> Floats:
    """Return the sum of mean-reverting factors, each started as if it had always run."""
    summed = np.zeros(total)
    for number, factor in enumerate(factors):
        keep = _keep(factor, step_s)
        size = _averaged(factor, step_s) ** 0.5
        state = Chance(seed, stream + number).normals(total) * (size * (1.0 - keep * keep) ** 0.5)
        state[:1] *= 1.0 / (1.0 - keep * keep) ** 0.5
        reach = 1
        while reach < total and keep > 1e-18:  # x[t] = e[t] + keep x[t-1], by doubling how far back one looks
            state[reach:] += keep * state[:-reach]
            keep, reach = keep * keep, 2 * reach
        summed += state
    return summed


def _size(factors: Sequence[Factor], step_s: float) -> float:
    """Return the variance of the factors' sum at one moment."""
    return sum((_averaged(factor, step_s) for factor in factors), 0.0)


def _keep(factor: Factor, step_s: float) -> float:
    """Return how much of a factor is left after a step, 0..1."""
    return float(exp(np.array([-step_s / factor.memory_s]))[0])


def _averaged(factor: Factor, step_s: float) -> float:
    """Return the variance of a factor's mean over a step; what is shorter than a calibrated step counts as that."""
    parts = max(1, round(step_s / STEP_S))
    keep, power, total = _keep(factor, STEP_S), 1.0, float(parts)
    for apart in range(1, parts):
        power *= keep
        total += 2.0 * (parts - apart) * power
    return factor.variance * total / (parts * parts)


def _freedom(tail: int, step_s: float) -> int:
    """Return the degrees of freedom, even, whose excess kurtosis is that of the sum of a step's calibrated steps."""
    return 4 + (tail - 4) * max(1, round(step_s / STEP_S))


def _habit(hours: Sequence[float], weekdays: Sequence[float], start_ns: int, step_s: float, total: int) -> Floats:
    """Return the factor of the hour and the weekday in the middle of each step."""
    middle = start_ns // NS_PER_S + np.floor((np.arange(total) + 0.5) * step_s).astype(np.int64)
    hour = (middle % _DAY_S) // _HOUR_S
    weekday = (middle // _DAY_S + 3) % 7  # 1970-01-01 was a Thursday
    habit: Floats = np.asarray(hours)[hour] * np.asarray(weekdays)[weekday]
    return habit


def _trends(seed: int, count: int) -> Floats:
    """Return the hidden trend of each bar: -1, 0 or 1."""
    draws = Chance(seed, _TREND).uniforms(2 * count)
    turns, kinds = draws[::2] < 1.0 / TREND_BARS, np.floor(3.0 * draws[1::2]) - 1.0
    last = np.maximum.accumulate(np.where(turns, np.arange(count), -1))
    return np.where(last < 0, 0.0, kinds[last])


def _reflected(path: Floats) -> Floats:
    """Return the path folded back into `BOUND` on both sides of 0."""
    away = np.abs(path + BOUND)
    return BOUND - np.abs(away - 4.0 * BOUND * np.floor(away / (4.0 * BOUND)) - 2.0 * BOUND)


def _ticks(path: Floats, price: float, tick: float) -> Ints:
    """Return prices in ticks, at least one."""
    return np.maximum(np.rint(price * exp(path) / tick), 1.0).astype(np.int64)


def _summed(values: Floats, width: int) -> Floats:
    """Return the sum of each `width` neighbors, from left to right: numpy's own order depends on the processor."""
    rows = values.reshape(-1, width)
    total = rows[:, 0].copy()
    for column in range(1, width):
        total += rows[:, column]
    return total
