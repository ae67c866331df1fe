"""Binance's funding rates: public at the very millisecond of their settlement, and not before."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.data_pipeline.as_of import NO_LIMIT_NS, joined
from trading_system.data_pipeline.collectors.providers.binance_funding import (
    BINANCE_FUNDING,
    BinanceFunding,
    cells_of_rate,
    read_page,
)
from trading_system.errors import ConfigurationError, DataError
from trading_system.market.onchain import metrics_of

HOUR_MS = 3_600_000
FIRST_MS = 1_704_067_200_006


def rate(at_ms, value="0.00010000", **more):
    return {"symbol": "BTCUSDT", "fundingRate": value, "fundingTime": at_ms, "markPrice": "42313.9", **more}


def asked_of(rates, most=1_000):
    """A provider that holds `rates`: inclusive start and end, oldest first, `most` at once; and what it was asked."""
    questions = []

    async def ask(path, parameters):
        questions.append(dict(parameters))
        start, end = int(parameters["startTime"]), int(parameters["endTime"])
        found = [each for each in rates if start <= each["fundingTime"] <= end]
        return json.dumps(found[: min(most, int(parameters["limit"]))]).encode()

    return ask, questions


async def collected(rates, since_ms, until_ms):
    ask, questions = asked_of(rates)
    source = BinanceFunding(BINANCE_FUNDING, ask)
    pages = source.pages("BTCUSDT", ["funding_rate"], since_ns=since_ms * 10**6, until_ns=until_ms * 10**6)
    return [metric.end_ns // 10**6 async for page in pages for metric in page.metrics], questions


def test_a_rate_is_about_its_settlement_and_public_at_it():
    """The venue's digits are kept; the moment has the venue's own milliseconds."""
    page, count = read_page(BINANCE_FUNDING, "BTCUSDT", json.dumps([rate(FIRST_MS, "-0.03750000")]).encode())
    [metric] = page.metrics
    assert (metric.value, count) == ("-0.03750000", 1)
    assert metric.start_ns == metric.end_ns == metric.available_ns == FIRST_MS * 10**6


def test_a_bar_that_closes_on_the_hour_does_not_know_the_rate_settled_six_milliseconds_later():
    """Six milliseconds are a look-ahead: the next bar is the first to know."""
    import numpy as np

    page, _ = read_page(BINANCE_FUNDING, "BTCUSDT", json.dumps([rate(FIRST_MS, "0.0002")]).encode())
    closes = np.array([FIRST_MS - 6, FIRST_MS - 6 + 60_000], dtype=np.int64) * 10**6
    known = joined(closes, metrics_of(page.metrics), NO_LIMIT_NS)
    assert np.isnan(known[0])
    assert known[1] == 0.0002


@given(count=st.integers(0, 2_500), since=st.integers(-2, 2_501), until=st.integers(-2, 2_501))
async def test_every_settlement_of_a_span_is_told_once(count, since, until):
    """Over any number of pages: those after the start and up to the end, each once, in order."""
    times = [FIRST_MS + number * 8 * HOUR_MS for number in range(count)]
    since_ms, until_ms = (FIRST_MS + number * 8 * HOUR_MS for number in (since, until))
    got, questions = await collected([rate(each) for each in times], since_ms, until_ms)
    assert got == [each for each in times if since_ms < each <= until_ms]
    assert len(questions) <= len(got) // 1_000 + 1


async def test_a_provider_that_repeats_itself_is_not_asked_for_ever():
    """A full page of nothing new ends the collection with a message."""

    async def ask(path, parameters):
        return json.dumps([rate(FIRST_MS)] * 1_000).encode()

    pages = BinanceFunding(BINANCE_FUNDING, ask).pages(
        "BTCUSDT", ["funding_rate"], since_ns=FIRST_MS * 10**6, until_ns=(FIRST_MS + HOUR_MS) * 10**6
    )
    with pytest.raises(DataError, match="stopped"):
        [page async for page in pages]


async def test_another_metric_is_refused():
    """It has one, and says so instead of telling nothing."""
    ask, _ = asked_of([])
    with pytest.raises(ConfigurationError, match="funding_rate"):
        [page async for page in BinanceFunding(BINANCE_FUNDING, ask).pages("BTCUSDT", ["x"], since_ns=0, until_ns=1)]


@pytest.mark.parametrize(
    "cells",
    [
        {"timestamp": 1640995200006, "funding_rate": 0.0001},
        {"calc_time": "1640995200006", "funding_interval_hours": "8", "last_funding_rate": "0.0001"},
    ],
)
def test_files_name_their_columns_in_two_ways(cells):
    """Ours, and that of Binance's own archive."""
    [metric] = cells_of_rate(BINANCE_FUNDING, "BTCUSDT", (), cells)
    assert (metric.value, metric.end_ns) == ("0.0001", 1640995200006 * 10**6)


anything = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.lists(st.none())
)
field = st.sampled_from(["symbol", "fundingRate", "fundingTime", "markPrice"]) | st.text(max_size=5)


@given(st.lists(st.dictionaries(field, anything, max_size=5) | anything, max_size=4))
def test_rows_of_any_content_are_read_or_refused(rows):
    """Each row becomes a rate or a refusal, never a crash."""
    page, count = read_page(BINANCE_FUNDING, "BTCUSDT", json.dumps(rows).encode())
    assert count == len(rows) == len(page.metrics) + len(page.refused)
