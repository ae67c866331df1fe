"""Bars stamped with the moment of their end.

A stamp just short of a whole interval (23:59:59.999) is the end of a bar: exchanges tell it beside the open. Such rows
are put right. A stretch of rows that stands one bar late shows at its seams: a bar is absent where it begins, though
the price goes on as if none were, and where it ends one time is told twice by two bars that follow each other.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from trading_system.data_pipeline.normalizers.defects import habits
from trading_system.data_pipeline.normalizers.defects.rows import DAY_NS, MS_NS, SECOND_NS, Mask, Rows
from trading_system.data_pipeline.normalizers.defects.steps import base
from trading_system.market.columns import Floats, Ints

SHORT_NS: Final = (1, 1_000, MS_NS, SECOND_NS)
"""How much short of its end a bar may be stamped."""

_FURTHEST_NS: Final = 26 * 3_600 * SECOND_NS
"""No two clocks of the world are further apart."""
_HOUR_NS: Final = 3_600 * SECOND_NS
_CLOSE: Final = 0.05
_MOSTLY: Final = 0.9
_ROUGH: Final = 0.15
"""A step from a close to the next open is none if it is as small, in usual bars, or as small as nine in ten of the
file's; but where those are rougher than the last, the price goes on nowhere. Two bars with one between them missing
come as near about once in ten times. Of seams that take back each other's several bars, the last is asked for: that
two such come by chance is rare enough."""


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


_TRIED: Final = 8
"""Seams of which it is asked whether the file is late from there, or until there."""
_AGAIN: Final = 0.8
"""Share of the bars behind such a seam whose times were told before it."""
_FALLS: Final = 3
_DISORDER: Final = 0.002
"""Falls of the time, or their share of all steps, beyond which a file is shuffled and no seam can be told in it."""


class Shifted(NamedTuple):
    """Rows begin..end (exclusive, in the order given) stamped `bars` intervals late, or early, and what says so."""

    begin: int
    end: int
    bars: int
    why: str


def shifted_stretches(rows: Rows, interval_ns: int, beside: Mask | None = None) -> list[Shifted]:
    """Return stretches of `rows` whose stamps are moved by whole bars: ends for opens, or a clock of another zone.

    A stretch with a seam at each end needs no other witness. One with a single seam, at the end or the beginning of
    the file, is late if the market's habits say so too; or if bars that follow each other tell the same times, once in
    the file. So is a file without seams if its habits say it clearly.

    Args:
        rows: Sound, in the order of their file.
        interval_ns: Length of a bar, ns.
        beside: (S - 1,) whether the next row stands right behind the row in the file; None where all do.
    """
    count = len(rows.time_ns)
    overlaps = _overlaps(rows, interval_ns)
    within = {row for seam in overlaps for row in range(seam.row + 2 * seam.bars, seam.row)}
    seams = sorted([*overlaps, *(seam for seam in _seams(rows, interval_ns, beside) if seam.row not in within)])
    found = [Shifted(one.row, other.row, one.bars, "by the seams at both ends") for one, other in _pairs(seams)]
    if not found:
        heads = [seam.row for seam in reversed(seams) if seam.bars == -1][:_TRIED]
        tails = [seam.row for seam in seams if seam.bars == 1][:_TRIED]
        head = next((row for row in heads if _late(rows, interval_ns, 0, row)), None)
        tail = next((row for row in tails if _late(rows, interval_ns, row, count)), None)
        if head is not None:
            found.append(Shifted(0, head, 1, "by the seam behind, and by when volume comes"))
        if tail is not None and (head is None or tail >= head):
            found.append(Shifted(tail, count, 1, "by the seam before, and by when volume comes"))
    return found or _torn(rows.time_ns, seams) or _whole(rows, interval_ns) or _ends(rows)


def _torn(times: Ints, seams: Sequence["_Seam"]) -> list[Shifted]:
    """Return the part of the file before, or behind, the only place where its time falls back as the price goes on."""
    falls = [seam for seam in seams if seam.bars < 0]
    if len(falls) != 1:
        return []
    [fall] = falls
    far, count = abs(fall.bars), len(times)
    if np.isin(times[fall.row : fall.row + far], times[: fall.row]).mean() < _AGAIN:
        return []  # a block in the wrong place: it tells nothing again
    why = "by the only seam of its kind: bars that follow each other tell the same times"
    if fall.bars == -1:
        return [Shifted(0, fall.row, 1, why)]
    return [Shifted(fall.row, count, fall.bars, why)] if count - fall.row >= 2 * far else []


def _ends(rows: Rows) -> list[Shifted]:
    """Return the last row of each late stretch where prices show no seams: a venue at which few trade.

    Its end shows all the same: one time is told by two rows in a row, and neither is a copy of the other.
    """
    if len(rows.time_ns) < 4 or _jumps(rows) is not None:
        return []
    twice = (np.diff(rows.time_ns) == 0) & ~_copied(rows)
    return [
        Shifted(int(row), int(row) + 1, 1, "as are rows above it: another bar bears the same time")
        for row in np.flatnonzero(twice)
    ]


def _pairs(seams: Sequence["_Seam"]) -> list[tuple["_Seam", "_Seam"]]:
    """Return neighbors of which one takes back what the other did, none of them twice.

    What lies between is moved, and what lies outside is not. Of the two readings that a row of seams allows, ends for
    opens goes first, for that is the common mistake; then whatever blames fewer rows. Rows that are fewer than twice
    the bars they are moved by are no stretch under another clock, but rows in the wrong place.
    """
    apart = [
        (one.bars != 1, other.row - one.row if one.bars != 1 else at, at)
        for at, (one, other) in enumerate(pairwise(seams))
        if one.bars == -other.bars and (abs(one.bars) == 1 or other.row - one.row >= 2 * abs(one.bars))
    ]
    taken: set[int] = set()
    pairs = []
    for _, _, at in sorted(apart):
        if at not in taken and at + 1 not in taken:
            taken |= {at, at + 1}
            pairs.append((seams[at], seams[at + 1]))
    return sorted(pairs)


class _Seam(NamedTuple):
    """From `row` on stamps run `bars` intervals later than before it, or earlier where it is negative."""

    row: int
    bars: int


def _seams(rows: Rows, interval_ns: int, beside: Mask | None) -> list[_Seam]:
    """Return where the time jumps, or falls back, and the price goes on as if it did not."""
    if len(rows.time_ns) < 4:
        return []
    jump = _jumps(rows)
    if jump is None:
        return []
    steps = np.diff(rows.time_ns)
    if int((steps < 0).sum()) > max(_FALLS, _DISORDER * len(steps)):
        return []
    bars = steps // interval_ns - 1
    smooth = jump <= np.where(np.abs(bars) > 1, _ROUGH / _CLOSE, 1.0)
    seam = smooth & (bars != 0) & (steps % interval_ns == 0) & (np.abs(bars) * interval_ns <= _FURTHEST_NS)
    seam &= ~((bars == -1) & _copied(rows))
    if beside is not None:  # where a row between was set aside, a bar is absent and nothing was moved
        seam &= beside
    return [_Seam(int(row) + 1, int(bars[row])) for row in np.flatnonzero(seam)]


def _overlaps(rows: Rows, interval_ns: int) -> list[_Seam]:
    """Return where, in a file sorted later, several bars in a row are told twice, by rows that are no copies."""
    steps = np.diff(rows.time_ns)
    if len(steps) < 4 or (steps < 0).any():
        return []
    twice = (steps == 0) & ~_copied(rows)
    found = []
    begin = 0
    places = np.flatnonzero(twice)
    for at in range(1, len(places) + 1):
        if at == len(places) or places[at] != places[at - 1] + 2 or steps[places[at] - 1] != interval_ns:
            if at - begin > 1:
                found.append(_Seam(int(places[at - 1]) + 2, begin - at))
            begin = at
    return found


def _jumps(rows: Rows) -> Floats | None:
    """Return each step from a close to the next open, in steps that are none; None where they tell nothing."""
    usual = float(np.median(np.log(rows.high / rows.low)))
    if not usual > 0:
        return None
    jump = np.abs(np.log(rows.open[1:] / rows.close[:-1]))
    small = max(_CLOSE * usual, float(np.quantile(jump, _MOSTLY)))
    if small > _ROUGH * usual:
        return None
    jumps: Floats = jump / small
    return jumps


def _late(rows: Rows, interval_ns: int, begin: int, end: int) -> bool:
    return habits.lateness(_once(rows.taken(np.arange(begin, end))), interval_ns) > habits.LIKELY


def _once(rows: Rows) -> Rows:
    """Return the rows in order of time, the first of each."""
    rows = rows.taken(np.argsort(rows.time_ns, kind="stable"))
    return rows.taken(np.concatenate(([True], np.diff(rows.time_ns) > 0)))


def _whole(rows: Rows, interval_ns: int) -> list[Shifted]:
    """Return the whole file if it is late: by the market's habits, or by where it begins and ends.

    An export of whole days or months that is stamped with ends begins one bar into a day and ends on the next one's
    first moment. Daily bars come so by chance in one file of 900, hourly ones in one of 576, minutes in one of two
    million; and the habits must not speak against it.
    """
    rows = _once(rows)
    count = len(rows.time_ns)
    score = habits.lateness(rows, interval_ns)
    if score > habits.CERTAIN:
        return [
            Shifted(
                0, count, 1, "by when volume comes: in hour after hour, day after day or week after week a bar late"
            )
        ]
    first, last = int(rows.time_ns[0]) - interval_ns, int(rows.time_ns[-1])
    if interval_ns < DAY_NS and DAY_NS % interval_ns == 0:
        days = first % DAY_NS == 0 == last % DAY_NS and last > first and interval_ns <= _HOUR_NS
    else:
        days = interval_ns == DAY_NS and _begins_month(first) and _begins_month(last)
    if days and score >= 0:
        return [
            Shifted(
                0, count, 1, "by where it begins and ends: one bar into a day or month, and on the first of another"
            )
        ]
    return []


def _begins_month(time_ns: int) -> bool:
    return time_ns % DAY_NS == 0 and datetime.fromtimestamp(time_ns // SECOND_NS, tz=UTC).day == 1


def _copied(rows: Rows) -> Mask:
    """Return which rows are a changed copy of the one before: two of its numbers stand there again."""
    copied: Mask = np.sum([column[1:] == column[:-1] for column in rows.numbers], axis=0) >= 2
    return copied
