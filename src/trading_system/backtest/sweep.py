"""Many policies over the same bars in one pass: a stretch of bars at a time, and every policy over it.

So the bars are read from memory once, not once for each policy. Every trial counts: what the best of them is worth
hangs on how many there were.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np

from trading_system.backtest.run import SHORTABLE, OwnPolicy, blank, checked, lane_of, loop_of
from trading_system.backtest.tape import CASH, CROSSED, FILLS, ORDERS, Beliefs, Record, Setup, Tape
from trading_system.errors import ConfigurationError
from trading_system.kernel import compiled
from trading_system.market.columns import Floats, Ints
from trading_system.risk_management.circuit_breakers.daily_loss import DAY_NS

STRETCH: Final = 1 << 14
"""Slices that all policies run over before the next: what they read then stays near the processor."""
FEW_DAYS: Final = 60
MOST_SAMPLES: Final = 5_000

Progress = Callable[[int, int], None]
"""Told how many slices times policies are done, and how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What came of each trial.

    Attributes:
        sampled: (D,) slices at whose close equity was kept; the last one is the last slice.
        equity_atoms: (N, D) cash and marked positions there, quote atoms.
        fills: (N,) how many fills each had.
        orders: (N,) how many orders each asked for.
    """

    sampled: Ints
    equity_atoms: Ints
    fills: Ints
    orders: Ints


def samples(close_ns: Ints) -> Ints:
    """Return the slices at which a sweep keeps equity: the last of each UTC day, or evenly spread where few are days.

    A close at midnight ends its day. Bars of a day or longer are all kept.
    """
    days = (close_ns - 1) // DAY_NS
    ends = np.flatnonzero(np.diff(days, append=days[-1:] + 1)) if len(days) else np.empty(0, dtype=np.int64)
    if len(ends) >= FEW_DAYS or len(ends) == len(close_ns):
        return ends.astype(np.int64)
    step = -(-len(close_ns) // MOST_SAMPLES)
    return np.arange(len(close_ns) - 1, -1, -step, dtype=np.int64)[::-1].copy()


def sweep(
    tape: Tape,
    beliefs: Beliefs,
    setup: Setup,
    policies: Floats,
    *,
    own: OwnPolicy | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Swept:
    """Run every policy over the tape and return what came of each; as `run` would, to the bit.

    Args:
        tape: The market.
        beliefs: The views, the same for all trials.
        setup: What stays the same; its own `policies` are not used.
        policies: (N, K, P) for each trial what `Setup.policies` is for a run.
        own: A policy in the place of ours.
        workers: How many cores to use; all of them where not given.
        progress: Told now and then how far the sweep is.

    Raises:
        ConfigurationError: There is no trial, or as `run`.
        DataError: As `run`.
    """
    if policies.ndim != 3 or not len(policies):
        raise ConfigurationError(f"a sweep needs policies of shape (trials, sleeves, fields), not {policies.shape}")
    tape, beliefs, setup = checked(tape, beliefs, setup._replace(policies=policies[0]), own)
    policies = np.ascontiguousarray(policies, dtype=np.float64)
    compiled(loop_of(setup, own))  # once, before the threads ask for it
    count, sampled = len(policies), samples(tape.close_ns)
    swept = Swept(
        sampled=sampled,
        equity_atoms=np.empty((count, len(sampled)), dtype=np.int64),
        fills=np.zeros(count, dtype=np.int64),
        orders=np.zeros(count, dtype=np.int64),
    )
    many = min(count, workers or os.cpu_count() or 1)
    done, total = [0] * many, count * len(tape.close_ns)

    def work(n: int) -> None:
        def told(so_far: int) -> None:
            done[n] = so_far
            if progress is not None:
                progress(sum(done), total)

        _share(tape, beliefs, setup, policies, range(n, count, many), swept, own, told)

    with ThreadPoolExecutor(many) as pool:
        for job in [pool.submit(work, n) for n in range(many)]:
            job.result()
    return swept


def _share(
    tape: Tape,
    beliefs: Beliefs,
    setup: Setup,
    policies: Floats,
    trials: Sequence[int],
    swept: Swept,
    own: OwnPolicy | None,
    told: Callable[[int], None],
) -> None:
    """Run `trials`, one worker's share, over all stretches."""
    run = compiled(loop_of(setup, own))
    slices, lane = len(tape.close_ns), lane_of(tape, beliefs, setup)
    shared = blank(min(slices, STRETCH), setup, False)._replace(
        cash=np.empty(slices, dtype=np.int64),
        holdings=np.empty(slices, dtype=np.int64),
        short=np.empty(slices if setup.terms[:, SHORTABLE].any() else 0, dtype=np.int64),
    )
    records = {n: _own_state(shared) for n in trials}
    setups = {n: setup._replace(policies=policies[n]) for n in trials}
    for start in range(0, slices, STRETCH):
        stop = min(slices, start + STRETCH)
        kept = slice(*np.searchsorted(swept.sampled, [start, stop]))
        rows = swept.sampled[kept]
        for n in trials:
            record, at = records[n], start
            while at < stop:
                at = run(tape, beliefs, lane, setups[n], record, at, stop)
                inside = 2 * record.tally[CROSSED]  # rows of lots that crossed: no order was sent
                swept.fills[n] += record.tally[FILLS] - inside
                swept.orders[n] += record.tally[ORDERS] - inside
                record.tally[FILLS] = record.tally[ORDERS] = record.tally[CROSSED] = 0  # the next may write over them
            swept.equity_atoms[n, kept] = record.cash[rows] + record.holdings[rows]
        told(stop * len(trials))


def _own_state(shared: Record) -> Record:
    """Return a record with a state of its own, that shares the rest: it is read before the next one writes to it."""
    names = ("book", "shares", "carried", "latches", "tally", "marks", "volume")
    return shared._replace(**{name: getattr(shared, name).copy() for name in names})


assert CASH == 0  # `blank` has put the start's cash there, and every copy has it
