"""Features of a whole history: compiled loops over the very steps of the stream.

Bars are taken in blocks that fit a processor's cache. First the rows of a block are worked out, once for all features;
then each feature runs over them in a loop of its own, which the compiler sees whole.
"""

import math
from collections.abc import Iterable, Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading_system.data_pipeline.normalizers.features.feature import FeatureSet
from trading_system.data_pipeline.normalizers.features.row import NS_PER_MINUTE, Row, State, row_after
from trading_system.data_pipeline.normalizers.features.sets import HOUSE_SET
from trading_system.data_pipeline.normalizers.features.stream import ATR
from trading_system.errors import ConfigurationError, DataError
from trading_system.kernel import compiled, kernel, swapped
from trading_system.market.bars import Bar
from trading_system.market.columns import BarColumns, Floats, Ints

BLOCK: Final = 4_096
"""Bars at once: their rows take 416 KiB."""
NOTHING: Final[Mapping[str, Floats]] = MappingProxyType({})
_GUARD: Final = 64
"""Numbers behind a step's own that it must not touch; compiled code does not look where it writes."""
_APART: Final = 8
"""Numbers between two rows' ends: at a distance of a power of two they would push each other out of the cache."""


class FeatureTable(NamedTuple):
    """The rows of many bars.

    Attributes:
        values: (N, F) float64, each column a block of its own in memory; NaN where a feature is undefined.
        atr: (N,) float64, average true range, ticks; 0.0 where undefined.
    """

    values: Floats
    atr: Floats


class _Told(NamedTuple):
    """Bars as columns; `begins` is 0 where one goes on from the one before, elsewhere its number (`Row.number`)."""

    close_ns: Ints
    begins: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints


def feature_table(
    bars: Iterable[Bar] | BarColumns, features: FeatureSet = HOUSE_SET, aux: Mapping[str, Floats] = NOTHING
) -> FeatureTable:
    """Return `features` of `bars`, oldest first, with the bits that a `FeatureStream` gives bar by bar.

    Args:
        bars: Of one instrument; where they do not go on from one another everything starts afresh.
        features: What to work out.
        aux: For each name of `features.aux` a float64 column, (N,): the values that were public at each close, NaN
            where unknown.

    Raises:
        ConfigurationError: A step wrote where it keeps nothing.
        DataError: Something that the features need beside the bars is missing or of another length.
    """
    told = _columns(bars) if isinstance(bars, BarColumns) else _of_bars(bars)
    count = len(told.close_ns)
    nothing = np.full(BLOCK, math.nan)
    beside = {name: _beside(name, aux, count) for name in features.aux}
    columns = (*features.features, ATR)
    loops = [compiled(swapped(_run, {_step: feature.step})) for feature in columns]
    kept = [np.zeros(feature.room + _GUARD) for feature in columns]
    states = [numbers[: feature.room] for numbers, feature in zip(kept, columns, strict=True)]
    values, rows = np.empty((len(columns), count)), np.empty((len(Row._fields), BLOCK + _APART))
    prepare, carried = compiled(_prepare), np.zeros(4)
    for begin in range(0, count, BLOCK):
        part = slice(begin, min(begin + BLOCK, count))
        prepare(_Told(*(column[part] for column in told)), carried, rows)
        for feature, loop, state, column in zip(columns, loops, states, values, strict=True):
            shown = beside[feature.aux][part] if feature.aux else nothing
            loop(rows, shown, feature.parameters, float(feature.warm_up), state, column[part])
    for numbers, feature in zip(kept, columns, strict=True):
        if numbers[feature.room :].any():
            raise ConfigurationError(f"feature {feature.name}: its step writes beyond its {feature.room} numbers")
    atr = values[-1]
    atr[np.isnan(atr)] = 0.0
    return FeatureTable(values[:-1].T, atr)


@kernel
def _step(state: State, row: Row, *parameters: float) -> float:
    """Stand where a feature's step is put."""
    return row.close


@kernel
def _prepare(told: _Told, carried: Floats, rows: Floats) -> None:
    before, log_before, seen, number = carried[0], carried[1], carried[2], int(carried[3])
    for i in range(len(told.close)):
        fresh = told.begins[i] != 0
        seen, number = 1.0 if fresh else seen + 1.0, told.begins[i] if fresh else number + 1
        row = row_after(
            before,
            log_before,
            seen,
            float(told.open[i]),
            float(told.high[i]),
            float(told.low[i]),
            float(told.close[i]),
            float(told.volume[i]),
            told.close_ns[i] // NS_PER_MINUTE,
            number,
            math.nan,
        )
        before, log_before = row.close, row.log_close
        rows[0, i], rows[1, i], rows[2, i], rows[3, i], rows[4, i] = row.open, row.high, row.low, row.close, row.volume
        rows[5, i], rows[6, i], rows[7, i], rows[8, i] = row.log_close, row.log_return, row.move, row.true_range
        rows[9, i], rows[10, i], rows[11, i] = row.minute, row.number, row.seen
    carried[0], carried[1], carried[2], carried[3] = before, log_before, seen, number


@kernel
def _run(
    rows: Floats, aux: Floats, parameters: tuple[float, ...], warm_up: float, state: Floats, values: Floats
) -> None:
    for i in range(len(values)):
        seen = rows[11, i]
        if seen == 1.0:
            for place in range(len(state)):
                state[place] = 0.0
        row = Row(
            open=rows[0, i],
            high=rows[1, i],
            low=rows[2, i],
            close=rows[3, i],
            volume=rows[4, i],
            log_close=rows[5, i],
            log_return=rows[6, i],
            move=rows[7, i],
            true_range=rows[8, i],
            minute=int(rows[9, i]),
            number=int(rows[10, i]),
            seen=seen,
            aux=aux[i],
        )
        value = _step(state, row, *parameters)
        values[i] = value if seen >= warm_up else math.nan


def _beside(name: str, aux: Mapping[str, Floats], count: int) -> Floats:
    if name not in aux:
        raise DataError(f"features of {name} need a column of it beside the bars")
    column = np.ascontiguousarray(aux[name], dtype=np.float64)
    if column.shape != (count,):
        raise DataError(f"{name} beside {count} bars must have as many values, not {column.shape}")
    return column


def _columns(bars: BarColumns) -> _Told:
    fresh = np.ones(len(bars), dtype=np.bool_)
    np.not_equal(np.diff(bars.close_ns), bars.interval_ns, out=fresh[1:])
    begins = _begins(fresh, bars.close_ns, bars.close_ns - bars.interval_ns)
    return _Told(bars.close_ns, begins, bars.open, bars.high, bars.low, bars.close, bars.volume_atoms)


def _of_bars(bars: Iterable[Bar]) -> _Told:
    told = list(bars)
    fields = ("close_ns", "open_ns", "open", "high", "low", "close", "volume_atoms")
    table = [np.array([getattr(bar, name) for bar in told], dtype=np.int64) for name in fields]
    close_ns, open_ns, *prices = table
    fresh = np.ones(len(told), dtype=np.bool_)
    fresh[1:] = [
        later.open_ns != bar.close_ns
        or later.symbol != bar.symbol
        or later.close_ns - later.open_ns != bar.close_ns - bar.open_ns
        for bar, later in pairwise(told)
    ]
    return _Told(close_ns, _begins(fresh, close_ns, open_ns), *prices)


def _begins(fresh: NDArray[np.bool_], close_ns: Ints, open_ns: Ints) -> Ints:
    begins, first = np.zeros(len(fresh), dtype=np.int64), np.flatnonzero(fresh)
    begins[first] = close_ns[first] // (close_ns[first] - open_ns[first])
    return begins
