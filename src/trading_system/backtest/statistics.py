"""What a run's equity says, each number beside its formula. E_t is marked equity at the close of bar t, t = 0..S-1."""

import numpy as np

from trading_system.backtest.tape import Floats, Ints
from trading_system.errors import DataError


def returns(equity_atoms: Ints) -> Floats:
    """Return r_t = E_t / E_{t-1} - 1, shape (S-1,).

    Raises:
        DataError: Equity is not positive somewhere: no return can be worked out there.
    """
    if (equity_atoms <= 0).any():
        raise DataError(f"equity is not positive at bar {int(np.argmax(equity_atoms <= 0))}")
    equity = equity_atoms.astype(np.float64)
    return equity[1:] / equity[:-1] - 1.0


def total_return(equity_atoms: Ints) -> float:
    """Return E_{S-1} / E_0 - 1.

    >>> total_return(np.array([100, 90, 125]))
    0.25
    """
    return float(equity_atoms[-1]) / float(equity_atoms[0]) - 1.0


def max_drawdown(equity_atoms: Ints) -> float:
    """Return max_t (1 - E_t / max_{u<=t} E_u), 0..1: the deepest fall from a peak.

    >>> max_drawdown(np.array([100, 200, 150, 180, 160]))
    0.25
    """
    equity = equity_atoms.astype(np.float64)
    return float(np.max(1.0 - equity / np.maximum.accumulate(equity)))


def sharpe(equity_atoms: Ints, bars_per_year: float) -> float:
    """Return mean(r) / std(r) x sqrt(bars per year), std with S-2 degrees of freedom; 0.0 where nothing moved.

    The risk-free rate is taken as zero. Annualizing by the square root supposes returns without memory.

    Args:
        equity_atoms: (S,) at least three bars, > 0.
        bars_per_year: Bars that close in a year, > 0: a market that never sleeps has 8,766 hours.

    Raises:
        DataError: Equity is not positive somewhere.

    Source: Sharpe (1994), "The Sharpe Ratio", Journal of Portfolio Management 21(1).
    """
    moves = returns(equity_atoms)
    spread = float(np.std(moves, ddof=1)) if len(moves) > 1 else 0.0
    return float(np.mean(moves)) / spread * float(np.sqrt(bars_per_year)) if spread > 0.0 else 0.0


def exposure(equity_atoms: Ints, holdings_atoms: Ints) -> float:
    """Return mean_t (H_t / E_t): the part of equity that stood in the market, averaged over all bars.

    >>> exposure(np.array([100, 100]), np.array([0, 50]))
    0.25
    """
    return float(np.mean(holdings_atoms.astype(np.float64) / equity_atoms.astype(np.float64)))
