"""A synthetic market has the habits of a real one, and no direction."""

import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.factories import make_instrument

from trading_system.errors import ConfigurationError
from trading_system.market.bars import interval_ns
from trading_system.market.columns import BarColumns
from trading_system.testnet.climate import climate_of, climates
from trading_system.testnet.synthetic import BOUND, PLANTED, synthetic_bars, synthetic_columns

COUNT = 60_000
"""Bars of 5 minutes: seven months."""


def market(seed: int, *, count: int = COUNT, interval: str = "5m", planted: float = 0.0) -> BarColumns:
    """Return synthetic bars of BTCUSDT."""
    return synthetic_columns(
        seed=seed, count=count, interval_ns=interval_ns(interval), instrument=make_instrument(), planted=planted
    )


def moves(bars: BarColumns) -> NDArray[np.float64]:
    """Return the simple return of each bar."""
    return bars.close / bars.open - 1.0


def memory(values: NDArray[np.float64], lag: int) -> float:
    """Return the autocorrelation of `values` at `lag`."""
    return float(np.corrcoef(values[:-lag], values[lag:])[0, 1])


@pytest.fixture(scope="module", params=[1, 2, 3])
def bars(request: pytest.FixtureRequest) -> BarColumns:
    """Each of three seeds: what holds for one by luck does not hold for all."""
    return market(request.param)


def test_tails_are_fat(bars: BarColumns) -> None:
    """Real 5m bars of BTCUSDT have a kurtosis from 30 up, ours 19 to 35; the normal distribution has 3."""
    away = moves(bars)
    assert np.mean(away**4) / np.mean(away**2) ** 2 > 12.0
    size = np.abs(away)
    assert 8.0 < np.quantile(size, 0.99) / np.median(size) < 13.0  # real: 8 to 9; normal: 3.8


def test_volatility_comes_in_clusters(bars: BarColumns) -> None:
    """|r| remembers for hours: real bars have 0.36, 0.17 and 0.10 at 5 minutes, 2 hours and 17 hours."""
    size = np.abs(moves(bars))
    assert 0.25 < memory(size, 1) < 0.45
    assert 0.11 < memory(size, 24) < 0.26
    assert memory(size, 200) > 0.02


def test_there_is_no_direction(bars: BarColumns) -> None:
    """Returns do not remember, and their mean is within three standard errors of nothing: a fair game."""
    away = moves(bars)
    assert max(abs(memory(away, lag)) for lag in range(1, 11)) < 0.05
    assert abs(away.mean()) < 3.0 * away.std() / COUNT**0.5


def test_the_price_is_a_fair_game_and_not_its_logarithm() -> None:
    """Where a day moves 15 %, a log price without drift would gain 1.1 % a day; ours gains nothing, to three errors."""
    wild = replace(climate_of("BTCUSDT"), daily_volatility=0.15)
    make = {"count": 20, "interval_ns": interval_ns("1d"), "instrument": make_instrument(), "climate": wild}
    away = np.array([moves(synthetic_columns(seed=seed, **make)) for seed in range(400)])
    assert abs(away.mean()) < 3.0 * away.std() / away.size**0.5 < 0.009


def test_following_and_fading_the_last_hours_earn_nothing_before_costs() -> None:
    """The plainest rules, both ways, on forty markets: their mean profit is within three standard errors of nothing."""
    earned = []
    for seed in range(40):
        bars = market(seed, count=6_000, interval="15m")
        trend = np.sign(bars.close[8:-1] - bars.close[:-9])
        earned.append(float((trend * moves(bars)[9:]).mean()))
    assert abs(np.mean(earned)) < 3.0 * np.std(earned) / 40**0.5


def test_a_planted_pattern_can_be_found_and_only_where_it_was_planted() -> None:
    """The same rule earns in each of ten planted markets together what no fair game gives: ten standard errors."""
    earned = []
    for seed in range(10):
        bars = market(seed, count=6_000, interval="15m", planted=3 * PLANTED)
        trend = np.sign(bars.close[8:-1] - bars.close[:-9])
        earned.append(float((trend * moves(bars)[9:]).mean()))
    assert np.mean(earned) > 5.0 * np.std(earned) / 10**0.5


def test_the_day_and_the_week_have_their_hours(bars: BarColumns) -> None:
    """US hours are busiest, the early European morning is quietest, weekends are quiet: as fitted."""
    opened_s = (bars.close_ns - bars.interval_ns) // 10**9
    hour, weekend = opened_s % 86_400 // 3_600, (opened_s // 86_400 + 3) % 7 >= 5
    size, volume = np.abs(moves(bars)), bars.volume_atoms.astype(np.float64)
    for values in (size, volume):
        means = np.array([values[hour == each].mean() for each in range(24)])
        assert 13 <= int(means.argmax()) <= 17
        assert 3 <= int(means.argmin()) <= 7
        assert 1.5 < means.max() / means.min() < 3.5
        assert 0.4 < values[weekend].mean() / values[~weekend].mean() < 0.7


def test_volume_goes_with_moves(bars: BarColumns) -> None:
    """Real bars: 0.62 to 0.67."""
    assert 0.55 < np.corrcoef(np.abs(moves(bars)), bars.volume_atoms)[0, 1] < 0.8


def test_bars_reach_beyond_their_bodies(bars: BarColumns) -> None:
    """Mean range over mean |r|: 1.80 to 1.83 in real bars, 2 for Brownian motion, 1 without wicks."""
    body = np.abs(np.log(bars.close / bars.open))
    assert 1.7 < np.log(bars.high / bars.low).mean() / body.mean() < 1.9


def test_the_volatility_is_the_climates() -> None:
    """The root of a day's mean squared return, over forty markets, is the climate's, whatever the bars' length."""
    for interval, weeks in (("1m", 1), ("5m", 2), ("1h", 8), ("1d", 28)):
        count = weeks * interval_ns("7d") // interval_ns(interval)
        found = [float(np.mean(moves(market(seed, count=count, interval=interval)) ** 2)) for seed in range(40)]
        daily = (np.mean(found) * 86_400e9 / interval_ns(interval)) ** 0.5
        assert daily == pytest.approx(climate_of("BTCUSDT").daily_volatility, rel=0.2), interval


@given(
    seed=st.integers(),
    count=st.integers(0, 60),
    interval=st.sampled_from(["1s", "1m", "7m", "15m", "1h", "1d"]),
    planted=st.sampled_from([0.0, PLANTED]),
)
def test_whatever_the_seed_and_length_bars_are_bars(seed: int, count: int, interval: str, planted: float) -> None:
    """`Bar` itself refuses impossible prices; besides: no gaps, whole lots, something is always traded."""
    bars = synthetic_bars(
        seed=seed, count=count, interval_ns=interval_ns(interval), instrument=make_instrument(), planted=planted
    )
    assert len(bars) == count
    assert all(earlier.close == later.open and earlier.close_ns == later.open_ns for earlier, later in pairwise(bars))
    assert all(bar.volume_atoms > 0 and bar.volume_atoms % make_instrument().lot_atoms == 0 for bar in bars)


@pytest.mark.parametrize("interval", ["1m", "15m", "1d"])
def test_a_longer_market_begins_with_the_shorter_one(interval: str) -> None:
    """A hundred bars are the first hundred of a thousand, so that a demonstration of more days adds days."""
    make = {"seed": 5, "interval_ns": interval_ns(interval), "instrument": make_instrument(), "planted": PLANTED}
    assert synthetic_bars(count=1_000, **make)[:100] == synthetic_bars(count=100, **make)


def test_the_price_stays_within_sight_of_the_first() -> None:
    """A century of a wild market: whole ticks between a twentieth and twenty times the first price."""
    wild = replace(climate_of("BTCUSDT"), daily_volatility=0.2)
    bars = synthetic_columns(
        seed=3, count=36_500, interval_ns=interval_ns("1d"), instrument=make_instrument(), climate=wild
    )
    assert bars.close.min() >= 249_999
    assert bars.close.max() <= 100_000_001
    assert bars.close.max() > 50_000_000  # it went there
    assert np.isclose(np.exp(BOUND), 20.0)


def test_a_symbol_has_its_own_climate_and_an_unknown_one_bitcoins() -> None:
    """ETHUSDT was calibrated too, and starts at its own price."""
    assert set(climates()) == {"BTCUSDT", "ETHUSDT"}
    assert climate_of("ETHUSDT") != climate_of("BTCUSDT") == climate_of("DOGEUSDT")
    ether = synthetic_bars(
        seed=1, count=1, interval_ns=interval_ns("1h"), instrument=make_instrument(symbol="ETHUSDT", base="ETH")
    )
    assert ether[0].open == 250_000


def test_a_fraction_of_a_second_is_no_bar() -> None:
    """The habits are those of hours and minutes."""
    with pytest.raises(ConfigurationError, match="whole seconds"):
        synthetic_columns(seed=1, count=1, interval_ns=1, instrument=make_instrument())


def test_a_hundred_thousand_bars_take_less_than_a_second() -> None:
    """Process time, so that a busy machine does not look slow; the usual is a third of that."""
    started = time.process_time()
    market(1, count=100_000, interval="15m")
    assert time.process_time() - started < 1.0
