"""How sure a score is: intervals that hold the score, agree with each other, and are wide where luck comes in runs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.core_ai.training.evaluate import log_losses, score
from trading_system.core_ai.training.intervals import RESAMPLES, interval, resampled, score_intervals


def intervals(probabilities, moves, *, block=24):
    rises = moves > 0.0
    losses = log_losses(probabilities, rises)
    return score_intervals(losses, probabilities, probabilities > 0.5, moves, block=block, seed=1)


def test_what_never_differs_is_certain():
    """Always right, always as sure, always as far: each interval is a point, worked out by hand."""
    moves = np.tile([0.01, -0.01], 250)
    told = intervals(np.where(moves > 0, 0.75, 0.25), moves, block=2)
    assert told["accuracy"] == pytest.approx((1.0, 1.0))
    assert told["log_loss"] == pytest.approx((-np.log(0.75),) * 2)
    assert told["brier"] == pytest.approx((0.0625, 0.0625))
    assert told["gross_bps"] == pytest.approx((100.0, 100.0))
    assert told["mcc"] == pytest.approx((1.0, 1.0))


def test_one_call_for_ever_has_no_correlation_and_no_error():
    """Always up: nothing to correlate, in no sample."""
    moves = np.random.default_rng(3).normal(size=300)
    assert intervals(np.full(300, 0.6), moves)["mcc"] == (0.0, 0.0)


@given(seed=st.integers(0, 200), skill=st.floats(0.0, 2.0))
def test_every_score_lies_in_its_interval(seed, skill):
    """The score of the whole is inside what its samples give: mean and resampling speak of the same thing."""
    rng = np.random.default_rng(seed)
    moves = rng.normal(size=400) / 100
    probabilities = 1.0 / (1.0 + np.exp(-skill * 100 * moves - rng.normal(size=400)))
    whole = score(probabilities, probabilities > 0.5, moves)
    for name, (low, high) in intervals(probabilities, moves, block=8).items():
        assert low <= getattr(whole, name) <= high


def test_a_coin_is_as_uncertain_as_the_binomial_says():
    """1,000 independent calls of a coin: 1.96 · sqrt(0.25 / 1000) = 0.031 to each side, row by row, within a tenth."""
    rng = np.random.default_rng(5)
    moves = np.where(rng.random(1_000) < 0.5, 0.01, -0.01)
    probabilities = np.where(rng.random(1_000) < 0.5, 0.4, 0.6)
    low, high = intervals(probabilities, moves, block=1)["accuracy"]
    assert (high - low) / 2 == pytest.approx(0.031, rel=0.1)


def test_all_columns_of_a_sample_are_the_same_rows():
    """A column and its complement add up in every sample."""
    column = np.random.default_rng(2).random(200)
    draws = resampled(np.stack([column, 1.0 - column], axis=1), block=10, seed=4)
    assert draws.shape == (RESAMPLES, 2)
    assert draws.sum(axis=1) == pytest.approx(np.ones(RESAMPLES))


def test_an_interval_by_hand():
    """0..100: 2.5 and 97.5."""
    assert interval(np.arange(101.0)) == (2.5, 97.5)
