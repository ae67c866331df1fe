"""When a series was asked for: stretches that were asked about, and nothing between them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.data_pipeline.metric_store import MetricStore, Series
from trading_system.data_pipeline.polls import Poll, missed, read_polls, write_poll
from trading_system.market.onchain import Metric
from trading_system.market.timestamps import from_ms

DAY_NS = 86_400_000_000_000

stretches = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=8)


@given(asked=stretches)
def test_what_was_asked_about_is_the_days_of_all_questions(tmp_path_factory, asked):
    """Against a set of days: each question adds the days in (since, until]; no other day was ever asked about."""
    folder, days = tmp_path_factory.mktemp("polls"), set()
    for since, until in asked:
        write_poll(folder, Poll(since_ns=since * DAY_NS, asked_ns=until * DAY_NS))
        days |= set(range(since + 1, until + 1))
        assert {day for day in range(32) if missed(read_polls(folder), day * DAY_NS)} == days


@given(asked=stretches)
def test_questions_are_kept_by_time_and_apart(tmp_path_factory, asked):
    """However many are asked, what is kept is as few stretches as there are, each with nobody's days before it."""
    folder = tmp_path_factory.mktemp("polls")
    for since, until in asked:
        write_poll(folder, Poll(since_ns=since, asked_ns=until))
    kept = read_polls(folder)
    assert all(poll.since_ns < poll.asked_ns for poll in kept)
    assert all(before.asked_ns < after.since_ns for before, after in pairwise(kept))


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_years_between_two_questions_keep_their_own_times(tmp_path, order):
    """Asked about 2024, and about the start of 2019: the years between are back-filled at their own stamps.

    They were never asked for, so nobody knows that they were not there; counting them from now on would take them away
    from every back-test.
    """
    store, series = MetricStore(tmp_path), Series("coin_metrics", "btc", "TxCnt")
    asked = [
        Poll(since_ns=from_ms(1_704_067_200_000), asked_ns=from_ms(1_735_689_600_000)),  # 2024
        Poll(since_ns=from_ms(1_546_300_800_000), asked_ns=from_ms(1_554_076_800_000)),  # 2019, January to March
    ]
    between_ns = from_ms(1_609_459_200_000)  # 2021-01-01
    value = Metric(
        source=series.source,
        asset=series.asset,
        name=series.name,
        value="1",
        start_ns=between_ns,
        end_ns=between_ns + DAY_NS,
        available_ns=between_ns + 2 * DAY_NS,
        license="CC BY-NC 4.0",
    )
    store.folder(series).mkdir(parents=True)
    for number in order:
        store.note_poll(series, asked[number])
    store.write([value], heard_ns=from_ms(1_740_000_000_000))
    assert [metric.available_ns for metric in store.read(series)] == [value.available_ns]
