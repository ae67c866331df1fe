"""Rows of a back-test's arrays as the tuples that a decision knows, numbers as plain ints and floats."""

from typing import Final

from trading_system.backtest.tape import Beliefs, Ints, Setup, Tape
from trading_system.blotter.state import BarRow, Policy, Sleeve, SleeveCarried, Terms, View
from trading_system.execution_engine.simulator.costs import Costs
from trading_system.kernel import kernel

POSITION: Final = 0
ENTRY_LOTS: Final = 1
RESERVED: Final = 2
EXIT_LOTS: Final = 3
STOP_LOTS: Final = 4
STOP_TICKS: Final = 5
LIMIT_TICKS: Final = 6
STRUCK: Final = 7
"""1 once the stop was triggered and its limit rests in the book."""
STATUS: Final = 8
TARGET: Final = 9
WANTED_STOP: Final = 10
BOOK_COLUMNS: Final = 11
"""Columns of `Record.book`, one row a sleeve."""


@kernel
def bar_at(tape: Tape, s: int, i: int) -> BarRow:
    """Return instrument `i`'s bar in slice `s`; all prices 0 where it has none."""
    return BarRow(
        close_ns=int(tape.close_ns[s]),
        open=int(tape.bars[s, i, 0]),
        high=int(tape.bars[s, i, 1]),
        low=int(tape.bars[s, i, 2]),
        close=int(tape.bars[s, i, 3]),
        volume_atoms=int(tape.bars[s, i, 4]),
        atr=float(tape.atr[s, i]),
    )


@kernel
def view_at(beliefs: Beliefs, s: int, k: int) -> View:
    """Return sleeve `k`'s view at the close of slice `s`."""
    return View(
        probability=float(beliefs.odds[s, k, 0]),
        gain=float(beliefs.odds[s, k, 1]),
        loss=float(beliefs.odds[s, k, 2]),
        expires_ns=int(beliefs.expires_ns[s, k]),
    )


@kernel
def terms_at(setup: Setup, i: int) -> Terms:
    """Return the terms of instrument `i`."""
    return Terms(
        lot_atoms=int(setup.terms[i, 0]),
        notional_atoms=int(setup.terms[i, 1]),
        min_lots=int(setup.terms[i, 2]),
        min_notional_atoms=int(setup.terms[i, 3]),
    )


@kernel
def costs_at(setup: Setup, i: int) -> Costs:
    """Return the costs of trading instrument `i`."""
    return Costs(taker_fee=int(setup.costs[i, 0]), maker_fee=int(setup.costs[i, 1]), slip=int(setup.costs[i, 2]))


@kernel
def policy_at(setup: Setup, k: int) -> Policy:
    """Return the policy of sleeve `k`."""
    return Policy(
        kelly_share=float(setup.policies[k, 0]),
        kelly_cap=float(setup.policies[k, 1]),
        max_exposure=float(setup.policies[k, 2]),
        enter_above=float(setup.policies[k, 3]),
        leave_below=float(setup.policies[k, 4]),
        round_trip_cost=float(setup.policies[k, 5]),
        atr_stop=float(setup.policies[k, 6]),
        stop_step=float(setup.policies[k, 7]),
        stop_slack=float(setup.policies[k, 8]),
        cash_buffer=float(setup.policies[k, 9]),
        max_drawdown=float(setup.policies[k, 10]),
    )


@kernel
def sleeve_at(book: Ints, k: int, terms: Terms) -> Sleeve:
    """Return what sleeve `k` has booked and carries. Its entries are market orders, which take at the next open."""
    return Sleeve(
        terms=terms,
        position_atoms=int(book[k, POSITION]),
        entry_lots=int(book[k, ENTRY_LOTS]),
        entry_taking=1 if book[k, ENTRY_LOTS] > 0 else 0,
        exit_lots=int(book[k, EXIT_LOTS]),
        stop_lots=int(book[k, STOP_LOTS]),
        stop_resting_ticks=int(book[k, STOP_TICKS]),
        stop_limit_ticks=int(book[k, LIMIT_TICKS]),
        stop_status=int(book[k, STATUS]),
        carried=SleeveCarried(target_lots=int(book[k, TARGET]), stop_ticks=int(book[k, WANTED_STOP])),
    )
