"""Real files: what their README counted is what the reader finds."""

import re
from decimal import Decimal

import pytest

from trading_system.data_pipeline.bar_files import read_columns
from trading_system.errors import ConfigurationError

FILES = {
    "binance_BNBUSDT_1h": ("0.0001", "0.001"),
    "binance_BTCUSDT_1d": ("0.01", "0.00001"),
    "binance_BTCUSDT_1h": ("0.01", "0.00001"),
    "binance_BTCUSDT_1m": ("0.01", "0.00001"),
    "binance_BTCUSDT_5m": ("0.01", "0.00001"),
    "binance_ETHUSDT_1d": ("0.01", "0.0001"),
    "binance_ETHUSDT_1h": ("0.01", "0.0001"),
    "binance_ETHUSDT_1m": ("0.01", "0.0001"),
    "binance_ETHUSDT_5m": ("0.01", "0.0001"),
    "binance_SOLUSDT_1h": ("0.0001", "0.01"),
    "binance_XRPUSDT_1h": ("0.00001", "1"),
    "bitfinex_BTCUSD_1m": ("0.0001", "0.0001"),
    "bitfinex_ETHUSD_1m": ("0.00001", "0.001"),
}
"""Tick and lot that each is read in. BNB, SOL and XRP were finer in 2021; Bitfinex tells averages of eight decimals."""

SECONDS = {"m": 60, "h": 3_600, "d": 86_400}


def read(path, symbol, venue):
    return read_columns(path, instrument=None, symbol=symbol, interval_ns=None, on_bad_data="refuse", venue=venue)


@pytest.mark.parametrize(("name", "steps"), FILES.items())
def test_a_real_history_is_read_whole(shared_data, name, steps):
    """Rows, interval and missing bars are those that the data's README lists; no row is bad."""
    venue, symbol, interval = name.split("_")
    readme = (shared_data / "README.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| {name}\.parquet \|[^|]*\| ([\d,]+) \|[^|]*\| ([\d,]+) / ([\d,]+)", readme, re.MULTILINE)
    assert row is not None
    rows, missing, gaps = (int(number.replace(",", "")) for number in row.groups())
    reading = read(shared_data / f"ohlcv/{name}.parquet", symbol, venue)
    assert (len(reading.bars), reading.missing, reading.gaps) == (rows, missing, gaps)
    assert reading.bars.interval_ns == int(interval[:-1]) * SECONDS[interval[-1]] * 10**9
    assert (reading.instrument.tick, reading.instrument.lot) == tuple(map(Decimal, steps))
    assert reading.bad == ()


def test_naive_times_of_a_csv_are_utc(shared_data):
    """ "2021-12-31 23:01:00.000000" opens that minute, UTC; 45,031 bars without a gap."""
    reading = read(shared_data / "reference/btc-perp-20211231-20220201_1m.csv", "BTC-PERP", "file")
    assert (len(reading.bars), reading.missing) == (45_031, 0)
    assert reading.bars.close_ns[0] == 1_640_991_720_000_000_000


def test_daily_stock_prices_with_a_nameless_index_are_read(shared_data):
    """2,148 trading days from 2004-08-19; weekends and holidays are missing bars."""
    reading = read(shared_data / "reference/GOOG.csv", "GOOG", "file")
    assert len(reading.bars) == 2_148
    assert reading.bars.interval_ns == 86_400 * 10**9
    assert reading.bars.open[0] * reading.instrument.tick == 100
    assert reading.missing > 900


def test_a_file_with_a_banner_is_refused_with_what_it_begins_with(shared_data):
    """CryptoDataDownload writes a line above its header; the message shows it."""
    with pytest.raises(ConfigurationError, match=r"no column timestamp, open.*begins 'Timestamps are UTC"):
        read(shared_data / "dirty/cryptodatadownload_Coinbase_BTCUSD_1h.csv.gz", "BTCUSD", "coinbase")
