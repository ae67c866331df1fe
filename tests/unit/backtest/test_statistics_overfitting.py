"""The probability of overfitting: cases small enough for a pencil, and what must hold of noise and of skill."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_system.backtest.statistics import probability_of_backtest_overfitting
from trading_system.errors import DataError
from trading_system.market.columns import Floats

GOOD, BAD = [3.0, 1.0], [-1.0, -3.0]
"""Ratios of 2 and -2."""


def columns(*trials: list[float]) -> Floats:
    """Return trials as the columns of a table."""
    return np.array(trials).T


def test_a_trial_that_is_best_in_both_halves_is_not_overfit() -> None:
    """Whichever half is the past, the same one wins in the other: rank 2 of 2."""
    assert probability_of_backtest_overfitting(columns(GOOD + GOOD, BAD + BAD), splits=2) == 0.0


def test_trials_that_take_turns_are_overfit() -> None:
    """The best of each half is the worst of the other: rank 1 of 2."""
    assert probability_of_backtest_overfitting(columns(GOOD + BAD, BAD + GOOD), splits=2) == 1.0


def of_ratio(first: float, second: float) -> list[float]:
    """Return four returns whose ratio is `first` over the first two and `second` over the others."""
    return [first + 1.0, first - 1.0, second + 1.0, second - 1.0]


def test_a_choice_that_holds_in_one_direction_only_is_overfit_half_the_time() -> None:
    """One half chooses A, the worst of the other: rank 1 of 4. The other chooses B: rank 3 of 4 in the first."""
    a, b, c, d = of_ratio(5.0, 0.0), of_ratio(4.0, 5.0), of_ratio(1.0, 4.0), of_ratio(0.5, 3.0)
    assert probability_of_backtest_overfitting(columns(a, b, c, d), splits=2) == 0.5


def plain(returns: Floats, splits: int) -> float:
    """Return the same by the definition: cut, put together, rank."""
    edges = [len(returns) * i // splits for i in range(splits + 1)]
    parts = [returns[first:last] for first, last in pairwise(edges)]
    overfit = []
    for past in combinations(range(splits), splits // 2):
        before = np.concatenate([parts[i] for i in past])
        after = np.concatenate([parts[i] for i in range(splits) if i not in past])
        best = int(np.argmax(before.mean(axis=0) / before.std(axis=0)))
        ratios = after.mean(axis=0) / after.std(axis=0)
        rank = 1 + int(np.count_nonzero(ratios < ratios[best]))
        overfit.append(rank / (returns.shape[1] + 1) <= 0.5)
    return float(np.mean(overfit))


@given(seed=st.integers(0, 10_000), trials=st.integers(2, 9), length=st.integers(16, 60))
@settings(max_examples=40)
def test_sums_of_stretches_say_what_the_stretches_say(seed: int, trials: int, length: int) -> None:
    """Also where the stretches differ in length, and far from zero."""
    returns = np.random.default_rng(seed).normal(0.5, 1.0, (length, trials))
    assert probability_of_backtest_overfitting(returns, splits=8) == plain(returns, 8)


def test_among_noises_the_choice_is_chance() -> None:
    """Around one half, on average over markets."""
    told = [
        probability_of_backtest_overfitting(np.random.default_rng(seed).normal(0.0, 0.01, (512, 40)), splits=8)
        for seed in range(40)
    ]
    assert np.mean(told) == pytest.approx(0.5, abs=0.1)


def test_one_truly_better_trial_is_found_again() -> None:
    """A ratio of 0.3 a period among noises."""
    returns = np.random.default_rng(5).normal(0.0, 0.01, (1_024, 50))
    returns[:, 17] += 0.003
    assert probability_of_backtest_overfitting(returns) < 0.01


def test_trials_that_are_all_alike_are_no_better_than_the_median() -> None:
    """All tie: each is the median, and the choice says nothing; one that never trades has a ratio of 0."""
    one = np.random.default_rng(5).normal(0.0, 0.01, (64, 1))
    assert probability_of_backtest_overfitting(np.repeat(one, 7, axis=1)) == 1.0
    assert probability_of_backtest_overfitting(np.zeros((64, 7))) == 1.0


@pytest.mark.parametrize(
    ("returns", "splits", "reason"),
    [
        (np.zeros((64, 3)), 7, "halved"),
        (np.zeros((64, 3)), 22, "halved"),
        (np.zeros((64, 1)), 16, "two trials"),
        (np.zeros((31, 3)), 16, "too few"),
        (np.full((64, 3), np.nan), 16, "finite"),
    ],
)
def test_what_cannot_be_cut_is_refused(returns: Floats, splits: int, reason: str) -> None:
    """The reason is told."""
    with pytest.raises(DataError, match=reason):
        probability_of_backtest_overfitting(returns, splits)
