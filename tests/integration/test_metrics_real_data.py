"""Real values and real bars: a day's value is never used before it was public."""

import math

import numpy as np
import polars as pl
import pytest

from trading_system.data_pipeline.as_of import NO_LIMIT_NS, AsOf, ages, joined
from trading_system.data_pipeline.collectors.onchain import import_file
from trading_system.data_pipeline.collectors.providers.table import provider_named
from trading_system.data_pipeline.metric_store import MetricStore, Series
from trading_system.data_pipeline.moments import DAY_NS, HOUR_NS, moment_ns

TXCNT = Series("coin_metrics", "btc", "TxCnt")
HEARD = moment_ns("2025-01-02")


@pytest.fixture(scope="module")
def store(shared_data, tmp_path_factory):
    """The real files, imported: Bitcoin's days, and the funding rates of its perpetual."""
    store = MetricStore(tmp_path_factory.mktemp("real") / "metrics")
    days = shared_data / "onchain/coinmetrics_btc_1d.parquet"
    import_file(days, store, provider_named("coin_metrics"), asset="btc", names=["TxCnt", "HashRate"], heard_ns=HEARD)
    rates = shared_data / "funding/binance_BTCUSDT-perp_funding_8h.parquet"
    import_file(rates, store, provider_named("binance_funding"), asset="BTCUSDT", names=[], heard_ns=HEARD)
    return store


@pytest.fixture(scope="module")
def closes(shared_data):
    """The closes of every real hour of BTCUSDT."""
    return pl.read_parquet(shared_data / "ohlcv/binance_BTCUSDT_1h.parquet")["timestamp"].to_numpy() * 10**6 + HOUR_NS


@pytest.fixture(scope="module")
def days(shared_data):
    """The file itself: end of each day, when it was complete, and its count of transactions."""
    frame = pl.read_parquet(shared_data / "onchain/coinmetrics_btc_1d.parquet")
    end = frame["timestamp"].to_numpy() * 10**6 + DAY_NS
    return end, frame["AssetEODCompletionTime"].to_numpy().astype(np.int64) * 10**9, frame["TxCnt"].to_numpy()


def test_no_bar_knows_a_day_before_it_was_complete(store, closes, days):
    """Of 64,524 hours: each has the value of the newest day that was complete, worked out from the file itself."""
    end, complete, count = days
    public = np.where(complete < moment_ns("2021-02-27"), end + 24 * HOUR_NS, complete)
    known = joined(closes, store.columns(TXCNT), NO_LIMIT_NS)
    newest = np.full(len(closes), -1)
    for number, moment in enumerate(public):  # each day from its publication on, unless a newer one is public
        newest[closes >= moment] = np.maximum(newest[closes >= moment], number)
    assert np.array_equal(known, count[newest])
    assert len(closes) == 64_524


def test_a_join_by_date_would_have_looked_ahead(store, closes, days):
    """The naive join gives a bar the day that is ending around it: since March 2021 on every bar a value too early."""
    end, complete, count = days
    lately = closes[(closes >= moment_ns("2021-03-02")) & (closes < end[-1])]
    naive = count[np.searchsorted(end, lately, side="right")]  # the day in which the bar closes
    known = joined(lately, store.columns(TXCNT), NO_LIMIT_NS)
    assert np.mean(naive != known) > 0.99
    at_midnight = count[np.searchsorted(end, lately, side="right") - 1]  # the last day that is over
    too_early = complete[np.searchsorted(end, lately, side="right") - 1] > lately
    assert np.array_equal(known[~too_early], at_midnight[~too_early])
    assert 0.15 < np.mean(too_early) < 0.25  # 4.8 of 24 hours, and some outages


def test_while_the_provider_is_silent_the_last_public_day_grows_old(store):
    """2024-08-14 was complete on 2024-08-19 at 22:23:30: until then the 13th is what is known, 142 hours old."""
    columns = store.columns(TXCNT)
    moments = np.array([moment_ns("2024-08-19T22:00:00Z"), moment_ns("2024-08-19T23:00:00Z")], dtype=np.int64)
    assert joined(moments, columns, NO_LIMIT_NS).tolist() == [582_647.0, 758_170.0]
    assert ages(moments, columns, NO_LIMIT_NS)[0] == 142 * 3_600
    assert math.isnan(joined(moments, columns, 3 * DAY_NS)[0])


def test_bar_by_bar_gives_the_same_bits_over_seven_years(store, closes):
    """Streaming and batch, values and ages, for every hour."""
    stream = AsOf(2 * DAY_NS)
    for metric in store.read(TXCNT):
        stream.push(metric)
    streamed = np.array([(stream.at(close), stream.age(close)) for close in closes.tolist()])
    assert streamed[:, 0].tobytes() == joined(closes, store.columns(TXCNT), 2 * DAY_NS).tobytes()
    assert streamed[:, 1].tobytes() == ages(closes, store.columns(TXCNT), 2 * DAY_NS).tobytes()


def test_a_funding_rate_is_known_from_the_first_bar_after_its_settlement(store, shared_data, closes):
    """3,288 settlements: a stamp of up to 31 ms after the hour is not known to the bar that closes on the hour."""
    rates = pl.read_parquet(shared_data / "funding/binance_BTCUSDT-perp_funding_8h.parquet")
    settled, rate = rates["timestamp"].to_numpy() * 10**6, rates["funding_rate"].to_numpy()
    hours = closes[closes > settled[0]]
    known = joined(hours, store.columns(Series("binance_funding", "BTCUSDT", "funding_rate")), NO_LIMIT_NS)
    assert np.array_equal(known, rate[np.searchsorted(settled, hours, side="right") - 1])
    assert 0 < np.count_nonzero(settled % HOUR_NS) < len(settled)  # the trap is in the data
