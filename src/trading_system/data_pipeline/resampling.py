"""Longer bars of shorter ones, and bars of trades: exact, for everything is whole numbers."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading_system.data_pipeline.bar_checks import MONDAY_NS, WEEK_NS, Columns
from trading_system.data_pipeline.bar_store import Flags
from trading_system.data_pipeline.trade_store import Trades
from trading_system.errors import ConfigurationError, DataError
from trading_system.market.bar_flags import STALE, ZERO_BAR
from trading_system.market.columns import Ints

PARTIAL: Final = 1 << 15
"""The flag of a bar of which a part is absent; beside those of `market.bar_flags`."""

_OF_ALL: Final = np.uint16(ZERO_BAR | STALE)
"""Flags that a longer bar bears only where all its parts do; any other it has from any of them."""

_LARGEST: Final = 2**63 - 1


class Resampled(NamedTuple):
    """Longer bars.

    Attributes:
        columns: The bars, in the units of those they were made of, rising.
        flags: (S,) what is odd about each.
        partial: How many bars miss a part; they are among the others only where that was asked for.
    """

    columns: Columns
    flags: Flags
    partial: int


def resampled(columns: Columns, flags: Flags, from_ns: int, to_ns: int, *, keep_partial: bool = False) -> Resampled:
    """Return bars of length `to_ns` made of bars of length `from_ns`.

    The first part's open, the highest high, the lowest low, the last part's close, and the sum of the volumes. A bar
    of which a part is absent would tell of less than its time; it is left out and counted.

    Args:
        columns: The shorter bars, rising, on their grid; prices in any one unit.
        flags: (S,) what is odd about each.
        from_ns: Their length, ns.
        to_ns: The length wanted, a multiple of it, ns. Weeks begin on Mondays.
        keep_partial: Keep bars that miss parts, flagged `PARTIAL`.

    Raises:
        ConfigurationError: `to_ns` is no multiple of `from_ns`, or not longer.
        DataError: The volumes of one bar add up to more than 64 bits of atoms.

    >>> minutes = Columns(*(np.array(c) for c in ([0, 60], [5, 6], [7, 9], [4, 5], [6, 8], [10, 20])))
    >>> [int(column[0]) for column in resampled(minutes, np.zeros(2, dtype=np.uint16), 60, 120).columns]
    [0, 5, 9, 4, 8, 30]
    """
    if to_ns <= from_ns or to_ns % from_ns:
        raise ConfigurationError(f"bars of {from_ns} ns make no bars of {to_ns} ns: name a whole multiple")
    if (_phase(to_ns) - _phase(from_ns)) % from_ns:
        raise ConfigurationError(f"bars of {from_ns} ns do not begin with weeks, as bars of {to_ns} ns do")
    if not len(columns.open_ns):
        return Resampled(columns, flags, 0)
    starts, opens = _groups(columns.open_ns, to_ns)
    ends = np.append(starts[1:], len(columns.open_ns))
    partial = ends - starts != to_ns // from_ns
    any_part, all_parts = np.bitwise_or.reduceat(flags, starts), np.bitwise_and.reduceat(flags, starts)
    marks = (any_part & ~_OF_ALL) | (all_parts & _OF_ALL) | np.where(partial, np.uint16(PARTIAL), np.uint16(0))
    made = Columns(
        opens,
        columns.open[starts],
        np.maximum.reduceat(columns.high, starts),
        np.minimum.reduceat(columns.low, starts),
        columns.close[ends - 1],
        _sums(columns.volume, starts, ends),
    )
    kept = np.ones_like(partial) if keep_partial else ~partial
    return Resampled(Columns(*(column[kept] for column in made)), marks[kept], int(np.count_nonzero(partial)))


def bars_of_trades(
    trades: Trades, to_ns: int, *, start_ns: int = 0, end_ns: int | None = None, keep_partial: bool = False
) -> Resampled:
    """Return the bars of length `to_ns` in which there were trades, in atoms; an interval without one has no bar.

    Trades of one moment count in the order of their ids. A bar is whole where the ids of its trades rise by one, from
    the last trade before it to the first behind it: so nothing can be missing, neither in between nor at its ends.
    Any other bar misses a part, or may; it is left out and counted. A venue whose ids have holes gives no whole bar.

    Args:
        trades: Sorted by time and id, as the store has them; also those beside the span, which tell that it is whole.
        to_ns: Length of a bar, ns.
        start_ns, end_ns: Only trades with `start_ns` <= time < `end_ns` are taken, UTC ns; None: to the last.
        keep_partial: Keep bars that miss parts, flagged `PARTIAL`.

    Raises:
        DataError: The quantities of one bar add up to more than 64 bits of atoms.

    Source: Binance Spot REST API, "Recent trades list": a symbol's trade ids are consecutive; so are aggregated ones.
    """
    begin = int(np.searchsorted(trades.time_ns, start_ns))
    until = len(trades.time_ns) if end_ns is None else int(np.searchsorted(trades.time_ns, end_ns))
    taken = Trades._make(column[begin:until] for column in trades)
    if not len(taken.time_ns):
        nothing = np.empty(0, dtype=np.int64)
        return Resampled(Columns(*(nothing for _ in Columns._fields)), nothing.astype(np.uint16), 0)
    starts, opens = _groups(taken.time_ns, to_ns)
    ends = np.append(starts[1:], len(taken.time_ns))
    torn = np.ones(len(trades.time_ns) + 1, dtype=np.int64)  # torn[i]: a trade may be missing right before trade i
    torn[1:-1] = np.diff(trades.trade_id) != 1
    before = np.concatenate(([0], np.cumsum(torn)))
    partial = before[begin + ends + 1] != before[begin + starts]
    partial |= opens < start_ns
    if end_ns is not None:
        partial |= opens + to_ns > end_ns
    made = Columns(
        opens,
        taken.price[starts],
        np.maximum.reduceat(taken.price, starts),
        np.minimum.reduceat(taken.price, starts),
        taken.price[ends - 1],
        _sums(taken.quantity, starts, ends),
    )
    kept = np.ones_like(partial) if keep_partial else ~partial
    marks = np.where(partial, np.uint16(PARTIAL), np.uint16(0))
    return Resampled(Columns(*(column[kept] for column in made)), marks[kept], int(np.count_nonzero(partial)))


def _groups(times: Ints, length_ns: int) -> tuple[NDArray[np.intp], Ints]:
    """Return where each interval of `length_ns` begins in rising `times`, and when it opens."""
    phase = _phase(length_ns)
    opens = (times - phase) // length_ns * length_ns + phase
    starts = np.concatenate(([0], np.flatnonzero(np.diff(opens)) + 1))
    return starts, opens[starts]


def _phase(length_ns: int) -> int:
    return MONDAY_NS if length_ns % WEEK_NS == 0 else 0


def _sums(values: Ints, starts: NDArray[np.intp], ends: NDArray[np.intp]) -> Ints:
    if int(values.max()) * int((ends - starts).max()) > _LARGEST:  # only then need it be looked at closely
        exact = [sum(values[a:b].tolist()) for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
        if max(exact) > _LARGEST:
            raise DataError(f"a volume of {max(exact)} atoms does not fit into 64 bits")
    return np.add.reduceat(values, starts)
