"""The barriers around a position: a stop that is a multiple of ATR away, trailing or fixed, and a target."""

import math
from typing import Final

from trading_system.blotter.state import STOP_ABSENT, STOP_FIXED, BarRow, Policy, Sleeve
from trading_system.kernel import kernel
from trading_system.risk_management.exposure import MAX_SLACK

MAX_TICKS: Final = 1e15
"""No barrier lies above this price, ticks: whole numbers are exact as floats up to 9e15."""
NOISE: Final = 1e-6
"""Ticks. What lies this near a whole tick is that tick: 55 % below 3,000 is worked out as 1,349.9999999999998."""


@kernel
def below(level: float) -> int:
    """Return the last whole tick at or below `level`, >= 1; or 0 where there is none."""
    level = level + NOISE
    if not 1.0 <= level <= MAX_TICKS:
        return 0
    return int(level)


@kernel
def above(level: float) -> int:
    """Return the first whole tick at or above `level`, >= 1; or 0 where there is none."""
    if not 1.0 <= level <= MAX_TICKS:
        return 0
    whole = int(level)
    return whole + 1 if float(whole) + NOISE < level else whole


@kernel
def proposed(bar: BarRow, policy: Policy, side: int) -> int:
    """Return the stop that this bar alone would set for a position on `side`, ticks; or 0 where there is none.

    It lies beyond the close: below it for a long position (`side` 1), above it for a short one (-1).
    """
    if bar.close <= 0 or not (bar.atr > 0.0 and policy.atr_stop > 0.0):
        return 0
    if side > 0:
        return min(below(float(bar.close) - policy.atr_stop * bar.atr), bar.close - 1)
    level = above(float(bar.close) + policy.atr_stop * bar.atr)
    return max(level, bar.close + 1) if level > 0 else 0


@kernel
def trailed(sleeve: Sleeve, bar: BarRow, policy: Policy, side: int, flat: bool) -> int:
    """Return the level of the protective stop from this close on, ticks; 0 for none.

    Flat, the level follows the bar, ready for an entry. In a position it is never loosened, and tightened only in
    steps worth the cancel and the new order; where ATR is not known it stays. A fixed stop stays where it was set.
    """
    if policy.stop_mode == STOP_ABSENT:
        return 0
    carried = sleeve.carried.stop_ticks
    if not flat and carried > 0 and policy.stop_mode == STOP_FIXED:
        return carried
    level = proposed(bar, policy, side)
    if flat:
        return level
    gained = side * (level - carried)
    if level > 0 and (carried <= 0 or (gained > 0 and float(gained) >= policy.stop_step * bar.atr)):
        return level
    return carried


@kernel
def targeted(sleeve: Sleeve, bar: BarRow, policy: Policy, side: int, flat: bool) -> int:
    """Return the level of the target, ticks; 0 for none. It is set with the decision to enter and then stays."""
    if not flat:
        return sleeve.carried.take_ticks
    if bar.close <= 0 or not (bar.atr > 0.0 and policy.take_profit > 0.0):
        return 0
    if side > 0:
        level = above(float(bar.close) + policy.take_profit * bar.atr)
        return max(level, bar.close + 1) if level > 0 else 0
    return min(below(float(bar.close) - policy.take_profit * bar.atr), bar.close - 1)


@kernel
def stop_limit(stop_ticks: int, policy: Policy, side: int) -> int:
    """Return the limit price of a protective stop, ticks, >= 1: beyond it nothing is traded. 0 without a stop.

    Args:
        stop_ticks: Trigger price, ticks.
        policy: `stop_slack`; one that is not within 0..`MAX_SLACK` is taken as `MAX_SLACK`: a stop that trades badly
            beats one that does not.
        side: Of the position: 1 long, the limit lies below the stop; -1 short, above it.
    """
    slack = policy.stop_slack
    if not (math.isfinite(slack) and 0.0 <= slack <= MAX_SLACK):
        slack = MAX_SLACK
    if stop_ticks <= 0:
        return 0
    if side > 0:
        return max(1, min(stop_ticks, int(float(stop_ticks) * (1.0 - slack))))
    return max(stop_ticks, above(float(stop_ticks) * (1.0 + slack)))
