"""Lots that sleeves of one instrument give each other, in the loop's books; the rule is `desk.crossing`'s.

What `desk.netting` does with facts is done here with columns: hold an entry back, cross, ask for what is left.
"""

from trading_system.backtest.rows import C, sleeve_at, terms_at
from trading_system.backtest.slate import Slate, place_entry, promise, takes_from, write_order
from trading_system.backtest.tape import (
    CROSS,
    CROSSED,
    FILL_FEE,
    FILL_FEE_IN_BASE,
    FILL_LOTS,
    FILL_MAKER,
    FILL_ORDER,
    FILL_REFERENCE,
    FILL_SLICE,
    FILL_SPREAD,
    FILL_TICKS,
    FILLS,
    ORDERS,
)
from trading_system.blotter.state import STOP_CANCELING, STOP_NONE, STOP_REFUSED, Asks
from trading_system.desk.crossing import crossed_lots, waiting_lots
from trading_system.kernel import kernel, routine
from trading_system.market.columns import Ints
from trading_system.risk_management.exposure import big_enough


@kernel
def hold_back(k: int, asks: Asks, slate: Slate) -> None:
    """Hold the entry in `asks` back; its cash is set aside."""
    promise(k, asks.entry_lots, 0, slate)
    slate.book[k, C.held] = asks.entry_lots


@kernel
def drop(k: int, slate: Slate) -> None:
    """Let go of what is held back of the sleeve's entry."""
    slate.book[k, C.held], slate.book[k, C.reserved] = 0, 0


@routine
def cross(s: int, i: int, slate: Slate) -> bool:
    """Let the sleeves on instrument `i` give each other what they want of each other now; return whether any did."""
    book, terms, crossed = slate.book, terms_at(slate.terms, i), False
    for seller in range(len(slate.instrument)):
        if slate.instrument[seller] != i:
            continue
        for buyer in range(len(slate.instrument)):
            if slate.instrument[buyer] != i:
                continue
            selling, buying, price = -wish_of(seller, book), wish_of(buyer, book), int(book[seller, C.known])
            if selling <= 0 or buying <= 0 or price != book[buyer, C.known] or price <= 0:
                continue
            sells_off, covers = bool(book[seller, C.leaves] == 1), bool(book[buyer, C.leaves] == 1)
            lots = crossed_lots(selling, sells_off, buying, covers, price, terms)
            if lots == 0:
                continue
            _book(s, buyer, 1, lots, price, terms.lot_atoms, slate)
            _book(s, seller, -1, lots, price, terms.lot_atoms, slate)
            slate.tally[CROSSED] += 1
            crossed = True
    return crossed


@kernel
def wish_of(k: int, book: Ints) -> int:
    """Return what sleeve `k` would trade at market now, signed lots."""
    if book[k, C.leaves] == 1:
        return -int(book[k, C.leaving]) if book[k, C.position] > 0 else int(book[k, C.leaving])
    return int(book[k, C.held])


@routine
def next_crossed(s: int, i: int, moment: int, slate: Slate) -> int:
    """Ask for what nobody on instrument `i` is left to give; return who of it gave or got lots and has yet to follow.

    That one asks as after a fill. Returns -1 for nobody.
    """
    book, terms = slate.book, terms_at(slate.terms, i)
    for k in range(len(slate.instrument)):
        if slate.instrument[k] != i or book[k, C.held] == 0 or _is_awaited(k, slate):
            continue
        lots = int(book[k, C.held])
        if big_enough(abs(lots), int(book[k, C.known]), terms):
            place_entry(k, lots, 0, 0, 1, takes_from(s, moment, slate.rules), slate)
            book[k, C.held], book[k, C.fresh] = 0, 1
        else:
            drop(k, slate)
    for k in range(len(slate.instrument)):
        if slate.instrument[k] == i and book[k, C.crossed] == 1:
            book[k, C.crossed] = 0
            return k
    return -1


@kernel
def _is_awaited(k: int, slate: Slate) -> bool:
    """Return whether another sleeve will want the opposite of what is held back, once its stop has been canceled."""
    book, i = slate.book, int(slate.instrument[k])
    side = 1 if book[k, C.held] > 0 else -1
    for other in range(len(slate.instrument)):
        if other == k or slate.instrument[other] != i or book[other, C.status] != STOP_CANCELING:
            continue
        if book[other, C.known] != book[k, C.known]:
            continue
        sleeve = sleeve_at(book, other, terms_at(slate.terms, i), int(book[other, C.decided]))
        if side * waiting_lots(sleeve, int(book[other, C.known])) < 0:
            return True
    return False


@kernel
def _book(s: int, k: int, side: int, lots: int, price: int, lot_atoms: int, slate: Slate) -> None:
    """Move the lots, and write the sleeve's side of it down: no cash of the account moves."""
    book, fills, n = slate.book, slate.fills, int(slate.tally[FILLS])
    book[k, C.position] += side * lots * lot_atoms
    book[k, C.crossed] = 1
    if book[k, C.leaves] == 1:
        book[k, C.leaving] -= lots
    else:
        book[k, C.held] -= side * lots
        book[k, C.reserved] = abs(book[k, C.held]) * book[k, C.worst]
    if book[k, C.status] == STOP_REFUSED:
        book[k, C.status] = STOP_NONE  # as after a fill
    fills[n, FILL_SLICE], fills[n, FILL_ORDER] = s, slate.tally[ORDERS]
    fills[n, FILL_LOTS], fills[n, FILL_TICKS], fills[n, FILL_REFERENCE] = lots, price, price
    fills[n, FILL_SPREAD], fills[n, FILL_FEE], fills[n, FILL_FEE_IN_BASE], fills[n, FILL_MAKER] = 0, 0, 0, 0
    slate.tally[FILLS] = n + 1
    write_order(k, CROSS, 0, side, lots, 0, 0, 0, 0, slate)
