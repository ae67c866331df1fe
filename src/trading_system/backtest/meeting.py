"""Where a sleeve's orders meet a bar, and what a fill does to the books."""

from trading_system.backtest.asking import settle
from trading_system.backtest.rows import RESTING, TAKING, C, bar_at, costs_at, terms_at
from trading_system.backtest.slate import AT_CLOSE, AT_OPEN, ON_THE_WAY, forget_entry, forget_stop, slate_of
from trading_system.backtest.tape import (
    AMBIGUOUS,
    CASH,
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
    REJECTED,
    Record,
    Setup,
    Tape,
)
from trading_system.blotter.state import STOP_CANCELING, STOP_NONE, STOP_REFUSED, STOP_RESTING, BarRow
from trading_system.desk.decide import worth
from trading_system.execution_engine.simulator.costs import fee_of, payable, share_lots
from trading_system.execution_engine.simulator.matching import (
    LIMIT,
    MARKET,
    STOP_LIMIT,
    Market,
    Met,
    Working,
    arrive,
    meet,
    out_of_reach,
    taken,
    wait,
)
from trading_system.kernel import kernel, routine


@kernel
def leave(s: int, k: int, tape: Tape, setup: Setup, record: Record, at_close: int) -> bool:
    """Fill the sleeve's exit at the open, or the close, of its bar; return whether it did."""
    book, bar = record.book, bar_at(tape, s, int(setup.instrument[k]))
    if bar.open <= 0 or book[k, C.exit_due] > s:
        return False
    at = bar.close if at_close == 1 else bar.open
    order = Working(
        kind=MARKET,
        side=int(book[k, C.exit_side]),
        lots=int(book[k, C.exit_lots]),
        stop_ticks=0,
        limit_ticks=0,
        resting=0,
        take_ticks=0,
    )
    met = taken(order, at, bar, market_of(k, setup, record), 0)
    if met.lots == 0:
        return False
    book[k, C.exit_lots] -= met.lots
    book_fill(s, k, int(book[k, C.exit_row]), int(book[k, C.exit_side]), met, setup, record)
    settle(s, k, at, AT_CLOSE if at_close == 1 else AT_OPEN, slate_of(setup, record))
    return True


@kernel
def enter(s: int, k: int, tape: Tape, setup: Setup, record: Record, at_close: int) -> bool:
    """Bring the sleeve's entry to the market at the open, or the close: it takes, rests, or is rejected."""
    book, bar = record.book, bar_at(tape, s, int(setup.instrument[k]))
    if bar.open <= 0 or book[k, C.entry_due] > s or book[k, C.entry_resting] == 1:
        return False
    at, limit, done = (bar.close if at_close == 1 else bar.open), int(book[k, C.entry_limit]), False
    moment = AT_CLOSE if at_close == 1 else AT_OPEN
    while book[k, C.entry_lots] != 0:
        side = 1 if book[k, C.entry_lots] > 0 else -1
        if book[k, C.entry_post_only] == 1 and side * (limit - at) >= 0:
            reject_part(k, setup, record)  # it would take
            settle(s, k, at, moment, slate_of(setup, record))
            done = True
            continue
        if record.shares[k] > 0.0:
            resize(k, side, at, bar, setup, record)
            settle(s, k, at, moment, slate_of(setup, record))
            done = True
            continue
        met = arrive(entry_of(k, side, record), at, bar, market_of(k, setup, record))
        if met.lots == 0:
            book[k, C.entry_resting] = 1 if limit > 0 else 0
            return done
        if not _payable(k, side, met, setup, record):
            reject_part(k, setup, record)
            settle(s, k, at, moment, slate_of(setup, record))
            done = True
            continue
        fill_part(s, k, side, met, setup, record)
        settle(s, k, at, moment, slate_of(setup, record))
        done = True
        if met.left.lots > 0:
            book[k, C.entry_resting] = 1 if limit > 0 else 0  # the volume is used up: the rest goes on
            return done
    return done


@kernel
def wait_through(s: int, k: int, tape: Tape, setup: Setup, record: Record) -> None:
    """Let what rests meet the way from open to close: the protective order, then an entry, then what protects it."""
    book = record.book
    if book[k, C.stop_lots] == 0 and book[k, C.entry_resting] == 0:
        return
    bar = bar_at(tape, s, int(setup.instrument[k]))
    if bar.open <= 0:
        return
    stop, take, side = int(book[k, C.stop_ticks]), int(book[k, C.take_ticks]), int(book[k, C.stop_side])
    if book[k, C.struck] != 0 or not out_of_reach(bar.low, bar.high, stop, take, side):
        meet_stop(s, k, bar, 1, setup, record)
    if book[k, C.entry_resting] == 1 and book[k, C.entry_due] <= s:
        row = int(record.tally[FILLS])
        meet_entry(s, k, bar, setup, record)
        if record.tally[FILLS] > row:
            meet_stop(s, k, bar, 0, setup, record)  # the target may have been passed before we entered


@routine
def meet_stop(s: int, k: int, bar: BarRow, target: int, setup: Setup, record: Record) -> None:
    """Let the bar meet the sleeve's protective order, with its `target` or without."""
    book = record.book
    live = book[k, C.status] == STOP_RESTING or book[k, C.status] == STOP_CANCELING
    if not live or book[k, C.stop_lots] == 0:
        return
    struck = int(book[k, C.struck])
    order = Working(
        kind=LIMIT if struck > 0 else STOP_LIMIT,
        side=int(book[k, C.stop_side]),
        lots=int(book[k, C.stop_lots]),
        stop_ticks=int(book[k, C.stop_ticks]),
        limit_ticks=int(book[k, C.limit_ticks]),
        resting=1 if struck == RESTING else 0,
        take_ticks=int(book[k, C.take_ticks]) if target == 1 else 0,
    )
    market = market_of(k, setup, record)
    met = meet(order, bar, market) if struck == TAKING else wait(order, bar, market)
    if met.ambiguous == 1:
        record.tally[AMBIGUOUS] += 1
    if met.left.kind == LIMIT:
        book[k, C.struck] = RESTING if met.left.resting == 1 else TAKING
    if met.lots == 0:
        return
    row, side = int(book[k, C.stop_row]), order.side
    book[k, C.stop_lots] -= met.lots
    if book[k, C.stop_lots] == 0:
        forget_stop(k, slate_of(setup, record))
    book_fill(s, k, row, side, met, setup, record)
    settle(s, k, met.price_ticks, ON_THE_WAY, slate_of(setup, record))


@routine
def meet_entry(s: int, k: int, bar: BarRow, setup: Setup, record: Record) -> None:
    """Let the bar meet the sleeve's resting entry."""
    book = record.book
    while book[k, C.entry_lots] != 0:
        side = 1 if book[k, C.entry_lots] > 0 else -1
        met = wait(entry_of(k, side, record), bar, market_of(k, setup, record))
        if met.lots == 0:
            return
        if not _payable(k, side, met, setup, record):
            reject_part(k, setup, record)
            settle(s, k, met.price_ticks, ON_THE_WAY, slate_of(setup, record))
            continue
        fill_part(s, k, side, met, setup, record)
        settle(s, k, met.price_ticks, ON_THE_WAY, slate_of(setup, record))
        if met.left.lots > 0:
            return


@kernel
def market_of(k: int, setup: Setup, record: Record) -> Market:
    """Return how the market takes the orders of sleeve `k` now."""
    i = int(setup.instrument[k])
    return Market(
        costs=costs_at(setup.costs, i),
        lot_atoms=terms_at(setup.terms, i).lot_atoms,
        available=int(record.volume[i]),
        touch=setup.rules.touch,
    )


@kernel
def entry_of(k: int, side: int, record: Record) -> Working:
    """Return the first order of the sleeve's entry."""
    limit = int(record.book[k, C.entry_limit])
    return Working(
        kind=LIMIT if limit > 0 else MARKET,
        side=side,
        lots=int(record.book[k, C.entry_head]),
        stop_ticks=0,
        limit_ticks=limit,
        resting=int(record.book[k, C.entry_resting]),
        take_ticks=0,
    )


@routine
def resize(k: int, side: int, at_ticks: int, bar: BarRow, setup: Setup, record: Record) -> None:
    """Count an entry anew at the price it fills at: as many lots as its share of the free cash pays, fee included."""
    book, i = record.book, int(setup.instrument[k])
    terms, costs = terms_at(setup.terms, i), costs_at(setup.costs, i)
    price = taken(entry_of(k, side, record), at_ticks, bar, market_of(k, setup, record), 0).price_ticks
    free = int(record.tally[CASH])
    for other in range(len(setup.instrument)):
        j = int(setup.instrument[other])
        free += 2 * min(0, worth(int(book[other, C.position]), int(record.marks[j]), terms_at(setup.terms, j)))
        promised = other != k and book[other, C.entry_lots] != 0  # what is held back has not reached the venue
        free -= int(book[other, C.reserved]) if promised else 0
    lots = share_lots(free, float(record.shares[k]), price, side, costs, terms)
    record.shares[k] = 0.0
    if lots < terms.min_lots:
        forget_entry(k, slate_of(setup, record))
        record.tally[REJECTED] += 1
        return
    book[k, C.entry_lots], book[k, C.entry_head] = side * lots, lots
    book[k, C.reserved] = lots * book[k, C.worst]


@kernel
def _payable(k: int, side: int, met: Met, setup: Setup, record: Record) -> bool:
    i, cash = int(setup.instrument[k]), int(record.tally[CASH])
    terms, costs = terms_at(setup.terms, i), costs_at(setup.costs, i)
    return payable(cash, met.lots, met.price_ticks, side, met.maker, costs, terms)


@kernel
def fill_part(s: int, k: int, side: int, met: Met, setup: Setup, record: Record) -> None:
    """Book what was filled of the first order of the sleeve's entry."""
    book, row = record.book, int(record.book[k, C.entry_row])
    book[k, C.entry_lots] -= side * met.lots
    book[k, C.entry_head] -= met.lots
    _next_part(k, setup, record)
    book_fill(s, k, row, side, met, setup, record)


@kernel
def reject_part(k: int, setup: Setup, record: Record) -> None:
    """Take the first order of the sleeve's entry off the books: the venue does not want it."""
    book = record.book
    book[k, C.entry_lots] -= book[k, C.entry_head] if book[k, C.entry_lots] > 0 else -book[k, C.entry_head]
    book[k, C.entry_head] = 0
    record.tally[REJECTED] += 1
    _next_part(k, setup, record)


@kernel
def _next_part(k: int, setup: Setup, record: Record) -> None:
    book = record.book
    if book[k, C.entry_lots] == 0:
        forget_entry(k, slate_of(setup, record))
        return
    book[k, C.reserved] = abs(book[k, C.entry_lots]) * book[k, C.worst]
    if book[k, C.entry_head] == 0:
        book[k, C.entry_head] = book[k, C.entry_part]
        book[k, C.entry_row] += 1


@kernel
def book_fill(s: int, k: int, row: int, side: int, met: Met, setup: Setup, record: Record) -> None:
    """Move cash and position, and write the fill down."""
    book, i = record.book, int(setup.instrument[k])
    terms, costs = terms_at(setup.terms, i), costs_at(setup.costs, i)
    fee = fee_of(met.lots, met.price_ticks, side, met.maker, costs, terms)
    record.tally[CASH] -= side * met.lots * met.price_ticks * terms.notional_atoms
    record.tally[CASH] -= 0 if fee.in_base == 1 else fee.atoms
    book[k, C.position] += side * met.lots * terms.lot_atoms
    if fee.in_base == 1:
        book[k, C.position] -= fee.atoms  # what covers a short position leaves the fee owed
    book[k, C.known] = met.price_ticks
    if book[k, C.status] == STOP_REFUSED:
        book[k, C.status] = STOP_NONE  # a refusal counts until the next fill, as in `blotter.portfolio`
    if setup.rules.volume_share > 0:
        record.volume[i] -= met.lots
    fills, n = record.fills, int(record.tally[FILLS])
    fills[n, FILL_SLICE], fills[n, FILL_ORDER] = s, row
    fills[n, FILL_LOTS], fills[n, FILL_TICKS] = met.lots, met.price_ticks
    fills[n, FILL_REFERENCE], fills[n, FILL_SPREAD] = met.reference_ticks, met.spread_ticks
    fills[n, FILL_FEE], fills[n, FILL_FEE_IN_BASE], fills[n, FILL_MAKER] = fee.atoms, fee.in_base, met.maker
    record.tally[FILLS] = n + 1
