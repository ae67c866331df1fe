"""Leak tests on real bars, with gaps and quiet hours that nobody planted."""

from pathlib import Path

import pytest
from tests.leaks import planted

from trading_system.data_pipeline.bar_files import read_columns
from trading_system.data_pipeline.leaks.house import feature_probe, label_probe, metric_probe
from trading_system.data_pipeline.leaks.own import probes_in
from trading_system.data_pipeline.leaks.search import search
from trading_system.data_pipeline.leaks.worlds import taken
from trading_system.data_pipeline.normalizers.features import CROSS_SET, FUNDING_SET, HOUSE_SET

pytestmark = pytest.mark.slow

SERIES = {
    "binance_BTCUSDT_5m": (-600, None),
    "binance_BTCUSDT_1h": (4_300, 4_900),
    "bitfinex_BTCUSD_1m": (2_000, 2_600),
}
"""The newest; the outage of February 2018; minutes in which nobody traded, which are absent."""

HARMLESS = {
    "close_of_the_unfinished_hour": {"binance_BTCUSDT_1h"},
    "next_close_only_at_three_in_the_morning": {"bitfinex_BTCUSD_1m"},
}
"""What does not look ahead on a series: an hour of one bar is finished, and it was never three in the morning."""


@pytest.fixture(params=SERIES)
def series(request):
    """The name of a series."""
    return request.param


@pytest.fixture
def bars(series, shared_data):
    """600 real bars."""
    name, (first, last) = series, SERIES[series]
    reading = read_columns(
        shared_data / "ohlcv" / f"{name}.parquet",
        instrument=None,
        symbol=name.split("_")[1],
        interval_ns=None,
        on_bad_data="refuse",
        venue=name.split("_")[0],
    )
    return taken(reading.bars, slice(first, last))


def test_nothing_of_the_house_leaks_on_real_bars(bars):
    """Features, windows, scalers, labels and joins, at once and bar by bar."""
    house = feature_probe(HOUSE_SET + CROSS_SET + FUNDING_SET, window=8, train_ns=int(bars.close_ns[400]))
    assert search(bars, [house, label_probe(12), metric_probe()], cuts=15, seed=9).leaks == ()


def test_every_planted_leak_is_caught_on_real_bars(series, bars):
    """By the same cuts as on made-up ones."""
    found = search(bars, probes_in(Path(planted.__file__)), cuts=120, seed=9)
    leaking = {leak.name.partition("[")[0] for leak in found.leaks}
    harmless = {name for name, where in HARMLESS.items() if series in where}
    assert leaking == {name.partition("[")[0] for name in found.compared} - harmless
