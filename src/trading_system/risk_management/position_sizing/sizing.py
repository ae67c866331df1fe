"""From a belief to whole lots: a stake at the stop, within the exposure allowed, within the cash."""

from typing import NamedTuple

from trading_system.blotter.state import Account, BarRow, Policy, Terms, View
from trading_system.kernel import kernel
from trading_system.risk_management.exposure import MAX_ATOMS, affordable, lot_worth
from trading_system.risk_management.position_sizing.kelly import staked


class Wish(NamedTuple):
    """How many lots to own, and what each limit left of them: `kelly_lots >= allowed_lots >= lots`."""

    stake: float
    """Fraction of equity that would be lost at the stop, 0..`kelly_cap`."""
    kelly_lots: int
    """What Kelly alone would own."""
    allowed_lots: int
    """What `max_exposure` leaves of it."""
    lots: int
    """What the free cash leaves of that."""


@kernel
def whole_lots(amount: float, one: int) -> int:
    """Return how many lots of `one` quote atoms fit in `amount`, 0..`MAX_ATOMS`; 0 for what is not a number."""
    count = amount / float(one)
    if not count >= 1.0:
        return 0
    return int(min(count, float(MAX_ATOMS)))


@kernel
def sized(
    account: Account, terms: Terms, bar: BarRow, view: View, policy: Policy, equity: float, stop_ticks: int
) -> Wish:
    """Return the position that the view is worth from flat, protected at `stop_ticks`.

    The stake is what may be lost between close and stop, costs included, so the nearer the stop, the more lots.

    Args:
        account: `cash_atoms` less `reserved_atoms` is what may be spent.
        terms: The instrument.
        bar: `close`, ticks.
        view: A valid view; see `kelly.staked`.
        policy: `max_exposure`, `round_trip_cost` and the Kelly numbers.
        equity: Marked value of the account, quote atoms.
        stop_ticks: Level of the protective stop, ticks, below the close.
    """
    stake, one = staked(view, policy), lot_worth(bar.close, terms)
    if one == 0 or not 0 < stop_ticks < bar.close or not (equity > 0.0 and stake > 0.0):
        return Wish(stake=stake, kelly_lots=0, allowed_lots=0, lots=0)
    lost = float(bar.close - stop_ticks) / float(bar.close) + policy.round_trip_cost
    kelly_lots = whole_lots(stake / lost * equity, one)
    allowed_lots = min(kelly_lots, whole_lots(policy.max_exposure * equity, one))
    lots = min(allowed_lots, affordable(account.cash_atoms - account.reserved_atoms, bar.close, terms, policy))
    return Wish(stake=stake, kelly_lots=kelly_lots, allowed_lots=allowed_lots, lots=lots)
