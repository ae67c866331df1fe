"""Scores by hand, and a verdict that admits when there is nothing."""

import math
from dataclasses import replace

import numpy as np
import pytest

from trading_system.core_ai.training.evaluate import improvement, score, verdict
from trading_system.core_ai.training.train import train


def test_scores_by_hand():
    """Four examples: right up, wrong up, right down, wrong down at 0.8, 0.6, 0.1, 0.4."""
    p = np.array([0.8, 0.6, 0.1, 0.4])
    result = score(p, p > 0.5, np.array([0.02, -0.01, -0.03, 0.04]))
    assert result.accuracy == 0.5
    assert result.log_loss == pytest.approx(-(math.log(0.8) + math.log(0.4) + math.log(0.9) + math.log(0.4)) / 4)
    assert result.brier == pytest.approx((0.04 + 0.36 + 0.01 + 0.36) / 4)
    assert result.mcc == 0.0
    assert result.gross_bps == pytest.approx((200 - 100 + 300 - 400) / 4)


def test_correlation_by_hand():
    """Three right ups, one wrong up, two right downs: (3·2 - 1·0) / sqrt(4·3·2·3)."""
    calls = np.array([True, True, True, True, False, False])
    moves = np.array([1.0, 1.0, 1.0, -1.0, -1.0, -1.0]) / 100
    assert score(np.where(calls, 0.6, 0.4), calls, moves).mcc == pytest.approx(6 / math.sqrt(72))


def test_a_forecaster_that_never_changes_its_call_has_no_correlation():
    """Always up is right when it rises, and has learned nothing."""
    result = score(np.full(4, 0.5), np.ones(4, dtype=bool), np.array([0.1, 0.1, 0.1, -0.1]))
    assert (result.accuracy, result.mcc) == (0.75, 0.0)


def test_certainty_that_was_wrong_costs_much_but_not_everything():
    """A probability of 1 for what did not happen is punished by a finite number, so that means stay readable."""
    result = score(np.array([1.0, 1.0]), np.array([True, True]), np.array([-0.1, 0.1]))
    assert math.isfinite(result.log_loss)
    assert result.log_loss > 10


def test_a_constant_improvement_is_certain_and_none_is_none():
    """If every loss is lower by 0.1 the interval is that point; if losses are the same it is 0."""
    losses = np.random.default_rng(1).random(500)
    assert improvement(losses, losses + 0.1, block=24, seed=1) == pytest.approx((0.1, 0.1))
    assert improvement(losses, losses, block=24, seed=1) == (0.0, 0.0)


def test_runs_of_luck_are_not_counted_as_many():
    """The same gains in runs of 50: resampled in blocks, the interval is several times wider than row by row."""
    runs = np.repeat(np.random.default_rng(4).normal(size=40), 50)
    rows, blocks = (improvement(np.zeros(2_000), runs, block=block, seed=1) for block in (1, 50))
    assert blocks[1] - blocks[0] > 3 * (rows[1] - rows[0])


def test_the_interval_covers_the_truth_as_often_as_it_says():
    """Of 300 samples around 0, about 95 % of the intervals hold 0; 88..99 % allows for blocks at both ends."""
    chance = np.random.default_rng(8)
    held = 0
    for trial in range(300):
        low, high = improvement(np.zeros(400), chance.normal(size=400), block=10, seed=trial)
        held += low <= 0.0 <= high
    assert 0.88 <= held / 300 <= 0.99


@pytest.mark.parametrize(
    ("low", "begins"),
    [(0.001, "The model has an edge over every baseline before costs"), (0.0, "No edge"), (-0.01, "No edge")],
)
def test_the_verdict_looks_at_the_hardest_baseline(low, begins):
    """Beating two of three is no edge; the sentence names the one that was hardest to beat."""
    row = score(np.array([0.6, 0.4]), np.array([True, False]), np.array([0.1, -0.1]))
    table = {"model": row, "always_up": row, "momentum": row, "reversal": row}
    intervals = {"always_up": (0.01, 0.02), "momentum": (low, 0.02), "reversal": (0.01, 0.03)}
    sentence = verdict(table, intervals)
    assert sentence.startswith(begins)
    assert "of momentum" in sentence


def test_on_a_random_walk_it_says_that_there_is_no_edge(make_bars, small):
    """The most important sentence it can say."""
    plan = replace(small, epochs=4)
    for seed in (1, 2, 3):
        result = train(make_bars(1_500, seed=seed, pull=0.0), interval="1h", plan=plan, tell=lambda epoch: None)
        assert result.manifest.verdict.startswith("No edge")


def test_rules_are_scored_on_the_same_unseen_bars(trained):
    """In a market that turns back, reversal is right, momentum as wrong, and both are calibrated on training."""
    scores = trained.manifest.scores
    assert scores["reversal"].accuracy > 0.6
    assert scores["momentum"].accuracy == pytest.approx(1.0 - scores["reversal"].accuracy, abs=0.01)
    assert scores["momentum"].log_loss == pytest.approx(scores["reversal"].log_loss, abs=0.01)
    assert scores["reversal"].log_loss < 0.67
