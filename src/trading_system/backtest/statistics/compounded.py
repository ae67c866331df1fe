"""The compounded family: annual figures by growing a mean return, as backtesting.py works them out.

Our own figures annualize by the square root and by the clock; these are for comparison with that engine (reference case
RC-1) and with textbooks that compound. `moves` are the returns of whole days; `per_year` days make a year, 252 on a
stock exchange.

Source: backtesting.py, `backtesting/_stats.py`; Tobin (1965), "The Theory of Portfolio Selection", for the volatility.
"""

import math

import numpy as np

from trading_system.errors import DataError
from trading_system.market.columns import Floats, Ints


def geometric_mean(moves: Floats) -> float:
    """Return (prod (1 + r))^(1/P) - 1.

    >>> round(geometric_mean(np.array([1.0, -0.5, 0.0])), 12)
    0.0
    """
    if not len(moves) or (moves <= -1.0).any():
        raise DataError("there are no returns" if not len(moves) else "everything was lost")
    return math.expm1(float(np.mean(np.log1p(moves))))


def annual_return(moves: Floats, per_year: float) -> float:
    """Return (1 + geometric mean)^per_year - 1."""
    return math.pow(1.0 + geometric_mean(moves), per_year) - 1.0


def volatility(moves: Floats, per_year: float) -> float:
    """Return sqrt((var(r) + (1 + g)^2)^per_year - (1 + g)^(2 per_year)), g the geometric mean, var with P - 1."""
    growth = 1.0 + geometric_mean(moves)
    variance = float(np.var(moves, ddof=1))
    return math.sqrt((variance + growth**2) ** per_year - growth ** (2.0 * per_year))


def sharpe(moves: Floats, per_year: float) -> float:
    """Return annual return over annual volatility."""
    return annual_return(moves, per_year) / volatility(moves, per_year)


def sortino(moves: Floats, per_year: float) -> float:
    """Return annual return over sqrt(mean(min(r, 0)^2)) x sqrt(per_year)."""
    downside = math.sqrt(float(np.mean(np.square(np.minimum(moves, 0.0)))))
    return annual_return(moves, per_year) / (downside * math.sqrt(per_year))


def calmar(moves: Floats, per_year: float, deepest: float) -> float:
    """Return annual return over the deepest drawdown, a fraction."""
    return annual_return(moves, per_year) / deepest


def exposure(entry: Ints, exit_: Ints, bars: int) -> float:
    """Return the share of `bars` in which a trade was open, that of its entry and that of its exit among them.

    >>> exposure(np.array([1]), np.array([2]), 4)
    0.5
    """
    change = np.zeros(bars + 1, dtype=np.int64)
    np.add.at(change, entry, 1)
    np.add.at(change, exit_ + 1, -1)
    return float(np.count_nonzero(np.cumsum(change[:-1]))) / bars
