"""From recorded bars to the habits of a synthetic market: the method of moments, and a small search for the rest.

The moments need no chance; the search (wicks, and what a move does to the volume) compares seeded simulations.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

import numpy as np
from scripts.calibration.facts import (
    Floats,
    History,
    correlation,
    daily_volatility,
    hour_of,
    log_volume,
    made,
    memory,
    profile,
    reach,
    weekday_of,
)

from trading_system.market.instruments import Instrument
from trading_system.market.timestamps import NS_PER_S
from trading_system.testnet.climate import STEP_S, Climate, Factor
from trading_system.testnet.synthetic import GAUSSIAN_FROM, synthetic_columns

MEMORIES_S: Final = (900, 5_400, 32_400, 194_400, 1_166_400)
"""Memories that a factor may have, each six times the last: a quarter of an hour to two weeks."""
FITTED_LAGS: Final = (1, 2, 3, 4, 6, 9, 12, 18, 24, 36, 48, 72, 96, 144, 200, 288, 432, 576, 864, 1_152, 1_440, 2_016)
"""Lags, bars, at which moments are compared: about evenly spread over their logs, up to a week."""
SEEDS: Final = (101, 102, 103, 104)
"""Of the search's simulations."""
ROUNDS: Final = 2
"""How often the search goes over its numbers; a third round changes the third digit."""
HALVINGS: Final = 9
"""Of the interval in which a number is searched: to 0.004."""
INSTRUMENT: Final = Instrument(
    venue="none", symbol="SYNTHETIC", base="SYN", quote="USD",
    tick=Decimal("0.01"), lot=Decimal("0.00001"), min_lots=1, min_notional=Decimal(0),
)  # fmt: skip


def fitted(bars: History, *, price: float) -> Climate:
    """Return the climate whose synthetic bars are most like `bars`, which are `STEP_S` long.

    Args:
        price: Where a market of this climate starts, quote per base; any will do.
    """
    return searched(by_moments(bars, price=price), bars)


def by_moments(bars: History, *, price: float) -> Climate:
    """Return what follows from moments alone; wicks and volume are not right yet.

    Hours and weekdays are taken out first, as factors of the mean. With |r| = exp(h / 2) |e|, h normal and e without
    memory, E[|r| |r'|] = E[|r|]^2 exp(cov(h, h') / 4): joint moments at a distance give the covariance of the log
    variance, to which the factors are fitted; what is left of E[r^2] / E[|r|]^2 is the tail of e. The volume's
    share in h comes from E[v |r'|] in the same way; its own factors from what of log v's covariance h does not explain.

    Source: Taylor (1986), "Modelling Financial Time Series", chapter 3.
    """
    size, hour, weekday = np.abs(bars.returns), hour_of(bars), weekday_of(bars)
    hours, days = profile(size, hour, 24), profile(size, weekday, 7)
    calm = size / (hours[hour] * days[weekday])
    busy_hours, busy_days = profile(bars.volume, hour, 24), profile(bars.volume, weekday, 7)
    flow = bars.volume / (busy_hours[hour] * busy_days[weekday])

    heat = 4.0 * _joint(calm, calm)
    clusters = exponentials(heat)
    left = np.mean(calm**2) / np.mean(calm) ** 2 / math.exp(sum(each.variance for each in clusters) / 4.0)
    stirred = _joint(flow, calm) + _joint(calm, flow)  # twice half of the covariance of log volume and log variance
    share = float(stirred @ heat / (heat @ heat))
    log_flow = np.log(np.maximum(flow, 1e-3 * flow.mean()))
    own = (memory(log_flow, FITTED_LAGS) * log_flow.var()) - share * share * heat
    return Climate(
        price=price,
        daily_volatility=daily_volatility(bars),
        clusters=clusters,
        tail=min(range(4, GAUSSIAN_FROM + 1, 2), key=lambda freedom: abs(_peakedness(freedom) - left)),
        wick=1.0,
        hourly_variance=_mean_one(hours**2),
        daily_variance=_mean_one(days**2),
        usual_volume=float(bars.volume.mean()) * 3_600 / STEP_S,
        volume_heat=share,
        volume_move=0.0,
        activity=exponentials(own),
        volume_noise=0.3,
        hourly_volume=_mean_one(busy_hours),
        daily_volume=_mean_one(busy_days),
    )


def searched(climate: Climate, bars: History) -> Climate:
    """Return the climate with what only a simulation can tell: each number bisected, in turn, to one fact of `bars`."""
    count, start_s = len(bars.returns), int(bars.open_s[0])

    def told(candidate: Climate, of: Callable[[History], float]) -> float:
        return float(np.mean([of(each) for each in simulated(candidate, count, SEEDS, start_s=start_s)]))

    for _ in range(ROUNDS):
        for put, of in SEARCHED:
            aim, low, high = of(bars), 0.0, 2.0
            for _ in range(HALVINGS):
                middle = 0.5 * (low + high)
                low, high = (low, middle) if told(put(climate, middle), of) > aim else (middle, high)
            climate = put(climate, 0.5 * (low + high))
    mean = told(climate, lambda each: float(each.volume.mean()))
    return replace(climate, usual_volume=climate.usual_volume * float(bars.volume.mean()) / mean)


SEARCHED: Final[Sequence[tuple[Callable[[Climate, float], Climate], Callable[[History], float]]]] = (
    (lambda climate, value: replace(climate, wick=value), reach),
    (
        lambda climate, value: replace(climate, volume_move=value),
        lambda bars: correlation(np.abs(bars.returns), bars.volume),
    ),
    (
        lambda climate, value: replace(climate, volume_noise=value),
        lambda bars: -float(memory(log_volume(bars), (1,))[0]),
    ),
)
"""How a number between 0 and 2 is put into a climate, and the fact that rises with it."""


def simulated(
    climate: Climate, count: int, seeds: Sequence[int], *, step_s: int = STEP_S, start_s: int = 0
) -> list[History]:
    """Return `count` synthetic bars of the climate for each seed."""
    return [
        made(
            synthetic_columns(
                seed=seed,
                count=count,
                interval_ns=step_s * NS_PER_S,
                instrument=INSTRUMENT,
                start_ns=start_s * NS_PER_S,
                climate=climate,
            )
        )
        for seed in seeds
    ]


def exponentials(moments: Floats, lags: Sequence[int] = FITTED_LAGS) -> tuple[Factor, ...]:
    """Return the factors whose summed covariance is nearest to `moments` at `lags`: least squares, none negative.

    Every choice of memories is tried, which for five of them is 31 small systems of equations; none is chosen where
    nothing explains the moments better than nothing.
    """
    decay = np.exp(-np.outer(np.array(lags) * STEP_S, 1.0 / np.array(MEMORIES_S)))
    best: tuple[float, tuple[int, ...], Floats] = (float(moments @ moments), (), np.zeros(0))
    for count in range(1, len(MEMORIES_S) + 1):
        for chosen in itertools.combinations(range(len(MEMORIES_S)), count):
            sizes, *_ = np.linalg.lstsq(decay[:, chosen], moments, rcond=None)
            missed = decay[:, chosen] @ sizes - moments
            if (sizes > 0.0).all() and float(missed @ missed) < best[0]:
                best = (float(missed @ missed), chosen, np.asarray(sizes, dtype=np.float64))
    _, chosen, sizes = best
    return tuple(Factor(memory_s=MEMORIES_S[at], variance=float(size)) for at, size in zip(chosen, sizes, strict=True))


def _peakedness(freedom: int) -> float:
    """Return E[t^2] / E[|t|]^2 of Student's t; pi / 2 for the normal distribution."""
    if freedom >= GAUSSIAN_FROM:
        return math.pi / 2.0
    size = 2.0 * math.sqrt(freedom / math.pi) / (freedom - 1)
    size *= math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2))
    return freedom / (freedom - 2) / (size * size)


def _joint(first: Floats, second: Floats) -> Floats:
    """Return the log of E[first(t) second(t + lag)] / E[first] E[second] at each fitted lag.

    For lognormal values it is the covariance of their logs; a factor without memory cancels.
    """
    norm = first.mean() * second.mean()
    return np.array([math.log(np.mean(first[:-lag] * second[lag:]) / norm) for lag in FITTED_LAGS])


def _mean_one(values: Floats) -> tuple[float, ...]:
    return tuple((values / values.mean()).tolist())
