"""What follows from a decision or a fill: asks become orders at the venue, and the venue answers."""

from typing import Final, NamedTuple

from trading_system.backtest.rows import C, policy_at, sleeve_at, terms_at
from trading_system.backtest.tape import (
    ENTER,
    EXIT,
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
    PROTECT,
    Record,
    Rules,
    Setup,
)
from trading_system.blotter.state import (
    NO_ENTRY,
    STOP_CANCELING,
    STOP_NONE,
    STOP_PENDING,
    STOP_REFUSED,
    STOP_RESTING,
    Asks,
)
from trading_system.desk.decide import asked, leaving_for, stop_limit
from trading_system.kernel import kernel, routine
from trading_system.market.columns import Floats, Ints
from trading_system.risk_management.exposure import worst_lot

FREELY: Final = 3
"""Orders of one intent that a sleeve may ask for between two decisions; as in `desk.engine`."""
ROUNDS: Final = 5
"""Asks that can follow one another without a bar between: cancel, protect, refused, leave, then nothing."""

AT_OPEN: Final = 0
ON_THE_WAY: Final = 1
AT_CLOSE: Final = 2
"""Moments of a bar: at its open, between open and close, and at its close, where decisions are made."""


class Slate(NamedTuple):
    """What asking reads and writes: a part of `Setup` and `Record`, since each array handed on costs time."""

    rules: Rules
    instrument: Ints
    terms: Ints
    policies: Floats
    book: Ints
    shares: Floats
    orders: Ints
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
        tally=record.tally,
    )


@routine
def settle(s: int, k: int, at_ticks: int, moment: int, slate: Slate) -> None:
    """Ask again after every answer of the venue, until nothing more is asked.

    Args:
        s: The slice.
        k: The sleeve.
        at_ticks: What the venue sees as the last price, ticks.
        moment: `AT_OPEN`, `ON_THE_WAY` or `AT_CLOSE`.
        slate: What the sleeves have booked and asked.
    """
    book = slate.book
    if book[k, C.position] == 0 and book[k, C.entry_lots] == 0 and book[k, C.status] == STOP_NONE:
        return
    terms = terms_at(slate.terms, int(slate.instrument[k]))
    for _ in range(ROUNDS):
        if max(book[k, C.exits], book[k, C.protects]) >= FREELY:
            return
        sleeve = sleeve_at(book, k, terms, int(book[k, C.decided]))
        asks = asked(sleeve, sleeve.carried, int(book[k, C.known]), NO_ENTRY)
        if not (wanting(asks) and ask(s, k, asks, at_ticks, moment, slate)):
            return


@kernel
def wanting(asks: Asks) -> bool:
    """Return whether anything is asked."""
    cancels = asks.cancel_entry + asks.cancel_stop
    return cancels > 0 or asks.exit_lots > 0 or asks.protect_lots > 0 or asks.entry_lots != 0


@routine
def ask(s: int, k: int, asks: Asks, at_ticks: int, moment: int, slate: Slate) -> bool:
    """Hand what is asked to the venue, and return whether it has answered: without latency it does so at once."""
    book, rules = slate.book, slate.rules
    later = 1 if moment == AT_CLOSE else 0
    rests = s + later + rules.latency_bars  # first slice that an order which rests, or a cancel, has reached
    takes = s + rules.latency_bars if moment == AT_OPEN or rules.at_close == 1 else s + 1 + rules.latency_bars
    done = False
    accepted = rules.latency_bars == 0 or book[k, C.entry_due] <= s
    if asks.cancel_entry == 1 and accepted and book[k, C.entry_cancel] == 0:
        book[k, C.entry_cancel] = rests
        if rules.latency_bars == 0:
            forget_entry(k, slate)
        done = True
    if asks.cancel_stop == 1:
        book[k, C.status], book[k, C.stop_due] = STOP_CANCELING, rests
        if rules.latency_bars == 0:
            forget_stop(k, slate)
        done = True
    if asks.exit_lots > 0:
        _leave(k, asks, takes, slate)
        done = True
    if asks.protect_lots > 0:
        _protect(k, asks, at_ticks, rests, slate)
        done = True
    if asks.entry_lots != 0:
        _enter(k, asks, takes, slate)
        done = True
    return done and rules.latency_bars == 0


@routine
def arrivals(s: int, k: int, open_ticks: int, slate: Slate) -> None:
    """Let what was asked bars ago reach the venue at the open of slice `s`, and hear its answers."""
    book = slate.book
    if 0 < book[k, C.entry_cancel] <= s:
        forget_entry(k, slate)
        settle(s, k, open_ticks, AT_OPEN, slate)
    if book[k, C.status] == STOP_CANCELING and book[k, C.stop_due] <= s:
        forget_stop(k, slate)
        settle(s, k, open_ticks, AT_OPEN, slate)
    if book[k, C.status] == STOP_PENDING and book[k, C.stop_due] <= s:
        _rest_or_refuse(k, open_ticks, slate)
        settle(s, k, open_ticks, AT_OPEN, slate)
    if book[k, C.exit_lots] > 0 and book[k, C.decided] < book[k, C.exit_due] <= s:  # the first bar that it meets
        settle(s, k, open_ticks, AT_OPEN, slate)
    if book[k, C.entry_lots] != 0 and book[k, C.decided] < book[k, C.entry_due] <= s:
        settle(s, k, open_ticks, AT_OPEN, slate)


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
def _leave(k: int, asks: Asks, due: int, slate: Slate) -> None:
    book = slate.book
    side = -1 if book[k, C.position] > 0 else 1
    book[k, C.exits] += 1
    book[k, C.exit_lots], book[k, C.exit_side], book[k, C.exit_due] = asks.exit_lots, side, due
    book[k, C.exit_row] = slate.tally[ORDERS]
    reason = leaving_for(int(book[k, C.reason]), int(book[k, C.take]), int(book[k, C.known]), -side)
    _write(k, EXIT, int(book[k, C.exits]), side, asks.exit_lots, 0, 0, 0, reason, slate)


@kernel
def _protect(k: int, asks: Asks, at_ticks: int, due: int, slate: Slate) -> None:
    book = slate.book
    held = 1 if book[k, C.position] > 0 else -1
    limit = stop_limit(asks.protect_ticks, policy_at(slate.policies, k), held)
    limit = limit if limit > 0 else asks.take_ticks
    book[k, C.protects] += 1
    book[k, C.stop_lots], book[k, C.stop_ticks], book[k, C.take_ticks] = (
        asks.protect_lots,
        asks.protect_ticks,
        asks.take_ticks,
    )
    book[k, C.limit_ticks], book[k, C.struck], book[k, C.stop_side] = limit, 0, -held
    book[k, C.status], book[k, C.stop_due], book[k, C.stop_row] = STOP_PENDING, due, slate.tally[ORDERS]
    stop, take = asks.protect_ticks, asks.take_ticks
    _write(k, PROTECT, int(book[k, C.protects]), -held, asks.protect_lots, limit, stop, take, 0, slate)
    if slate.rules.latency_bars == 0:
        _rest_or_refuse(k, at_ticks, slate)


@kernel
def _rest_or_refuse(k: int, at_ticks: int, slate: Slate) -> None:
    """Let the venue take the protective order, or refuse it because it would trade at once."""
    book = slate.book
    held, stop, take = -int(book[k, C.stop_side]), int(book[k, C.stop_ticks]), int(book[k, C.take_ticks])
    if (stop > 0 and held * (at_ticks - stop) <= 0) or (take > 0 and held * (at_ticks - take) >= 0):
        forget_stop(k, slate)
        book[k, C.status] = STOP_REFUSED
    else:
        book[k, C.status] = STOP_RESTING


@kernel
def _enter(k: int, asks: Asks, due: int, slate: Slate) -> None:
    book, terms = slate.book, terms_at(slate.terms, int(slate.instrument[k]))
    side, lots, parts = (1 if asks.entry_lots > 0 else -1), abs(asks.entry_lots), asks.entry_parts
    part = lots // parts
    head = lots - part * (parts - 1)
    price = asks.entry_limit_ticks if asks.entry_limit_ticks > 0 else int(book[k, C.known])
    book[k, C.entry_lots], book[k, C.entry_head], book[k, C.entry_part] = asks.entry_lots, head, part
    book[k, C.entry_limit], book[k, C.entry_post_only] = asks.entry_limit_ticks, asks.entry_post_only
    book[k, C.entry_resting], book[k, C.entry_cancel], book[k, C.entry_due] = 0, 0, due
    book[k, C.entry_decided], book[k, C.entry_row] = book[k, C.decided], slate.tally[ORDERS]
    book[k, C.worst] = worst_lot(price, terms, policy_at(slate.policies, k))
    book[k, C.reserved] = lots * book[k, C.worst]
    slate.shares[k] = asks.entry_share
    for n in range(parts):
        _write(k, ENTER, n + 1, side, head if n == 0 else part, asks.entry_limit_ticks, 0, 0, 0, slate)


@kernel
def _write(
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
    orders, n = slate.orders, int(slate.tally[ORDERS])
    orders[n, ORDER_DECIDED], orders[n, ORDER_SLEEVE] = slate.book[k, C.decided], k
    orders[n, ORDER_INTENT], orders[n, ORDER_ATTEMPT], orders[n, ORDER_SIDE] = intent, attempt, side
    orders[n, ORDER_LOTS], orders[n, ORDER_LIMIT], orders[n, ORDER_STOP] = lots, limit, stop
    orders[n, ORDER_TAKE], orders[n, ORDER_REASON] = take, reason
    slate.tally[ORDERS] = n + 1
