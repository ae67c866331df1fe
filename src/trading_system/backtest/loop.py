"""The compiled loop: for each slice meet all, mark once, decide all in order.

It tells the same story as the live loop, under one simple market: between a close and the next open there is neither
time nor price, so a cancel is confirmed and what it frees is asked for before the next open; what a fill at the open
calls for (a protective stop) stands before the rest of the bar. A ticket decided at a close meets the next bar.
"""

from typing import Final

from trading_system.backtest.rows import (
    ENTRY_LOTS,
    EXIT_LOTS,
    LIMIT_TICKS,
    POSITION,
    RESERVED,
    STATUS,
    STOP_LOTS,
    STOP_TICKS,
    STRUCK,
    TARGET,
    WANTED_STOP,
    bar_at,
    costs_at,
    policy_at,
    sleeve_at,
    terms_at,
    view_at,
)
from trading_system.backtest.tape import (
    CASH,
    ENTER,
    EXIT,
    FILL_FEE,
    FILL_INTENT,
    FILL_LOTS,
    FILL_MAKER,
    FILL_SLEEVE,
    FILL_SLICE,
    FILL_TICKS,
    FILLS,
    PROTECT,
    REJECTED,
    Beliefs,
    Ints,
    Record,
    Setup,
    Tape,
)
from trading_system.blotter.state import (
    STOP_NONE,
    STOP_REFUSED,
    STOP_RESTING,
    Account,
    AccountCarried,
    Asks,
    BarRow,
    Policy,
    Terms,
)
from trading_system.desk.decide import asked, decide, entry_reserve, stop_limit, worth
from trading_system.execution_engine.simulator.costs import Costs, buy_fee_atoms, sell_fee_atoms
from trading_system.execution_engine.simulator.matching import BUY, LIMIT, MARKET, SELL, STOP_LIMIT, Met, Working, meet
from trading_system.kernel import kernel
from trading_system.risk_management.exposure import lot_worth

ROUNDS: Final = 3
"""Asks that can follow one another without a bar between: cancel, then exit or protect, then nothing."""


@kernel
def play(tape: Tape, beliefs: Beliefs, setup: Setup, record: Record) -> None:
    """Run all slices, writing into `record`, whose arrays are large enough and whose `book` and `marks` are zero.

    Unlike other kernels this file works on arrays; every number is taken out of them as a plain int or float.
    """
    carried = AccountCarried(peak_equity=0.0, latched=0)
    record.tally[CASH] = setup.cash_atoms
    for s in range(len(tape.close_ns)):
        for k in range(len(setup.instrument)):
            _meet_sleeve(s, k, tape, setup, record)
        holdings = _mark(s, tape, setup, record)
        record.cash[s], record.holdings[s] = record.tally[CASH], holdings
        reserved = 0
        for k in range(len(setup.instrument)):
            reserved += int(record.book[k, RESERVED])
        for k in range(len(setup.instrument)):
            account = Account(
                cash_atoms=int(record.tally[CASH]),
                reserved_atoms=reserved,
                holdings_atoms=holdings,
                gates=int(tape.gates[s]),
                carried=carried,
            )
            before = int(record.book[k, RESERVED])
            carried = _decide_sleeve(s, k, account, tape, beliefs, setup, record)
            reserved += int(record.book[k, RESERVED]) - before


@kernel
def _meet_sleeve(s: int, k: int, tape: Tape, setup: Setup, record: Record) -> None:
    """Let the bar meet the sleeve's orders: what was asked for the open first, then its stop."""
    book, i = record.book, int(setup.instrument[k])
    bar, terms, costs = bar_at(tape, s, i), terms_at(setup, i), costs_at(setup, i)
    if bar.open <= 0:
        return
    if book[k, EXIT_LOTS] + book[k, ENTRY_LOTS] > 0:
        _take_open(s, k, bar, terms, costs, record)
        _settle(k, bar.open, terms, policy_at(setup, k), record.book)
        _take_open(s, k, bar, terms, costs, record)  # the open was already below the stop: out again at once
    if book[k, STATUS] == STOP_RESTING:
        met = meet(_stop_at(book, k), bar, costs)
        if met.lots > 0:
            book[k, STATUS], book[k, STOP_LOTS], book[k, STOP_TICKS], book[k, STRUCK] = STOP_NONE, 0, 0, 0
            _sell(s, k, PROTECT, met, terms, costs, record)
        else:
            book[k, STRUCK] = met.left.resting


@kernel
def _take_open(s: int, k: int, bar: BarRow, terms: Terms, costs: Costs, record: Record) -> None:
    """Fill the market orders of the sleeve at the open; sales first, since they bring the cash."""
    book = record.book
    if book[k, EXIT_LOTS] > 0:
        met = meet(_market(SELL, int(book[k, EXIT_LOTS])), bar, costs)
        book[k, EXIT_LOTS] = 0
        _sell(s, k, EXIT, met, terms, costs, record)
    if book[k, ENTRY_LOTS] > 0:
        met = meet(_market(BUY, int(book[k, ENTRY_LOTS])), bar, costs)
        book[k, ENTRY_LOTS], book[k, RESERVED] = 0, 0
        _buy(s, k, met, terms, costs, record)


@kernel
def _buy(s: int, k: int, met: Met, terms: Terms, costs: Costs, record: Record) -> None:
    """Book a filled entry; or count it as rejected where the open jumped beyond the cash, as the venue would."""
    one, cash = lot_worth(met.price_ticks, terms), int(record.tally[CASH])
    if one == 0 or met.lots > cash // one:
        record.tally[REJECTED] += 1
        return
    fee = buy_fee_atoms(met.lots, costs.taker_fee, terms)
    record.tally[CASH] = cash - met.lots * one
    record.book[k, POSITION] += met.lots * terms.lot_atoms - fee
    _write(s, k, ENTER, met, fee, record)


@kernel
def _sell(s: int, k: int, intent: int, met: Met, terms: Terms, costs: Costs, record: Record) -> None:
    """Book a filled exit or stop."""
    proceeds = met.lots * lot_worth(met.price_ticks, terms)
    fee = sell_fee_atoms(proceeds, costs.maker_fee if met.maker == 1 else costs.taker_fee)
    record.tally[CASH] += proceeds - fee
    record.book[k, POSITION] -= met.lots * terms.lot_atoms
    _write(s, k, intent, met, fee, record)


@kernel
def _write(s: int, k: int, intent: int, met: Met, fee: int, record: Record) -> None:
    fills, n = record.fills, int(record.tally[FILLS])
    fills[n, FILL_SLICE], fills[n, FILL_SLEEVE], fills[n, FILL_INTENT] = s, k, intent
    fills[n, FILL_LOTS], fills[n, FILL_TICKS], fills[n, FILL_FEE] = met.lots, met.price_ticks, fee
    fills[n, FILL_MAKER] = met.maker
    record.tally[FILLS] = n + 1
    if record.book[k, STATUS] == STOP_REFUSED:
        record.book[k, STATUS] = STOP_NONE  # a refusal counts until the next fill, as in `blotter.portfolio`


@kernel
def _mark(s: int, tape: Tape, setup: Setup, record: Record) -> int:
    """Return the worth of all positions at their last closes, quote atoms."""
    for i in range(len(setup.terms)):
        if tape.bars[s, i, 3] > 0:
            record.marks[i] = tape.bars[s, i, 3]
    holdings = 0
    for k in range(len(setup.instrument)):
        i = int(setup.instrument[k])
        holdings += worth(int(record.book[k, POSITION]), int(record.marks[i]), terms_at(setup, i))
    return holdings


@kernel
def _decide_sleeve(
    s: int, k: int, account: Account, tape: Tape, beliefs: Beliefs, setup: Setup, record: Record
) -> AccountCarried:
    """Decide one sleeve at the close of its bar, and ask for what follows; without a bar nothing is decided."""
    book, i = record.book, int(setup.instrument[k])
    bar, terms, policy = bar_at(tape, s, i), terms_at(setup, i), policy_at(setup, k)
    if bar.close <= 0:
        record.decided[s, k, 0], record.decided[s, k, 1] = book[k, TARGET], book[k, WANTED_STOP]
        record.decided[s, k, 2] = -1
        return account.carried
    step = decide(account, sleeve_at(book, k, terms), bar, view_at(beliefs, s, k), policy)
    book[k, TARGET], book[k, WANTED_STOP] = step.sleeve.target_lots, step.sleeve.stop_ticks
    record.decided[s, k, 0], record.decided[s, k, 1] = step.sleeve.target_lots, step.sleeve.stop_ticks
    record.decided[s, k, 2] = step.objections
    if step.asks.entry_lots > 0:
        book[k, ENTRY_LOTS] = step.asks.entry_lots
        book[k, RESERVED] = entry_reserve(step.asks.entry_lots, bar.close, terms, policy)
    if _ask(k, step.asks, bar.close, policy, book):
        _settle(k, bar.close, terms, policy, book)
    return step.account


@kernel
def _settle(k: int, price_ticks: int, terms: Terms, policy: Policy, book: Ints) -> None:
    """Ask again after every change of the sleeve's orders, until nothing more is asked."""
    for _ in range(ROUNDS):
        sleeve = sleeve_at(book, k, terms)
        if not _ask(k, asked(sleeve, sleeve.carried, price_ticks, 0), price_ticks, policy, book):
            return


@kernel
def _ask(k: int, asks: Asks, price_ticks: int, policy: Policy, book: Ints) -> bool:
    """Book what is asked, entries aside; return whether that changed anything. The venue answers at once."""
    if asks.cancel_stop == 1:
        book[k, STATUS], book[k, STOP_LOTS], book[k, STOP_TICKS], book[k, STRUCK] = STOP_NONE, 0, 0, 0
    if asks.exit_lots > 0:
        book[k, EXIT_LOTS] += asks.exit_lots
    if asks.protect_lots > 0 and asks.protect_ticks >= price_ticks:
        book[k, STATUS] = STOP_REFUSED  # it would trigger at once, which the venue does not take
    elif asks.protect_lots > 0:
        book[k, STATUS], book[k, STOP_LOTS], book[k, STOP_TICKS] = STOP_RESTING, asks.protect_lots, asks.protect_ticks
        book[k, LIMIT_TICKS], book[k, STRUCK] = stop_limit(asks.protect_ticks, policy), 0
    return asks.cancel_stop == 1 or asks.exit_lots > 0 or asks.protect_lots > 0


@kernel
def _market(side: int, lots: int) -> Working:
    return Working(kind=MARKET, side=side, lots=lots, stop_ticks=0, limit_ticks=0, resting=0)


@kernel
def _stop_at(book: Ints, k: int) -> Working:
    return Working(
        kind=LIMIT if book[k, STRUCK] == 1 else STOP_LIMIT,
        side=SELL,
        lots=int(book[k, STOP_LOTS]),
        stop_ticks=int(book[k, STOP_TICKS]),
        limit_ticks=int(book[k, LIMIT_TICKS]),
        resting=int(book[k, STRUCK]),
    )
