"""Skill on bars that no choice was made on, beside rules that cost nothing."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from trading_system.core_ai.inference.baselines import Rule, rules
from trading_system.core_ai.inference.manifest import Scores
from trading_system.core_ai.training.dataset import Dataset, Split
from trading_system.core_ai.training.intervals import interval, resampled, score_intervals
from trading_system.market.bars import Bar

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_TINY = 1e-12


def log_losses(probabilities: Floats, rises: Bools) -> Floats:
    """Return -ln of the probability given to what happened, for each example."""
    given = np.where(rises, probabilities, 1.0 - probabilities)
    losses: Floats = -np.log(np.maximum(given, _TINY))
    return losses


def score(probabilities: Floats, calls: Bools, moves: Floats) -> Scores:
    """Return the scores of one forecaster.

    Args:
        probabilities: Of a rise, 0..1.
        calls: Whether a rise was called.
        moves: What happened, fractions of the price; a rise is > 0.
    """
    rises = moves > 0.0
    hit = calls == rises
    up, down = float((calls & rises).sum()), float((~calls & ~rises).sum())
    false_up, false_down = float((calls & ~rises).sum()), float((~calls & rises).sum())
    margins = (up + false_up) * (up + false_down) * (down + false_up) * (down + false_down)
    return Scores(
        accuracy=float(hit.mean()),
        log_loss=float(log_losses(probabilities, rises).mean()),
        brier=float(((probabilities - rises) ** 2).mean()),
        mcc=(up * down - false_up * false_down) / margins**0.5 if margins else 0.0,
        gross_bps=float(np.where(calls, moves, -moves).mean() * 1e4),
    )


def rule_probabilities(rule: Rule, bars: Sequence[Bar], dataset: Dataset, parts: Split) -> tuple[Floats, Bools]:
    """Return a rule's probabilities and calls on the test part.

    A rule knows no probability, so it is given the share of rises that followed each of its calls in
    training: it too is calibrated, or the comparison would be too easy.
    """
    calls = np.array(
        [rule.calls_rise(bars[end].close, bars[end - rule.lookback].close) for end in dataset.ends.tolist()], dtype=bool
    )
    trained, called = dataset.rises[parts.train], calls[parts.train]
    after_rise, after_fall = trained[called], trained[~called]
    test = calls[parts.test]
    return np.where(test, _share(after_rise), _share(after_fall)), test


def _share(rises: Bools) -> float:
    return (float(rises.sum()) + 1.0) / (len(rises) + 2.0)  # Laplace: never 0 or 1, one half for no evidence


def improvement(losses: Floats, baseline: Floats, *, block: int, seed: int) -> tuple[float, float]:
    """Return the 95 % interval of how much lower `losses` are than `baseline`, in the mean.

    Resampled as in `intervals`.

    Args:
        losses, baseline: Of the same examples, in time.
        block: Neighbors drawn together, >= 1.
        seed: Of the resampling.
    """
    return interval(resampled((baseline - losses)[:, None], block=block, seed=seed))


def evaluate(
    probabilities: Floats, bars: Sequence[Bar], dataset: Dataset, parts: Split, *, block: int, seed: int
) -> tuple[Mapping[str, Scores], str]:
    """Return the scores on the test part of the model and each baseline, with 95 % intervals, and a sentence on them.

    Args:
        probabilities: The model's, on the test part.
        bars, dataset, parts: What it was trained on.
        block: Bars that are resampled together; a day of them is usual.
        seed: Of the resampling.
    """
    moves = dataset.moves[parts.test]
    rises = moves > 0.0

    def judged(given: Floats, calls: Bools) -> Scores:
        sure = score_intervals(log_losses(given, rises), given, calls, moves, block=block, seed=seed)
        return msgspec.structs.replace(score(given, calls, moves), intervals=dict(sure))

    table = {"model": judged(probabilities, probabilities > 0.5)}
    losses = log_losses(probabilities, rises)
    intervals: dict[str, tuple[float, float]] = {}
    for rule in rules(dataset.horizon):
        given, calls = rule_probabilities(rule, bars, dataset, parts)
        table[rule.name] = judged(given, calls)
        intervals[rule.name] = improvement(losses, log_losses(given, rises), block=block, seed=seed)
    return table, verdict(table, intervals)


def verdict(table: Mapping[str, Scores], intervals: Mapping[str, tuple[float, float]]) -> str:
    """Return in one sentence whether the model beats every baseline by more than chance.

    Args:
        table: Scores, the model's under "model".
        intervals: For each baseline, the 95 % interval of how much lower the model's log-loss is.
    """
    hardest = min(intervals, key=lambda name: intervals[name][0])
    low, high = intervals[hardest]
    numbers = (
        f"log-loss {table['model'].log_loss:.4f} against {table[hardest].log_loss:.4f} of {hardest}, "
        f"lower by {low:.4f} to {high:.4f} (95 % interval)"
    )
    if low > 0.0:
        return f"The model has an edge over every baseline before costs: {numbers}."
    return f"No edge: on unseen bars the model is not reliably better than every baseline ({numbers})."
