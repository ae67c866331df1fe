"""What sources said that they do not have."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.data_pipeline.collectors.asked import FILE, SETTLED_NS, Asked, Empty
from trading_system.data_pipeline.collectors.spans import Span
from trading_system.errors import DataError

NOW = 10 * SETTLED_NS


def test_an_outage_is_remembered_with_when_it_was_asked_for(tmp_path: Path) -> None:
    """Two pages of one outage are one stretch."""
    asked = Asked(tmp_path)
    assert asked.empty() == []
    asked.remember([Span(100, 200)], NOW)
    asked.remember([Span(200, 300)], NOW)
    assert Asked(tmp_path).empty() == [Empty(100, 300, NOW)]


def test_what_is_less_than_an_hour_old_is_not_believed(tmp_path: Path) -> None:
    """Of a stretch that reaches into the last hour, the older part is."""
    asked = Asked(tmp_path)
    asked.remember([Span(NOW - SETTLED_NS, NOW)], NOW)
    assert not (tmp_path / FILE).exists()
    asked.remember([Span(NOW - SETTLED_NS - 5, NOW)], NOW)
    assert asked.empty() == [Empty(NOW - SETTLED_NS - 5, NOW - SETTLED_NS, NOW)]


def test_asking_again_takes_the_place_of_what_was_said_before(tmp_path: Path) -> None:
    """The newest word counts, for the time that it is about."""
    asked = Asked(tmp_path)
    asked.remember([Span(100, 200)], NOW)
    asked.remember([Span(120, 150)], NOW + 1)
    assert asked.empty() == [Empty(100, 120, NOW), Empty(120, 150, NOW + 1), Empty(150, 200, NOW)]


@given(told=st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)), max_size=6))
def test_nothing_is_forgotten_and_nothing_invented(
    tmp_path_factory: pytest.TempPathFactory, told: list[tuple[int, int]]
) -> None:
    """After any sequence of words: exactly the moments that were told of, none twice."""
    asked = Asked(tmp_path_factory.mktemp("asked"))
    moments = set[int]()
    for number, (start, length) in enumerate(told):
        asked.remember([Span(start, start + length)], NOW + number)
        moments |= set(range(start, start + length))
    found = [moment for start, end, _ in asked.empty() for moment in range(start, end)]
    assert found == sorted(moments)


def test_a_file_that_is_none_of_ours_is_named(tmp_path: Path) -> None:
    """And what to do: to delete it costs a few questions, nothing else."""
    (tmp_path / FILE).write_text("{}")
    with pytest.raises(DataError, match="delete it"):
        Asked(tmp_path).empty()
