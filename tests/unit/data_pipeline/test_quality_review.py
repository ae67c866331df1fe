"""The review of a series: rows that are odd are flagged, rows that cannot be are left out, none without a word."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.data_pipeline.bar_checks import Columns
from trading_system.data_pipeline.normalizers.quality_review import review
from trading_system.market import bar_flags

HOUR_NS = 3_600_000_000_000
START_NS = 1_704_067_200_000_000_000  # 2024-01-01T00:00Z


def walk(count: int, *, seed: int = 1) -> Columns:
    """Return a random walk of hourly bars in ticks, each opening where the last one closed."""
    chance = np.random.default_rng(seed)
    close = 1_000_000 + np.cumsum(chance.integers(-3_000, 3_001, count))
    opened = np.concatenate(([1_000_000], close[:-1]))
    return Columns(
        open_ns=START_NS + HOUR_NS * np.arange(count),
        open=opened,
        high=np.maximum(opened, close) + chance.integers(1, 2_000, count),
        low=np.minimum(opened, close) - chance.integers(1, 2_000, count),
        close=close,
        volume=chance.integers(10**8, 10**10, count),
    )


def told(columns: Columns) -> dict[str, int]:
    """Return the rows of each kind of defect."""
    found: dict[str, int] = {}
    for defect in review(columns, HOUR_NS).defects:
        found[defect.kind] = found.get(defect.kind, 0) + defect.rows
    return found


def test_a_sound_series_is_kept_whole_and_unflagged():
    """Nothing is told of rows with nothing wrong."""
    seen = review(walk(500), HOUR_NS)
    assert seen.defects == ()
    assert seen.keep.all()
    assert not seen.flags.any()


def test_a_gap_is_told_and_the_bar_behind_it_is_flagged():
    """Three bars taken out are a gap of three, from the first absent open to the last."""
    columns = walk(100)
    left = Columns(*(np.delete(column, [40, 41, 42]) for column in columns))
    seen = review(left, HOUR_NS)
    assert [(d.kind, d.first_ns, d.last_ns, d.rows) for d in seen.defects] == [
        ("gap", START_NS + 40 * HOUR_NS, START_NS + 42 * HOUR_NS, 3)
    ]
    assert np.flatnonzero(seen.flags).tolist() == [40]
    assert seen.flags[40] == bar_flags.AFTER_GAP


def test_a_repeated_row_is_left_out_and_the_first_stays():
    """Of equals one stays; of rows that contradict each other, none."""
    columns = walk(100)
    twice = Columns(*(np.insert(column, 51, column[50]) for column in columns))
    seen = review(twice, HOUR_NS)
    assert [(d.kind, d.action) for d in seen.defects] == [("duplicate", "repair")]
    assert np.flatnonzero(~seen.keep).tolist() == [51]
    twice.close[51] += 1
    seen = review(twice, HOUR_NS)
    assert [(d.kind, d.action) for d in seen.defects] == [("duplicate", "quarantine")]
    assert np.flatnonzero(~seen.keep).tolist() == [50, 51]


@pytest.mark.parametrize(("kind", "factor"), [("spike", 1.3), ("spike", 10), ("spike", 0.1)])
def test_a_bar_out_of_its_surroundings_is_flagged_and_kept(kind, factor):
    """A bar that is ten times its neighbors is a bad tick; it stays as it was told, with a flag."""
    columns = walk(200)
    for column in columns[1:5]:
        column[120] = int(column[120] * factor)
    seen = review(columns, HOUR_NS)
    assert [(d.kind, d.first_ns, d.rows) for d in seen.defects] == [(kind, START_NS + 120 * HOUR_NS, 1)]
    assert seen.keep.all()
    assert np.flatnonzero(seen.flags).tolist() == [120]


def test_a_crash_that_stays_is_no_spike():
    """A fall by a third that nothing takes back is the market's own."""
    columns = walk(200)
    for column in columns[1:5]:
        column[121:] = column[121:] * 2 // 3
    columns.close[120] = columns.close[120] * 2 // 3
    columns.low[120] = columns.close[120] - 10
    assert told(columns) == {}


def test_bars_that_repeat_each_other_are_stale():
    """Ten bars that all say what the one before them said: the feed stood still."""
    columns = walk(200)
    for column in columns[1:]:
        column[101:111] = column[100]
    seen = review(columns, HOUR_NS)
    assert [(d.kind, d.first_ns, d.rows) for d in seen.defects] == [("stale", START_NS + 101 * HOUR_NS, 10)]


def test_a_bar_without_trades_is_flagged():
    """No volume: nothing was traded, and the bar stands only for the hour."""
    columns = walk(100)
    columns.volume[30] = 0
    seen = review(columns, HOUR_NS)
    assert [(d.kind, d.action, d.rows) for d in seen.defects] == [("zero_bar", "flag", 1)]
    assert seen.flags[30] == bar_flags.ZERO_BAR


@given(order=st.permutations(range(60)))
def test_rows_in_any_order_come_back_sorted(order):
    """Disorder is repaired: what is kept, sorted, is the series, and as few rows are blamed as can be."""
    columns = walk(60)
    mixed = Columns(*(column[list(order)] for column in columns))
    seen = review(mixed, HOUR_NS)
    assert seen.keep.all()
    assert np.array_equal(np.sort(seen.open_ns), columns.open_ns)
    assert {defect.kind for defect in seen.defects} <= {"out_of_order"}


@given(rows=st.lists(st.tuples(*[st.integers(-2, 5)] * 5, st.integers(-1, 2)), max_size=25))
def test_whatever_is_left_out_was_told(rows):
    """No row goes without a word: one not kept lies within a defect that repairs or quarantines."""
    table = np.array(rows, dtype=np.int64).reshape(-1, 6)
    columns = Columns(START_NS + HOUR_NS * table[:, 0], *(table[:, place] for place in range(1, 6)))
    seen = review(columns, HOUR_NS)
    acted = [d for d in seen.defects if d.action != "flag" and d.first_ns is not None and d.last_ns is not None]
    for open_ns in seen.open_ns[~seen.keep].tolist():
        assert any(d.first_ns <= open_ns <= d.last_ns for d in acted)
    kept = np.sort(seen.open_ns[seen.keep])
    assert (np.diff(kept) > 0).all()
