"""Rows of bars as they were told, sound or not, and the small tools that all finders share."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading_system.market.columns import Floats, Ints

Mask = NDArray[np.bool_]
Positions = NDArray[np.intp]

MS_NS: Final = 1_000_000
SECOND_NS: Final = 1_000_000_000
DAY_NS: Final = 86_400 * SECOND_NS
WEEK_NS: Final = 7 * DAY_NS
MONTH_NS: Final = 28 * DAY_NS
"""Bars of this length or longer are months: their steps differ, and what wants a steady step passes them over."""


class Rows(NamedTuple):
    """Rows in the order of their file, all (S,).

    Attributes:
        time_ns: When each bar opens by its row, UTC ns; 0 where `timeless`.
        open, high, low, close, volume: As told, in any unit; NaN where there is none.
        timeless: No time could be read.
        unreadable: The time or another cell is there and cannot be read, or the row has too few or too many cells.
        with_volume: Whether the file tells volumes at all.
    """

    time_ns: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    timeless: Mask
    unreadable: Mask
    with_volume: bool = True

    def taken(self, where: Mask | Positions) -> "Rows":
        """Return the rows at `where`; these very ones where that is all of them as they stand."""
        if _all(where, len(self.time_ns)):
            return self
        return Rows(
            self.time_ns[where],
            self.open[where],
            self.high[where],
            self.low[where],
            self.close[where],
            self.volume[where],
            self.timeless[where],
            self.unreadable[where],
            self.with_volume,
        )

    @property
    def numbers(self) -> tuple[Floats, ...]:
        """The columns of numbers: open, high, low, close, volume."""
        return self.open, self.high, self.low, self.close, self.volume


def _all(where: Mask | Positions, count: int) -> bool:
    """Return whether `where` names all of `count` rows in their order; fifty times as fast as copying them."""
    if len(where) != count or where.dtype == np.bool_:
        return bool(where.dtype == np.bool_ and where.all())
    return count == 0 or bool(where[0] == 0 and (where[1:] > where[:-1]).all() and where[-1] == count - 1)


def stretches(mask: Mask) -> list[tuple[int, int]]:
    """Return begin and end (exclusive) of each run of true.

    >>> stretches(np.array([False, True, True, False, True]))
    [(1, 3), (4, 5)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return [(int(begin), int(end)) for begin, end in zip(edges[::2], edges[1::2], strict=True)]


def run_lengths(mask: Mask) -> tuple[Positions, Positions]:
    """Return the begin and the length of each run of true, both (R,)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return edges[::2], edges[1::2] - edges[::2]


def shifted(column: Floats, by: int) -> Floats:
    """Return `column` with the value of row i + `by` at row i, NaN beyond the ends."""
    out = np.full(len(column), np.nan)
    if by == 0:
        out[:] = column
    elif abs(by) < len(column):
        if by > 0:
            out[:-by] = column[by:]
        else:
            out[-by:] = column[:by]
    return out


def same(one: Floats, other: Floats) -> Mask:
    """Return where two columns say the same; nothing is the same as nothing."""
    alike: Mask = (one == other) | (np.isnan(one) & np.isnan(other))
    return alike


def length_words(length_ns: int) -> str:
    """Return a length of time as venues write it.

    >>> length_words(3_600 * SECOND_NS), length_words(90 * SECOND_NS), length_words(7 * DAY_NS)
    ('1h', '90s', '7d')
    """
    for unit, many in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        if length_ns % (many * SECOND_NS) == 0:
            return f"{length_ns // (many * SECOND_NS)}{unit}"
    return f"{length_ns / SECOND_NS:g}s"
