"""How far a bar jumps: by what bars have lately spanned, from the past only, and never twice for one bad price."""

import math
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.data_pipeline.normalizers.jumps import WARM, Jumps
from trading_system.data_pipeline.normalizers.quality import JUMP
from trading_system.market.bars import Bar

MINUTE_NS = 60_000_000_000


def make_bar(minute, close=10_000, *, high=None, low=None, before=10_000):
    high, low = max(high or 0, close, before), min(low or close, close, before)
    return Bar(
        symbol="X",
        open_ns=minute * MINUTE_NS,
        close_ns=(minute + 1) * MINUTE_NS,
        open=before,
        high=high,
        low=low,
        close=close,
        volume_atoms=1,
    )


def quiet(count=WARM + 1):
    """Return a gauge that has seen `count` minutes from 10,000 up to 10,010 ticks and back to 10,000."""
    jumps = Jumps()
    for minute in range(count):
        assert jumps.measure(make_bar(minute, high=10_010), JUMP) <= 1.0
    return jumps


def test_a_jump_is_measured_in_usual_bars():
    """From 10,000 to 10,300, where bars go to 10,010: ln 1.03 / ln 1.001 = 29.57 usual bars."""
    score = quiet().measure(make_bar(WARM + 1, 10_300), JUMP)
    assert score == pytest.approx(math.log(1.03) / math.log(1.001))
    assert score == pytest.approx(29.57, abs=0.01)


def test_downwards_counts_like_upwards():
    """A low alone is enough: ln(10,000 / 9,700) / ln 1.001 = 30.47."""
    assert quiet().measure(make_bar(WARM + 1, low=9_700), JUMP) == pytest.approx(30.47, abs=0.01)


@pytest.mark.parametrize(("then", "again"), [(10_000, False), (10_300, False), (10_700, True)])
def test_who_comes_back_or_stays_has_not_jumped_again(then, again):
    """After one bad close the next bar lies near the price before it, or near the new one; a third level is a jump."""
    jumps = quiet()
    assert jumps.measure(make_bar(WARM + 1, 10_300), JUMP) > JUMP
    assert (jumps.measure(make_bar(WARM + 2, then, before=then), JUMP) > JUMP) is again


def test_the_first_bars_and_those_behind_a_gap_are_not_compared():
    """Nothing is usual before 30 bars, and a market moves while nobody looks."""
    assert Jumps().measure(make_bar(0, 99), JUMP) == 0.0
    assert quiet(WARM).measure(make_bar(WARM, 20_000), JUMP) == 0.0  # the first bar has nothing before it
    assert quiet(WARM + 1).measure(make_bar(WARM + 1, 20_000), JUMP) > JUMP
    assert quiet().measure(make_bar(WARM + 2, 20_000), JUMP) == 0.0


def test_a_market_that_stands_still_is_measured_by_its_tick():
    """Flat bars at 10,000 ticks: a move of 20 ticks is 20 usual bars, not infinitely many."""
    jumps = Jumps()
    for minute in range(WARM + 1):
        jumps.measure(make_bar(minute), JUMP)
    score = jumps.measure(make_bar(WARM + 1, 10_020), JUMP)
    assert score == pytest.approx(math.log(1.002) / math.log(1.0001))
    assert score == pytest.approx(19.98, abs=0.01)


closes = st.lists(st.integers(9_000, 11_000), min_size=2, max_size=300)


@given(closes=closes, data=st.data())
def test_the_future_cannot_change_a_measure(closes, data):
    """The measures of the first bars are the same, whatever comes behind them."""
    cut = data.draw(st.integers(1, len(closes)))
    other = closes[:cut] + data.draw(st.lists(st.integers(1, 100_000), max_size=5))
    assert measures(closes)[:cut] == measures(other)[:cut]


def measures(closes):
    jumps = Jumps()
    return [
        jumps.measure(make_bar(minute, close, before=before), JUMP)
        for minute, (before, close) in enumerate(zip([closes[0], *closes], closes, strict=False))
    ]


@given(closes=st.lists(st.integers(9_000, 11_000), min_size=40, max_size=400))
def test_the_usual_bar_is_that_of_the_last_240(closes):
    """Against the plain definition, worked out anew for each bar, as long as nothing jumps."""
    spans = [abs(math.log(close / before)) for before, close in pairwise(closes)]
    for at, found in enumerate(measures(closes)[1:]):
        window = sorted(spans[max(0, at - 240) : at])
        if len(window) < WARM:
            assert found == 0.0
            continue
        low = min(closes[at], closes[at + 1])
        usual = max(window[len(window) // 2], window[len(window) * 9 // 10] / 3, math.log1p(1 / low))
        if found > JUMP:
            return
        assert found == pytest.approx(spans[at] / usual, abs=1e-12)


PRICES = ("open", "high", "low", "close")


def bar_of(minute, *prices):
    """Return a bar of prices in ticks; a gap of the recording is none here."""
    times = {"open_ns": minute * MINUTE_NS, "close_ns": (minute + 1) * MINUTE_NS}
    return Bar(symbol="X", **times, **dict(zip(PRICES, prices, strict=True)), volume_atoms=1)


REAL = [
    *(f"binance_{symbol}USDT_1h" for symbol in ("BTC", "ETH", "BNB", "SOL", "XRP")),
    *(f"binance_{symbol}USDT_{interval}" for symbol in ("BTC", "ETH") for interval in ("1m", "5m", "1d")),
    *(f"bitfinex_{symbol}USD_1m" for symbol in ("BTC", "ETH")),
]


@pytest.mark.parametrize("name", REAL)
def test_a_real_market_seldom_jumps(shared_data, name):
    """Fewer than one bar in a thousand of the last 20,000, crashes included; ten times the price is always found."""
    frame = pl.read_parquet(shared_data / "ohlcv" / f"{name}.parquet").tail(20_000)
    columns = ((frame[each].cast(pl.Float64) * 10_000).round().cast(pl.Int64).to_list() for each in PRICES)
    bars = [bar_of(minute, *prices) for minute, prices in enumerate(zip(*columns, strict=True))]
    jumps = Jumps()
    alarms = sum(jumps.measure(bar, JUMP) > JUMP for bar in bars)
    assert alarms < len(bars) / 1_000
    chance = np.random.default_rng(7)
    for at in chance.integers(100, len(bars), 20).tolist():
        gauge = Jumps()
        for bar in bars[max(0, at - 300) : at]:
            gauge.measure(bar, JUMP)
        tenfold = bar_of(at, *(10 * getattr(bars[at], each) for each in PRICES))
        assert gauge.measure(tenfold, JUMP) > JUMP
