"""mempool.space: what a stamp means, and that a day which is not over is not taken."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.data_pipeline.collectors.providers.mempool_space import (
    FIELDS,
    MEMPOOL_SPACE,
    MempoolSpace,
    read_answer,
)
from trading_system.data_pipeline.moments import DAY_NS, HOUR_NS, moment_ns
from trading_system.errors import ConfigurationError, DataError

MIDNIGHT = moment_ns("2024-01-02")
MIDNIGHT_S = MIDNIGHT // 10**9
NOW = moment_ns("2024-01-05T12:00:00Z")
EVER = (0, NOW)


def read(name, answer, span=EVER):
    return read_answer(MEMPOOL_SPACE, {name: FIELDS[name]}, json.dumps(answer).encode(), heard_ns=NOW, span=span)


def test_the_stamp_of_a_hash_rate_is_the_end_of_its_day():
    """The midnight after the day; taken for the start, it would tell tomorrow's hash rate today."""
    answer = {"hashrates": [{"timestamp": MIDNIGHT_S, "avgHashrate": 5.1e20}], "difficulty": []}
    [metric] = read("hash_rate", answer).metrics
    assert (metric.start_ns, metric.end_ns) == (MIDNIGHT - DAY_NS, MIDNIGHT)
    assert metric.available_ns == MIDNIGHT + 6 * HOUR_NS
    assert metric.number == 5.1e20


def test_the_stamp_of_blocks_lies_somewhere_within_their_day():
    """It is the mean of the blocks' own; the value is of the whole day, and public after its end."""
    noonish = MIDNIGHT_S - 43_211
    [metric] = read("block_fees", [{"avgHeight": 823800, "timestamp": noonish, "avgFees": 41234567}]).metrics
    assert (metric.start_ns, metric.end_ns, metric.value) == (MIDNIGHT - DAY_NS, MIDNIGHT, "41234567")


@pytest.mark.parametrize(("hours", "taken"), [(-1, 0), (0, 0), (5.99, 0), (6, 1)])
def test_a_day_is_taken_once_it_cannot_change_any_more(hours, taken):
    """Not while it lasts, and not within the lag, in which late blocks and the provider's own index come."""
    until_ns = MIDNIGHT + int(hours * HOUR_NS)
    page = read("block_fees", [{"timestamp": MIDNIGHT_S - 1, "avgFees": 1}], (0, until_ns))
    assert len(page.metrics) == taken
    assert not page.refused


@pytest.mark.parametrize(("since_ns", "taken"), [(MIDNIGHT - 1, 1), (MIDNIGHT, 0)])
def test_a_day_that_ends_at_the_start_is_not_wanted(since_ns, taken):
    """The span is open at its start: what ended there was asked for before."""
    page = read("block_fees", [{"timestamp": MIDNIGHT_S - 1, "avgFees": 1}], (since_ns, NOW))
    assert len(page.metrics) == taken


def test_the_mempool_is_what_it_was_when_it_was_heard():
    """A snapshot is about the moment at which it came, and public at it."""
    page = read("mempool_vsize", {"count": 5000, "vsize": 2500000, "total_fee": 50000000, "fee_histogram": [[1, 2]]})
    [metric] = page.metrics
    assert (metric.value, metric.start_ns, metric.end_ns, metric.available_ns) == ("2500000", NOW, NOW, NOW)


async def test_each_path_is_asked_once_and_the_shortest_period_that_reaches():
    """Sizes and weights stand in one answer, hash rate and difficulty in another; ten days back need a month."""
    asked = []

    async def ask(path, parameters):
        asked.append(path)
        if "sizes" in path:
            return json.dumps(
                {
                    "sizes": [{"timestamp": MIDNIGHT_S - 5, "avgSize": 1}],
                    "weights": [{"timestamp": MIDNIGHT_S - 5, "avgWeight": 4}],
                }
            ).encode()
        return json.dumps({"hashrates": [], "difficulty": [{"time": MIDNIGHT_S, "difficulty": 7.2e13}]}).encode()

    source = MempoolSpace(MEMPOOL_SPACE, ask, lambda: NOW)
    names = ["block_size", "hash_rate", "block_weight", "difficulty"]
    pages = [page async for page in source.pages("btc", names, since_ns=NOW - 10 * DAY_NS, until_ns=NOW)]
    assert asked == ["/v1/mining/blocks/sizes-weights/all", "/v1/mining/hashrate/1m"]
    told = [(metric.name, metric.value) for page in pages for metric in page.metrics]
    assert told == [("block_size", "1"), ("block_weight", "4"), ("difficulty", "72000000000000.0")]


@pytest.mark.parametrize(("days", "period"), [(27, "1m"), (80, "3m"), (300, "1y"), (1_000, "3y"), (2_000, "all")])
async def test_the_period_reaches_back_to_the_start(days, period):
    """A month may have 28 days: what is asked for certainly holds the whole span."""
    asked = []

    async def ask(path, parameters):
        asked.append(path)
        return b'{"hashrates": []}'

    source = MempoolSpace(MEMPOOL_SPACE, ask, lambda: NOW)
    [page async for page in source.pages("btc", ["hash_rate"], since_ns=NOW - days * DAY_NS, until_ns=NOW)]
    assert asked == [f"/v1/mining/hashrate/{period}"]


async def test_the_mempool_of_the_past_is_not_asked_for():
    """The present cannot stand in for it."""

    async def ask(path, parameters):
        raise AssertionError(path)

    source = MempoolSpace(MEMPOOL_SPACE, ask, lambda: NOW)
    assert [page async for page in source.pages("btc", ["mempool_vsize"], since_ns=0, until_ns=NOW - DAY_NS)] == []


@pytest.mark.parametrize(("asset", "name"), [("eth", "hash_rate"), ("btc", "TxCnt")])
async def test_what_it_does_not_have_is_refused(asset, name):
    """Before anything is asked."""
    source = MempoolSpace(MEMPOOL_SPACE, None, lambda: NOW)
    with pytest.raises(ConfigurationError, match="mempool_space has"):
        [page async for page in source.pages(asset, [name], since_ns=0, until_ns=NOW)]


@pytest.mark.parametrize("answer", [{}, [], {"hashrates": {}}, None, 5])
def test_an_answer_of_another_form_is_refused_whole(answer):
    """Stop, and say so."""
    with pytest.raises(DataError, match="form has changed"):
        read("hash_rate", answer)


anything = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.lists(st.none())
)
field = st.sampled_from(["timestamp", "time", "avgHashrate", "avgFees", "vsize", "difficulty"]) | st.text(max_size=5)
rows_of_anything = st.lists(st.dictionaries(field, anything, max_size=5) | anything, max_size=4)


@given(rows=rows_of_anything, name=st.sampled_from(sorted(FIELDS)))
def test_rows_of_any_content_are_read_or_refused(rows, name):
    """Unknown fields and any values in the known ones: metrics or refusals, never a crash."""
    within, of_now = FIELDS[name].within, FIELDS[name].span_ns is None
    page = read(name, rows[0] if of_now and rows else {within: rows} if within else rows)
    assert len(page.metrics) + len(page.refused) <= max(len(rows), 1)
    assert all(metric.end_ns <= NOW for metric in page.metrics)
