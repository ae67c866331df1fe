"""Sleeves that share an instrument, at a close: all decide, what they can give each other crosses, the rest is asked.

The order is the live line's: crossings; then what is asked for at once; then the venue's answers, the urgent first.
"""

from typing import Final

from trading_system.backtest.asking import (
    answer_cancels,
    leave_at_market,
    protect,
    request_cancels,
    rest_or_refuse,
    settle,
)
from trading_system.backtest.crossing import cross, drop, hold_back, next_crossed
from trading_system.backtest.rows import C
from trading_system.backtest.slate import AT_CLOSE, TOGETHER, Slate, enter, rests_from, takes_from
from trading_system.blotter.state import STOP_PENDING, Asks, Sleeve
from trading_system.desk.crossing import may_cross
from trading_system.kernel import Swaps, kernel, routine

CANCEL_ENTRY: Final = 1
CANCEL_STOP: Final = 2
LEAVE: Final = 4
GUARD: Final = 8
"""What a sleeve asks for once all have decided, bits of `Columns.later`."""


@routine
def put_off(s: int, k: int, asks: Asks, sleeve: Sleeve, doubtful: bool, slate: Slate) -> None:
    """Take note of what sleeve `k` asks until all have decided; its entry is held back, or asked for at once.

    Args:
        s: The slice.
        k: The sleeve.
        asks: What its decision asks.
        sleeve: What it was decided on.
        doubtful: Whether the books differ: then nothing is held back.
        slate: What the sleeves have booked and asked.
    """
    book, later = slate.book, 0
    if asks.entry_lots != 0 and not doubtful and may_cross(asks, sleeve):
        hold_back(k, asks, slate)
    elif asks.entry_lots != 0:
        enter(k, asks, takes_from(s, AT_CLOSE, slate.rules), slate)
        book[k, C.fresh] = 1
    if asks.cancel_entry == 1:
        later |= CANCEL_ENTRY
    if asks.cancel_stop == 1:
        later |= CANCEL_STOP
    if asks.exit_lots > 0:
        later |= LEAVE
    if asks.protect_lots > 0:
        later |= GUARD
    book[k, C.later], book[k, C.leaves], book[k, C.leaving] = later, min(1, asks.exit_lots), asks.exit_lots
    book[k, C.later_lots], book[k, C.later_stop], book[k, C.later_take] = (
        asks.protect_lots,
        asks.protect_ticks,
        asks.take_ticks,
    )


@kernel
def let_go(k: int, slate: Slate) -> None:
    """Let go of what was held back since an older decision; for a sleeve alone there is nothing."""
    if slate.book[k, C.held] != 0:
        drop(k, slate)


@routine
def ask_together(s: int, slate: Slate) -> None:
    """Ask for all that was put off in slice `s`."""
    book, sleeves = slate.book, len(slate.instrument)
    rests, takes = rests_from(s, TOGETHER, slate.rules), takes_from(s, TOGETHER, slate.rules)
    for k in range(sleeves):
        later = int(book[k, C.later])
        if later & (CANCEL_ENTRY | CANCEL_STOP):
            entry, stop = later & CANCEL_ENTRY, (later & CANCEL_STOP) // CANCEL_STOP
            request_cancels(s, k, entry, stop, TOGETHER, slate)
    for k in range(sleeves):
        if _leads(k, slate):
            cross(s, int(slate.instrument[k]), slate)
    for k in range(sleeves):
        later, rest = int(book[k, C.later]), int(book[k, C.leaving])
        book[k, C.leaves], book[k, C.leaving] = 0, 0
        if later & LEAVE and rest > 0:
            leave_at_market(k, rest, takes, slate)
        elif later & LEAVE:
            book[k, C.later] -= LEAVE
        if later & GUARD:
            lots, stop, take = int(book[k, C.later_lots]), int(book[k, C.later_stop]), int(book[k, C.later_take])
            protect(k, lots, stop, take, rests, slate)
    for k in range(sleeves):
        if _leads(k, slate):
            first = next_crossed(s, int(slate.instrument[k]), TOGETHER, slate)
            if first >= 0:
                settle(s, first, int(book[first, C.known]), TOGETHER, slate)
    if slate.rules.latency_bars == 0:
        _answer(s, slate)
    for k in range(sleeves):
        book[k, C.later], book[k, C.fresh] = 0, 0


@routine
def _answer(s: int, slate: Slate) -> None:
    """Let the venue answer what was asked at this close: protective orders, exits, cancels, and entries last.

    What follows from an answer may be another cancel: that comes before the next entry.
    """
    book, sleeves = slate.book, len(slate.instrument)
    for k in range(sleeves):
        if book[k, C.later] & GUARD and book[k, C.status] == STOP_PENDING:
            rest_or_refuse(k, int(book[k, C.known]), slate)
            settle(s, k, int(book[k, C.known]), TOGETHER, slate)
    for k in range(sleeves):
        if book[k, C.later] & LEAVE:
            settle(s, k, int(book[k, C.known]), TOGETHER, slate)
    k = _next_in_turn(slate)
    while k >= 0:
        if book[k, C.turn] > 0:
            book[k, C.turn] = 0
            answer_cancels(k, slate)
        else:
            book[k, C.fresh] = 0
        settle(s, k, int(book[k, C.known]), TOGETHER, slate)
        k = _next_in_turn(slate)


@kernel
def _leads(k: int, slate: Slate) -> bool:
    """Return whether sleeve `k` is the first of those that share its instrument."""
    first = 0
    while slate.instrument[first] != slate.instrument[k]:
        first += 1
    return bool(slate.book[k, C.shared] == 1 and first == k)


@kernel
def _next_in_turn(slate: Slate) -> int:
    """Return the sleeve whose cancel the venue answers next or, where there is none, whose entry; -1 for nobody."""
    book, found = slate.book, -1
    for k in range(len(slate.instrument)):
        if book[k, C.turn] > 0 and (found < 0 or book[k, C.turn] < book[found, C.turn]):
            found = k
    if found >= 0:
        return found
    for k in range(len(slate.instrument)):
        if book[k, C.fresh] == 1 and (found < 0 or book[k, C.entry_row] < book[found, C.entry_row]):
            found = k
    return found


# --- a run in which nobody shares an instrument -------------------------------------------------------


@kernel
def _nothing_crosses(s: int, i: int, slate: Slate) -> bool:
    return False


@kernel
def _nobody_follows(s: int, i: int, moment: int, slate: Slate) -> int:
    return -1


@kernel
def _nothing_is_put_off(s: int, k: int, asks: Asks, sleeve: Sleeve, doubtful: bool, slate: Slate) -> None:
    return


@kernel
def _nothing_is_asked(s: int, slate: Slate) -> None:
    return


ALONE: Final[Swaps] = {
    cross: _nothing_crosses,
    next_crossed: _nobody_follows,
    put_off: _nothing_is_put_off,
    ask_together: _nothing_is_asked,
}
"""What takes the place of all this where every sleeve is alone on its instrument: the loop compiles in half the time.
"""
