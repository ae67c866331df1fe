"""What the trades say: how often, how well and how much was traded. `pnl` and `moves` are those of closed trades, (N,).

Every function raises `DataError` with the reason where there is no such number.
"""

import math

import numpy as np

from trading_system.errors import DataError
from trading_system.market.columns import Floats, Ints


def exposure(entry: Ints, exit_: Ints, bars: int) -> float:
    """Return the share of `bars` at whose close a trade was open. What is too small to be sold is no trade.

    Args:
        entry: (N,) bar in which each trade began.
        exit_: (N,) bar in which it ended, or `bars` where it has not.
        bars: How many bars there are, >= 1.

    >>> exposure(np.array([1, 2]), np.array([3, 4]), 8)  # at the closes of bars 1, 2 and 3
    0.375
    """
    if bars < 1:
        raise DataError("there are no bars")
    change = np.zeros(bars + 1, dtype=np.int64)
    np.add.at(change, entry, 1)
    np.add.at(change, exit_, -1)
    return float(np.count_nonzero(np.cumsum(change[:-1]))) / bars


def gross_exposure(gross: Ints | Floats, equity: Ints | Floats) -> float:
    """Return mean_t (G_t / E_t): how much stood in the market, as a part of equity, averaged over all bars.

    >>> gross_exposure(np.array([0, 50]), np.array([100, 100]))
    0.25
    """
    if (equity <= 0).any():
        raise DataError(f"equity is not positive at bar {int(np.argmax(equity <= 0))}")
    return float(np.mean(gross / equity))


def turnover(notional: float, equity: Ints | Floats, years: float) -> float:
    """Return the worth of all fills over mean equity, a year: 2 says that all was bought once and sold once."""
    if years <= 0.0:
        raise DataError("a single bar has no length")
    if float(np.mean(equity)) <= 0.0:
        raise DataError("mean equity is not positive")
    return notional / float(np.mean(equity)) / years


def win_rate(pnl: Ints | Floats) -> float:
    """Return the share of trades with pnl > 0."""
    _some(pnl)
    return float(np.count_nonzero(pnl > 0)) / len(pnl)


def profit_factor(pnl: Ints | Floats) -> float:
    """Return sum(pnl > 0) / |sum(pnl < 0)|."""
    _some(pnl)
    lost = float(-pnl[pnl < 0].sum())
    if lost <= 0.0:
        raise DataError("no trade lost")
    return float(pnl[pnl > 0].sum()) / lost


def mean_of(values: Ints | Floats) -> float:
    """Return the mean over all trades."""
    _some(values)
    return float(np.mean(values))


def best_of(values: Ints | Floats) -> float:
    """Return the largest."""
    _some(values)
    return float(np.max(values))


def worst_of(values: Ints | Floats) -> float:
    """Return the smallest."""
    _some(values)
    return float(np.min(values))


def payoff(pnl: Ints | Floats) -> float:
    """Return mean win over mean loss, both > 0."""
    _some(pnl)
    wins, losses = pnl[pnl > 0], pnl[pnl < 0]
    if not len(wins) or not len(losses):
        raise DataError("no trade won" if not len(wins) else "no trade lost")
    return float(np.mean(wins)) / -float(np.mean(losses))


def kelly(pnl: Ints | Floats) -> float:
    """Return W - (1 - W) / payoff, W the win rate: the part of the stake that grows fastest; below 0, none.

    Source: Kelly (1956), "A New Interpretation of Information Rate", Bell System Technical Journal 35(4).

    >>> kelly(np.array([2.0, 2.0, -1.0, -1.0]))
    0.25
    """
    won = win_rate(pnl)
    return won - (1.0 - won) / payoff(pnl)


def system_quality(pnl: Ints | Floats) -> float:
    """Return sqrt(N) x mean(pnl) / std(pnl), std with N - 1 degrees of freedom.

    Source: Tharp (2008), "Definitive Guide to Position Sizing": the system quality number, SQN.
    """
    _some(pnl)
    spread = float(np.std(pnl, ddof=1)) if len(pnl) > 1 else 0.0
    if spread <= 0.0:
        raise DataError("no trade differs from another")
    return math.sqrt(len(pnl)) * float(np.mean(pnl)) / spread


def _some(values: Ints | Floats) -> None:
    if not len(values):
        raise DataError("no trade has ended")
