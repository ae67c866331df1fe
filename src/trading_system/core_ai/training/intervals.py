"""How sure a score is: 95 % intervals by resampling whole blocks of neighbors."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Interval = tuple[float, float]

RESAMPLES: Final = 2_000
_FEWEST_BLOCKS: Final = 5


def resampled(columns: Floats, *, block: int, seed: int) -> Floats:
    """Return the mean of each column over `RESAMPLES` samples of whole blocks: (N, C) -> (RESAMPLES, C).

    Whole blocks of neighbors are drawn, since labels overlap and errors come in runs; rows drawn one by one would make
    every score look certain. All columns are drawn together, so that what is worked out of several of them agrees.

    Args:
        columns: One row an example, in time.
        block: Neighbors drawn together, >= 1; at most a fifth of all.
        seed: Of the resampling.

    Source: Künsch (1989), "The Jackknife and the Bootstrap for General Stationary Observations" (circular blocks:
    Politis & Romano 1992).
    """
    count, width = columns.shape
    block = min(block, max(1, count // _FEWEST_BLOCKS))
    around = np.concatenate((np.zeros((1, width)), np.cumsum(np.concatenate((columns, columns[:block])), axis=0)))
    sums = around[block : block + count] - around[:count]  # of the block that begins at each example
    draws = np.random.default_rng(seed).integers(0, count, size=(RESAMPLES, -(-count // block)))
    means: Floats = np.stack([column[draws].mean(axis=1) for column in sums.T], axis=1) / block
    return means


def interval(draws: Floats) -> Interval:
    """Return the 95 % interval of what was worked out for each sample."""
    low, high = np.quantile(draws, (0.025, 0.975))
    return float(low), float(high)


def score_intervals(
    losses: Floats, probabilities: Floats, calls: Bools, moves: Floats, *, block: int, seed: int
) -> Mapping[str, Interval]:
    """Return the 95 % interval of each score of one forecaster, by the score's name in `manifest_form.Scores`.

    Args:
        losses: -ln of the probability given to what happened, for each example.
        probabilities: Of a rise, 0..1.
        calls: Whether a rise was called.
        moves: What happened, fractions of the price; a rise is > 0.
        block, seed: As in `resampled`.
    """
    rises = moves > 0.0
    columns = np.stack(
        [
            losses,
            (probabilities - rises) ** 2,
            np.where(calls, moves, -moves) * 1e4,
            *((calls == call) & (rises == rise) for call in (True, False) for rise in (True, False)),
        ],
        axis=1,
    ).astype(np.float64)
    log_loss, brier, gross, up, false_up, false_down, down = resampled(columns, block=block, seed=seed).T
    margins = (up + false_up) * (up + false_down) * (down + false_up) * (down + false_down)
    mcc = np.divide(
        up * down - false_up * false_down, np.sqrt(margins), out=np.zeros_like(margins), where=margins > 1e-18
    )
    told = {"accuracy": up + down, "log_loss": log_loss, "brier": brier, "mcc": mcc, "gross_bps": gross}
    return {name: interval(draws) for name, draws in told.items()}
