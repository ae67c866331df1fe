"""The step of a series, by its rows and by a file's name."""

import numpy as np
import pytest

from trading_system.data_pipeline.normalizers.defects.rows import DAY_NS, SECOND_NS
from trading_system.data_pipeline.normalizers.defects.steps import coarser, holes, interval_of_name, told_interval

HOUR = 3_600 * SECOND_NS


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("binance_BTCUSDT_1h.parquet", 3_600),
        ("BTCUSDT-1m-2024-01.zip", 60),
        ("BTC_USDT-5m.feather", 300),
        ("kraken-XBTUSD-60m.csv.gz", 3_600),
        ("ethusd_15min.csv", 900),
        ("Coinbase_BTCUSD_daily.csv", 86_400),
        ("BTCUSDT_3d.csv", 259_200),
        ("20180404_trade.zip", None),
        ("bars.csv", None),
        ("hold_3d_of_1h.csv", None),  # two, so none
        ("BTC1h.csv", None),  # part of a word
    ],
)
def test_a_name_tells_an_interval_or_none(name, seconds):
    """As venues and exporters write it; two different ones tell nothing."""
    assert interval_of_name(name) == (None if seconds is None else seconds * SECOND_NS)


def test_a_market_that_rarely_trades_has_the_interval_of_its_grid():
    """Eleven seconds is the commonest distance of these trades, and they are bars of a second all the same."""
    chance = np.random.default_rng(3)
    times = np.cumsum(chance.choice([11, 11, 11, 7, 8, 9, 5, 14], 500)) * SECOND_NS
    assert told_interval(times) == SECOND_NS
    assert told_interval(times[:1]) is None


def test_holes_are_slots_without_a_row():
    """Hours 0, 1, 4, 4:30 and 5: two and three are absent, and a row off the grid fills its slot."""
    times = np.array([0, 1, 4, 4.5, 5]) * HOUR
    found = holes(times.astype(np.int64), HOUR, 0)
    assert (found.first_ns.tolist(), found.bars.tolist(), found.behind.tolist()) == ([2 * HOUR], [2], [2])


def test_weeks_begin_on_mondays():
    """1970-01-05 was the first; a week absent between two others is one bar."""
    monday = 4 * DAY_NS
    found = holes(monday + np.array([0, 1, 3]) * 7 * DAY_NS, 7 * DAY_NS, 0)
    assert (found.first_ns.tolist(), found.bars.tolist()) == ([monday + 14 * DAY_NS], [1])


def test_a_stretch_of_longer_bars_is_told_from_bars_absent_here_and_there():
    """Five steps of four hours in a row amid hours; a single one of them is a gap."""
    steps = [1] * 50 + [4] * 5 + [1] * 50 + [4] + [1] * 50
    times = np.concatenate(([0], np.cumsum(steps))) * HOUR
    assert np.flatnonzero(coarser(times, HOUR)).tolist() == [50, 51, 52, 53, 54]
