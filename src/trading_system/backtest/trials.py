"""The trials of a sweep: every combination of the values that were given for some choices, and what came of each."""

import itertools
import os
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

import numpy as np

from trading_system.backtest.asked import Asked
from trading_system.backtest.assemble import prepare
from trading_system.backtest.figures import policy_of
from trading_system.backtest.own_policy import PolicyFile, compiling
from trading_system.backtest.statistics import probability_of_backtest_overfitting
from trading_system.backtest.study import Source, Study, study_of
from trading_system.backtest.sweep import Swept, sweep
from trading_system.data_pipeline.reading import Reading
from trading_system.errors import ConfigurationError, DataError
from trading_system.market.columns import Floats, Ints

MOST: Final = 10_000
"""Trials of one sweep."""
READ: Final = frozenset({"bars", "terms"})
"""Sections whose choices say what is read."""
SPLITS: Final = 16
"""Stretches of time that the probability of overfitting is worked out over."""

_NUMBER: Final = r"[-+]?\d+(?:\.\d+)?"
_SPAN: Final = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(?::({_NUMBER}))?")

Progress = Callable[[int, int], None]
"""Told how much is done, of how much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """What was tried, and what came of it. N trials, D moments at which equity was kept.

    Attributes:
        names: What was varied.
        values: (N) for each trial the values of `names`, as they were written.
        studies: (N) each trial whole.
        swept: Equity, fills and orders of each.
        sharpes: (N,) Sharpe ratio of each per bar, not annualized; 0.0 where equity stood still.
        returns: (N,) what each came to, a fraction.
        falls: (N,) the deepest drawdown of each at those moments, a fraction.
        pbo: Probability of back-test overfitting, 0..1; None where time or trials are too few to tell.
    """

    names: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    studies: tuple[Study, ...]
    swept: Swept
    sharpes: Floats
    returns: Floats
    falls: Floats
    pbo: float | None

    @property
    def best(self) -> int:
        """The trial with the highest Sharpe ratio; the first of several."""
        return int(np.argmax(self.sharpes))


def values_of(text: str) -> tuple[str, ...]:
    """Return the values that `text` stands for: `a..b`, `a..b:step` with both ends, or `a,b,c`; else itself.

    Raises:
        ConfigurationError: A span runs backwards, or its step is not > 0.

    >>> values_of("5..20:5"), values_of("0.5..1:0.25"), values_of("fixed,trailing"), values_of("7")
    (('5', '10', '15', '20'), ('0.5', '0.75', '1'), ('fixed', 'trailing'), ('7',))
    """
    span = _SPAN.fullmatch(text)
    if span is None:
        return tuple(part.strip() for part in text.split(","))
    first, last, step = (Decimal(part) for part in (span[1], span[2], span[3] or "1"))
    if step <= 0 or last < first:
        raise ConfigurationError(f"{text}: a range is written FIRST..LAST:STEP, rising, as in 5..50:5")
    count = int((last - first) / step) + 1
    if count > MOST:
        raise ConfigurationError(f"{text}: {count:,} values; a sweep has at most {MOST:,} trials")
    return tuple(f"{(first + step * n).normalize():f}" for n in range(count))


def combinations(asked: Asked) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the names in `asked` that have several values, and all combinations of those, the last name fastest.

    Raises:
        ConfigurationError: Nothing has several values, or there are more than `MOST` combinations.
    """
    listed = {name: values_of(value) for name, value in asked.sets if isinstance(value, str)}
    ranges = {name: values for name, values in listed.items() if len(values) > 1}
    if not ranges:
        raise ConfigurationError("a sweep needs a range: --set fast=5..50:5, or --set atr_stop=2,3,4")
    count = int(np.prod([len(values) for values in ranges.values()], dtype=object))
    if count > MOST:
        raise ConfigurationError(f"{count:,} trials; a sweep has at most {MOST:,}: narrow a range or widen its step")
    return tuple(ranges), list(itertools.product(*ranges.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """What is to be tried.

    Attributes:
        names: What is varied.
        rows: (N) the values of `names` of each trial, as they were written.
        studies: (N) each trial whole.
        impossible: Combinations that cannot be, as a fast average that is slower than the slow one: how many.
        because: Why the first of them cannot; "" where there is none.
    """

    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    studies: tuple[Study, ...]
    impossible: int
    because: str


def grid_of(asked: Asked, sources: Sequence[Source], own: PolicyFile | None) -> Grid:
    """Return the study of each combination that can be.

    Raises:
        ConfigurationError: As `combinations`; no combination can be, and why; or they are not all of the same bars.
    """
    names, rows = combinations(asked)
    kept = [pair for pair in asked.sets if pair[0] not in names]
    possible: list[tuple[tuple[str, ...], Study]] = []
    why: list[ConfigurationError] = []
    for row in rows:
        try:
            study = study_of(replace(asked, sets=(*kept, *zip(names, row, strict=True))), sources, own)
        except ConfigurationError as error:
            why.append(error)
        else:
            possible.append((row, study))
    if not possible:
        raise why[0]
    _of_one_market([study for _, study in possible])
    return Grid(
        names=names,
        rows=tuple(row for row, _ in possible),
        studies=tuple(study for _, study in possible),
        impossible=len(why),
        because=str(why[0]) if why else "",
    )


def _of_one_market(studies: Sequence[Study]) -> None:
    """Refuse studies of different bars or terms: what is read once serves all trials."""
    first = studies[0]
    owners = ("", *(source.symbol for source in first.sources))
    read = [name for name, choice in first.choices.items() if choice.section in READ or name == "quote"]
    for name, owner in itertools.product(read, owners):
        if any(study.of(name, owner) != first.of(name, owner) for study in studies):
            raise ConfigurationError(
                f"{name} cannot be varied: all trials of a sweep are of the same bars and terms; make a sweep of each"
            )


def tried(grid: Grid, own: PolicyFile | None, readings: Sequence[Reading], progress: Progress | None = None) -> Trials:
    """Run every combination and return what came of them.

    Trials that differ in their policy alone share the bars, the views and one pass over them; those that differ in
    more are run side by side.

    Raises:
        ConfigurationError, DataError: As `assemble.prepare`.
    """
    studies = grid.studies
    groups: dict[str, list[int]] = {}
    for n, study in enumerate(studies):
        groups.setdefault(_but_policy(study), []).append(n)
    cores = os.cpu_count() or 1
    apart = len(groups) >= cores  # several groups: one core each; few: all cores on each
    done = [0] * len(groups)
    slices = max((len(reading.bars) for reading in readings), default=1)

    def job(place: int, members: list[int]) -> Swept:
        def told(so_far: int, _: int) -> None:
            done[place] = so_far
            if progress is not None:
                progress(sum(done), len(studies) * slices)

        return _swept([studies[n] for n in members], readings, 1 if apart else None, told)

    with compiling(own), ThreadPoolExecutor(cores if apart else 1) as pool:
        jobs = [pool.submit(job, place, members) for place, members in enumerate(groups.values())]
        parts = [each.result() for each in jobs]
    return _gathered(grid, list(groups.values()), parts)


def _but_policy(study: Study) -> str:
    """Return what makes views and market of a study, as a key."""
    config = study.config()
    return repr({name: part for name, part in config.items() if name not in ("policy", "only")}) + repr(study.only)


def _swept(studies: Sequence[Study], readings: Sequence[Reading], workers: int | None, told: Progress) -> Swept:
    """Run studies that differ in their policy alone."""
    prepared = prepare(studies[0], readings)
    policies = np.array(
        [[tuple(policy_of(study, sleeve)) for sleeve in prepared.sleeves] for study in studies], dtype=np.float64
    )
    return sweep(
        prepared.tape,
        prepared.beliefs,
        prepared.setup,
        policies,
        own=prepared.own,
        workers=workers,
        progress=told,
    )


def _gathered(grid: Grid, groups: Sequence[Sequence[int]], parts: Sequence[Swept]) -> Trials:
    studies = grid.studies
    sampled = parts[0].sampled
    equity = np.empty((len(studies), len(sampled)), dtype=np.int64)
    fills, orders = np.empty(len(studies), dtype=np.int64), np.empty(len(studies), dtype=np.int64)
    for members, part in zip(groups, parts, strict=True):
        equity[list(members)], fills[list(members)], orders[list(members)] = part.equity_atoms, part.fills, part.orders
    starts = np.array([[int(Decimal(study.word("cash")) * 10**8)] for study in studies], dtype=np.int64)
    path = np.concatenate([starts, equity], axis=1).astype(np.float64)
    moves = returns_of(path)
    bars = (int(sampled[-1]) + 1) / len(sampled)
    peaks = np.maximum.accumulate(path, axis=1)
    return Trials(
        names=grid.names,
        values=grid.rows,
        studies=studies,
        swept=Swept(sampled=sampled, equity_atoms=equity, fills=fills, orders=orders),
        sharpes=sharpes_of(moves) / np.sqrt(bars),
        returns=path[:, -1] / path[:, 0] - 1.0,
        falls=np.max(1.0 - path / peaks, axis=1),
        pbo=_overfitting(moves),
    )


def returns_of(path: Floats) -> Floats:
    """Return (N, D) what each of N accounts made from one moment to the next, of (N, D + 1) equity.

    An account that has nothing left makes nothing any more.
    """
    before = path[:, :-1]
    made: Floats = np.where(before > 0.0, path[:, 1:] / np.where(before > 0.0, before, 1.0) - 1.0, 0.0)
    return made


def sharpes_of(moves: Floats) -> Floats:
    """Return (N,) mean over standard deviation of (N, D) returns; 0.0 where they do not vary."""
    spread = moves.std(axis=1, ddof=1) if moves.shape[1] > 1 else np.zeros(len(moves))
    ratios: Floats = np.where(spread > 1e-12, moves.mean(axis=1) / np.where(spread > 1e-12, spread, 1.0), 0.0)
    return ratios


def _overfitting(moves: Floats) -> float | None:
    try:
        return probability_of_backtest_overfitting(np.ascontiguousarray(moves.T), SPLITS)
    except DataError:  # too few trials, or too little time
        return None


def table_of(trials: Trials, bars_per_year: float) -> dict[str, Any]:
    """Return the trials as columns, in the order in which they were tried; the Sharpe ratio annualized."""
    columns: dict[str, Any] = {name: [row[place] for row in trials.values] for place, name in enumerate(trials.names)}
    fills: Ints = trials.swept.fills
    return columns | {
        "sharpe": trials.sharpes * np.sqrt(bars_per_year),
        "total_return": trials.returns,
        "max_drawdown": trials.falls,
        "fills": fills,
        "end_equity": trials.swept.equity_atoms[:, -1] / 1e8,
    }
