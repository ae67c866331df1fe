"""The compiled loop: for each slice meet all, mark once, decide all in order.

It tells the same story as the live loop, under one simple market: between a close and the next open there is neither
time nor price, so (without latency) a cancel is confirmed and what it frees is asked for before the next open; what a
fill at the open calls for stands before the rest of the bar. A ticket decided at a close meets the next bar, unless
the rules say that it fills at that close.

Unlike other kernels these files work on arrays; every number is taken out of them as a plain int or float.
"""

from typing import Final

from trading_system.backtest.asking import arrivals, ask, settle, wanting
from trading_system.backtest.meeting import enter, leave, wait_through
from trading_system.backtest.quiet import Lane, pass_quiet_bars
from trading_system.backtest.rows import C, bar_at, carried_at, policy_at, sleeve_at, terms_at, view_at
from trading_system.backtest.slate import AT_CLOSE, slate_of
from trading_system.backtest.tape import CASH, DECISIONS, FILLS, ORDERS, ROOM, Beliefs, Record, Setup, Tape
from trading_system.backtest.together import ask_together, let_go, put_off
from trading_system.blotter.objections import UNRECONCILED
from trading_system.blotter.state import Account
from trading_system.desk.decide import decide, worth
from trading_system.execution_engine.simulator.costs import fraction_of
from trading_system.kernel import kernel, routine

ANY_VOLUME: Final = 1 << 60


@kernel
def play(tape: Tape, beliefs: Beliefs, lane: Lane, setup: Setup, record: Record, first: int, last: int) -> int:
    """Run the slices from `first` to before `last` and return the next one to run.

    It stops early where `record` might run out of rows; with more of them it may go on from there.

    Args:
        tape: The market.
        beliefs: The views.
        lane: Both again as plain columns where there is one instrument and one sleeve; else columns of length 0.
        setup: What stays the same.
        record: What is written to.
        first: The slice to begin with.
        last: The slice to end before.
    """
    room = ROOM * len(setup.instrument)
    alone = len(lane.close) > 0
    s = first
    while s < last:
        if len(record.fills) - record.tally[FILLS] < room or len(record.orders) - record.tally[ORDERS] < room:
            return s
        if alone:
            after = pass_quiet_bars(lane, setup, record, s, last)
            if after > s:
                s = after
                continue
        play_slice(s, tape, beliefs, setup, record)
        s += 1
    return s


@kernel
def play_slice(s: int, tape: Tape, beliefs: Beliefs, setup: Setup, record: Record) -> None:
    """Run one slice."""
    _meet_all(s, tape, setup, record)
    short = _mark(s, tape, setup, record)
    _decide_all(s, short, tape, beliefs, setup, record)
    if setup.rules.at_close == 1 and _coming(setup, record):
        _take_at_close(s, tape, setup, record)


@kernel
def _meet_all(s: int, tape: Tape, setup: Setup, record: Record) -> None:
    """Let the bars of slice `s` meet what lives at the venue: at the open first, then on the way to the close."""
    if setup.rules.volume_share > 0:
        for i in range(len(setup.terms)):
            lot = terms_at(setup.terms, i).lot_atoms
            record.volume[i] = fraction_of(int(tape.volume_atoms[s, i]), setup.rules.volume_share) // lot
    if setup.rules.latency_bars > 0:
        for k in range(len(setup.instrument)):
            open_ticks = int(tape.open[s, int(setup.instrument[k])])
            if open_ticks > 0:
                arrivals(s, k, open_ticks, slate_of(setup, record))
    if setup.rules.at_close == 0 and _coming(setup, record):
        _take_all(s, tape, setup, record, 0)
    for k in range(len(setup.instrument)):
        wait_through(s, k, tape, setup, record)


@kernel
def _coming(setup: Setup, record: Record) -> bool:
    """Return whether any sleeve has an exit or an entry that may come to the market."""
    for k in range(len(setup.instrument)):
        if record.book[k, C.exit_lots] > 0 or record.book[k, C.entry_lots] != 0:
            return True
    return False


@kernel
def _take_all(s: int, tape: Tape, setup: Setup, record: Record, at_close: int) -> None:
    """Fill what comes to the market at the open, or at the close: exits first, since they bring the cash.

    What a fill calls for may come to the market at the same moment, so it is looked again until nothing happens.
    """
    again = True
    while again:
        again = False
        for k in range(len(setup.instrument)):
            if record.book[k, C.exit_lots] > 0 and leave(s, k, tape, setup, record, at_close):
                again = True
        for k in range(len(setup.instrument)):
            if record.book[k, C.entry_lots] != 0 and enter(s, k, tape, setup, record, at_close):
                again = True


@routine
def _take_at_close(s: int, tape: Tape, setup: Setup, record: Record) -> None:
    """Fill what comes to the market at the close."""
    _take_all(s, tape, setup, record, 1)


@kernel
def _mark(s: int, tape: Tape, setup: Setup, record: Record) -> int:
    """Work out what all positions are worth at their last closes, and return what the short ones are, >= 0."""
    for i in range(len(setup.terms)):
        if tape.close[s, i] > 0:
            record.marks[i] = tape.close[s, i]
    holdings, short = 0, 0
    for k in range(len(setup.instrument)):
        i = int(setup.instrument[k])
        if record.book[k, C.position] != 0:
            value = worth(int(record.book[k, C.position]), int(record.marks[i]), terms_at(setup.terms, i))
            holdings += value
            short -= min(value, 0)
    record.cash[s], record.holdings[s] = record.tally[CASH], holdings
    if len(record.short) > 0:
        record.short[s] = short
    return short


@kernel
def _decide_all(s: int, short: int, tape: Tape, beliefs: Beliefs, setup: Setup, record: Record) -> None:
    """Decide every sleeve at the close, in order; what one has promised the next cannot promise again."""
    reserved, gates, together = 0, int(tape.gates[s]) if len(tape.gates) > 0 else 0, False
    for k in range(len(setup.instrument)):
        if gates & UNRECONCILED or tape.close[s, int(setup.instrument[k])] > 0:
            let_go(k, slate_of(setup, record))
        reserved += int(record.book[k, C.reserved])
    for k in range(len(setup.instrument)):
        account = Account(
            cash_atoms=int(record.cash[s]),
            reserved_atoms=reserved,
            holdings_atoms=int(record.holdings[s]),
            gates=gates,
            carried=carried_at(record),
            short_atoms=short,
        )
        before = int(record.book[k, C.reserved])
        _decide_one(s, k, account, tape, beliefs, setup, record)
        book = record.book
        together = together or bool(book[k, C.later] != 0 or book[k, C.held] != 0 or book[k, C.fresh] != 0)
        reserved += max(0, int(record.book[k, C.reserved]) - before)  # what a cancel frees is free once all decided
    if together:
        ask_together(s, slate_of(setup, record))


@kernel
def _decide_one(s: int, k: int, account: Account, tape: Tape, beliefs: Beliefs, setup: Setup, record: Record) -> None:
    """Decide one sleeve at the close of its bar, and ask for what follows; without a bar nothing is decided."""
    book, i = record.book, int(setup.instrument[k])
    bar, terms = bar_at(tape, s, i), terms_at(setup.terms, i)
    kept = len(record.decided) > 0
    if bar.close <= 0:
        if kept:
            record.decided[s, k, 0], record.decided[s, k, 1] = book[k, C.target], book[k, C.stop]
            record.decided[s, k, 2] = -1
        return
    sleeve, view = sleeve_at(book, k, terms, s), view_at(tape, beliefs, setup, s, k)
    step = decide(account, sleeve, bar, view, policy_at(setup.policies, k))
    want, now = step.sleeve, step.account
    record.carried[0], record.carried[1] = now.peak_equity, now.day_equity
    record.latches[0], record.latches[1] = now.latched, now.day_ends_ns
    book[k, C.target], book[k, C.stop], book[k, C.take] = want.target_lots, want.stop_ticks, want.take_ticks
    book[k, C.bars_held], book[k, C.bars_waiting], book[k, C.reason] = want.bars_held, want.bars_waiting, want.reason
    book[k, C.decided], book[k, C.known] = s, bar.close
    book[k, C.exits], book[k, C.protects] = 0, 0
    record.tally[DECISIONS] += 1
    if step.denied != 0:
        record.denials[step.denied] += 1
    if kept:
        record.decided[s, k, 0], record.decided[s, k, 1] = want.target_lots, want.stop_ticks
        record.decided[s, k, 2] = step.objections
    if wanting(step.asks) and book[k, C.shared] == 1:
        put_off(s, k, step.asks, sleeve, bool(account.gates & UNRECONCILED != 0), slate_of(setup, record))
    elif wanting(step.asks) and ask(s, k, step.asks, bar.close, AT_CLOSE, slate_of(setup, record)):
        settle(s, k, bar.close, AT_CLOSE, slate_of(setup, record))
