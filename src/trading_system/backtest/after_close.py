"""Cash and positions at each close, what filled at that very close included.

A decision is made on what was owned before it. Where its orders fill at the close that decided them, the loop and the
desk have written down the account as it was before those fills; a report wants it as it was after them.
"""

from dataclasses import replace

import numpy as np

from trading_system.backtest.run import Outcome
from trading_system.backtest.tape import (
    FILL_FEE,
    FILL_FEE_IN_BASE,
    FILL_LOTS,
    FILL_ORDER,
    FILL_SLICE,
    FILL_TICKS,
    ORDER_SIDE,
    ORDER_SLEEVE,
    Setup,
    Tape,
)
from trading_system.blotter.state import Terms
from trading_system.market.columns import Ints
from trading_system.risk_management.exposure import MAX_ATOMS


def after_closes(outcome: Outcome, tape: Tape, setup: Setup) -> Outcome:
    """Return `outcome` with cash and positions as they were once all of a slice had filled, in every slice with a fill.

    Where nothing fills at a close that is what it says already.
    """
    fills = outcome.fills
    if not len(fills):
        return outcome
    orders = outcome.orders[fills[:, FILL_ORDER]]
    sleeve, signed = orders[:, ORDER_SLEEVE], orders[:, ORDER_SIDE] * fills[:, FILL_LOTS]
    terms = setup.terms[setup.instrument[sleeve]]
    in_base = fills[:, FILL_FEE_IN_BASE] == 1
    paid = signed * fills[:, FILL_TICKS] * terms[:, 1] + np.where(in_base, 0, fills[:, FILL_FEE])
    came = signed * terms[:, 0] - np.where(in_base, fills[:, FILL_FEE], 0)
    slices, last = _groups(fills[:, FILL_SLICE])
    cash, holdings, short = outcome.cash_atoms.copy(), outcome.holdings_atoms.copy(), outcome.short_atoms.copy()
    cash[slices] = setup.cash_atoms - np.cumsum(paid)[last]
    holdings[slices] = short[slices] = 0
    for k, i in enumerate(setup.instrument.tolist()):
        owned = np.cumsum(np.where(sleeve == k, came, 0))[last]
        value = _worths(owned, _marks(tape.close[:, i], slices), Terms(*setup.terms[i].tolist()))
        holdings[slices] += value
        short[slices] -= np.minimum(value, 0)
    return replace(outcome, cash_atoms=cash, holdings_atoms=holdings, short_atoms=short)


def _groups(slices: Ints) -> tuple[Ints, Ints]:
    """Return each of the rising `slices` once, and the last row of each."""
    last = np.flatnonzero(np.append(np.diff(slices) != 0, True))
    return slices[last], last


def _marks(close: Ints, slices: Ints) -> Ints:
    """Return the last price known at each of `slices`, ticks; 0 where there was none yet."""
    known = np.maximum.accumulate(np.where(close > 0, np.arange(len(close)), 0))
    return close[known[slices]]


def _worths(owned: Ints, ticks: Ints, terms: Terms) -> Ints:
    """Return what `exposure.worth` returns, of every row."""
    one = ticks * terms.notional_atoms
    one = np.where(ticks.astype(np.float64) * float(terms.notional_atoms) > float(MAX_ATOMS), 0, one)
    lots, rest = np.divmod(np.abs(owned), terms.lot_atoms)
    value = lots * one + rest * (one // terms.lot_atoms) + rest * (one % terms.lot_atoms) // terms.lot_atoms
    return np.where(owned < 0, -value, value)
