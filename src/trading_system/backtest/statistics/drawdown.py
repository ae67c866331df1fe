"""How far equity fell from its peaks, and for how long."""

from dataclasses import dataclass

import numpy as np

from trading_system.errors import DataError
from trading_system.market.columns import Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawdowns:
    """The falls of a path of equity. Indices are those of its points.

    Attributes:
        deepest: Largest fall from a peak, a fraction, >= 0.
        peak: The last point at the peak from which it fell.
        end: The first point back at that peak, or the last of all where it never came back.
        longest_peak: The last point before the longest stretch below a peak.
        longest_end: The first point back at that peak, or the last of all.
    """

    deepest: float
    peak: int
    end: int
    longest_peak: int
    longest_end: int


def drawdowns(equity: Ints | Floats) -> Drawdowns:
    """Return the deepest and the longest fall of `equity`, (S,) with S >= 1.

    Raises:
        DataError: There is no point, or the first is not positive.
    """
    peaks, falls = _falls(equity)
    last = len(falls) - 1
    at_peak = np.flatnonzero(equity >= peaks)
    ends = np.append(at_peak[1:], last)
    under = np.where(ends - at_peak > 1, ends - at_peak, 0)
    if at_peak[-1] < last:
        under[-1] = last - at_peak[-1]  # still under water at the end: there even one point counts
    longest = int(np.argmax(under))
    deepest = int(np.searchsorted(at_peak, int(np.argmax(falls)), side="right")) - 1
    return Drawdowns(
        deepest=float(np.max(falls)),
        peak=int(at_peak[deepest]),
        end=int(ends[deepest]) if float(np.max(falls)) > 0.0 else int(at_peak[deepest]),
        longest_peak=int(at_peak[longest]),
        longest_end=int(ends[longest]) if under[longest] > 0 else int(at_peak[longest]),
    )


def max_drawdown(equity: Ints | Floats) -> float:
    """Return max_t (1 - E_t / max_{u<=t} E_u), >= 0; above 1 where equity fell below zero.

    >>> max_drawdown(np.array([100, 200, 150, 180, 160]))
    0.25
    """
    return float(np.max(_falls(equity)[1]))


def _falls(equity: Ints | Floats) -> tuple[Ints | Floats, Floats]:
    if not len(equity) or equity[0] <= 0:
        raise DataError("there is no equity to fall from at the start")
    peaks = np.maximum.accumulate(equity)
    return peaks, 1.0 - equity / peaks
