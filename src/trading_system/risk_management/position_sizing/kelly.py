"""A capped share of Kelly."""

import math

from trading_system.blotter.state import Policy, View
from trading_system.kernel import kernel


@kernel
def kelly_fraction(win_rate: float, payoff: float, share: float, cap: float) -> float:
    """Return the fraction of equity, 0..`cap`, to stake on one trade.

    Full Kelly grows fastest only when its inputs are exact. Ours are estimates, so we take a share
    of it; where there is no edge, or an input is not a number or out of its range, we stake nothing.

    Args:
        win_rate: Calibrated probability of a winning trade, 0..1, after costs.
        payoff: Mean win divided by mean loss, > 0.
        share: Part of full Kelly to take, 0..1.
        cap: Largest fraction ever staked, 0..1.

    Source: Kelly (1956), "A New Interpretation of Information Rate".

    >>> kelly_fraction(0.75, payoff=1.0, share=0.25, cap=0.2)
    0.125
    """
    if not (0.0 <= win_rate <= 1.0 and payoff > 0.0 and math.isfinite(payoff)):
        return 0.0
    if not (0.0 <= share <= 1.0 and 0.0 <= cap <= 1.0):
        return 0.0
    full = win_rate - (1.0 - win_rate) / payoff
    if full <= 0.0:
        return 0.0
    return min(share * full, cap)


@kernel
def staked(view: View, policy: Policy) -> float:
    """Return the fraction of equity, 0..`kelly_cap`, to lose at the stop if the view is wrong; 0.0 for no edge.

    Costs come off the win and on top of the loss, so an edge that only the venue would earn stakes nothing.
    """
    cost = policy.round_trip_cost
    lost = view.loss + cost
    if not (cost >= 0.0 and lost > 0.0):
        return 0.0
    return kelly_fraction(view.probability, (view.gain - cost) / lost, policy.kelly_share, policy.kelly_cap)
