"""Stamps that are not the bar's open: proved by the stamp, by seams, or by when volume comes."""

import numpy as np
import pytest

from trading_system.data_pipeline.normalizers.defects.examine import examine
from trading_system.data_pipeline.normalizers.defects.habits import HABITS, lateness
from trading_system.data_pipeline.normalizers.defects.rows import Rows

MINUTE = 60_000_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
START = 1_704_067_200_000_000_000  # 2024-01-01, a Monday


def market(count, *, interval=HOUR, seed=1, start=START):
    """Return a random walk in which volume comes when the market's habits say."""
    chance = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(chance.normal(0, 0.003, count)))
    opened = np.concatenate(([100.0], close[:-1]))
    times = start + interval * np.arange(count)
    pattern = np.array(HABITS[interval].pattern)
    habit = 1.5 * pattern[times // interval % len(pattern)]
    nothing = np.zeros(count, dtype=np.bool_)
    return Rows(
        time_ns=times,
        open=opened,
        high=np.maximum(opened, close) * (1 + chance.uniform(0.0001, 0.002, count)),
        low=np.minimum(opened, close) * (1 - chance.uniform(0.0001, 0.002, count)),
        close=close,
        volume=np.exp(chance.normal(0, 0.5, count) + habit),
        timeless=nothing,
        unreadable=nothing,
    )


def late(rows, begin, end, by):
    """Return `rows` with the stamps of some of them moved."""
    times = rows.time_ns.copy()
    times[begin:end] += by
    return rows._replace(time_ns=times)


def stamped(rows):
    """Return first and last open, and rows, of each stretch told as stamped at its end."""
    return [(d.first_ns, d.last_ns, d.rows) for d in examine(rows).defects if d.kind == "stamped_at_end"]


def test_a_market_stamped_at_the_opens_is_not_late():
    """Nothing is told of it, and its habits speak for what it says."""
    rows = market(3_000)
    assert examine(rows).defects == ()
    assert lateness(rows, HOUR) < -4


@pytest.mark.parametrize("interval", [HOUR, DAY, 5 * MINUTE], ids=["1h", "1d", "5m"])
def test_a_whole_file_one_bar_late_is_known_by_its_habits(interval):
    """No seam, no proof but that all that happens on the hour, at midnight or on Saturdays comes one bar late."""
    rows = market(3_000, interval=interval)
    [found] = stamped(late(rows, 0, 3_000, interval))
    assert found == (rows.time_ns[0], rows.time_ns[-1] + interval, 3_000)


@pytest.mark.parametrize("ordered", [False, True])
def test_a_stretch_one_bar_late_shows_at_its_seams(ordered):
    """Rows 300 to 399 bear the time of their end; at 300 a bar seems absent, at 400 one is told twice."""
    rows = late(market(1_000), 300, 400, HOUR)
    if ordered:
        rows = rows.taken(np.argsort(rows.time_ns, kind="stable"))
    assert stamped(rows) == [(START + 300 * HOUR, START + 400 * HOUR, 100)]


def test_a_stretch_under_another_clock_shows_at_its_seams():
    """Five hours early, as Eastern time passed off as UTC."""
    rows = late(market(1_000), 300, 400, -5 * HOUR)
    assert stamped(rows) == [(START + 295 * HOUR, START + 399 * HOUR, 100)]


def test_a_bar_absent_and_a_bar_told_twice_are_no_late_stretch():
    """Where the price does not go on across the hole, and the second telling is a changed copy, nothing was moved."""
    rows = market(1_000)
    rows = rows.taken(np.concatenate((np.arange(300), np.arange(301, 400), [399], np.arange(400, 1_000))))
    rows.close[399] *= 1.0001
    assert stamped(rows) == []


def test_a_file_whose_time_falls_back_once_is_under_two_clocks():
    """From row 600 on four hours early: bars that follow each other tell the same four hours, and are no copies."""
    rows = late(market(1_000), 600, 1_000, -4 * HOUR)
    assert stamped(rows) == [(START + 596 * HOUR, START + 999 * HOUR, 400)]


def test_a_first_part_that_is_late_shows_at_its_only_seam():
    """Rows 0 to 299 bear their ends: the last of them and row 300 tell one time, and the price goes on."""
    rows = late(market(1_000), 0, 300, HOUR)
    assert stamped(rows) == [(START, START + 300 * HOUR, 300)]


def test_a_block_in_the_wrong_place_is_no_other_clock():
    """Fifty rows taken out and put at the end: nothing is told again."""
    rows = market(1_000)
    order = np.concatenate((np.arange(300), np.arange(350, 1_000), np.arange(300, 350)))
    assert stamped(rows.taken(order)) == []


def test_ends_are_put_right_where_the_stamp_proves_them():
    """One millisecond before the hour is the end of a bar that opened an hour before."""
    rows = market(100)
    found = examine(late(rows, 0, 100, HOUR - 1_000_000))
    assert [(d.kind, d.action, d.rows) for d in found.defects] == [("stamped_at_end", "repair", 100)]
    assert np.array_equal(found.open_ns, rows.time_ns)


def test_a_month_that_ends_on_the_next_one_is_stamped_at_its_ends():
    """Without volume there are no habits; but 2024-01-01T01:00 to 2024-02-01T00:00 are ends."""
    rows = market(31 * 24)._replace(volume=np.full(31 * 24, np.nan), with_volume=False)
    assert stamped(rows) == []
    assert stamped(late(rows, 0, 31 * 24, HOUR)) == [(START, START + 31 * DAY, 31 * 24)]
