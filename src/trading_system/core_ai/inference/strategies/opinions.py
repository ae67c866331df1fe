"""What a strategy believes, as numbers: at one bar, and at every bar of a history."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading_system.kernel import compiled, kernel
from trading_system.market.columns import Floats, Ints

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinions:
    """The views of one strategy at the close of each bar, formed from that bar and the past.

    Attributes:
        probability: (S,) of a rise over the horizon, 0..1; 0.5 while not known.
        gain, loss: (S,) expected size of the move up or down, fractions of the price, >= 0; 0.0 while not known.
            They may be one and the same array.
        atr: (S,) average true range, ticks; 0.0 while unknown.
        known: (S,) whether the strategy says anything.
        horizon: How far each view reaches, bars, >= 1.
    """

    probability: Floats
    gain: Floats
    loss: Floats
    atr: Floats
    known: Flags
    horizon: int

    def __len__(self) -> int:
        return len(self.probability)


class Opinion(NamedTuple):
    """One row of `Opinions`."""

    probability: float
    move: float
    """Gain and loss alike, a fraction of the price."""
    atr: float
    known: bool


@kernel
def opinion(probability: float, atr: float, close: float, reach: float) -> Opinion:
    """Return the view of a move of `reach` average true ranges, up with `probability`.

    Where the probability is NaN (cold), or the range is NaN or 0 (cold; or prices have never moved), nothing is known.
    """
    ranging = math.isfinite(atr)
    if not (ranging and atr > 0.0 and math.isfinite(probability)):
        return Opinion(probability=0.5, move=0.0, atr=atr if ranging else 0.0, known=False)
    return Opinion(probability=probability, move=reach * atr / close, atr=atr, known=True)


def opinions(probability: Floats, atr: Floats, close: Ints, *, reach: float, horizon: int) -> Opinions:
    """Return `opinion` of every row; `probability` and `atr` are taken over and written to."""
    move, known = np.empty(len(close)), np.empty(len(close), dtype=np.bool_)
    compiled(_opinions)(probability, atr, close, reach, move, known)
    return Opinions(probability=probability, gain=move, loss=move, atr=atr, known=known, horizon=horizon)


@kernel
def _opinions(probability: Floats, atr: Floats, close: Ints, reach: float, move: Floats, known: Flags) -> None:
    for i in range(len(close)):
        row = opinion(float(probability[i]), float(atr[i]), float(close[i]), reach)
        probability[i], move[i], atr[i], known[i] = row.probability, row.move, row.atr, row.known
