"""Rules of old: how each moves its stance at one more close.

A stance is a level and not an event: long, short or none, held for as long as the rule says so.
"""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading_system.kernel import kernel
from trading_system.market.columns import Floats, Ints

Stances = NDArray[np.int8]

LONG: Final = 1
NONE: Final = 0
SHORT: Final = -1
COLD: Final = -2
"""Not enough bars to say."""

MIDDLE: Final = 50.0
"""Where a relative strength index says neither."""


class Side(NamedTuple):
    """On which side of the slow average the fast one is."""

    stance: int
    side: int
    """1 above, -1 below, 0 while neither was ever the case."""
    seen: int
    """Bars so far, at most the warm-up."""


NO_SIDE: Final = Side(stance=COLD, side=0, seen=0)


@kernel
def crossed(before: Side, fast: float, slow: float, warm: int, waits: bool) -> Side:
    """Return the side after one more bar: long while `fast` is above `slow`, short while it is below.

    Averages that meet have not crossed: the side stays as it was. Cold before `warm` bars; a rule that `waits` takes no
    side until it has seen the averages change sides.
    """
    seen = min(before.seen + 1, warm)
    if seen < warm:
        return Side(stance=COLD, side=0, seen=seen)
    side = 1 if fast > slow else -1 if fast < slow else before.side
    if waits and (before.side == 0 or side == before.side):
        return Side(stance=NONE if before.stance == COLD else before.stance, side=side, seen=seen)
    return Side(stance=side, side=side, seen=seen)


@kernel
def broken_out(stance: int, close: float, top: float, bottom: float, ceiling: float, floor: float) -> int:
    """Return the stance after `close`: long above `top`, short below `bottom`, the channel of the entry.

    A long is held until a close below `floor`, a short until one above `ceiling`: the channel of the exit, which lies
    within the other. Both are of the bars before. Cold while they are NaN.
    """
    if not math.isfinite(top):
        return COLD
    if close > top:
        return LONG
    if close < bottom:
        return SHORT
    held = (stance == LONG and close >= floor) or (stance == SHORT and close <= ceiling)
    return stance if held else NONE


@kernel
def reverted(stance: int, strength: float, oversold: float, overbought: float) -> int:
    """Return the stance at this `strength`: long from below `oversold`, short from above `overbought`.

    Each is held until the strength is back beyond the middle. Cold while it is NaN.
    """
    if not math.isfinite(strength):
        return COLD
    if strength < oversold:
        return LONG
    if strength > overbought:
        return SHORT
    held = (stance == LONG and strength <= MIDDLE) or (stance == SHORT and strength >= MIDDLE)
    return stance if held else NONE


@kernel
def crossings(fast: Floats, slow: Floats, warm: int, waits: bool, out: Stances) -> None:
    """Write `crossed` of every row."""
    state = NO_SIDE
    for i in range(len(fast)):
        state = crossed(state, float(fast[i]), float(slow[i]), warm, waits)
        out[i] = state.stance


@kernel
def breakouts(close: Ints, top: Floats, bottom: Floats, ceiling: Floats, floor: Floats, out: Stances) -> None:
    """Write `broken_out` of every row, each judged by the channels of the row before."""
    stance = COLD
    for i in range(len(close)):
        if i > 0:
            p = i - 1
            stance = broken_out(
                stance, float(close[i]), float(top[p]), float(bottom[p]), float(ceiling[p]), float(floor[p])
            )
        out[i] = stance


@kernel
def reversions(strength: Floats, oversold: float, overbought: float, out: Stances) -> None:
    """Write `reverted` of every row."""
    stance = COLD
    for i in range(len(strength)):
        stance = reverted(stance, float(strength[i]), oversold, overbought)
        out[i] = stance
