"""Columns from the store: the bars that were written, in the terms that they need."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from trading_system.data_pipeline.bar_checks import Columns
from trading_system.data_pipeline.bar_store import BarStore
from trading_system.data_pipeline.store_columns import read_store_columns
from trading_system.errors import ConfigurationError, DataError

HOUR_NS = 3_600_000_000_000
START_NS = 1_706_000_400_000_000_000


@pytest.fixture
def hours(make_bars):
    """Bars of three calendar months, one of them missing."""
    bars = make_bars(1_500, interval_ns=HOUR_NS, start_ns=START_NS)
    return [*bars[:700], *bars[701:]]


def rows(reading):
    bars = reading.bars
    columns = (bars.close_ns, bars.open, bars.high, bars.low, bars.close, bars.volume_atoms)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def plain(bars):
    return [(bar.close_ns, bar.open, bar.high, bar.low, bar.close, bar.volume_atoms) for bar in bars]


def test_the_columns_are_the_bars_that_were_written(tmp_path, hours, btcusdt):
    """Over several months, in the catalog's terms, with the absent bar told."""
    BarStore(tmp_path).write(hours, btcusdt, "1h")
    reading = read_store_columns(tmp_path, "binance", "BTCUSDT", "1h")
    assert rows(reading) == plain(hours)
    assert reading.instrument == btcusdt
    assert (reading.missing, reading.first_gaps[0].open_ns) == (1, hours[699].close_ns)
    assert "exchangeInfo" in reading.notes[0]


def test_a_span_is_cut_by_when_bars_open(tmp_path, hours, btcusdt):
    """The start belongs to the span and the end does not."""
    BarStore(tmp_path).write(hours, btcusdt, "1h")
    span = {"start_ns": hours[300].open_ns, "end_ns": hours[1_000].open_ns}
    assert rows(read_store_columns(tmp_path, "binance", "BTCUSDT", "1h", **span)) == plain(hours[300:1_000])
    for start_ns in (hours[-1].close_ns, hours[-1].close_ns + 90 * 24 * HOUR_NS):
        with pytest.raises(ConfigurationError, match="in that span"):
            read_store_columns(tmp_path, "binance", "BTCUSDT", "1h", start_ns=start_ns)


def test_prices_finer_than_the_catalog_get_the_tick_that_they_need(tmp_path, hours, btcusdt):
    """Written in thousandths: the tick is 0.001, and the notes say that it is not the venue's."""
    BarStore(tmp_path).write(hours, replace(btcusdt, tick=Decimal("0.001")), "1h")
    reading = read_store_columns(tmp_path, "binance", "BTCUSDT", "1h")
    assert reading.instrument == replace(btcusdt, tick=Decimal("0.001"))
    assert rows(reading) == plain(hours)
    assert "derived" in reading.notes[0]


def test_an_unknown_instrument_is_read_in_the_tick_of_its_prices(tmp_path, hours, btcusdt):
    """A venue that the catalog does not know: six digits of prices around 20,000 are one decimal, two are needed."""
    stranger = replace(btcusdt, venue="elsewhere")
    BarStore(tmp_path).write(hours, stranger, "1h")
    reading = read_store_columns(tmp_path, "elsewhere", "BTCUSDT", "1h")
    assert (reading.instrument.tick, reading.instrument.lot) == (Decimal("0.01"), Decimal("0.000001"))
    assert rows(reading) == plain(hours)


def test_a_given_tick_must_fit(tmp_path, hours, btcusdt):
    """Prices are not rounded to terms that somebody named."""
    BarStore(tmp_path).write(hours, btcusdt, "1h")
    with pytest.raises(DataError, match=r"not in whole ticks of 0\.1"):
        read_store_columns(tmp_path, "binance", "BTCUSDT", "1h", instrument=replace(btcusdt, tick=Decimal("0.1")))


def test_a_month_under_another_name_is_not_believed(tmp_path, hours, btcusdt):
    """A file copied to another month, or from another symbol, would tell bars twice or of something else."""
    BarStore(tmp_path).write(hours, btcusdt, "1h")
    folder = BarStore(tmp_path).folder(btcusdt, "1h")
    (folder / "2024-04.parquet").write_bytes((folder / "2024-02.parquet").read_bytes())
    with pytest.raises(DataError, match=r"holds binance/BTCUSDT/1h 2024-02.*not binance/BTCUSDT/1h 2024-04"):
        read_store_columns(tmp_path, "binance", "BTCUSDT", "1h")


def test_prices_finer_than_any_venue_quotes_are_rounded_and_told(tmp_path, btcusdt, make_bars):
    """Prices near 200 with eight decimals: five are kept, which are eight digits, and the rest is rounded."""
    finest = replace(btcusdt, venue="elsewhere", tick=Decimal("0.00000001"), lot=Decimal(1))
    bars = [
        replace(bar, open=bar.open * 10_003, high=bar.high * 10_003, low=bar.low * 10_003, close=bar.close * 10_003)
        for bar in make_bars(50, interval_ns=HOUR_NS, start_ns=START_NS)
    ]
    BarStore(tmp_path).write(bars, finest, "1h")
    reading = read_store_columns(tmp_path, "elsewhere", "BTCUSDT", "1h")
    assert reading.instrument.tick == Decimal("0.00001")
    assert reading.bars.close.tolist() == [(bar.close + 500) // 1_000 for bar in bars]
    assert "rounded" in " ".join(reading.notes)


@given(
    ticks=st.lists(st.integers(1, 2**60), min_size=1, max_size=5),
    off=st.sampled_from([0, 0, 1, -1, 3]),
    step=st.sampled_from([7, 256, 10**6, 10**8]),
)
@example(ticks=[2**59 + 1], off=0, step=7)
def test_whole_ticks_are_told_exactly_at_any_size(tmp_path_factory, btcusdt, ticks, off, step):
    """Up to the end of 64 bits: by an atom beside a tick is off it, and nothing on it is refused."""
    limit = (2**63 - 10) // step
    assume(max(ticks) <= limit)
    close = np.array(ticks) * step
    close[-1] += off
    assume(close[-1] > 0)
    folder = tmp_path_factory.mktemp("store")
    rows = Columns(np.arange(len(ticks)) * HOUR_NS, close, close, close, close, close * 0)
    BarStore(folder).append(rows, "binance", "BTCUSDT", "1h")
    instrument = replace(btcusdt, tick=Decimal(step).scaleb(-8), lot=Decimal(100))
    if off:
        with pytest.raises(DataError, match="not in whole ticks"):
            read_store_columns(folder, "binance", "BTCUSDT", "1h", instrument=instrument)
    else:
        reading = read_store_columns(folder, "binance", "BTCUSDT", "1h", instrument=instrument)
        assert reading.bars.close.tolist() == ticks
