"""Metrics at rest: what was published stays, a restatement is added, and each knows since when it is public."""

from dataclasses import replace
from itertools import pairwise

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.data_pipeline.metric_store import MetricStore, Series, Written, newest
from trading_system.data_pipeline.polls import Poll
from trading_system.errors import ConfigurationError, DataError
from trading_system.market.onchain import Metric

DAY_NS = 86_400_000_000_000
HOUR_NS = 3_600_000_000_000
SERIES = Series("coin_metrics", "btc", "TxCnt")
START_NS = 19_000 * DAY_NS


@pytest.fixture
def store(tmp_path):
    return MetricStore(tmp_path / "metrics")


def day(number, value, *, public_h=5):
    """The value of a day, public `public_h` hours after its end."""
    start_ns = START_NS + number * DAY_NS
    return Metric(
        source=SERIES.source,
        asset=SERIES.asset,
        name=SERIES.name,
        value=value,
        start_ns=start_ns,
        end_ns=start_ns + DAY_NS,
        available_ns=start_ns + DAY_NS + public_h * HOUR_NS,
        license="CC BY-NC 4.0",
    )


def at(number, hour):
    """The moment `hour` hours after the end of day `number`."""
    return START_NS + (number + 1) * DAY_NS + hour * HOUR_NS


def told(metrics):
    return [(metric.value, metric.revision, metric.available_ns) for metric in metrics]


def test_a_restated_value_is_a_new_revision_and_the_old_one_stays(store):
    """5 at first; 6 is heard two days later: public from then on, whatever the provider's stamp says."""
    assert store.write([day(0, "5")], heard_ns=at(0, 6)) == Written(new=1)
    assert store.write([day(0, "6")], heard_ns=at(2, 6)) == Written(restated=1)
    assert told(store.read(SERIES)) == [("5", 0, at(0, 5)), ("6", 1, at(2, 6))]
    assert told(newest(store.read(SERIES, at_ns=at(2, 5)))) == [("5", 0, at(0, 5))]
    assert told(newest(store.read(SERIES, at_ns=at(2, 6)))) == [("6", 1, at(2, 6))]


def test_the_same_value_again_changes_no_byte(store):
    """In the same digits, in others that mean the same, or as the float made of them."""
    store.write([day(0, "0.12345678901234567891")], heard_ns=at(0, 6))
    path = store.folder(SERIES) / "2022.parquet"
    before = path.read_bytes(), path.stat().st_mtime_ns
    for value in ("0.12345678901234567891", "0.123456789012345678910", "0.12345678901234568"):
        assert store.write([day(0, value)], heard_ns=at(3, 0)) == Written(known=1)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_a_value_that_is_restated_back_is_restated_twice(store):
    """5, then 6, then 5 again: three revisions, for at each moment something else was public."""
    for hour, value in ((6, "5"), (30, "6"), (54, "5")):
        store.write([day(0, value)], heard_ns=at(0, hour))
    assert told(store.read(SERIES)) == [("5", 0, at(0, 5)), ("6", 1, at(0, 30)), ("5", 2, at(0, 54))]


def test_what_an_earlier_question_missed_counts_from_when_it_was_heard(store):
    """Asked at 12 h and not there: a stamp that says 5 h is not believed. A file is no answer, and is."""
    store.write([day(0, "5")], heard_ns=at(0, 6))
    store.note_poll(SERIES, Poll(since_ns=START_NS, asked_ns=at(1, 12)))
    store.write([day(1, "7")], heard_ns=at(1, 18))
    store.write([day(2, "8")], heard_ns=at(2, 18))
    assert told(store.read(SERIES)) == [("5", 0, at(0, 5)), ("7", 0, at(1, 18)), ("8", 0, at(2, 5))]
    store.note_poll(SERIES, Poll(since_ns=START_NS, asked_ns=at(9, 0)))
    store.write([day(3, "9")], heard_ns=at(10, 0), answered=False)
    assert told(store.read(SERIES))[-1] == ("9", 0, at(3, 5))


def test_a_poll_of_another_stretch_says_nothing_of_the_days_between(store):
    """Asked about days 0 to 1, then about days 5 to 6: whether day 3 was there, nobody knows."""
    store.write([day(0, "1")], heard_ns=at(0, 6))
    store.note_poll(SERIES, Poll(since_ns=START_NS, asked_ns=at(1, 0)))
    store.note_poll(SERIES, Poll(since_ns=at(4, 0), asked_ns=at(6, 0)))
    store.write([day(3, "3"), day(5, "5")], heard_ns=at(7, 0))
    assert told(store.read(SERIES)) == [("1", 0, at(0, 5)), ("3", 0, at(3, 5)), ("5", 0, at(7, 0))]


@given(
    vintages=st.lists(
        st.dictionaries(st.integers(0, 400), st.integers(0, 2).map(str), max_size=6), min_size=1, max_size=5
    )
)
def test_the_store_knows_at_each_moment_what_the_newest_vintage_said(tmp_path_factory, vintages):
    """Answers over years, heard one after the other: as of each, the store says what the answers so far said last."""
    store = MetricStore(tmp_path_factory.mktemp("metrics"))
    said, first = {}, START_NS + 500 * DAY_NS
    for number, vintage in enumerate(vintages):
        heard_ns = first + number * DAY_NS
        written = store.write([day(each, value) for each, value in vintage.items()], heard_ns=heard_ns)
        assert written.new == len(vintage.keys() - said.keys())
        assert written.new + written.restated + written.known == len(vintage)
        said |= vintage
        if said:
            known = newest(store.read(SERIES, at_ns=heard_ns))
            assert {(m.start_ns - START_NS) // DAY_NS: m.value for m in known} == said
    if said:
        everything = store.read(SERIES)
        for span in {metric.end_ns for metric in everything}:
            revisions = [metric for metric in everything if metric.end_ns == span]
            assert [metric.revision for metric in revisions] == list(range(len(revisions)))
            assert all(a.value != b.value for a, b in pairwise(revisions))
            assert sorted(revisions, key=lambda metric: metric.available_ns) == revisions


def test_values_of_many_series_and_years_are_sorted_into_their_files(store):
    """One file a series and year, by the year in which a span begins, each self-explaining to other programs."""
    other = replace(day(1, "2"), asset="eth")
    store.write([day(400, "4"), other, day(0, "1")], heard_ns=at(500, 0))
    assert list(store.series()) == [SERIES, Series("coin_metrics", "eth", "TxCnt")]
    assert [path.name for path in sorted(store.folder(SERIES).glob("*.parquet"))] == ["2022.parquet", "2023.parquet"]
    assert store.last_end_ns(SERIES) == at(400, 0)
    assert store.last_end_ns(Series("coin_metrics", "btc", "None")) is None
    files = str(store.folder(SERIES).parent.parent / "*" / "TxCnt" / "*.parquet")
    rows = duckdb.sql(f"SELECT asset, arg_max(value, revision) FROM '{files}' GROUP BY asset, end_ns ORDER BY ALL")
    assert rows.fetchall() == [("btc", "1"), ("btc", "4"), ("eth", "2")]


def test_columns_are_what_was_stored(store):
    """The as-of join is fed with every revision."""
    store.write([day(0, "5"), day(1, "7")], heard_ns=at(1, 6))
    store.write([day(0, "6")], heard_ns=at(2, 6))
    columns = store.columns(SERIES)
    assert columns.value.tolist() == [5.0, 6.0, 7.0]
    assert columns.revision.tolist() == [0, 1, 0]
    assert columns.event_ns.tolist() == [at(0, 0), at(0, 0), at(1, 0)]
    assert columns.available_ns.tolist() == [at(0, 5), at(2, 6), at(1, 5)]


def test_a_series_that_is_not_there_is_said_so(store):
    """Also one whose name would leave the store."""
    with pytest.raises(ConfigurationError, match="metrics ls"):
        store.read(SERIES)
    with pytest.raises(ConfigurationError, match="cannot name"):
        store.read(Series("..", "..", "etc"))


@pytest.mark.parametrize("damage", ["digit", "cut", "other_series", "foreign"])
def test_a_file_that_does_not_hold_what_was_written_is_refused(store, damage):
    """A changed digit, half a file, a file of another series, a file of another program."""
    store.write([day(0, "5")], heard_ns=at(0, 6))
    path = store.folder(SERIES) / "2022.parquet"
    if damage == "digit":
        promised = pl.read_parquet_metadata(path)
        frame = pl.read_parquet(path).with_columns(value=pl.lit("6"))
        frame.write_parquet(path, metadata={"metrics_sha256": promised["metrics_sha256"]})
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "other_series":
        elsewhere = store.folder(Series("coin_metrics", "btc", "AdrActCnt"))
        elsewhere.mkdir(parents=True)
        path = path.rename(elsewhere / path.name)
    else:
        pl.DataFrame({"a": [1]}).write_parquet(path)
    with pytest.raises(DataError, match=r"2022\.parquet"):
        store.read(Series("coin_metrics", "btc", path.parent.name))


def test_a_poll_that_cannot_be_read_is_none(store):
    """The note is a help and no truth: torn, it is written anew."""
    store.write([day(0, "5")], heard_ns=at(0, 6))
    (store.folder(SERIES) / "asked.json").write_text("{")
    store.write([day(1, "6")], heard_ns=at(9, 6))
    assert told(store.read(SERIES))[-1] == ("6", 0, at(1, 5))
