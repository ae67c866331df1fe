"""Strategies: each rule by hand, and each at two speeds with the same bits."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.core_ai.minutes import bars_at, columns_of

from trading_system.blotter.signals import Unknown
from trading_system.core_ai.inference.strategies.registry import STRATEGIES, make

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "strategies" / "coming_back.py"
SHORT_PERIODS = {
    "sma_cross": {"fast": 2, "slow": 4, "atr": 3},
    "ema_cross": {"fast": 2, "slow": 4, "atr": 3},
    "donchian": {"entry": 4, "exit": 2, "atr": 3},
    "rsi_reversion": {"period": 3, "atr": 3},
    "buy_and_hold": {"atr": 3},
    "script": {"file": str(EXAMPLE), "atr": 3},
}


def stances(name, closes, **parameters):
    """Return the stance after each close: 1, 0, -1, or None while cold. The range is one bar's, so never colder."""
    table = make(name, {"atr": 1, "conviction": 0.75, **parameters}).table(columns_of(bars_at(closes)))
    words = {0.75: 1, 0.5: 0, 0.25: -1}
    return [words[p] if known else None for p, known in zip(table.probability.tolist(), table.known, strict=True)]


@st.composite
def histories(draw):
    """Return bars of a jumpy walk, flat stretches and gaps among them."""
    moves = draw(st.lists(st.sampled_from([-40, -7, -1, 0, 0, 1, 7, 40]), max_size=60))
    pauses = draw(st.lists(st.sampled_from([1, 1, 1, 1, 1, 5]), min_size=len(moves), max_size=len(moves)))
    closes = [max(1, 500 + sum(moves[: n + 1])) for n in range(len(moves))]
    return bars_at(closes, reach=draw(st.integers(0, 3)), minutes=[sum(pauses[:n]) for n in range(len(pauses))])


def test_every_strategy_is_held_to_the_two_speeds():
    """One that ships and is not listed here is not tested. A network is held to them in test_history.py."""
    assert {*SHORT_PERIODS, "model"} == set(STRATEGIES)


@pytest.mark.parametrize("name", SHORT_PERIODS)
@given(bars=histories(), restart=st.booleans(), waits=st.booleans())
def test_whole_history_and_bar_by_bar_agree_to_the_bit(name, bars, restart, waits):
    """Every number of every row, over gaps, whether the rule restarts behind them or not."""
    wait = {"wait_for_cross": waits} if name.endswith("_cross") else {}
    strategy = make(name, {**SHORT_PERIODS[name], **wait, "restart_on_gap": restart, "horizon": 3})
    table, forecaster = strategy.table(columns_of(bars)), strategy.forecaster()
    told = [forecaster.push(bar) for bar in bars]
    for field in ("probability", "gain", "loss", "atr"):
        ours = np.array([getattr(forecast, field) for forecast in told], dtype=np.float64)
        assert getattr(table, field).view(np.int64).tolist() == ours.view(np.int64).tolist(), field
    assert table.known.tolist() == [forecast.known for forecast in told]
    assert {forecast.horizon for forecast in told} <= {table.horizon}
    assert len(table) == len(bars)


@pytest.mark.parametrize("name", SHORT_PERIODS)
@given(bars=histories().filter(lambda bars: len(bars) > 2), data=st.data())
def test_the_future_cannot_change_the_past(name, bars, data):
    """The views up to a bar are the same, whatever comes after it."""
    cut = data.draw(st.integers(1, len(bars) - 1))
    strategy = make(name, SHORT_PERIODS[name])
    whole, part = strategy.table(columns_of(bars)), strategy.table(columns_of(bars[:cut]))
    assert whole.probability[:cut].tolist() == part.probability.tolist()
    assert whole.gain[:cut].tolist() == part.gain.tolist()
    assert whole.known[:cut].tolist() == part.known.tolist()


def test_a_cross_is_long_while_the_fast_average_is_above():
    """SMA 1 over 2: the close against its mean with the close before, so the sign of the last move; no move keeps."""
    assert stances("sma_cross", [10, 12, 12, 9, 9, 11], fast=1, slow=2) == [None, 1, 1, -1, -1, 1]


def test_averages_that_have_always_been_one_take_no_side():
    """Nothing has moved yet: neither long nor short, and even odds are an opinion."""
    assert stances("sma_cross", [10, 10, 10, 11], fast=1, slow=2) == [None, 0, 0, 1]


def test_a_cross_that_waits_takes_no_side_before_the_averages_change_theirs():
    """The first side that is seen is not a crossing."""
    closes = [10, 12, 13, 9, 8, 11]
    assert stances("sma_cross", closes, fast=1, slow=2, wait_for_cross=True) == [None, 0, 0, -1, -1, 1]


def test_an_exponential_cross_starts_from_the_first_close_and_speaks_after_the_slow_period():
    """Fast 1 is the close itself; slow 3 moves half the way: 10, 10, 15, 8."""
    assert stances("ema_cross", [10, 10, 20, 1], fast=1, slow=3) == [None, None, 1, -1]


def test_a_breakout_is_a_close_beyond_the_bars_before_and_not_at_their_edge():
    """Highs lie 2 above the bodies: 102 is the highest of three, then 104. This bar's own high does not count."""
    assert stances("donchian", [100, 100, 100, 102, 105], entry=3, exit=2) == [None, None, None, 0, 1]


def test_a_long_breakout_ends_below_the_exit_channel_and_not_at_its_edge():
    """The lowest lows of the two bars before 117, 115 and 112 are 108, 115 and 113; those of five are 98 throughout."""
    closes = [100, 100, 100, 100, 100, 110, 120, 130, 117, 115, 112, 140]
    told = stances("donchian", closes, entry=5, exit=2)
    assert told == [None, None, None, None, None, 1, 1, 1, 1, 1, 0, 1]
    mirrored = stances("donchian", [240 - close for close in closes], entry=5, exit=2)
    assert mirrored == [None, None, None, None, None, -1, -1, -1, -1, -1, 0, -1]


def test_a_reversion_is_held_from_oversold_until_strength_is_above_the_middle():
    """RSI 1 is 100 after a rise, 0 after a fall, 50 after neither at the start; period 1 forgets at once."""
    assert stances("rsi_reversion", [10, 9, 8, 8, 9, 9], period=1) == [None, 1, 1, 1, -1, -1]
    told = stances("rsi_reversion", [100, 90, 80, 84, 95, 90], period=2)
    # up 0, 2, 6.5, 3.25; down 10, 5, 2.5, 3.75: strength 0, 28.6, 72.2, 46.4
    assert told == [None, None, 1, 1, -1, 0]


def test_buying_and_holding_is_always_long():
    """From the first bar whose range is known."""
    assert stances("buy_and_hold", [10, 9, 8]) == [1, 1, 1]


def test_a_view_reaches_as_many_true_ranges_as_it_is_told():
    """Bars of range 4 at a close of 100: 2.5 x 4 / 100 up and down, with the conviction of the rule."""
    strategy = make("buy_and_hold", {"reach": 2.5, "atr": 3, "conviction": 0.6, "horizon": 8})
    forecaster = strategy.forecaster()
    cold, *_, warm = [forecaster.push(bar) for bar in bars_at([100] * 3)]
    assert (cold.known, cold.reason, cold.atr, cold.model) == (False, Unknown.COLD, 0.0, "buy_and_hold")
    assert (warm.probability, warm.gain, warm.loss, warm.atr, warm.horizon) == (0.6, 0.1, 0.1, 4.0, 8)


def test_prices_that_have_never_moved_give_no_view():
    """There is no range to reach for, and no stop could be worked out."""
    table = make("buy_and_hold", {"atr": 2}).table(columns_of(bars_at([100] * 4, reach=0)))
    assert not table.known.any()
    assert table.gain.tolist() == [0.0] * 4


def test_distances_may_be_measured_in_the_price_itself():
    """Without a range (`atr` 0) the close stands in its place: half of it up and down, known from the first bar on."""
    strategy, bars = make("buy_and_hold", {"reach": 0.5, "atr": 0}), bars_at([100, 100, 120], reach=0)
    table, forecaster = strategy.table(columns_of(bars)), strategy.forecaster()
    assert (table.known.all(), table.atr.tolist(), table.gain.tolist()) == (True, [100, 100, 120], [0.5, 0.5, 0.5])
    assert [(row.atr, row.gain) for row in map(forecaster.push, bars)] == [(100, 0.5), (100, 0.5), (120, 0.5)]


def test_over_a_gap_a_rule_goes_on_unless_it_is_told_to_restart():
    """Behind the gap it is cold again for as long as at the start, and says why."""
    bars = bars_at([100, 101, 102, 103, 104, 105], minutes=[0, 1, 2, 9, 10, 11])
    goes_on = make("buy_and_hold", {"atr": 2}).forecaster()
    assert [goes_on.push(bar).known for bar in bars] == [False, True, True, True, True, True]
    restarts = make("buy_and_hold", {"atr": 2, "restart_on_gap": "yes"}).forecaster()
    told = [restarts.push(bar) for bar in bars]
    assert [forecast.known for forecast in told] == [False, True, True, False, True, True]
    assert (told[0].reason, told[3].reason) == (Unknown.COLD, Unknown.GAP)


def test_each_forecaster_is_fresh():
    """What one instrument did is nothing to another."""
    strategy = make("buy_and_hold", {"atr": 2})
    first, second = strategy.forecaster(), strategy.forecaster()
    bars = bars_at([100, 101])
    assert [first.push(bar).known for bar in bars] == [False, True]
    assert [second.push(bar).known for bar in bars] == [False, True]


@pytest.mark.parametrize("name", SHORT_PERIODS)
def test_columns_that_may_only_be_read_are_as_good(name):
    """As tables hand them out that share their memory; nothing is written to them."""
    columns = columns_of(bars_at([100, 103, 99, 104, 110, 108, 107, 111] * 4))
    before = make(name, SHORT_PERIODS[name]).table(columns)
    for field in ("close_ns", "open", "high", "low", "close", "volume_atoms"):
        getattr(columns, field).setflags(write=False)
    assert make(name, SHORT_PERIODS[name]).table(columns).probability.tolist() == before.probability.tolist()
