"""What a path of equity says. E_t is equity at the end of period t = 0..P, r_t = E_t / E_{t-1} - 1 for t = 1..P.

Every function raises `DataError` with the reason where there is no such number. A risk-free rate of zero is supposed.
"""

import math
from typing import Final

import numpy as np

from trading_system.errors import DataError
from trading_system.market.columns import Floats, Ints

STILL: Final = 1e-14
"""Spread of returns below which nothing moved: what is left is rounding, some 1e-16."""

LARGEST_LOG: Final = 700.0
"""Largest logarithm of a number that a float can hold."""


def returns(equity: Ints | Floats) -> Floats:
    """Return r_t = E_t / E_{t-1} - 1, (P,), for `equity` (P + 1,).

    Raises:
        DataError: Equity is not positive somewhere: no return can be worked out there.
    """
    if (equity <= 0).any():
        raise DataError(f"equity is not positive at bar {int(np.argmax(equity <= 0))}")
    as_floats = equity.astype(np.float64)
    return as_floats[1:] / as_floats[:-1] - 1.0


def total_return(equity: Ints | Floats) -> float:
    """Return E_P / E_0 - 1.

    >>> total_return(np.array([100, 90, 125]))
    0.25
    """
    if equity[0] <= 0:
        raise DataError("equity was not positive at the start")
    return float(equity[-1]) / float(equity[0]) - 1.0


def cagr(first: float, last: float, years: float) -> float:
    """Return (E_P / E_0)^(1 / years) - 1: the constant growth a year that leads from `first` to `last`.

    >>> round(cagr(100.0, 121.0, 2.0), 12)
    0.1
    """
    if first <= 0.0 or last <= 0.0:
        raise DataError("equity is not positive at the start or at the end")
    if years * 365.25 < 1.0:
        raise DataError("the run is shorter than a day: its growth a year would mean nothing")
    grown = math.log(last / first) / years
    if grown > LARGEST_LOG:
        raise DataError("the run is so short that its growth a year is too large for a number")
    return math.expm1(grown)


def spread_of(moves: Floats) -> float:
    """Return the standard deviation of `moves`, P - 1 degrees of freedom, > 0."""
    if len(moves) < 2:
        raise DataError(f"{len(moves)} returns have no spread: at least 2 are needed")
    spread = float(np.std(moves, ddof=1))
    if spread <= STILL:
        raise DataError("no return differs from another")
    return spread


def volatility(moves: Floats, per_year: float) -> float:
    """Return std(r) x sqrt(`per_year`); `per_year` periods make a year."""
    return spread_of(moves) * math.sqrt(per_year)


def sharpe(moves: Floats, per_year: float) -> float:
    """Return mean(r) / std(r) x sqrt(`per_year`); with 1.0, the ratio of one period.

    Annualizing by the square root supposes returns without memory.

    Source: Sharpe (1994), "The Sharpe Ratio", Journal of Portfolio Management 21(1); Lo (2002), "The Statistics of
    Sharpe Ratios", Financial Analysts Journal 58(4), on the square root.
    """
    spread = spread_of(moves)
    return float(np.mean(moves)) / spread * math.sqrt(per_year)


def sortino(moves: Floats, per_year: float) -> float:
    """Return mean(r) / sqrt(mean(min(r, 0)^2)) x sqrt(`per_year`): only falls count as risk.

    Source: Sortino and Price (1994), "Performance Measurement in a Downside Risk Framework", Journal of Investing 3(3).
    """
    if not len(moves):
        raise DataError("there are no returns")
    downside = math.sqrt(float(np.mean(np.square(np.minimum(moves, 0.0)))))
    if downside <= STILL:
        raise DataError("no period lost")
    return float(np.mean(moves)) / downside * math.sqrt(per_year)


def calmar(growth: float, deepest: float) -> float:
    """Return growth a year over the deepest drawdown, both fractions.

    Source: Young (1991), "Calmar Ratio: A Smoother Tool", Futures 20(1); over the whole run here, not over 36 months.
    """
    if deepest <= 0.0:
        raise DataError("equity never fell")
    return growth / deepest


def tail_ratio(moves: Floats) -> float:
    """Return |95th percentile of r| / |5th percentile of r|, percentiles interpolated linearly."""
    if len(moves) < 2:
        raise DataError(f"{len(moves)} returns have no tails: at least 2 are needed")
    low, high = (float(percentile) for percentile in np.percentile(moves, [5.0, 95.0]))
    if abs(low) <= STILL:
        raise DataError("the 5th percentile of returns is zero")
    return abs(high) / abs(low)


def skewness(moves: Floats) -> float:
    """Return mean((r - mean)^3) / sigma^3, sigma with P degrees of freedom; 0 for a normal distribution."""
    return _moment(moves, 3)


def kurtosis(moves: Floats) -> float:
    """Return mean((r - mean)^4) / sigma^4, sigma with P degrees of freedom; 3 for a normal distribution."""
    return _moment(moves, 4)


def _moment(moves: Floats, power: int) -> float:
    spread_of(moves)
    apart = moves - np.mean(moves)
    return float(np.mean(apart**power) / np.mean(apart * apart) ** (power / 2))
