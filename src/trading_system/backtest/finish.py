"""The end of a run: what is still open is held, or left at a price of its last bar, costs paid.

It happens behind the last bar, to an outcome: after a back-test and after a replay alike, in the same numbers.
"""

from dataclasses import replace
from typing import Final

import numpy as np

from trading_system.backtest.after_close import after_closes
from trading_system.backtest.rows import bar_at
from trading_system.backtest.run import Outcome
from trading_system.backtest.tape import (
    EXIT,
    FILL_COLUMNS,
    FILL_FEE,
    FILL_FEE_IN_BASE,
    FILL_LOTS,
    FILL_ORDER,
    FILL_REFERENCE,
    FILL_SLICE,
    FILL_SPREAD,
    FILL_TICKS,
    ORDER_ATTEMPT,
    ORDER_COLUMNS,
    ORDER_DECIDED,
    ORDER_INTENT,
    ORDER_LOTS,
    ORDER_REASON,
    ORDER_SIDE,
    ORDER_SLEEVE,
    Setup,
    Tape,
)
from trading_system.blotter.state import BarRow, Terms
from trading_system.desk.decide import worth
from trading_system.execution_engine.simulator.costs import Costs, fee_of
from trading_system.execution_engine.simulator.matching import MARKET, Market, Working, taken
from trading_system.market.columns import Ints
from trading_system.risk_management.exposure import leavable

HOLD: Final = "hold"
LAST_OPEN: Final = "last_open"

FINISHED: Final = -1
"""Stands in `ORDER_REASON` for an exit that no decision asked for."""


def finished(outcome: Outcome, tape: Tape, setup: Setup, how: str) -> Outcome:
    """Return `outcome` with every position left at the end, in the order of the sleeves; or as it is where it is held.

    Where orders fill at the close that decided them, each close tells what is owned after them.

    What the venue would not take (dust) stays, marked at the last close. No volume limits these fills: they are a way
    to count, and no orders of the strategy's.

    Args:
        outcome: What a run came to.
        tape: Its market.
        setup: What it was run with.
        how: `hold`; `last_close` or `last_open`, of the last bar that an instrument has.
    """
    if setup.rules.at_close == 1:
        outcome = after_closes(outcome, tape, setup)
    if how == HOLD or not len(outcome.close_ns):
        return outcome
    slices = len(outcome.close_ns)
    cash, positions = _cash(outcome, setup), outcome.position_atoms.copy()
    orders: list[Ints] = []
    fills: list[Ints] = []
    holdings = short = 0
    for k, i in enumerate(setup.instrument.tolist()):
        terms, costs = Terms(*setup.terms[i].tolist()), Costs(*setup.costs[i].tolist())
        bar = _last_bar(tape, i)
        at = bar.open if how == LAST_OPEN else bar.close
        side, lots = (-1 if positions[k] > 0 else 1), abs(int(positions[k])) // terms.lot_atoms
        if bar.close > 0 and lots > 0 and leavable(lots, at, terms):
            met = taken(_exit(side, lots), at, bar, Market(costs, terms.lot_atoms, lots, 0), 0)
            fee = fee_of(lots, met.price_ticks, side, 0, costs, terms)
            cash -= side * lots * met.price_ticks * terms.notional_atoms + (0 if fee.in_base == 1 else fee.atoms)
            positions[k] += side * lots * terms.lot_atoms
            positions[k] -= fee.atoms if fee.in_base == 1 else 0  # what covers a short position leaves the fee owed
            order, fill = np.zeros(ORDER_COLUMNS, dtype=np.int64), np.zeros(FILL_COLUMNS, dtype=np.int64)
            order[ORDER_DECIDED], order[ORDER_SLEEVE], order[ORDER_INTENT] = slices - 1, k, EXIT
            order[ORDER_ATTEMPT], order[ORDER_SIDE], order[ORDER_LOTS] = _attempt(outcome, k), side, lots
            order[ORDER_REASON] = FINISHED
            fill[FILL_SLICE], fill[FILL_ORDER], fill[FILL_LOTS] = slices - 1, len(outcome.orders) + len(orders), lots
            fill[FILL_TICKS], fill[FILL_REFERENCE], fill[FILL_SPREAD] = met.price_ticks, at, met.spread_ticks
            fill[FILL_FEE], fill[FILL_FEE_IN_BASE] = fee.atoms, fee.in_base
            orders.append(order)
            fills.append(fill)
        left = worth(int(positions[k]), bar.close, terms)
        holdings, short = holdings + left, short - min(left, 0)
    return replace(
        outcome,
        cash_atoms=_ending(outcome.cash_atoms, cash),
        holdings_atoms=_ending(outcome.holdings_atoms, holdings),
        short_atoms=_ending(outcome.short_atoms, short),
        orders=np.vstack([outcome.orders, *orders]),
        fills=np.vstack([outcome.fills, *fills]),
        position_atoms=positions,
    )


def _cash(outcome: Outcome, setup: Setup) -> int:
    """Return the cash after every fill: those at the last close are not yet in the last mark."""
    cash, fills = setup.cash_atoms, outcome.fills
    sides = outcome.orders[fills[:, FILL_ORDER], ORDER_SIDE]
    sleeves = outcome.orders[fills[:, FILL_ORDER], ORDER_SLEEVE]
    notional = setup.terms[setup.instrument[sleeves], 1] if len(fills) else fills[:, 0]
    cash -= int((sides * fills[:, FILL_LOTS] * fills[:, FILL_TICKS] * notional).sum())
    return cash - int(fills[fills[:, FILL_FEE_IN_BASE] == 0, FILL_FEE].sum())


def _last_bar(tape: Tape, i: int) -> BarRow:
    """Return the last bar of instrument `i`; all prices 0 where it has none."""
    found = len(tape.close) - 1
    while found > 0 and tape.close[found, i] <= 0:
        found -= 1
    return bar_at(tape, found, i)


def _exit(side: int, lots: int) -> Working:
    return Working(kind=MARKET, side=side, lots=lots, stop_ticks=0, limit_ticks=0, resting=0)


def _attempt(outcome: Outcome, k: int) -> int:
    """Return the number of the next exit that sleeve `k` asks for at the last close."""
    orders = outcome.orders
    mine = (orders[:, ORDER_SLEEVE] == k) & (orders[:, ORDER_INTENT] == EXIT)
    return 1 + int((mine & (orders[:, ORDER_DECIDED] == len(outcome.close_ns) - 1)).sum())


def _ending(column: Ints, last: int) -> Ints:
    """Return `column` with another last value."""
    ended = column.copy()
    ended[-1] = last
    return ended
