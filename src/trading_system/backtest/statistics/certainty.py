"""How far a Sharpe ratio can be trusted. Ratios here are of one period, not annualized, unless it is said."""

import math
from statistics import NormalDist
from typing import Final

import numpy as np

from trading_system.backtest.statistics.equity import STILL, spread_of
from trading_system.errors import DataError
from trading_system.market.columns import Floats, Ints

NORMAL: Final = NormalDist()
CONFIDENCE: Final = 0.95
DRAWS: Final = 1_000
MOST_DRAWN: Final = 20_000_000
"""Most returns drawn in one bootstrap: what is longer gets fewer draws, down to a hundred."""
AT_ONCE: Final = 500_000
"""Returns drawn at a time: a few MB."""


def probabilistic_sharpe(sharpe: float, benchmark: float, n: int, skew: float, kurt: float) -> float:
    """Return Phi((SR - SR*) sqrt(n - 1) / sqrt(1 - g3 SR + (g4 - 1) / 4 SR^2)), 0..1: how sure SR > SR* is.

    Args:
        sharpe: SR, the ratio observed.
        benchmark: SR*, what it is to exceed.
        n: Returns behind it, >= 2.
        skew: g3, their skewness; 0 for a normal distribution.
        kurt: g4, their kurtosis; 3 for a normal distribution.

    Raises:
        DataError: There are too few returns, or they take two values only, so that the error has no width.

    Source: Bailey and López de Prado (2012), "The Sharpe Ratio Efficient Frontier", Journal of Risk 15(2).
    """
    if n < 2:
        raise DataError(f"{n} returns say nothing about a ratio: at least 2 are needed")
    return NORMAL.cdf((sharpe - benchmark) * math.sqrt(n - 1) / math.sqrt(_width(sharpe, skew, kurt)))


def min_track_record(sharpe: float, benchmark: float, skew: float, kurt: float, level: float = CONFIDENCE) -> float:
    """Return 1 + (1 - g3 SR + (g4 - 1) / 4 SR^2) (Z / (SR - SR*))^2: returns needed to be sure of SR > SR*.

    Z is the quantile of the normal distribution at `level`; the other arguments are those of `probabilistic_sharpe`.

    Raises:
        DataError: SR does not exceed SR*: no length is enough.

    Source: Bailey and López de Prado (2012), as above.
    """
    if sharpe <= benchmark:
        raise DataError("the Sharpe ratio does not exceed its benchmark: no track record is long enough")
    return 1.0 + _width(sharpe, skew, kurt) * (NORMAL.inv_cdf(level) / (sharpe - benchmark)) ** 2


def block_length(n: int) -> int:
    """Return ceil(n^(1/3)): the mean length of the bootstrap's blocks; this power keeps its error smallest.

    Source: Politis and White (2004), "Automatic Block-Length Selection for the Dependent Bootstrap", Econometric
    Reviews 23(1). Its factor, which depends on the data, is taken as 1.

    >>> block_length(1000), block_length(1001)
    (10, 11)
    """
    return next(length for length in range(round(n ** (1 / 3)), n + 2) if length**3 >= n)


def bootstrap_sharpe(
    moves: Floats,
    per_year: float,
    *,
    seed: int,
    draws: int = DRAWS,
    level: float = CONFIDENCE,
    block: int | None = None,
) -> tuple[float, float]:
    """Return the interval in which the annualized Sharpe ratio lies with probability `level`, as a resampling sees it.

    Stationary bootstrap: blocks of geometric length, wrapped around the end, keep volatility clusters together; the
    interval is that between the percentiles of the drawn ratios.

    Args:
        moves: (P,) returns, P >= 10.
        per_year: Periods in a year.
        seed: Of the draws: the same seed, the same interval.
        draws: Most series to draw; fewer where P is so large that they would exceed `MOST_DRAWN` returns, at least 100.
        level: 0..1.
        block: Mean length of a block, >= 1; `block_length` where it is not given.

    Raises:
        DataError: There are fewer than 10 returns, or none differs from another.

    Source: Politis and Romano (1994), "The Stationary Bootstrap", Journal of the American Statistical Association 89.
    """
    n = len(moves)
    if n < 10:
        raise DataError(f"{n} returns are too few to draw from: at least 10 are needed")
    spread_of(moves)
    rng, mean_length = np.random.default_rng(seed), block or block_length(n)
    count = min(draws, max(100, MOST_DRAWN // n))
    ratios = np.zeros(count)
    step = max(1, AT_ONCE // n)
    for begin in range(0, count, step):
        drawn = moves[_resampled(rng, min(step, count - begin), n, mean_length)]
        mean, spread = drawn.mean(axis=1), drawn.std(axis=1, ddof=1)
        np.divide(mean, spread, out=ratios[begin : begin + step], where=spread > STILL)
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(ratios, [tail, 1.0 - tail]) * math.sqrt(per_year)
    return float(low), float(high)


def _resampled(rng: np.random.Generator, rows: int, n: int, mean_length: int) -> Ints:
    """Return (rows, n) indices into n returns: at each place a new block begins with probability 1 / mean_length."""
    begins = rng.random((rows, n)) < 1.0 / mean_length
    begins[:, 0] = True
    place = np.arange(n)
    since = np.maximum.accumulate(np.where(begins, place, 0), axis=1)
    source = np.take_along_axis(rng.integers(0, n, (rows, n)), since, axis=1)
    return np.asarray((source + place - since) % n, dtype=np.int64)


def _width(sharpe: float, skew: float, kurt: float) -> float:
    width = 1.0 - skew * sharpe + (kurt - 1.0) / 4.0 * sharpe * sharpe
    if width <= STILL:
        raise DataError("the returns take two values only: the ratio's error cannot be told")
    return width
