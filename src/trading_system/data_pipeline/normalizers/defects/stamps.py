"""Bars stamped with the moment of their end.

A stamp just short of a whole interval (23:59:59.999) is the end of a bar: exchanges tell it beside the open. Such rows
are put right. A stretch of rows that stands one bar late shows at its seams: a bar is absent where it begins, though
the price goes on as if none were, and where it ends one time is told twice by two bars that follow each other.
"""

from datetime import UTC, datetime
from typing import Final, NamedTuple

import numpy as np

from trading_system.data_pipeline.normalizers.defects import habits
from trading_system.data_pipeline.normalizers.defects.rows import DAY_NS, MS_NS, SECOND_NS, Mask, Rows
from trading_system.data_pipeline.normalizers.defects.steps import base
from trading_system.market.columns import Ints

SHORT_NS: Final = (1, 1_000, MS_NS, SECOND_NS)
"""How much short of its end a bar may be stamped."""

_HOUR_NS: Final = 3_600 * SECOND_NS
_SMOOTH: Final = 0.05
_MOSTLY: Final = 0.9
_ROUGH: Final = 0.15
"""A step from a close to the next open is none if it is as small, in usual bars, or as small as nine in ten of the
file's; but where those are rougher than the last, the price goes on nowhere. Two bars with one between them missing
come as near about once in ten times."""


def to_open(times: Ints, interval_ns: int, *, ends: bool) -> Ints:
    """Return what to add to each stamp that is a bar's end to get its open, ns; 0 for the others.

    Args:
        times: As told, UTC ns.
        interval_ns: Length of a bar, ns.
        ends: All are ends. Otherwise those are that fall just short of a whole interval.
    """
    shift = np.full(len(times), -interval_ns if ends else 0, dtype=np.int64)
    if interval_ns < 60 * SECOND_NS:
        return shift
    for short in SHORT_NS:
        shift[(times - base(interval_ns) + short) % interval_ns == 0] = short - interval_ns
    return shift


class Late(NamedTuple):
    """Rows begin..end (exclusive, in order of time) that stand one bar late, and what says so."""

    begin: int
    end: int
    why: str


def late_stretches(rows: Rows, interval_ns: int) -> list[Late]:
    """Return stretches of `rows` that are stamped one interval late.

    A stretch with a seam at each end needs no other witness. One with a single seam, at the end or the beginning of
    the file, is late if the market's habits say so too; and so is a file without seams if they say it clearly.

    Args:
        rows: In order of time, of equal times the one that stood first in the file first; prices sound.
        interval_ns: Length of a bar, ns.
    """
    count = len(rows.time_ns)
    opens, closes = _seams(rows, interval_ns)
    found: list[Late] = []
    since = 0
    for end in closes:
        before = [begin for begin in opens if since <= begin < end]
        if before:
            found.append(Late(before[-1], end, "by the seams at both ends"))
        elif not found and _late(rows, interval_ns, 0, end):
            found.append(Late(0, end, "by the seam behind, and by when volume comes"))
        since = end
    rest = [begin for begin in opens if begin >= since]
    tail = next((begin for begin in rest if _late(rows, interval_ns, begin, count)), None)
    if tail is not None:
        found.append(Late(tail, count, "by the seam before, and by when volume comes"))
    if not found:
        found += _whole(rows, interval_ns)
    return found


def _whole(rows: Rows, interval_ns: int) -> list[Late]:
    """Return the whole file if it is late: by the market's habits, or by where it begins and ends.

    An export of whole days or months that is stamped with ends begins one bar into a day and ends on the next one's
    first moment. Daily bars come so by chance in one file of 900, hourly ones in one of 576, minutes in one of two
    million; and the habits must not speak against it.
    """
    count = len(rows.time_ns)
    score = habits.lateness(_once(rows), interval_ns)
    if score > habits.CERTAIN:
        return [Late(0, count, "by when volume comes: in hour after hour, day after day or week after week a bar late")]
    first, last = int(rows.time_ns[0]) - interval_ns, int(rows.time_ns[-1])
    if interval_ns < DAY_NS and DAY_NS % interval_ns == 0:
        days = first % DAY_NS == 0 == last % DAY_NS and last > first and interval_ns <= _HOUR_NS
    else:
        days = interval_ns == DAY_NS and _begins_month(first) and _begins_month(last)
    if days and score >= 0:
        return [Late(0, count, "by where it begins and ends: one bar into a day or month, and on the first of another")]
    return []


def _begins_month(time_ns: int) -> bool:
    return time_ns % DAY_NS == 0 and datetime.fromtimestamp(time_ns // SECOND_NS, tz=UTC).day == 1


def _late(rows: Rows, interval_ns: int, begin: int, end: int) -> bool:
    return habits.lateness(_once(rows.taken(np.arange(begin, end))), interval_ns) > habits.LIKELY


def _once(rows: Rows) -> Rows:
    """Return the first row of each time."""
    return rows.taken(np.concatenate(([True], np.diff(rows.time_ns) > 0)))


def _seams(rows: Rows, interval_ns: int) -> tuple[list[int], list[int]]:
    """Return where a stretch may begin late, and where one may end: positions of the row behind the seam."""
    usual = float(np.median(np.log(rows.high / rows.low))) if len(rows.time_ns) > 3 else 0.0
    if not usual > 0:
        return [], []
    jump = np.abs(np.log(rows.open[1:] / rows.close[:-1]))
    small = max(_SMOOTH * usual, float(np.quantile(jump, _MOSTLY)))
    if small > _ROUGH * usual:
        return [], []  # where a bar does not begin near the end of the one before it, seams tell nothing
    smooth = jump <= small
    steps = np.diff(rows.time_ns)
    opens = np.flatnonzero(smooth & (steps == 2 * interval_ns)) + 1
    closes = np.flatnonzero(smooth & (steps == 0) & ~_copied(rows)) + 1
    return opens.tolist(), closes.tolist()


def _copied(rows: Rows) -> Mask:
    """Return which rows are a changed copy of the one before: two of its numbers stand there again."""
    copied: Mask = np.sum([column[1:] == column[:-1] for column in rows.numbers], axis=0) >= 2
    return copied
