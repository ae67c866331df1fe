"""The collector: each page stored before the next is asked for, and files taken as vintages."""

from dataclasses import replace
from itertools import permutations

import polars as pl
import pytest

from trading_system.data_pipeline.collectors.onchain import REVIEW_NS, collect, import_file
from trading_system.data_pipeline.collectors.providers.binance_funding import BINANCE_FUNDING
from trading_system.data_pipeline.collectors.providers.coin_metrics import COIN_METRICS
from trading_system.data_pipeline.collectors.providers.mempool_space import MEMPOOL_SPACE
from trading_system.data_pipeline.collectors.providers.table import PROVIDERS, provider_named
from trading_system.data_pipeline.metric_store import MetricStore, Series, Written, newest
from trading_system.data_pipeline.moments import DAY_NS, HOUR_NS, moment_ns
from trading_system.errors import ConfigurationError, VenueUnavailable
from trading_system.ports import MetricPage, Refused

FIRST = moment_ns("2024-01-01")
NOW = moment_ns("2024-03-01")
TXCNT = Series("coin_metrics", "btc", "TxCnt")


def day(number, value="1", name="TxCnt"):
    start_ns = FIRST + number * DAY_NS
    return COIN_METRICS.metric(asset="btc", name=name, value=value, start_ns=start_ns, end_ns=start_ns + DAY_NS)


class Pages:
    """A source that tells the pages it was given, raises what is no page, and remembers what it was asked."""

    def __init__(self, *pages):
        self.told = pages
        self.asked = []

    async def pages(self, asset, names, *, since_ns, until_ns):
        self.asked.append((asset, list(names), since_ns, until_ns))
        for page in self.told:
            if isinstance(page, Exception):
                raise page
            yield MetricPage(metrics=page, refused=[])


@pytest.fixture
def store(tmp_path):
    return MetricStore(tmp_path / "metrics")


async def collected(source, store, **more):
    wanted = {"asset": "btc", "names": ["TxCnt"], "since_ns": FIRST, "until_ns": NOW, "now_ns": lambda: NOW} | more
    return await collect(source, store, COIN_METRICS, **wanted)


async def test_what_was_told_before_a_failure_is_stored(store):
    """The second page fails: the first stays, and a second run goes on a week before its end."""
    shares = []
    with pytest.raises(VenueUnavailable):
        await collected(Pages([day(0), day(29)], VenueUnavailable("gone")), store, stored=shares.append)
    assert len(store.read(TXCNT)) == 2
    assert shares == [0.5]  # 30 of the 60 days of January and February 2024
    source = Pages([day(29), day(30)])
    done = await collected(source, store, since_ns=None)
    assert done.written == Written(new=1, known=1)
    assert source.asked == [("btc", ["TxCnt"], day(29).end_ns - REVIEW_NS, NOW)]


async def test_a_collection_goes_on_from_the_metric_that_reaches_least_far(store):
    """One of two metrics was asked for later: both are asked for from where the shorter ends."""
    store.write([day(0), day(50), day(10, name="FeeTotNtv")], heard_ns=NOW)
    source = Pages()
    await collected(source, store, names=["TxCnt", "FeeTotNtv"], since_ns=None)
    assert source.asked[0][2] == day(10).end_ns - REVIEW_NS


async def test_what_is_not_told_is_said(store):
    """A metric that the provider does not know for this asset is silent, and not an error."""
    done = await collected(Pages([day(0)]), store, names=["TxCnt", "Nothing", "TxCnt"])
    assert done.silent == ["Nothing"]


async def test_only_what_the_lag_has_passed_for_was_missed(store):
    """Two days are not there at the first question; one ended a lag ago, the other is just not due yet."""
    asked_ns = day(5).end_ns + 12 * HOUR_NS  # day 4 ended 36 hours ago, day 5 twelve; the lag is 24
    await collected(Pages([day(3)]), store, until_ns=asked_ns, now_ns=lambda: asked_ns)
    await collected(Pages([day(4), day(5)]), store, until_ns=NOW, now_ns=lambda: NOW)
    assert [metric.available_ns for metric in store.read(TXCNT)[1:]] == [NOW, day(5).end_ns + 24 * HOUR_NS]


async def test_what_was_not_asked_for_was_not_missed(store):
    """Asked in March up to the fifth of January only: whether the ninth was there, nobody knows."""
    await collected(Pages([day(0)]), store, until_ns=day(4).end_ns)
    await collected(Pages([day(2), day(8)]), store, now_ns=lambda: NOW + DAY_NS)
    assert [metric.available_ns for metric in store.read(TXCNT)[1:]] == [NOW + DAY_NS, day(8).end_ns + 24 * HOUR_NS]


async def test_a_failed_collection_is_no_evidence_of_absence(store):
    """The answer broke off: what was behind it may have been there."""
    store.write([day(0)], heard_ns=NOW)
    with pytest.raises(VenueUnavailable):
        await collected(Pages([day(1)], VenueUnavailable("gone")), store)
    await collected(Pages([day(2)]), store, now_ns=lambda: NOW + DAY_NS)
    assert store.read(TXCNT)[-1].available_ns == day(2).end_ns + 24 * HOUR_NS


def csv(tmp_path, text, name="btc.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def imported(path, store, *, names=(), heard_ns=NOW, provider=COIN_METRICS, asset="btc"):
    return import_file(path, store, provider, asset=asset, names=names, heard_ns=heard_ns)


def test_a_csv_keeps_the_digits_that_it_holds(store, tmp_path):
    """Coin Metrics' own form of file: every column but the times is a metric."""
    path = csv(tmp_path, "time,FeeTotNtv,TxCnt\n2024-01-01,6.672126690000000000001,432661\n2024-01-02,,315699\n")
    assert imported(path, store).written == Written(new=3)
    assert [metric.value for metric in store.read(TXCNT)] == ["432661", "315699"]
    [fee] = store.read(TXCNT._replace(name="FeeTotNtv"))
    assert fee.value == "6.672126690000000000001"


@pytest.mark.parametrize("order", list(permutations([("2024-02-01", "5"), ("2024-03-01", "6")])))
def test_vintages_of_a_file_are_its_history(store, tmp_path, order):
    """The file of March says otherwise than that of February: each counts from when it was received, in any order."""
    for month, value in order:
        path = csv(tmp_path, f"time,TxCnt\n2024-01-01,{value}\n", f"{month}.csv")
        imported(path, store, heard_ns=moment_ns(month))
    at = {moment: newest(store.read(TXCNT, at_ns=moment_ns(moment))) for moment in ("2024-02-29", "2024-03-01")}
    assert {moment: [metric.value for metric in known] for moment, known in at.items()} == {
        "2024-02-29": ["5"],
        "2024-03-01": ["6"],
    }


def test_a_file_cannot_tell_of_a_day_that_was_not_over_when_it_was_received(store, tmp_path):
    """A wrong --heard would make what was restated later known too early: it is refused, and nothing is stored."""
    path = csv(tmp_path, "time,TxCnt\n2024-01-01,5\n2024-01-02,6\n")
    with pytest.raises(ConfigurationError, match=r"received at 2024-01-02.* TxCnt of 2024-01-03.*--heard"):
        imported(path, store, heard_ns=moment_ns("2024-01-02T23:59:59Z"))
    assert not list(store.series())
    assert imported(path, store, heard_ns=moment_ns("2024-01-03")).written == Written(new=2)


async def test_a_file_holds_what_no_answer_told(store, tmp_path):
    """The API does not reach back to a day that a file has: the file is no late answer, its day keeps its own time."""
    await collected(Pages([day(1)]), store)
    imported(csv(tmp_path, "time,TxCnt\n2024-01-01,5\n"), store)
    assert store.read(TXCNT)[0].available_ns == day(0).end_ns + 24 * HOUR_NS


def test_a_file_of_rates_and_a_row_that_is_none(store, tmp_path):
    """Parquet as well; what cannot be read is told with its reason, the rest is stored."""
    path = tmp_path / "funding.parquet"
    pl.DataFrame({"timestamp": [1640995200006, -5], "funding_rate": [0.0001, 0.0001]}).write_parquet(path)
    done = imported(path, store, provider=BINANCE_FUNDING, asset="BTCUSDT")
    assert done.written == Written(new=1)
    [refused] = done.refused
    assert isinstance(refused, Refused)
    assert "whole number" in refused.reason


@pytest.mark.parametrize(
    ("text", "names", "why"),
    [
        ("time,TxCnt\n2024-01-01,1\n", ["FeeTotNtv"], "no column FeeTotNtv"),
        ("time,TxCnt\n", [], "no rows"),
        ("", [], "cannot be read"),
    ],
)
def test_a_file_that_does_not_have_it_is_refused(store, tmp_path, text, names, why):
    """Before anything is stored."""
    with pytest.raises(ConfigurationError, match=why):
        imported(csv(tmp_path, text), store, names=names)
    assert not list(store.series())


def test_a_file_that_is_not_there_or_of_nobody_is_refused(store, tmp_path):
    """A missing file; a provider that publishes none."""
    with pytest.raises(ConfigurationError, match="no such file"):
        imported(tmp_path / "none.csv", store)
    with pytest.raises(ConfigurationError, match="publishes no files"):
        imported(csv(tmp_path, "time,x\n"), store, provider=MEMPOOL_SPACE)


def test_every_provider_says_its_terms_and_is_careful_with_its_lag():
    """A license and where it is written, an address, and no more than ten requests in six seconds."""
    for name, provider in PROVIDERS.items():
        assert provider_named(name) is provider
        assert provider.license
        assert provider.terms.startswith("https://")
        assert provider.url.startswith("https://")
        assert provider.pause_s >= 0.6
        assert provider.names
    assert COIN_METRICS.lag_ns == 24 * HOUR_NS
    assert (
        replace(COIN_METRICS, lag_ns=0).metric(asset="btc", name="x", value="1", start_ns=0, end_ns=5).available_ns == 5
    )
    with pytest.raises(ConfigurationError, match="coin_metrics, mempool_space, binance_funding"):
        provider_named("glassnode")
