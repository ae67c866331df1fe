"""Other futures: what a world becomes when all that happens after one bar is changed, and nothing before.

Values: bars far above, far below, and such as might have been; only the next bar. Existence: bars that end, that are
missing, that are there where none were. What is published of a metric after the cut is changed in the same way,
restatements of spans before the cut among it: they are about the past and were not known in it.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import numpy as np

from trading_system.data_pipeline.leaks.worlds import World, chained, in_order, some, taken
from trading_system.market.columns import BarColumns, Floats, Ints
from trading_system.market.onchain import Metrics

Future = Callable[[World, int, np.random.Generator], World]
"""A world, the row of its last bar to keep, and chance, to another world with the same past."""

_TICKS: Final = 2.0**50
"""The highest price, ticks: eight times it is still exact as a float."""
_LONGEST_HOLE: Final = 10
_MOST_ADDED: Final = 50


def _past(bars: BarColumns, row: int) -> BarColumns:
    return taken(bars, slice(0, row + 1))


def _rest(bars: BarColumns, row: int) -> BarColumns:
    return taken(bars, slice(row + 1, None))


def _priced(closes: Floats, times: BarColumns, last: float, volumes: Floats, chance: np.random.Generator) -> BarColumns:
    """Return bars at the times of `times` that close at `closes`; none opens where the one before closed."""
    before = np.concatenate(([last], closes))[: len(closes)]
    opens = np.rint(before * (1.0 + 0.005 * chance.uniform(-1.0, 1.0, len(closes))))
    opens += opens == before
    tops = np.maximum(opens, closes) * (1.0 + 0.01 * chance.random(len(closes)))
    bottoms = np.minimum(opens, closes) * (1.0 - 0.01 * chance.random(len(closes)))
    first, high, low, close = (
        np.clip(np.rint(prices), 1.0, _TICKS).astype(np.int64) for prices in (opens, tops, bottoms, closes)
    )
    return replace(
        times,
        open=first,
        high=np.maximum(high, np.maximum(first, close)),
        low=np.minimum(low, np.minimum(first, close)),
        close=close,
        volume_atoms=np.rint(volumes).astype(np.int64),
    )


def _far(world: World, row: int, chance: np.random.Generator, *, up: bool) -> World:
    """Return the same bars behind `row`, each at some price of its own far above, or far below, all before."""
    bars, rest = world.bars, _rest(world.bars, row)
    factors = np.exp(chance.uniform(np.log(1.5), np.log(8.0), len(rest)))
    edge = float(bars.high[: row + 1].max()) if up else float(bars.low[: row + 1].min())
    closes = edge * factors if up else edge / factors
    most = 2.0 * float(bars.volume_atoms.max()) if up else 0.0
    volumes = chance.uniform(0.5, 1.0, len(rest)) * most
    other = _priced(closes, rest, float(bars.close[row]), volumes, chance)
    return World(chained(_past(bars, row), other), _republished(world.metrics, int(bars.close_ns[row]), chance))


def above(world: World, row: int, chance: np.random.Generator) -> World:
    """Return a future of prices higher than ever and of large volumes."""
    return _far(world, row, chance, up=True)


def below(world: World, row: int, chance: np.random.Generator) -> World:
    """Return a future of prices lower than ever without any trade."""
    return _far(world, row, chance, up=False)


def alike(world: World, row: int, chance: np.random.Generator) -> World:
    """Return a future that might have been: closes from a hair's breadth to half the price away, volumes as there are.

    Some leaks show only where the next move is of a certain size.
    """
    bars, rest = world.bars, _rest(world.bars, row)
    closes = _about(bars, row, len(rest), chance)
    volumes = chance.permutation(bars.volume_atoms)[: len(rest)].astype(np.float64)
    other = _priced(closes, rest, float(bars.close[row]), volumes, chance)
    return World(chained(_past(bars, row), other), _republished(world.metrics, int(bars.close_ns[row]), chance))


def next_bar(world: World, row: int, chance: np.random.Generator) -> World:
    """Return the same future but for the next bar, and for what is published of the metric next."""
    bars, at = world.bars, slice(row + 1, row + 2)
    close = _about(bars, row, len(bars.close[at]), chance)
    volumes = bars.volume_atoms[at].astype(np.float64) * 0.5 + 1.0
    other = _priced(close, taken(bars, at), float(bars.close[row]), volumes, chance)
    told = world.metrics.value.copy()
    told[_next_public(world.metrics, int(bars.close_ns[row]))] += 1.0
    behind = taken(bars, slice(row + 2, None))
    return World(chained(chained(_past(bars, row), other), behind), world.metrics._replace(value=told))


def ended(world: World, row: int, chance: np.random.Generator) -> World:
    """Return a world that ends with the bar at `row`: what a program knows that runs at this moment."""
    public = world.metrics.available_ns <= world.bars.close_ns[row]
    return World(_past(world.bars, row), some(world.metrics, public))


def missing(world: World, row: int, chance: np.random.Generator) -> World:
    """Return a future without its first few bars and one in ten of the others; half of the metric is never told."""
    rest = _rest(world.bars, row)
    kept = chance.random(len(rest)) >= 0.1
    kept[: int(chance.integers(1, _LONGEST_HOLE + 1))] = False
    public = world.metrics.available_ns <= world.bars.close_ns[row]
    told = public | (chance.random(len(public)) < 0.5)
    told[_next_public(world.metrics, int(world.bars.close_ns[row]))] = False
    bars = chained(_past(world.bars, row), taken(rest, kept))
    return World(bars, some(world.metrics, told))


def added(world: World, row: int, chance: np.random.Generator) -> World:
    """Return the same future with a bar in each hole behind `row`, and with more bars behind the last."""
    bars = world.bars
    last_ns = int(bars.close_ns[-1]) + bars.interval_ns * int(chance.integers(1, _MOST_ADDED + 1))
    grid = np.arange(bars.close_ns[row] + bars.interval_ns, last_ns + 1, bars.interval_ns, dtype=np.int64)
    new = np.setdiff1d(grid, bars.close_ns, assume_unique=True)
    empty = np.zeros(len(new), dtype=np.int64)
    times = replace(bars, close_ns=new, open=empty, high=empty, low=empty, close=empty, volume_atoms=empty)
    volumes = chance.choice(bars.volume_atoms, len(new)).astype(np.float64)
    there = _priced(_about(bars, row, len(new), chance), times, float(bars.close[row]), volumes, chance)
    rest = chained(_rest(bars, row), there)
    rest = taken(rest, np.argsort(rest.close_ns, kind="stable"))
    restated = _restated(world.metrics, int(bars.close_ns[row]), bars.interval_ns, chance)
    return World(chained(_past(bars, row), rest), restated)


FUTURES: Final[Mapping[str, Future]] = MappingProxyType(
    {
        "prices above": above,
        "prices below": below,
        "another market": alike,
        "another next bar": next_bar,
        "no bars": ended,
        "missing bars": missing,
        "more bars": added,
    }
)
"""Every kind of change, by what the future then has."""


def _about(bars: BarColumns, row: int, count: int, chance: np.random.Generator) -> Floats:
    """Return closes about that of the bar at `row`, each by a part of its own, 1e-4 to 0.5, and by a tick at least."""
    close = float(bars.close[row])
    parts = np.exp(chance.uniform(np.log(1e-4), np.log(0.5), count)) * chance.choice((-1.0, 1.0), count)
    closes: Floats = np.rint(close * (1.0 + parts))
    closes = np.where(closes == close, close + 1.0, closes)
    return np.maximum(closes, 1.0)


def _republished(metrics: Metrics, until_ns: int, chance: np.random.Generator) -> Metrics:
    """Return `metrics` with other values in all that was not public at `until_ns`, and restatements besides."""
    later = metrics.available_ns > until_ns
    values = np.where(later, 100.0 * chance.lognormal(size=len(later)), metrics.value)
    return _restated(metrics._replace(value=values), until_ns, 1, chance)


def _restated(metrics: Metrics, until_ns: int, delay_ns: int, chance: np.random.Generator) -> Metrics:
    """Return `metrics` with a further revision of each span that ended by `until_ns`, public after it."""
    ends = np.unique(metrics.event_ns[metrics.event_ns <= until_ns])
    ends = ends[(chance.random(len(ends)) < 0.5) | (ends == ends[-1:])]  # the newest always
    after = until_ns + 1 + chance.integers(0, 10 * delay_ns + 1, len(ends))
    return in_order(
        Metrics(
            event_ns=np.concatenate((metrics.event_ns, ends)),
            available_ns=np.concatenate((metrics.available_ns, after)),
            revision=np.concatenate((metrics.revision, np.full(len(ends), _above(metrics.revision)))),
            value=np.concatenate((metrics.value, 100.0 * chance.lognormal(size=len(ends)))),
        )
    )


def _next_public(metrics: Metrics, until_ns: int) -> Ints:
    """Return the record that becomes public next after `until_ns`, or nothing where none does."""
    later = np.flatnonzero(metrics.available_ns > until_ns).astype(np.int64)
    return later[np.argsort(metrics.available_ns[later], kind="stable")[:1]]


def _above(revisions: Ints) -> int:
    return int(revisions.max(initial=0)) + 1
