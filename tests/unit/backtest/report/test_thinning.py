"""Fewer points, the same extremes: what a chart leaves out may not be what matters."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.backtest.report.results import MINUTE_NS, START_NS, make_bars

from trading_system.backtest.report.thinning import bins, candles, evenly, extremes

curves = st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=400).map(np.array)


@given(values=curves, most=st.integers(8, 60))
def test_a_thinned_curve_keeps_its_ends_and_its_extremes(values: np.ndarray, most: int) -> None:
    """First, last, highest and lowest are drawn; there are not more points than asked for; none comes twice."""
    at = extremes(values, most)
    assert len(at) <= max(most, 8)
    assert (np.diff(at) > 0).all()
    assert at[0] == 0
    assert at[-1] == len(values) - 1
    assert values[at].max() == values.max()
    assert values[at].min() == values.min()


@given(count=st.integers(1, 5_000), most=st.integers(2, 100))
def test_even_steps_begin_at_the_first_and_end_at_the_last(count: int, most: int) -> None:
    """The end of a sum is its total: it is always drawn."""
    at = evenly(count, most)
    assert len(at) <= most or len(at) == count
    assert at[0] == 0
    assert at[-1] == count - 1


@given(count=st.integers(1, 700), most=st.integers(1, 100), seed=st.integers(0, 99))
def test_wider_bars_hold_the_bars_they_stand_for(count: int, most: int, seed: int) -> None:
    """First open, last close, highest high, lowest low: of each stretch, so of the whole."""
    bars = make_bars("BTCUSDT", count, np.random.default_rng(seed))
    wide = candles(bars, np.zeros(count, dtype=np.int64), bars.close_ns, most)
    assert len(wide["time_ns"]) <= most
    assert (wide["open"][0], wide["close"][-1]) == (bars.open[0], bars.close[-1])
    assert (wide["high"].max(), wide["low"].min()) == (bars.high.max(), bars.low.min())
    assert (wide["high"] >= np.maximum(wide["open"], wide["close"])).all()
    assert (wide["open"][1:] == bars.open[np.searchsorted(bars.close_ns, wide["time_ns"][:-1]) + 1]).all()


def test_a_wider_bar_shows_the_last_stop_that_stood_in_it() -> None:
    """Ten bars, five to one: a stop that stood for a single bar is not lost, a later one replaces an earlier one."""
    bars = make_bars("BTCUSDT", 10, np.random.default_rng(1))
    stops = np.array([0, 90, 91, 0, 0, 0, 0, 0, 0, 0])
    assert candles(bars, stops, bars.close_ns, 2)["stop_ticks"].tolist() == [91, 0]


def test_stops_belong_to_the_bars_of_their_own_time() -> None:
    """An instrument that was listed late has its first bar at the run's sixth slice."""
    close_ns = START_NS + MINUTE_NS * np.arange(1, 11)
    bars = make_bars("BTCUSDT", 10, np.random.default_rng(1))
    late = type(bars)(
        symbol=bars.symbol,
        interval_ns=bars.interval_ns,
        **{name: getattr(bars, name)[5:] for name in ("close_ns", "open", "high", "low", "close", "volume_atoms")},
    )
    stops = np.array([7, 7, 7, 7, 7, 0, 90, 91, 0, 0])
    assert candles(late, stops, close_ns, 5)["stop_ticks"].tolist() == [0, 90, 91, 0, 0]
    assert candles(late, stops, close_ns, 2)["stop_ticks"].tolist() == [91, 0]


@given(values=curves)
@example(values=np.array([2.2250738585e-313, -113483599418.0]))  # so small that a quotient of it is 0
def test_every_value_lies_in_one_bin_and_zero_parts_gains_from_losses(values: np.ndarray) -> None:
    """The counts add up; where there are both, no bin holds a gain and a loss; a page can hold the bins."""
    edges, counts = bins(values)
    assert counts.sum() == len(values)
    assert len(edges) == len(counts) + 1 <= 50
    assert (np.diff(edges) > 0).all()
    if values.min() < 0 < values.max():
        assert (edges == 0.0).any()
        assert counts[edges[:-1] < 0].sum() == np.count_nonzero(values < 0)


@pytest.mark.parametrize("value", [0.0, -0.02, 3.0])
def test_equal_values_have_one_bin_around_them(value: float) -> None:
    """A single trade, or many alike, still make a picture."""
    edges, counts = bins(np.array([value, value]))
    assert counts.tolist() == [2]
    assert edges[0] < value < edges[1]
