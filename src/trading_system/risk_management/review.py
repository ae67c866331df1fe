"""Every rule is asked; every objection that is true is returned."""

import math

from trading_system.blotter.objections import (
    CASH,
    EXPOSURE,
    GROSS,
    MIN_NOTIONAL,
    NO_EDGE,
    NO_PRICE,
    NO_STOP,
    NO_VIEW,
    NONE,
)
from trading_system.blotter.state import STOP_ABSENT, Account, BarRow, Policy, Terms, View
from trading_system.kernel import kernel
from trading_system.risk_management.exposure import MAX_ATOMS, MAX_SLACK, big_enough, lot_worth, protectable
from trading_system.risk_management.position_sizing.sizing import Wish


@kernel
def has_view(view: View, bar: BarRow) -> bool:
    """Return whether the view is made of usable numbers and still holds at this close."""
    known = math.isfinite(view.gain) and math.isfinite(view.loss) and view.gain > 0.0 and view.loss > 0.0
    return known and 0.0 <= view.probability <= 1.0 and view.expires_ns > 0 and view.expires_ns >= bar.close_ns


@kernel
def review(account: Account, terms: Terms, bar: BarRow, known: bool, policy: Policy, stop_ticks: int) -> int:
    """Return what stands against any new risk at this close: flags, `NONE` for nothing.

    Args:
        account: Amounts beyond `MAX_ATOMS`, or an account worth nothing, object: they cannot be reckoned with.
        terms: The instrument.
        bar: `close`, ticks.
        known: Whether the strategy has a view that holds, see `has_view`.
        policy: `stop_slack`, 0..`MAX_SLACK`; `stop_mode`, which alone may do without a stop.
        stop_ticks: Level of the protective stop, ticks; 0 for none.
    """
    flags = NONE
    counted = abs(account.cash_atoms) <= MAX_ATOMS and abs(account.holdings_atoms) <= MAX_ATOMS
    counted = counted and 0 <= account.reserved_atoms <= MAX_ATOMS and 0 <= account.short_atoms <= MAX_ATOMS
    if lot_worth(bar.close, terms) == 0 or not counted or account.cash_atoms + account.holdings_atoms <= 0:
        flags |= NO_PRICE
    if not known:
        flags |= NO_VIEW
    if (stop_ticks <= 0 and policy.stop_mode != STOP_ABSENT) or not 0.0 <= policy.stop_slack <= MAX_SLACK:
        flags |= NO_STOP
    return flags


@kernel
def shortfall(wish: Wish, terms: Terms, bar: BarRow, policy: Policy, stop_ticks: int) -> int:
    """Return the first limit that leaves too little to open with: one flag, or `NONE`.

    Asked only of a strategy that wants to enter and against which `review` had nothing.

    Returns:
        `NO_EDGE` if nothing is staked or the policy's thresholds make no sense; else `MIN_NOTIONAL`, `EXPOSURE`,
        `GROSS` or `CASH` where the sizing rule alone, the exposure allowed, that of all positions together or the
        free cash leaves less than the venue accepts.
    """
    if not (wish.stake > 0.0 and 0.0 <= policy.leave_below < policy.enter_above <= 1.0):
        return NO_EDGE
    if not openable(wish.wanted_lots, terms, bar, policy, stop_ticks):
        return MIN_NOTIONAL
    if not openable(wish.allowed_lots, terms, bar, policy, stop_ticks):
        return EXPOSURE
    if not openable(wish.gross_lots, terms, bar, policy, stop_ticks):
        return GROSS
    if not openable(wish.lots, terms, bar, policy, stop_ticks):
        return CASH
    return NONE


@kernel
def openable(lots: int, terms: Terms, bar: BarRow, policy: Policy, stop_ticks: int) -> bool:
    """Return whether `lots` are enough to be entered, and what the fee leaves of them enough to be protected.

    What could not be protected is not entered, unless no stop is wanted at all. The fee is taken to be at most the
    whole round trip's cost.
    """
    if not big_enough(lots, bar.close, terms):
        return False
    left = int(float(lots) * max(0.0, 1.0 - policy.round_trip_cost))
    return policy.stop_mode == STOP_ABSENT or protectable(left, stop_ticks, terms)
