"""Stretches of time: nothing is asked for twice, and nothing is forgotten."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trading_system.data_pipeline.collectors.spans import Span, merged, overlap, spans_of, without

SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda ends: Span(*ends)), max_size=8)


def moments(spans: list[Span]) -> set[int]:
    """Return every whole moment that some span holds."""
    return {moment for start, end in spans for moment in range(start, end)}


@given(spans=SPANS)
def test_merged_spans_hold_the_same_time_in_order_and_apart(spans: list[Span]) -> None:
    """No moment is lost or won; no two of them touch."""
    found = merged(spans)
    assert moments(found) == moments(spans)
    assert all(one.end_ns < other.start_ns for one, other in pairwise(found))


@given(whole=st.tuples(st.integers(0, 60), st.integers(0, 60)), taken=SPANS)
def test_what_is_left_is_what_nobody_took(whole: tuple[int, int], taken: list[Span]) -> None:
    """Moment by moment."""
    span = Span(min(whole), max(whole))
    assert moments(without(span, taken)) == moments([span]) - moments(taken)
    assert overlap(span, taken) == bool(moments([span]) & moments(taken))


@given(numbers=st.sets(st.integers(0, 100)))
def test_bars_cover_the_time_from_their_open_to_their_close(numbers: set[int]) -> None:
    """Bars of ten: neighbors make one stretch."""
    opens = np.array(sorted(numbers), dtype=np.int64) * 10
    found = spans_of(opens, 10)
    assert moments(found) == {number * 10 + offset for number in numbers for offset in range(10)}
    assert found == merged(found)
