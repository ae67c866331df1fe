"""Klines as they are asked for: by time, and in longer intervals than the market's own."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import replace

from trading_system.market.bars import Bar
from trading_system.testnet.refusals import Reason, Refusal
from trading_system.testnet.tape import Kline, Tape


def klines_of(tape: Tape, *, length_ns: int, start_ns: int | None, end_ns: int | None, limit: int) -> Sequence[Kline]:
    """Return klines that open in [`start_ns`, `end_ns`], oldest first, the one still open included.

    Args:
        length_ns: The tape's own interval, or a whole multiple of it.
        start_ns: Where it is given the first `limit` from there are returned, else the last `limit`.

    Raises:
        Refusal: The interval is not made of whole bars of the tape.
    """
    if length_ns % tape.length_ns:
        raise Refusal(Reason.BAD_INTERVAL)
    per = length_ns // tape.length_ns
    first, last = 0, len(tape.closed)
    if end_ns is not None:
        last = min(last, bisect_left(tape.closed, end_ns + 1, key=_open_ns) + per - 1)  # to the end of its interval
    if start_ns is not None:
        first = bisect_left(tape.closed, start_ns, key=_open_ns)
        last = min(last, first + (limit + 1) * per)  # the first may be the rest of an interval
    else:
        first = max(0, last - limit * per)
    rows = list(tape.closed[first:last])
    if last == len(tape.closed) and tape.current is not None:
        rows.append(tape.current)
    if per > 1:
        rows = list(_joined(rows, length_ns))
    rows = [row for row in rows if (start_ns or 0) <= _open_ns(row) and (end_ns is None or _open_ns(row) <= end_ns)]
    return rows[:limit] if start_ns is not None else rows[-limit:]


def _open_ns(kline: Kline) -> int:
    return kline.bar.open_ns


def _joined(rows: Iterable[Kline], length_ns: int) -> Iterable[Kline]:
    """Yield longer klines; each begins on the grid of `length_ns`."""
    whole: Kline | None = None
    for row in rows:
        open_ns = row.bar.open_ns - row.bar.open_ns % length_ns
        if whole is not None and whole.bar.open_ns != open_ns:
            yield replace(whole, closed=True)
            whole = None
        whole = _started(row, open_ns, length_ns) if whole is None else _extended(whole, row)
    if whole is not None:
        yield whole


def _started(row: Kline, open_ns: int, length_ns: int) -> Kline:
    bar = replace(row.bar, open_ns=open_ns, close_ns=open_ns + length_ns)
    return replace(row, bar=bar, closed=row.closed and row.bar.close_ns == bar.close_ns)


def _extended(whole: Kline, row: Kline) -> Kline:
    bar, more = whole.bar, row.bar
    joined: Bar = replace(
        bar,
        high=max(bar.high, more.high),
        low=min(bar.low, more.low),
        close=more.close,
        volume_atoms=bar.volume_atoms + more.volume_atoms,
    )
    return Kline(
        bar=joined,
        quote_atoms=whole.quote_atoms + row.quote_atoms,
        trades=whole.trades + row.trades,
        taker_atoms=whole.taker_atoms + row.taker_atoms,
        taker_quote_atoms=whole.taker_quote_atoms + row.taker_quote_atoms,
        first_id=row.first_id if whole.first_id < 0 else whole.first_id,
        last_id=max(whole.last_id, row.last_id),
        closed=row.closed and more.close_ns == bar.close_ns,
    )
