"""The as-of join: what was public at a decision, nothing else, and the same bits bar by bar."""

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.data_pipeline.as_of import NO_LIMIT_NS, AsOf, ages, joined
from trading_system.errors import DataError
from trading_system.market.onchain import Metric, metrics_of

DAY_NS = 86_400_000_000_000
HOUR_NS = 3_600_000_000_000


def metric(*, end, available, value="1", revision=0):
    """A record of a span of one hour that ends at `end` hours and was public at `available` hours."""
    return Metric(
        source="test",
        asset="btc",
        name="TxCnt",
        value=value,
        start_ns=(end - 1) * HOUR_NS,
        end_ns=end * HOUR_NS,
        available_ns=available * HOUR_NS,
        revision=revision,
        license="none",
    )


@st.composite
def records(draw):
    """Records with late publications, restatements in any order of time, and equal moments everywhere."""
    keys = draw(st.sets(st.tuples(st.integers(1, 12), st.integers(0, 3)), max_size=20))
    return draw(
        st.permutations(
            [
                metric(
                    end=end,
                    available=end + draw(st.integers(0, 15)),
                    revision=revision,
                    value=str(draw(st.floats(allow_nan=False, allow_infinity=False))),
                )
                for end, revision in sorted(keys)
            ]
        )
    )


def naive(t_ns, known, max_age_ns):
    """The definition, word for word: of what is public the newest span, of it the highest revision."""
    public = [record for record in known if record.available_ns <= t_ns]
    if not public:
        return math.nan
    best = max(public, key=lambda record: (record.end_ns, record.revision))
    return best.number if t_ns - best.end_ns <= max_age_ns else math.nan


times_of = st.lists(st.integers(0, 30).map(lambda hour: hour * HOUR_NS), min_size=1, max_size=40)
limits = st.one_of(st.just(NO_LIMIT_NS), st.integers(0, 20).map(lambda hour: hour * HOUR_NS))


def bits(values):
    """The bytes of `values`, so that equal means equal to the bit."""
    return np.asarray(values, dtype=np.float64).tobytes()


@given(known=records(), times=times_of, max_age_ns=limits)
def test_the_join_is_its_definition(known, times, max_age_ns):
    """For each time: the newest span that was public, in its highest revision that was public."""
    got = joined(np.array(times, dtype=np.int64), metrics_of(known), max_age_ns)
    assert bits(got) == bits([naive(t, known, max_age_ns) for t in times])


@given(known=records(), times=times_of, max_age_ns=limits, cut=st.integers(0, 30))
def test_what_becomes_public_later_changes_nothing_before(known, times, max_age_ns, cut):
    """Adding any records that are public after t leaves every value up to t as it was, to the bit."""
    cut_ns = cut * HOUR_NS
    before = np.array([t for t in times if t <= cut_ns], dtype=np.int64)
    public = [record for record in known if record.available_ns <= cut_ns]
    for join in (joined, ages):
        assert bits(join(before, metrics_of(known), max_age_ns)) == bits(join(before, metrics_of(public), max_age_ns))


@given(known=records(), times=times_of, max_age_ns=limits)
def test_streaming_gives_the_bits_of_the_batch(known, times, max_age_ns):
    """Bar by bar or all at once: the same values and the same ages, to the bit."""
    times = sorted(times)
    stream = AsOf(max_age_ns)
    for record in known:
        stream.push(record)
    streamed = [(stream.at(t), stream.age(t)) for t in times]
    at = np.array(times, dtype=np.int64)
    assert bits([value for value, _ in streamed]) == bits(joined(at, metrics_of(known), max_age_ns))
    assert bits([age for _, age in streamed]) == bits(ages(at, metrics_of(known), max_age_ns))


@given(age_ns=st.binary(min_size=8, max_size=8).map(lambda digits: int.from_bytes(digits) >> 2))
def test_an_age_of_any_length_has_the_same_bits_both_ways(age_ns):
    """Nanoseconds beyond what a float holds are rounded alike."""
    known = metric(end=1, available=1)
    stream = AsOf(NO_LIMIT_NS)
    stream.push(known)
    at = np.array([known.end_ns + age_ns], dtype=np.int64)
    assert bits([stream.age(known.end_ns + age_ns)]) == bits(ages(at, metrics_of([known]), NO_LIMIT_NS))


@given(known=records(), times=times_of)
def test_a_stream_may_hear_a_record_at_any_time_before_it_counts(known, times):
    """Pushing each record only just before it becomes public gives what pushing all at the start gives."""
    times = sorted(times)
    early, late, unheard = AsOf(NO_LIMIT_NS), AsOf(NO_LIMIT_NS), list(known)
    for record in known:
        early.push(record)
    for t in times:
        for record in [record for record in unheard if record.available_ns <= t]:
            late.push(record)
            unheard.remove(record)
        assert bits([late.at(t)]) == bits([early.at(t)])


def test_a_restatement_counts_from_the_moment_it_is_public():
    """Span 10 is first 5.0 (public at 12) and is restated as 6.0 at 20; span 11 is public at 15."""
    known = [
        metric(end=10, available=12, value="5.0"),
        metric(end=10, available=20, value="6.0", revision=1),
        metric(end=11, available=15, value="7.0"),
    ]
    hours = np.array([11, 12, 14, 15, 20, 30], dtype=np.int64)
    got = joined(hours * HOUR_NS, metrics_of(known), NO_LIMIT_NS)
    assert got.tolist()[1:] == [5.0, 5.0, 7.0, 7.0, 7.0]
    assert math.isnan(got[0])
    only = joined(hours * HOUR_NS, metrics_of(known[:2]), NO_LIMIT_NS)
    assert only.tolist()[1:] == [5.0, 5.0, 5.0, 6.0, 6.0]


def test_an_age_counts_from_the_end_of_the_span_and_has_a_limit():
    """A value whose span ended at 10 h is 2 h old at 12 h; with a limit of 3 h it is gone after 13 h."""
    known = metrics_of([metric(end=10, available=12, value="5.0")])
    at = np.array([12, 13, 14], dtype=np.int64) * HOUR_NS
    assert ages(at, known, NO_LIMIT_NS).tolist() == [7_200.0, 10_800.0, 14_400.0]
    assert bits(joined(at, known, 3 * HOUR_NS)) == bits([5.0, 5.0, math.nan])
    assert bits(ages(at, known, 3 * HOUR_NS)) == bits([7_200.0, 10_800.0, math.nan])


def test_a_stream_is_asked_in_order_of_time():
    """What was known earlier is no longer held, so the question is refused and not answered wrongly."""
    stream = AsOf(NO_LIMIT_NS)
    stream.at(10)
    with pytest.raises(DataError, match="in order of time"):
        stream.at(9)


def test_a_million_bars_are_joined_in_a_second():
    """The join is not quadratic: a million times and fifty thousand records; the naive form would take hours."""
    at = np.arange(1_000_000, dtype=np.int64) * 60_000_000_000
    count = 50_000
    event = np.sort(np.random.default_rng(7).integers(0, int(at[-1]), count))
    known = metrics_of([metric(end=1, available=1)])._replace(
        event_ns=event, available_ns=event + HOUR_NS, revision=np.zeros(count, np.int64), value=np.ones(count)
    )
    began = time.perf_counter()
    joined(at, known, NO_LIMIT_NS)
    assert time.perf_counter() - began < 5.0
