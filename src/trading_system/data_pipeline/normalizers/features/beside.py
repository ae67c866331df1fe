"""What stands beside the bars of one instrument: the closes of another."""

import math

import numpy as np

from trading_system.market.bars import Bar
from trading_system.market.columns import BarColumns, Floats, Ints


def closes_at(close_ns: Ints, other: BarColumns) -> Floats:
    """Return the close of the bar of `other` that ends at each moment, ticks; NaN where none ends just then.

    A bar that is missing is not stood in for by an older one: a return over it would be of other bars than it says.

    Args:
        close_ns: (N,) ends of the bars beside which they are to stand, UTC ns, in any order.
        other: Of any length; (N,) come back.
    """
    if not len(other):
        return np.full(len(close_ns), math.nan)
    place = np.minimum(np.searchsorted(other.close_ns, close_ns), len(other) - 1)
    return np.where(other.close_ns[place] == close_ns, other.close[place].astype(np.float64), math.nan)


def close_at(bar: Bar, other: Bar | None) -> float:
    """Return the close of `other` where it ends with `bar`, ticks, else NaN: `closes_at`, bar by bar."""
    return float(other.close) if other is not None and other.close_ns == bar.close_ns else math.nan
