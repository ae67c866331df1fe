"""The dynamic stop: a multiple of ATR below the close, trailing, never loosened."""

import math

from trading_system.blotter.state import BarRow, Policy, Sleeve
from trading_system.kernel import kernel
from trading_system.risk_management.exposure import MAX_SLACK, is_flat


@kernel
def proposed(bar: BarRow, policy: Policy) -> int:
    """Return the stop that this bar alone would set, ticks, 0 < stop < close; or 0 where none can be worked out."""
    level = float(bar.close) - policy.atr_stop * bar.atr
    if bar.close <= 0 or not (bar.atr > 0.0 and policy.atr_stop > 0.0 and level >= 1.0):
        return 0
    return min(int(level), bar.close - 1)


@kernel
def trailed(sleeve: Sleeve, bar: BarRow, policy: Policy) -> int:
    """Return the level of the protective stop from this close on, ticks; 0 for none.

    Flat, the level follows the bar, ready for an entry. In a position it only rises, and only in steps worth the
    cancel and the new order; where ATR is not known it stays.
    """
    level, carried = proposed(bar, policy), sleeve.carried.stop_ticks
    if is_flat(sleeve, bar.close):
        return level
    if level > carried and (carried <= 0 or float(level - carried) >= policy.stop_step * bar.atr):
        return level
    return carried


@kernel
def stop_limit(stop_ticks: int, policy: Policy) -> int:
    """Return the limit price of a protective stop, ticks, 1..`stop_ticks`: below it nothing is sold.

    A slack that is not within 0..`MAX_SLACK` is taken as `MAX_SLACK`: a stop that sells badly beats one that does not.
    """
    slack = policy.stop_slack
    if not (math.isfinite(slack) and 0.0 <= slack <= MAX_SLACK):
        slack = MAX_SLACK
    return max(1, min(stop_ticks, int(float(stop_ticks) * (1.0 - slack))))
