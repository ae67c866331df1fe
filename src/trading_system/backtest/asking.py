"""What follows from a decision or a fill: asks become orders at the venue, and the venue answers."""

from typing import Final

from trading_system.backtest.crossing import cross, next_crossed
from trading_system.backtest.rows import C, policy_at, sleeve_at, terms_at
from trading_system.backtest.slate import (
    AT_OPEN,
    TOGETHER,
    Slate,
    enter,
    forget_entry,
    forget_stop,
    rests_from,
    takes_from,
    write_order,
)
from trading_system.backtest.tape import EXIT, ORDERS, PROTECT
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

FREELY: Final = 3
"""Orders of one intent that a sleeve may ask for between two decisions; as in `desk.engine`."""
ROUNDS: Final = 5
"""Asks that can follow one another without a bar between: cancel, protect, refused, leave, then nothing."""


@routine
def settle(s: int, k: int, at_ticks: int, moment: int, slate: Slate) -> None:
    """Ask again after every answer of the venue, until nothing more is asked; so do those that got or gave lots.

    Args:
        s: The slice.
        k: The sleeve.
        at_ticks: What the venue sees as the last price, ticks.
        moment: `AT_OPEN`, `ON_THE_WAY`, `AT_CLOSE` or `TOGETHER`.
        slate: What the sleeves have booked and asked.
    """
    book, terms = slate.book, terms_at(slate.terms, int(slate.instrument[k]))
    while k >= 0:
        rounds = ROUNDS
        if book[k, C.position] == 0 and book[k, C.entry_lots] == 0 and book[k, C.status] == STOP_NONE:
            rounds = 0
        while rounds > 0 and max(book[k, C.exits], book[k, C.protects]) < FREELY:
            sleeve = sleeve_at(book, k, terms, int(book[k, C.decided]))
            asks = asked(sleeve, sleeve.carried, int(book[k, C.known]), NO_ENTRY)
            rounds = rounds - 1 if wanting(asks) and ask(s, k, asks, at_ticks, moment, slate) else 0
        k = next_crossed(s, int(slate.instrument[k]), moment, slate) if book[k, C.shared] == 1 else -1


@kernel
def wanting(asks: Asks) -> bool:
    """Return whether anything is asked."""
    cancels = asks.cancel_entry + asks.cancel_stop
    return cancels > 0 or asks.exit_lots > 0 or asks.protect_lots > 0 or asks.entry_lots != 0


@routine
def ask(s: int, k: int, asks: Asks, at_ticks: int, moment: int, slate: Slate) -> bool:
    """Hand what is asked to the venue, and return whether it has answered: without latency it does so at once.

    Lots that another sleeve gives or takes at this moment are not asked for; then `conclude` goes on.
    """
    book, rules = slate.book, slate.rules
    takes, at_once = takes_from(s, moment, rules), rules.latency_bars == 0
    answered, crossed = False, False
    if asks.cancel_entry == 1 or asks.cancel_stop == 1:
        cancels = request_cancels(s, k, asks.cancel_entry, asks.cancel_stop, moment, slate)
        if cancels and at_once and moment != TOGETHER:
            answer_cancels(k, slate)
            answered = True
    if asks.exit_lots > 0:
        rest = asks.exit_lots
        if book[k, C.shared] == 1:
            book[k, C.leaves], book[k, C.leaving] = 1, rest
            crossed = cross(s, int(slate.instrument[k]), slate)
            rest = int(book[k, C.leaving])
            book[k, C.leaves], book[k, C.leaving] = 0, 0
        if rest > 0:
            leave_at_market(k, rest, takes, slate)
            answered = True
    if asks.protect_lots > 0:
        protect(k, asks.protect_lots, asks.protect_ticks, asks.take_ticks, rests_from(s, moment, rules), slate)
        if at_once:
            rest_or_refuse(k, at_ticks, slate)
        answered = True
    if asks.entry_lots != 0:
        enter(k, asks, takes, slate)
        answered = True
    return answered and at_once and not crossed


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
        rest_or_refuse(k, open_ticks, slate)
        settle(s, k, open_ticks, AT_OPEN, slate)
    if book[k, C.exit_lots] > 0 and book[k, C.decided] < book[k, C.exit_due] <= s:  # the first bar that it meets
        settle(s, k, open_ticks, AT_OPEN, slate)
    if book[k, C.entry_lots] != 0 and book[k, C.decided] < book[k, C.entry_due] <= s:
        settle(s, k, open_ticks, AT_OPEN, slate)


@kernel
def request_cancels(s: int, k: int, entry: int, stop: int, moment: int, slate: Slate) -> bool:
    """Send the wish to cancel the entry, the protective order, or both; return whether anything was sent.

    At a close that sleeves share, the venue answers one after the other: each takes its turn.
    """
    book, rules, sent = slate.book, slate.rules, False
    due = rests_from(s, moment, rules)
    accepted = rules.latency_bars == 0 or book[k, C.entry_due] <= s
    if entry == 1 and accepted and book[k, C.entry_cancel] == 0:
        book[k, C.entry_cancel] = due
        sent = True
    if stop == 1:
        book[k, C.status], book[k, C.stop_due] = STOP_CANCELING, due
        sent = True
    if sent and moment == TOGETHER and rules.latency_bars == 0:
        last = 0
        for other in range(len(slate.instrument)):
            last = max(last, int(book[other, C.turn]))
        book[k, C.turn] = last + 1
    return sent


@kernel
def answer_cancels(k: int, slate: Slate) -> None:
    """Let the venue confirm the cancels that were sent."""
    if slate.book[k, C.entry_cancel] != 0:
        forget_entry(k, slate)
    if slate.book[k, C.status] == STOP_CANCELING:
        forget_stop(k, slate)


@kernel
def leave_at_market(k: int, lots: int, due: int, slate: Slate) -> None:
    """Ask to take `lots` off the position."""
    book = slate.book
    side = -1 if book[k, C.position] > 0 else 1
    book[k, C.exits] += 1
    book[k, C.exit_lots], book[k, C.exit_side], book[k, C.exit_due] = lots, side, due
    book[k, C.exit_row] = slate.tally[ORDERS]
    reason = leaving_for(int(book[k, C.reason]), int(book[k, C.take]), int(book[k, C.known]), -side)
    write_order(k, EXIT, int(book[k, C.exits]), side, lots, 0, 0, 0, reason, slate)


@kernel
def protect(k: int, lots: int, stop: int, take: int, due: int, slate: Slate) -> None:
    """Ask to rest a protective order."""
    book = slate.book
    held = 1 if book[k, C.position] > 0 else -1
    limit = stop_limit(stop, policy_at(slate.policies, k), held)
    limit = limit if limit > 0 else take
    book[k, C.protects] += 1
    book[k, C.stop_lots], book[k, C.stop_ticks], book[k, C.take_ticks] = lots, stop, take
    book[k, C.limit_ticks], book[k, C.struck], book[k, C.stop_side] = limit, 0, -held
    book[k, C.status], book[k, C.stop_due], book[k, C.stop_row] = STOP_PENDING, due, slate.tally[ORDERS]
    write_order(k, PROTECT, int(book[k, C.protects]), -held, lots, limit, stop, take, 0, slate)


@kernel
def rest_or_refuse(k: int, at_ticks: int, slate: Slate) -> None:
    """Let the venue take the protective order, or refuse it because it would trade at once."""
    book = slate.book
    held, stop, take = -int(book[k, C.stop_side]), int(book[k, C.stop_ticks]), int(book[k, C.take_ticks])
    if (stop > 0 and held * (at_ticks - stop) <= 0) or (take > 0 and held * (at_ticks - take) >= 0):
        forget_stop(k, slate)
        book[k, C.status] = STOP_REFUSED
    else:
        book[k, C.status] = STOP_RESTING
