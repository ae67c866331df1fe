"""What is left of the best of many trials: the more are tried, the better the best looks, skill or none."""

import math
from itertools import combinations
from typing import Final

import numpy as np

from trading_system.backtest.statistics.certainty import NORMAL, probabilistic_sharpe
from trading_system.backtest.statistics.equity import STILL
from trading_system.errors import DataError
from trading_system.market.columns import Floats

EULER_MASCHERONI: Final = 0.5772156649015329
AT_ONCE: Final = 1_024
"""Combinations at a time: with 512 trials a table of 4 MB."""
TIE: Final = 1e-12
"""Ratios this close are equal: the same column may be summed in another order."""


def expected_best_sharpe(variance: float, trials: int) -> float:
    """Return sqrt(V) ((1 - g) Z(1 - 1/N) + g Z(1 - 1/(N e))): the best ratio expected of N trials without any skill.

    Z is the normal quantile and g the Euler-Mascheroni constant. A single trial is no choice: 0.

    Args:
        variance: V, of the trials' Sharpe ratios, >= 0.
        trials: N, >= 1, independent of each other. Trials that resemble each other are fewer than they seem.

    Source: Bailey and López de Prado (2014), "The Deflated Sharpe Ratio", Journal of Portfolio Management 40(5).
    """
    if trials < 2:
        return 0.0
    first, second = NORMAL.inv_cdf(1.0 - 1.0 / trials), NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return math.sqrt(variance) * ((1.0 - EULER_MASCHERONI) * first + EULER_MASCHERONI * second)


def deflated_sharpe(
    sharpe: float, trial_sharpes: Floats, n: int, skew: float, kurt: float, *, trials: int | None = None
) -> float:
    """Return `probabilistic_sharpe` against `expected_best_sharpe`, 0..1: how sure the best of the trials has skill.

    For a single trial this is the probabilistic Sharpe ratio against 0. Ratios are of one period, all of the same.

    Args:
        sharpe: Of the chosen one.
        trial_sharpes: (N,) of all trials, the chosen one among them; their sample variance is what counts.
        n, skew, kurt: Number, skewness and kurtosis of the chosen one's returns.
        trials: How many were tried; the length of `trial_sharpes` where not given.

    Raises:
        DataError: More than one was tried, and fewer than two ratios are known; or as `probabilistic_sharpe`.

    Source: Bailey and López de Prado (2014), as above.
    """
    count = max(len(trial_sharpes), 1) if trials is None else trials
    known = trial_sharpes[np.isfinite(trial_sharpes)]
    if count > 1 and len(known) < 2:
        raise DataError(f"{count} policies were tried, but only {len(known)} of their Sharpe ratios are known")
    variance = float(np.var(known, ddof=1)) if count > 1 else 0.0
    return probabilistic_sharpe(sharpe, expected_best_sharpe(variance, count), n, skew, kurt)


def probability_of_backtest_overfitting(returns: Floats, splits: int = 16) -> float:
    """Return how often the trial that was best in one half of the time was no better than the median in the other.

    Combinatorially symmetric cross-validation: time is cut into `splits` stretches, and each half of them, in all
    combinations, plays the past once. 0 says that the choice held, 0.5 that it was chance; 0..1. The stretches'
    sums are all that a Sharpe ratio needs, so the returns are read once.

    Args:
        returns: (T, N) of N >= 2 trials over the same T >= 2 x `splits` periods.
        splits: Even, 2..20: 16 give 12,870 combinations.

    Raises:
        DataError: A shape or a number is out of range, or a return is not finite.

    Source: Bailey, Borwein, López de Prado and Zhu (2017), "The Probability of Backtest Overfitting", Journal of
    Computational Finance 20(4). Equals share their mean rank; a trial that never moves has a ratio of 0.
    """
    _check(returns, splits)
    shift = returns.mean(axis=0)
    apart = returns - shift  # sums of squares around the mean: nothing large is subtracted from its like
    edges = np.arange(splits) * len(returns) // splits
    lengths = np.diff(np.append(edges, len(returns))).astype(np.float64)
    sums, squares = np.add.reduceat(apart, edges, axis=0), np.add.reduceat(np.square(apart), edges, axis=0)
    halves = list(combinations(range(splits), splits // 2))
    past = np.zeros((len(halves), splits))
    np.put_along_axis(past, np.array(halves), 1.0, axis=1)
    overfit = 0
    for begin in range(0, len(past), AT_ONCE):
        chosen = past[begin : begin + AT_ONCE]
        before = _sharpes(chosen, lengths, sums, squares, shift)
        after = _sharpes(1.0 - chosen, lengths, sums, squares, shift)
        best = np.take_along_axis(after, before.argmax(axis=1)[:, None], axis=1)
        worse = np.count_nonzero(after < best - TIE, axis=1)
        equal = np.count_nonzero(np.abs(after - best) <= TIE, axis=1)
        rank = worse + (equal + 1) / 2.0  # 1..N, the mean one among equals
        overfit += int(np.count_nonzero(rank / (returns.shape[1] + 1) <= 0.5))
    return overfit / len(halves)


def _sharpes(chosen: Floats, lengths: Floats, sums: Floats, squares: Floats, shift: Floats) -> Floats:
    """Return the ratio of each trial (N) over each choice of stretches (C): (C, N)."""
    count = (chosen @ lengths)[:, None]
    mean = chosen @ sums / count
    variance = np.maximum(chosen @ squares / count - np.square(mean), 0.0)
    spread: Floats = np.sqrt(variance)
    moved = spread > STILL
    return np.divide(mean + shift, spread, out=np.zeros_like(mean), where=moved)


def _check(returns: Floats, splits: int) -> None:
    if splits % 2 or not 2 <= splits <= 20:
        raise DataError(f"{splits} stretches cannot be halved in all ways: an even number in 2..20 is needed")
    if returns.ndim != 2 or returns.shape[1] < 2:
        raise DataError("a choice needs at least two trials")
    if len(returns) < 2 * splits:
        raise DataError(f"{len(returns)} returns are too few for {splits} stretches: at least {2 * splits} are needed")
    if not np.isfinite(returns).all():
        raise DataError("a trial's return is not a finite number")
