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
    row = tape.bars[s, i]
    return BarRow(
        close_ns=int(tape.close_ns[s]),
        open=int(row[0]),
        high=int(row[1]),
        low=int(row[2]),
        close=int(row[3]),
        volume_atoms=int(row[4]),
        atr=float(tape.atr[s, i]),
    )


@kernel
def view_at(beliefs: Beliefs, s: int, k: int) -> View:
    """Return sleeve `k`'s view at the close of slice `s`."""
    row = beliefs.odds[s, k]
    return View(
        probability=float(row[0]), gain=float(row[1]), loss=float(row[2]), expires_ns=int(beliefs.expires_ns[s, k])
    )


@kernel
def terms_at(setup: Setup, i: int) -> Terms:
    """Return the terms of instrument `i`."""
    row = setup.terms[i]
    return Terms(
        lot_atoms=int(row[0]), notional_atoms=int(row[1]), min_lots=int(row[2]), min_notional_atoms=int(row[3])
    )


@kernel
def costs_at(setup: Setup, i: int) -> Costs:
    """Return the costs of trading instrument `i`."""
    row = setup.costs[i]
    return Costs(taker_fee=int(row[0]), maker_fee=int(row[1]), slip=int(row[2]))


@kernel
def policy_at(setup: Setup, k: int) -> Policy:
    """Return the policy of sleeve `k`."""
    row = setup.policies[k]
    return Policy(
        kelly_share=float(row[0]),
        kelly_cap=float(row[1]),
        max_exposure=float(row[2]),
        enter_above=float(row[3]),
        leave_below=float(row[4]),
        round_trip_cost=float(row[5]),
        atr_stop=float(row[6]),
        stop_step=float(row[7]),
        stop_slack=float(row[8]),
        cash_buffer=float(row[9]),
        max_drawdown=float(row[10]),
    )


@kernel
def sleeve_at(book: Ints, k: int, terms: Terms) -> Sleeve:
    """Return what sleeve `k` has booked and carries. Its entries are market orders, which take at the next open."""
    row = book[k]
    return Sleeve(
        terms=terms,
        position_atoms=int(row[POSITION]),
        entry_lots=int(row[ENTRY_LOTS]),
        entry_taking=1 if row[ENTRY_LOTS] > 0 else 0,
        exit_lots=int(row[EXIT_LOTS]),
        stop_lots=int(row[STOP_LOTS]),
        stop_resting_ticks=int(row[STOP_TICKS]),
        stop_status=int(row[STATUS]),
        carried=SleeveCarried(target_lots=int(row[TARGET]), stop_ticks=int(row[WANTED_STOP])),
    )
