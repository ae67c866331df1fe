"""What is put before a feature: bars and metrics; also with holes and quiet bars planted in them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading_system.market.columns import BarColumns, Ints
from trading_system.market.onchain import Metrics

Mask = NDArray[np.bool_]

COLUMNS: Final = ("close_ns", "open", "high", "low", "close", "volume_atoms")
_SPAN_BARS: Final = 12
"""Length of the span that a made-up metric is about."""
_HOLES: Final = 400
_QUIET: Final = 60
"""Bars for one hole, and for one quiet stretch."""
_FEWEST: Final = 6
"""Of each, however short the series."""


class World(NamedTuple):
    """All that there is to know.

    Attributes:
        bars: Of one instrument.
        metrics: Of one metric, in order of their spans and revisions.
    """

    bars: BarColumns
    metrics: Metrics


def taken(bars: BarColumns, rows: Ints | slice | Mask) -> BarColumns:
    """Return some of `bars`."""
    return _with(bars, [getattr(bars, name)[rows] for name in COLUMNS])


def chained(bars: BarColumns, more: BarColumns) -> BarColumns:
    """Return `bars` and behind them `more`."""
    return _with(bars, [np.concatenate((getattr(bars, name), getattr(more, name))) for name in COLUMNS])


def _with(bars: BarColumns, columns: Sequence[Ints]) -> BarColumns:
    close_ns, first, high, low, close, volume = columns
    return replace(bars, close_ns=close_ns, open=first, high=high, low=low, close=close, volume_atoms=volume)


def made_up_metrics(bars: BarColumns, chance: np.random.Generator) -> Metrics:
    """Return a metric published as real ones are: late, at odd moments, and now and then restated later still.

    A value is about a dozen bars. It becomes public up to three such spans after its end, which puts some out of
    order; one in four is restated within five spans more. Its values are positive: prices may be made of them.
    """
    span_ns = _SPAN_BARS * bars.interval_ns
    ends = np.arange(bars.close_ns[0] - 3 * span_ns, bars.close_ns[-1] + 1, span_ns, dtype=np.int64)
    public = ends + chance.integers(0, 3 * span_ns, len(ends))
    again = np.flatnonzero(chance.random(len(ends)) < 0.25)
    return in_order(
        Metrics(
            event_ns=np.concatenate((ends, ends[again])),
            available_ns=np.concatenate((public, public[again] + chance.integers(1, 5 * span_ns, len(again)))),
            revision=np.repeat(np.array([0, 1], dtype=np.int64), (len(ends), len(again))),
            value=chance.lognormal(size=len(ends) + len(again)),
        )
    )


def in_order(metrics: Metrics) -> Metrics:
    """Return `metrics` by their spans and revisions."""
    order = np.lexsort((metrics.available_ns, metrics.revision, metrics.event_ns))
    return some(metrics, order)


def some(metrics: Metrics, rows: Ints | Mask) -> Metrics:
    """Return some records of `metrics`."""
    return Metrics(
        event_ns=metrics.event_ns[rows],
        available_ns=metrics.available_ns[rows],
        revision=metrics.revision[rows],
        value=metrics.value[rows],
    )


def torn(bars: BarColumns, chance: np.random.Generator) -> BarColumns:
    """Return `bars` with holes of one to five bars, and with quiet stretches: bars without trade at the last close.

    Leaks hide where data are odd: in what is filled in, and in what begins anew.
    """
    count = len(bars)
    quiet = _stretches(count, max(_FEWEST, count // _QUIET), 4, chance)
    last = bars.close[np.maximum.accumulate(np.where(quiet, 0, np.arange(count)))]
    first, high, low, close = (np.where(quiet, last, prices) for prices in (bars.open, bars.high, bars.low, bars.close))
    still = _with(bars, [bars.close_ns, first, high, low, close, np.where(quiet, 0, bars.volume_atoms)])
    return taken(still, ~_stretches(count, max(_FEWEST, count // _HOLES), 5, chance))


def _stretches(count: int, many: int, longest: int, chance: np.random.Generator) -> Mask:
    """Return (count,) `many` stretches of one to `longest` rows, none at either end."""
    marked = np.zeros(count, dtype=np.bool_)
    for start in chance.integers(1, max(2, count - 1), many):
        marked[start : start + int(chance.integers(1, longest + 1))] = True
    marked[[0, -1]] = False
    return marked
