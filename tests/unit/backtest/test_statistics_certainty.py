"""How far a Sharpe ratio can be trusted: the papers' own examples, and what must hold of any resampling."""

import math

import numpy as np
import pytest

from trading_system.backtest.statistics import (
    bootstrap_sharpe,
    deflated_sharpe,
    expected_best_sharpe,
    min_track_record,
    probabilistic_sharpe,
)
from trading_system.errors import DataError

YEAR = math.sqrt(12)


@pytest.mark.parametrize(("skew", "kurt", "expected"), [(0.0, 3.0, 0.982), (-2.448, 10.164, 0.913)])
def test_the_probabilistic_sharpe_ratio_is_that_of_the_paper(skew: float, kurt: float, expected: float) -> None:
    """24 months with a monthly ratio of 0.458: what looks normal is surer than what has a fat left tail.

    Source: Bailey and López de Prado (2012), the example of a hedge fund's track record.
    """
    assert probabilistic_sharpe(0.458, 0.0, 24, skew, kurt) == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize(
    ("per_year", "skew", "kurt", "years"),
    [(250, 0.0, 3.0, 2.73), (52, 0.0, 3.0, 2.83), (12, 0.0, 3.0, 3.24), (12, -0.72, 5.78, 4.99)],
)
def test_the_shortest_telling_track_record_is_that_of_the_paper(
    per_year: int, skew: float, kurt: float, years: float
) -> None:
    """To be 95 % sure that a ratio of 2 a year exceeds 1.

    Source: Bailey and López de Prado (2012), the examples of the minimum track record length.
    """
    root = math.sqrt(per_year)
    assert min_track_record(2.0 / root, 1.0 / root, skew, kurt) / per_year == pytest.approx(years, abs=0.01)


def test_no_track_record_is_long_enough_for_a_ratio_below_its_benchmark() -> None:
    """However long one waits."""
    with pytest.raises(DataError, match="no track record"):
        min_track_record(0.1, 0.1, 0.0, 3.0)


def test_a_track_record_of_the_shortest_telling_length_is_just_sure_enough() -> None:
    """The two formulas are each other's inverse."""
    needed = min_track_record(0.2, 0.05, -0.5, 4.0)
    rounded = probabilistic_sharpe(0.2, 0.05, round(needed), -0.5, 4.0)
    assert rounded == pytest.approx(0.95, abs=1e-3)


def test_two_valued_returns_have_no_telling_error() -> None:
    """Skewness g and kurtosis 1 + g^2 is a coin; with SR = 2 / g its error vanishes."""
    with pytest.raises(DataError, match="two values"):
        probabilistic_sharpe(1.0, 0.0, 100, 2.0, 5.0)


@pytest.mark.parametrize(("trials", "expected"), [(100, 0.9004), (46, 0.9505)])
def test_the_deflated_sharpe_ratio_is_that_of_the_paper(trials: int, expected: float) -> None:
    """2.5 a year over 1,250 days, skewness -3, kurtosis 10, variance of the trials' yearly ratios 1/2.

    Source: Bailey and López de Prado (2014), "A numerical example".
    """
    ratios = np.array([-0.5, 0.5]) / math.sqrt(250)  # two ratios whose sample variance is 1/2 a year
    worked_out = deflated_sharpe(2.5 / math.sqrt(250), ratios, 1_250, -3.0, 10.0, trials=trials)
    assert worked_out == pytest.approx(expected, abs=5e-5)


def test_the_best_ratio_expected_of_a_hundred_trials_is_that_of_the_paper() -> None:
    """0.1132 a day. Source: as above."""
    assert expected_best_sharpe(1 / 2 / 250, 100) == pytest.approx(0.1132, abs=5e-5)


def test_the_best_of_many_noises_is_as_good_as_expected() -> None:
    """The mean best of 100 standard normal numbers, over 4,000 draws; the formula is good to about a per cent."""
    best = np.random.default_rng(3).standard_normal((4_000, 100)).max(axis=1).mean()
    assert expected_best_sharpe(1.0, 100) == pytest.approx(best, rel=0.02)


def test_for_a_single_trial_the_deflated_ratio_is_the_probabilistic_one() -> None:
    """There was no choice to deflate."""
    alone = probabilistic_sharpe(0.1, 0.0, 500, -0.3, 5.0)
    assert deflated_sharpe(0.1, np.array([0.1]), 500, -0.3, 5.0) == alone
    assert deflated_sharpe(0.1, np.array([]), 500, -0.3, 5.0) == alone


def test_each_further_trial_deflates_more() -> None:
    """The same spread of ratios, more of them."""
    ratios = np.array([-0.05, 0.05])
    told = [deflated_sharpe(0.1, ratios, 500, 0.0, 3.0, trials=n) for n in (1, 2, 10, 100, 1_000)]
    assert told == sorted(told, reverse=True)
    assert len(set(told)) == len(told)


def test_many_trials_without_their_ratios_cannot_be_deflated() -> None:
    """Silence about the other trials is no single trial."""
    with pytest.raises(DataError, match="10 policies"):
        deflated_sharpe(0.1, np.array([0.1, np.nan]), 500, 0.0, 3.0, trials=10)


NOISE = np.random.default_rng(11).normal(0.001, 0.01, 1_000)


def test_the_interval_of_independent_returns_is_that_of_theory() -> None:
    """1.96 standard errors of sqrt((1 + SR^2 / 2) / n) to each side. Source: Lo (2002)."""
    ratio = NOISE.mean() / NOISE.std(ddof=1)
    low, high = bootstrap_sharpe(NOISE, 1.0, seed=1, draws=4_000)
    error = math.sqrt((1 + ratio**2 / 2) / len(NOISE))
    assert (high + low) / 2 == pytest.approx(ratio, abs=0.15 * error)
    assert high - low == pytest.approx(2 * 1.96 * error, rel=0.1)


def test_returns_with_a_memory_are_less_sure() -> None:
    """Each noise told ten times running: a tenth as many facts, intervals sqrt(10) wider, which only blocks can see."""
    sticky = np.repeat(NOISE[:200], 10)
    low, high = bootstrap_sharpe(sticky, 1.0, seed=1, block=100)
    blind_low, blind_high = bootstrap_sharpe(sticky, 1.0, seed=1, block=1)
    assert (high - low) / (blind_high - blind_low) == pytest.approx(math.sqrt(10), rel=0.2)


def test_the_same_seed_draws_the_same_interval() -> None:
    """And another seed another one."""
    assert bootstrap_sharpe(NOISE, 365.25, seed=5) == bootstrap_sharpe(NOISE, 365.25, seed=5)
    assert bootstrap_sharpe(NOISE, 365.25, seed=5) != bootstrap_sharpe(NOISE, 365.25, seed=6)


def test_the_interval_is_annualized() -> None:
    """By the root of the periods a year."""
    low, high = bootstrap_sharpe(NOISE, 1.0, seed=5)
    assert bootstrap_sharpe(NOISE, 4.0, seed=5) == pytest.approx((2 * low, 2 * high))


@pytest.mark.parametrize(("moves", "reason"), [(NOISE[:9], "too few"), (np.full(20, 0.01), "no return differs")])
def test_nothing_can_be_drawn_from_almost_nothing(moves: np.ndarray, reason: str) -> None:
    """Nine returns, or twenty alike."""
    with pytest.raises(DataError, match=reason):
        bootstrap_sharpe(moves, 1.0, seed=1)
