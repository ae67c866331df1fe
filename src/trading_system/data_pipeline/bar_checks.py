"""What makes a row no bar: the kinds, and the checks over whole columns. Pure arithmetic, no row-by-row Python.

A verdict is one byte a row: 0 for a row that nothing is wrong with, else the first kind found (`kind_of`). Each check
looks only at rows without a verdict, so that one fault is not told as three.
"""

from bisect import bisect_left
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading_system.market.columns import Ints

Verdicts = NDArray[np.uint8]
Rows = NDArray[np.intp]
Mask = NDArray[np.bool_]

DAY_NS: Final = 86_400_000_000_000
WEEK_NS: Final = 7 * DAY_NS
MONDAY_NS: Final = 4 * DAY_NS
"""1970-01-05, the first Monday: weekly bars begin on Mondays, all others at whole multiples since 1970."""

_BLOCK: Final = 1 << 16
_SAMPLE: Final = 64
"""Blocks of `_BLOCK // _SAMPLE` rows, spread over the file, from which the interval is told."""


class Columns(NamedTuple):
    """Rows as columns, all (S,): opens in UTC ns, prices in ticks, volume in base atoms."""

    open_ns: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints


class Kind(StrEnum):
    """Why a row is no bar of its series; docs/bad-data.md shows each with an example."""

    CELLS = "too many cells"
    TIME = "timestamp unreadable"
    NOT_UTC = "not UTC"
    MISSING = "missing cell"
    NUMBER = "not a number"
    LARGE = "too large"
    PRICE = "price not positive"
    VOLUME = "negative volume"
    TICK = "not a whole tick"
    HIGH_LOW = "high below low"
    OUTSIDE = "open or close outside high and low"
    GRID = "off the grid"
    DUPLICATE = "duplicate"
    CONTRADICTION = "contradicting duplicate"
    UNSORTED = "unsorted"


GOOD: Final = 0
BLANK: Final = 255
"""A row without any cell: no row at all, neither good nor bad."""

_KINDS: Final = tuple(Kind)
CODE: Final = {kind: number for number, kind in enumerate(_KINDS, start=1)}


def kind_of(verdict: int) -> Kind:
    """Return the kind that a verdict other than `GOOD` and `BLANK` stands for."""
    return _KINDS[verdict - 1]


def blame(verdicts: Verdicts, rows: Rows | Mask, kind: Kind) -> None:
    """Give `rows` (positions or a mask) the verdict `kind` where they have none."""
    where = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
    verdicts[where[verdicts[where] == GOOD]] = CODE[kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Bars that are absent: the first of them opens at `open_ns` (UTC ns), and there are `bars` of them."""

    open_ns: int
    bars: int


def check_shape(columns: Columns, verdicts: Verdicts) -> None:
    """Blame rows whose prices, positive all, cannot be those of one bar."""
    for at in range(0, len(verdicts), _BLOCK):
        _, first, high, low, last, _ = (column[at : at + _BLOCK] for column in columns)
        fine = (low <= np.minimum(first, last)) & (np.maximum(first, last) <= high)
        if fine.all():
            continue
        seen = verdicts[at : at + _BLOCK]
        blame(seen, high < low, Kind.HIGH_LOW)
        blame(seen, ~fine, Kind.OUTSIDE)


def usual_step(open_ns: Ints) -> int | None:
    """Return the most common step between neighbors, ns, the shorter of equals; None where no row follows another.

    Up to 65,536 rows all are looked at, beyond that as many in 64 blocks spread evenly over the file.
    """
    length = _BLOCK // _SAMPLE
    if len(open_ns) <= _BLOCK:
        steps = np.diff(open_ns)
    else:
        starts = np.linspace(0, len(open_ns) - length, _SAMPLE).astype(np.intp)
        steps = np.concatenate([np.diff(open_ns[start : start + length]) for start in starts])
    lengths, counts = np.unique(steps[steps > 0], return_counts=True)
    return int(lengths[counts.argmax()]) if len(lengths) else None


def check_grid(open_ns: Ints, interval_ns: int, verdicts: Verdicts) -> None:
    """Blame rows that do not open at a whole multiple of the interval since 1970 (of weeks: since a Monday)."""
    phase = MONDAY_NS if interval_ns % WEEK_NS == 0 else 0
    for at in range(0, len(open_ns), _BLOCK):
        block = open_ns[at : at + _BLOCK]
        if (block[0] - phase) % interval_ns == 0 and (block[1:] - block[:-1] == interval_ns).all():
            continue  # dividing each is slow, and most stretches have no gap
        blame(verdicts[at : at + _BLOCK], (block - phase) % interval_ns != 0, Kind.GRID)


def rising(open_ns: Ints) -> bool:
    """Return whether each row opens after the one before it."""
    parts = (open_ns[at : at + _BLOCK + 1] for at in range(0, len(open_ns) - 1, _BLOCK))
    return all(bool((part[1:] > part[:-1]).all()) for part in parts)


def check_order(columns: Columns, verdicts: Verdicts) -> dict[int, int]:
    """Blame rows told twice and rows out of order, so that those left rise in time.

    Of rows with one time that say the same, the first stays; of rows that contradict each other, none does: nothing
    tells which is right. Of rows out of order, as few are blamed as can be, and rather the later in the file.

    Returns:
        For each row told twice, a row that it repeats or contradicts.
    """
    open_ns = columns.open_ns
    twins: dict[int, int] = {}
    if not verdicts.any() and rising(open_ns):
        return twins
    good = np.flatnonzero(verdicts == GOOD)
    _blame_repeated(columns, good, verdicts, twins)
    _blame_unsorted(open_ns, good[verdicts[good] == GOOD], verdicts)
    return twins


def _blame_repeated(columns: Columns, good: Rows, verdicts: Verdicts, twins: dict[int, int]) -> None:
    open_ns = columns.open_ns
    order = good[np.argsort(open_ns[good], kind="stable")]
    same = open_ns[order[1:]] == open_ns[order[:-1]]
    if not same.any():
        return
    begins = np.flatnonzero(np.concatenate(([True], ~same)))
    ends = np.append(begins[1:], len(order))
    for begin, end in zip(begins[ends - begins > 1], ends[ends - begins > 1], strict=True):
        first, *others = (int(row) for row in order[begin:end])
        alike = all(column[row] == column[first] for row in others for column in columns)
        if alike:
            blame(verdicts, np.array(others), Kind.DUPLICATE)
            twins.update(dict.fromkeys(others, first))
        else:
            blame(verdicts, np.array([first, *others]), Kind.CONTRADICTION)
            twins.update(dict.fromkeys(others, first) | {first: others[0]})


def _blame_unsorted(open_ns: Ints, good: Rows, verdicts: Verdicts) -> None:
    if rising(open_ns[good]):
        return
    times = open_ns[good]
    latest, soonest = np.maximum.accumulate(times), np.minimum.accumulate(times[::-1])[::-1]
    torn = good[(latest > times) | (soonest < times)]  # all others are in order with every row
    blame(verdicts, torn[~_longest_rise(open_ns[torn].tolist())], Kind.UNSORTED)


def _longest_rise(times: list[int]) -> Mask:
    """Return which of `times` (all different) form their longest rise; of equally long ones, the earlier rows."""
    last: list[int] = []  # last[k]: the row that begins the best rise of k + 1 rows found yet, from the end backwards
    ends: list[int] = []
    after = [-1] * len(times)
    for row in range(len(times) - 1, -1, -1):
        place = bisect_left(ends, -times[row])
        after[row] = last[place - 1] if place else -1
        last[place : place + 1] = [row]
        ends[place : place + 1] = [-times[row]]
    keep = np.zeros(len(times), dtype=np.bool_)
    row = last[-1] if last else -1
    while row >= 0:
        keep[row] = True
        row = after[row]
    return keep


def gaps_of(open_ns: Ints, interval_ns: int, most: int) -> tuple[int, int, tuple[Gap, ...]]:
    """Return how many bars are absent, in how many gaps, and the first `most` gaps; `open_ns` rises on the grid."""
    if len(open_ns) < 2:
        return 0, 0, ()
    missing = (int(open_ns[-1]) - int(open_ns[0])) // interval_ns + 1 - len(open_ns)
    if not missing:
        return 0, 0, ()
    before = np.flatnonzero(np.diff(open_ns) != interval_ns)
    shown = tuple(
        Gap(
            open_ns=int(open_ns[row]) + interval_ns,
            bars=(int(open_ns[row + 1]) - int(open_ns[row])) // interval_ns - 1,
        )
        for row in before[:most]
    )
    return missing, len(before), shown
