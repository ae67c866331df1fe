"""Rows told twice, and rows that stand in the wrong place."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading_system.data_pipeline.normalizers.defects.rows import Mask, Positions, Rows, same
from trading_system.market.columns import Floats, Ints

_MOST: Final = 0.9
"""Share of falling steps from which on a file is taken to run newest first: an export's habit and no disorder."""
_FAR: Final = 10
_FEW: Final = 0.01
"""Rows beyond a hole `_FAR` times as long as all the rest, where they are no more than this share: a broken stamp."""
_MIXER: Final = np.uint64(0x9E3779B97F4A7C15)
"""2 ** 64 over the golden ratio: an odd number without a pattern in its digits."""
_CHANCE: Final = 5e-4
"""Share of rows that are alike from which on chance may have made them so."""


def newest_first(times: Ints) -> bool:
    """Return whether the file runs backwards as a whole."""
    steps = np.diff(times)
    told = int(np.count_nonzero(steps))
    return len(times) > 2 and told > 0 and int((steps < 0).sum()) >= _MOST * told


def misplaced(times: Ints) -> Mask:
    """Return which rows are out of order: as few as can be, so that the others never fall back."""
    blamed = np.zeros(len(times), dtype=np.bool_)
    if len(times) < 2:
        return blamed
    if not (times[1:] >= times[:-1]).all():
        latest = np.maximum.accumulate(times)
        soonest = np.minimum.accumulate(times[::-1])[::-1]
        torn = np.flatnonzero((latest > times) | (soonest < times))  # all others are in order with every row
        blamed[torn[~_longest_rise(times[torn].tolist())]] = True
    return blamed


def _longest_rise(times: list[int]) -> Mask:
    """Return which of `times` form their longest stretch that never falls; of equally long ones, the earlier rows."""
    ends: list[int] = []  # ends[k]: minus the latest begin of a rise of k + 1 rows, from the end backwards
    last: list[int] = []
    after = [-1] * len(times)
    for row in range(len(times) - 1, -1, -1):
        place = bisect_right(ends, -times[row])
        after[row] = last[place - 1] if place else -1
        ends[place : place + 1] = [-times[row]]
        last[place : place + 1] = [row]
    keep = np.zeros(len(times), dtype=np.bool_)
    row = last[-1] if last else -1
    while row >= 0:
        keep[row] = True
        row = after[row]
    return keep


def outlying(times: Ints) -> Mask:
    """Return which rows bear a time so far from all others that only a broken clock explains it.

    They are few, and lie before or behind a hole many times as long as all the others together.
    """
    order = np.argsort(times, kind="stable")
    steps = np.diff(times[order])
    few = min(int(len(times) * _FEW), len(steps) - 1)
    broken = np.zeros(len(times), dtype=np.bool_)
    if few < 1:
        return broken
    usual = int(np.median(steps[steps > 0])) if steps.any() else 0  # rows told twice have no step
    far = steps > _FAR * (len(times) * usual + 1)
    ahead, behind = np.flatnonzero(far[:few]), np.flatnonzero(far[-few:])
    if len(ahead):
        broken[order[: int(ahead[-1]) + 1]] = True
    if len(behind):
        broken[order[len(order) - few + int(behind[0]) :]] = True
    return broken


class Repeats(NamedTuple):
    """Rows that tell a time again.

    Attributes:
        extra: Rows that repeat the time of one that stands (of equally good ones the first).
        standing: For each extra row, the row that stands for its time.
        alike: For each extra row, whether it says the same.
    """

    extra: Positions
    standing: Positions
    alike: Mask


def repeats(rows: Rows, doubt: Ints) -> Repeats:
    """Return the rows whose time another row tells too; of those the one with the least `doubt` stands."""
    told = np.flatnonzero(~rows.timeless)
    order = told[np.lexsort((told, doubt[told], rows.time_ns[told]))]
    times = rows.time_ns[order]
    again = np.concatenate(([False], times[1:] == times[:-1])) if len(times) else np.zeros(0, dtype=np.bool_)
    if not again.any():
        nothing = np.zeros(0, dtype=np.intp)
        return Repeats(nothing, nothing, np.zeros(0, dtype=np.bool_))
    heads = order[np.maximum.accumulate(np.where(again, 0, np.arange(len(order))))]
    extra, standing = order[again], heads[again]
    alike = np.logical_and.reduce([same(column[extra], column[standing]) for column in rows.numbers])
    return Repeats(extra, standing, alike & ~rows.unreadable[extra] & ~rows.unreadable[standing])


def echoes(rows: Rows) -> Mask:
    """Return which of `rows` (sound, in order of time) say to the last digit what an earlier one said, at another time.

    Bars that moved and were traded do not come again: such a row was copied, or moved by a clock of another zone. The
    row right behind its double is left to `stale`. Where numbers are so coarse that rows are alike by chance, only two
    and more in a row count, all as far behind their doubles.
    """
    again = np.zeros(len(rows.time_ns), dtype=np.bool_)
    if not rows.with_volume or len(again) < 3:
        return again
    told = np.flatnonzero((rows.high > rows.low) & (rows.volume > 0))
    hashes = _hashes([column[told] for column in rows.numbers])
    ranked = np.sort(hashes)
    twice = np.unique(ranked[1:][ranked[1:] == ranked[:-1]])
    if not len(twice):
        return again
    told = told[np.isin(hashes, twice)]
    order = told[np.lexsort([told, *(column[told] for column in rows.numbers)])]
    alike = np.logical_and.reduce([column[order[1:]] == column[order[:-1]] for column in rows.numbers])
    later, behind = order[1:][alike], (order[1:] - order[:-1])[alike]
    later, behind = later[behind > 1], behind[behind > 1]
    again[later] = True
    if len(later) > _CHANCE * len(again):
        shifts = np.zeros(len(again), dtype=np.int64)
        shifts[later] = behind
        follows = (shifts[1:] == shifts[:-1]) & (shifts[1:] > 0)
        again = np.concatenate(([False], follows)) | np.concatenate((follows, [False]))
    return again


def _hashes(columns: Sequence[Floats]) -> NDArray[np.uint64]:
    """Return a number for each row that is the same where all `columns` are; seldom where they are not."""
    mixed = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        mixed = (mixed ^ column.view(np.uint64)) * _MIXER
        mixed ^= mixed >> np.uint64(29)
    return mixed
