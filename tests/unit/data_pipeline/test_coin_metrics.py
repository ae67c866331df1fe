"""Coin Metrics: daily values, and when each became public."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.data_pipeline.collectors.providers.coin_metrics import (
    COIN_METRICS,
    CoinMetrics,
    cells_of_day,
    read_page,
)
from trading_system.data_pipeline.moments import DAY_NS, HOUR_NS, moment_ns
from trading_system.errors import DataError

DAY = "2024-01-01T00:00:00.000000000Z"
END_NS = moment_ns("2024-01-02")


def row(**cells):
    return {"asset": "btc", "time": DAY, "TxCnt": "657752", **cells}


def read(*rows, names=("TxCnt",), **more):
    page, token = read_page(COIN_METRICS, "btc", names, json.dumps({"data": list(rows), **more}).encode())
    return page.metrics, [each.reason for each in page.refused], token


def test_a_day_is_about_its_24_hours_and_keeps_its_digits():
    """`time` is the start of the day; the license goes with the value; a token leads to the next page."""
    [metric], refused, token = read(row(TxCnt="657752.000"), next_page_token="abc", next_page_url="http://elsewhere")
    assert (metric.source, metric.asset, metric.name, metric.value) == ("coin_metrics", "btc", "TxCnt", "657752.000")
    assert (metric.start_ns, metric.end_ns) == (END_NS - DAY_NS, END_NS)
    assert metric.license.startswith("CC BY-NC 4.0")
    assert (refused, token) == ([], "abc")


@pytest.mark.parametrize(
    ("cells", "available"),
    [
        ({"AssetEODCompletionTime": "1704169163"}, "2024-01-02T04:19:23Z"),  # said
        ({}, "2024-01-03"),  # not said: the lag of 24 hours
        ({"AssetEODCompletionTime": None}, "2024-01-03"),
        # a value that was reviewed is as public as it was; one that was revised is public as such from then on
        (
            {
                "AssetEODCompletionTime": "1704169163",
                "TxCnt-status": "reviewed",
                "TxCnt-status-time": "2024-01-05T10:00:00.000000000Z",
            },
            "2024-01-02T04:19:23Z",
        ),
        (
            {
                "AssetEODCompletionTime": "1704169163",
                "TxCnt-status": "revised",
                "TxCnt-status-time": "2024-01-05T10:00:00.000000000Z",
            },
            "2024-01-05T10:00:00Z",
        ),
    ],
)
def test_a_value_is_public_when_its_day_is_said_to_be_complete(cells, available):
    """`AssetEODCompletionTime` where it is; the lag where it is not; a revision no earlier than it was made."""
    [metric], _, _ = read(row(**cells))
    assert metric.available_ns == moment_ns(available)


def test_stamps_of_the_back_fill_are_no_publication():
    """The column was first filled on 2021-02-26: all days before it bear that stamp, and get the lag instead."""
    backfilled = str(moment_ns("2021-02-26T11:12:16Z") // 10**9)
    first = str(moment_ns("2021-02-27T03:04:44Z") // 10**9)
    metrics, _, _ = read(
        row(time="2018-05-05T00:00:00.000000000Z", AssetEODCompletionTime=backfilled),
        row(time="2021-02-26T00:00:00.000000000Z", AssetEODCompletionTime=first),
    )
    assert metrics[0].available_ns == moment_ns("2018-05-07")
    assert metrics[1].available_ns == moment_ns("2021-02-27T03:04:44Z")


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"TxCnt": "many"}, "no finite number"),
        ({"TxCnt": "NaN"}, "no finite number"),
        ({"TxCnt": ["1"]}, "no finite number"),
        ({"time": "2024-01-01T00:10:00Z"}, "start of a day"),
        ({"time": ""}, "no moment"),
        ({"asset": "eth"}, "not of btc"),
        ({"AssetEODCompletionTime": "soon"}, "no whole number"),
        ({"AssetEODCompletionTime": str((END_NS - 1) // 10**9)}, "backwards"),
    ],
)
def test_a_row_that_cannot_be_believed_is_refused_and_the_others_stay(cells, why):
    """Refused with its reason, as it was received; never guessed, never a crash."""
    metrics, [reason], _ = read(row(**cells), row(time="2024-01-02T00:00:00Z"))
    assert why in reason
    assert [metric.start_ns for metric in metrics] == [END_NS]


def test_a_metric_that_is_null_or_missing_is_no_value():
    """The provider's word for "no data" is null, and for "not supported" nothing at all; neither is zero."""
    assert read(row(TxCnt=None), names=("TxCnt", "FlowInExNtv")) == ([], [], "")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"data": {}}', b'{"data": null}'])
def test_an_answer_of_another_form_is_refused_whole(body):
    """A page of a proxy, or a new form of the API: stop, and say so."""
    with pytest.raises(DataError):
        read_page(COIN_METRICS, "btc", ("TxCnt",), body)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
known = st.sampled_from(
    ["asset", "time", "TxCnt", "TxCnt-status", "TxCnt-status-time", "AssetEODCompletionTime", "timestamp"]
)


@given(st.lists(st.dictionaries(known | st.text(max_size=6), anything, max_size=7), max_size=4), anything)
def test_rows_of_any_content_are_read_or_refused(rows, token):
    """Unknown fields and any values in the known ones: each row becomes metrics or a refusal, never a crash."""
    metrics, refused, following = read(*rows, next_page_token=token)
    assert len(refused) <= len(rows)
    assert all(metric.available_ns >= metric.end_ns for metric in metrics)
    assert isinstance(following, str)


@given(st.dictionaries(st.text(max_size=10), anything, max_size=6))
def test_a_field_that_we_do_not_know_changes_nothing(unknown):
    """The provider may add what it likes."""
    ours = row(AssetEODCompletionTime="1704169163")
    unknown = {key: value for key, value in unknown.items() if not key.startswith("TxCnt") and key != "timestamp"}
    assert read(unknown | ours) == read(ours)


def test_a_file_says_the_day_in_its_own_way():
    """`timestamp` in ms, or a `date`; without names, every number of the row is a metric, its times are none."""
    cells = {"timestamp": 1704067200000, "TxCnt": 657752.0, "PriceUSD": None, "AssetEODCompletionTime": 1704169163.0}
    [metric] = cells_of_day(COIN_METRICS, "btc", (), cells)
    assert (metric.name, metric.value, metric.start_ns) == ("TxCnt", "657752.0", END_NS - DAY_NS)
    assert metric.available_ns == moment_ns("2024-01-02T04:19:23Z")
    [metric] = cells_of_day(COIN_METRICS, "btc", (), {"date": "2024-01-01", "TxCnt": "657752", "TxCnt-status": "flash"})
    assert (metric.value, metric.available_ns) == ("657752", END_NS + 24 * HOUR_NS)


def answering(*answers):
    """A provider that gives one answer after the other, and what it was asked."""
    questions, left = [], list(answers)

    async def ask(path, parameters):
        questions.append((path, dict(parameters)))
        return json.dumps(left.pop(0)).encode()

    return ask, questions


@pytest.mark.parametrize(
    ("since", "until", "start", "end"),
    [
        ("2024-01-01", "2024-01-08", "2024-01-01", "2024-01-07"),  # the day that ends on the 1st is not wanted
        ("2024-01-01T00:00:00.000000001Z", "2024-01-08", "2024-01-01", "2024-01-07"),
        ("2023-12-31T23:59:59.999999999Z", "2024-01-08T12:00:00Z", "2023-12-31", "2024-01-07"),
    ],
)
async def test_the_days_that_end_in_the_span_are_asked_for(since, until, start, end):
    """The API counts days by their start, both ends included; when they were complete is always asked for."""
    ask, questions = answering({"data": []})
    source = CoinMetrics(COIN_METRICS, ask)
    names = ["TxCnt", "FeeTotNtv", "TxCnt"]
    span = {"since_ns": moment_ns(since), "until_ns": moment_ns(until)}
    [page async for page in source.pages("btc", names, **span)]
    [(path, asked)] = questions
    assert path == "/timeseries/asset-metrics"
    assert (asked["start_time"], asked["end_time"]) == (start, end)
    assert asked["metrics"] == "TxCnt,FeeTotNtv,AssetEODCompletionTime"
    assert (asked["assets"], asked["frequency"], asked["paging_from"]) == ("btc", "1d", "start")


async def test_a_span_in_which_no_day_ends_is_not_asked_for():
    """From noon to midnight's eve: nothing can be told."""
    ask, questions = answering()
    span = {"since_ns": moment_ns("2024-01-01T12:00:00Z"), "until_ns": moment_ns("2024-01-01T23:00:00Z")}
    assert [page async for page in CoinMetrics(COIN_METRICS, ask).pages("btc", ["TxCnt"], **span)] == []
    assert questions == []


async def test_a_page_that_leads_to_itself_ends_with_a_message():
    """A fault of the provider must not make us ask for ever."""
    ask, _ = answering(*[{"data": [row()], "next_page_token": "same"}] * 3)
    span = {"since_ns": END_NS - DAY_NS, "until_ns": END_NS}
    with pytest.raises(DataError, match="twice"):
        [page async for page in CoinMetrics(COIN_METRICS, ask).pages("btc", ["TxCnt"], **span)]
