"""What asking reads and writes, and how an order comes on the books and off them."""

from typing import Final, NamedTuple

from trading_system.backtest.rows import C, policy_at, terms_at
from trading_system.backtest.tape import (
    ENTER,
    ORDER_ATTEMPT,
    ORDER_DECIDED,
    ORDER_INTENT,
    ORDER_LIMIT,
    ORDER_LOTS,
    ORDER_REASON,
    ORDER_SIDE,
    ORDER_SLEEVE,
    ORDER_STOP,
    ORDER_TAKE,
    ORDERS,
    Record,
    Rules,
    Setup,
)
from trading_system.blotter.state import STOP_NONE, Asks
from trading_system.kernel import kernel
from trading_system.market.columns import Floats, Ints
from trading_system.risk_management.exposure import worst_lot

AT_OPEN: Final = 0
ON_THE_WAY: Final = 1
AT_CLOSE: Final = 2
TOGETHER: Final = 3
"""Moments of a bar: at its open, between open and close, and at its close, where decisions are made; `TOGETHER` is that
of sleeves which share an instrument, where cancels are answered one after the other."""


class Slate(NamedTuple):
    """What asking reads and writes: a part of `Setup` and `Record`, since each array handed on costs time."""

    rules: Rules
    instrument: Ints
    terms: Ints
    policies: Floats
    book: Ints
    shares: Floats
    orders: Ints
    fills: Ints
    tally: Ints


@kernel
def slate_of(setup: Setup, record: Record) -> Slate:
    """Return the slate of a run."""
    return Slate(
        rules=setup.rules,
        instrument=setup.instrument,
        terms=setup.terms,
        policies=setup.policies,
        book=record.book,
        shares=record.shares,
        orders=record.orders,
        fills=record.fills,
        tally=record.tally,
    )


@kernel
def rests_from(s: int, moment: int, rules: Rules) -> int:
    """Return the first slice that an order which rests, or a cancel, has reached."""
    return s + (1 if moment >= AT_CLOSE else 0) + rules.latency_bars


@kernel
def takes_from(s: int, moment: int, rules: Rules) -> int:
    """Return the first slice whose market an order meets that takes."""
    at_once = moment == AT_OPEN or rules.at_close == 1
    return s + (0 if at_once else 1) + rules.latency_bars


@kernel
def promise(k: int, lots: int, limit_ticks: int, slate: Slate) -> None:
    """Set the cash aside for an entry of signed `lots`, at its limit or, where that is 0, at the last price heard."""
    book, terms = slate.book, terms_at(slate.terms, int(slate.instrument[k]))
    price = limit_ticks if limit_ticks > 0 else int(book[k, C.known])
    book[k, C.worst] = worst_lot(price, terms, policy_at(slate.policies, k))
    book[k, C.reserved] = abs(lots) * book[k, C.worst]


@kernel
def enter(k: int, asks: Asks, due: int, slate: Slate) -> None:
    """Ask for the entry in `asks`."""
    promise(k, asks.entry_lots, asks.entry_limit_ticks, slate)
    slate.shares[k] = asks.entry_share
    place_entry(k, asks.entry_lots, asks.entry_limit_ticks, asks.entry_post_only, asks.entry_parts, due, slate)


@kernel
def place_entry(k: int, signed: int, limit: int, post_only: int, parts: int, due: int, slate: Slate) -> None:
    """Put an entry of `signed` lots, for which cash is set aside already, on the books, in its parts."""
    book, side, lots = slate.book, (1 if signed > 0 else -1), abs(signed)
    part = lots // parts
    head = lots - part * (parts - 1)
    book[k, C.entry_lots], book[k, C.entry_head], book[k, C.entry_part] = signed, head, part
    book[k, C.entry_limit], book[k, C.entry_post_only] = limit, post_only
    book[k, C.entry_resting], book[k, C.entry_cancel], book[k, C.entry_due] = 0, 0, due
    book[k, C.entry_decided], book[k, C.entry_row] = book[k, C.decided], slate.tally[ORDERS]
    for n in range(parts):
        write_order(k, ENTER, n + 1, side, head if n == 0 else part, limit, 0, 0, 0, slate)


@kernel
def forget_entry(k: int, slate: Slate) -> None:
    """Take the entry off the books: it is over."""
    book = slate.book
    book[k, C.entry_lots], book[k, C.entry_head], book[k, C.entry_part], book[k, C.entry_cancel] = 0, 0, 0, 0
    book[k, C.entry_resting], book[k, C.reserved] = 0, 0
    slate.shares[k] = 0.0


@kernel
def forget_stop(k: int, slate: Slate) -> None:
    """Take the protective order off the books: it is over."""
    book = slate.book
    book[k, C.status], book[k, C.stop_lots], book[k, C.stop_ticks] = STOP_NONE, 0, 0
    book[k, C.limit_ticks], book[k, C.take_ticks], book[k, C.struck] = 0, 0, 0


@kernel
def write_order(
    k: int,
    intent: int,
    attempt: int,
    side: int,
    lots: int,
    limit: int,
    stop: int,
    take: int,
    reason: int,
    slate: Slate,
) -> None:
    """Write an order down as asked for."""
    orders, n = slate.orders, int(slate.tally[ORDERS])
    orders[n, ORDER_DECIDED], orders[n, ORDER_SLEEVE] = slate.book[k, C.decided], k
    orders[n, ORDER_INTENT], orders[n, ORDER_ATTEMPT], orders[n, ORDER_SIDE] = intent, attempt, side
    orders[n, ORDER_LOTS], orders[n, ORDER_LIMIT], orders[n, ORDER_STOP] = lots, limit, stop
    orders[n, ORDER_TAKE], orders[n, ORDER_REASON] = take, reason
    slate.tally[ORDERS] = n + 1
