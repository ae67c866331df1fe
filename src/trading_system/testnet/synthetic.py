"""A made-up market from a seed. Whatever is found in it says nothing about a real one.

Only + - x / and square roots are used on the way to a price: the same seed gives the same bars on every machine.
"""

import math
from dataclasses import dataclass
from random import Random
from typing import Final

from trading_system.market.bars import Bar
from trading_system.market.instruments import Instrument
from trading_system.market.timestamps import NS_PER_S

START_NS: Final = 1_704_067_200 * NS_PER_S
"""2024-01-01T00:00:00Z, where a synthetic market begins unless told otherwise."""

_DAY_NS: Final = 86_400 * NS_PER_S
_STEPS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Climate:
    """What the synthetic market is like.

    Attributes:
        price: First price, quote per base.
        daily_volatility: Standard deviation of a day's return in calm weather, a fraction.
        clustering: Share of yesterday's surprise in today's variance, 0..1 with `memory` below 1 in sum.
        memory: Share of the last variance that stays, 0..1.
        jump_chance: Chance that a step is `jump` times as large: the fat tails.
        drift: PLANTED. Mean return of a bar while a trend lasts, in standard deviations of a calm bar.
        trend_bars: Mean length of a trend or of a pause, bars.
        hourly_volume: Mean base units traded an hour.
    """

    price: float = 50_000.0
    daily_volatility: float = 0.025
    clustering: float = 0.07
    memory: float = 0.9
    jump_chance: float = 0.01
    jump: float = 4.0
    drift: float = 0.15
    trend_bars: int = 64
    hourly_volume: float = 800.0


def synthetic_bars(
    *,
    seed: int,
    count: int,
    interval_ns: int,
    instrument: Instrument,
    start_ns: int = START_NS,
    climate: Climate | None = None,
) -> list[Bar]:
    """Return `count` bars of a seeded market without gaps: fat tails, clustered volatility, busy hours, trends.

    The trends are planted, so that a model has something honest to find: a hidden state (up, down or
    none, of `trend_bars` bars on average) gives each bar a small drift. See `Climate.drift`.

    Args:
        count: Bars, >= 0.
        interval_ns: Length of a bar, ns.
        start_ns: Open of the first, UTC ns.
    """
    climate = climate or Climate()
    chance = Random(seed)
    calm = climate.daily_volatility * math.sqrt(interval_ns / _DAY_NS)  # of one bar
    variance, trend, price = calm * calm, 0, climate.price
    bars: list[Bar] = []
    for number in range(count):
        open_ns = start_ns + number * interval_ns
        if chance.random() < 1.0 / climate.trend_bars:
            trend = chance.choice((-1, 0, 1))
        step = math.sqrt(variance / _STEPS)
        path = [price]
        for _ in range(_STEPS):
            shock = _normal(chance) * step * (climate.jump if chance.random() < climate.jump_chance else 1.0)
            path.append(max(path[-1] * (1.0 + trend * climate.drift * calm / _STEPS + shock), climate.price / 100))
        surprise = path[-1] / path[0] - 1.0 - trend * climate.drift * calm
        fresh = calm * calm * (1.0 - climate.clustering - climate.memory)
        variance = min(fresh + climate.clustering * surprise * surprise + climate.memory * variance, 25 * calm * calm)
        ticks = [max(1, round(at / float(instrument.tick))) for at in path]
        heat = 0.5 + 0.5 * math.sqrt(variance) / calm
        volume = (
            climate.hourly_volume * interval_ns / (3_600 * NS_PER_S) * _busy(open_ns) * heat * (0.5 + chance.random())
        )
        bars.append(
            Bar(
                symbol=instrument.symbol,
                open_ns=open_ns,
                close_ns=open_ns + interval_ns,
                open=ticks[0],
                high=max(ticks),
                low=min(ticks),
                close=ticks[-1],
                volume_atoms=round(volume / float(instrument.lot)) * instrument.lot_atoms,
            )
        )
        price = path[-1]
    return bars


def _normal(chance: Random) -> float:
    """Return a draw close to the standard normal: a sum of twelve uniforms, which is exact arithmetic everywhere."""
    return sum(chance.random() for _ in range(12)) - 6.0


def _busy(ns: int) -> float:
    """Return how busy the hour is, 0.5..1.5: quiet at 03:00 UTC, busiest at 15:00."""
    hours = (ns % _DAY_NS) / (3_600 * NS_PER_S)
    away = abs(hours - 15.0)
    return 1.5 - min(away, 24.0 - away) / 12.0
