"""From a belief to whole lots: a stake at the stop or a fraction, within the exposure allowed, within the cash."""

from typing import Final, NamedTuple

from trading_system.blotter.state import (
    SIZE_KELLY,
    SIZE_LOTS,
    SIZE_QUOTE,
    STOP_ABSENT,
    Account,
    BarRow,
    Policy,
    Terms,
    View,
)
from trading_system.kernel import kernel
from trading_system.risk_management.exposure import MAX_ATOMS, affordable, free_atoms, gross_atoms, lot_worth
from trading_system.risk_management.position_sizing.kelly import staked

ATOMS: Final = 1e8
"""Atoms in one unit of a currency."""


class Wish(NamedTuple):
    """How many lots to own, and what each limit left: `wanted_lots >= allowed_lots >= gross_lots >= lots`."""

    stake: float
    """Fraction of equity to be lost at the stop, 0..`kelly_cap`; or what is fixed: a fraction, lots, quote units."""
    wanted_lots: int
    """What the sizing rule alone would own."""
    allowed_lots: int
    """What `max_exposure` leaves of it."""
    gross_lots: int
    """What `max_gross` leaves of that."""
    lots: int
    """What the free cash leaves of that."""


@kernel
def whole_lots(amount: float, one: float) -> int:
    """Return how many lots of `one` quote atoms fit in `amount`, 0..`MAX_ATOMS`; 0 for what is not a number."""
    count = amount / float(one)
    if not count >= 1.0:
        return 0
    return int(min(count, float(MAX_ATOMS)))


@kernel
def invested(view: View, policy: Policy, bar: BarRow, stop_ticks: int) -> float:
    """Return the fraction of equity to put into the position, >= 0; 0.0 where that cannot be worked out.

    By Kelly the stake is what may be lost between close and stop, costs included, so the nearer the stop, the larger
    the position. Without a stop the view's own loss is what may be lost.
    """
    if policy.size_mode != SIZE_KELLY:
        return policy.size_fraction if 0.0 < policy.size_fraction <= 1.0 else 0.0
    lost = view.loss
    if policy.stop_mode != STOP_ABSENT:
        lost = float(abs(bar.close - stop_ticks)) / float(bar.close)
    lost = lost + policy.round_trip_cost
    return staked(view, policy) / lost if lost > 0.0 else 0.0


@kernel
def sized(
    account: Account, terms: Terms, bar: BarRow, view: View, policy: Policy, equity: float, stop_ticks: int
) -> Wish:
    """Return the size that the view is worth from flat, protected at `stop_ticks`, without a sign.

    Args:
        account: See `exposure.free_atoms` for what may be spent.
        terms: The instrument.
        bar: `close`, ticks.
        view: A valid view, seen from the side that is to be entered; see `kelly.staked`.
        policy: `max_exposure`, `max_gross`, `round_trip_cost` and the numbers of the sizing rule.
        equity: Marked value of the account, quote atoms.
        stop_ticks: Level of the protective stop, ticks, beyond the close; 0 for none.
    """
    stake = policy.size_fraction
    if policy.size_mode == SIZE_KELLY:
        stake = staked(view, policy)
    elif policy.size_mode == SIZE_LOTS:
        stake = policy.size_lots
    elif policy.size_mode == SIZE_QUOTE:
        stake = policy.size_quote
    one = lot_worth(bar.close, terms)
    if one == 0 or not (equity > 0.0 and stake > 0.0):
        return Wish(stake=stake, wanted_lots=0, allowed_lots=0, gross_lots=0, lots=0)
    if policy.size_mode == SIZE_LOTS:
        wanted = whole_lots(stake, 1.0)
    elif policy.size_mode == SIZE_QUOTE:
        wanted = whole_lots(stake * ATOMS, float(one))
    else:
        wanted = whole_lots(invested(view, policy, bar, stop_ticks) * equity, one)
    allowed = min(wanted, whole_lots(policy.max_exposure * equity, one))
    gross = min(allowed, whole_lots(policy.max_gross * equity - float(gross_atoms(account)), one))
    lots = min(gross, affordable(free_atoms(account), bar.close, terms, policy))
    return Wish(stake=stake, wanted_lots=wanted, allowed_lots=allowed, gross_lots=gross, lots=lots)
