"""Where to cut a series in past and future: a few of each kind of place, since a leak may hide in one of them.

A leak of one bar shows at a cut exactly before the bar that it looks at, and nowhere else. One that is there only at
three in the morning, or only behind a gap, needs a cut there; picking rows at random would miss it.
"""

from collections.abc import Iterator
from itertools import cycle
from typing import Final

import numpy as np

from trading_system.data_pipeline.moments import DAY_NS, HOUR_NS
from trading_system.market.columns import BarColumns, Ints

_WEEKDAYS: Final = 7
_WILDEST: Final = 20
_FIRST: Final = 200
"""Rows at the top, in which features become defined."""


def cuts_of(bars: BarColumns, count: int, chance: np.random.Generator) -> Ints:
    """Return `count` rows of `bars`, ascending, each once: all of them if there are no more.

    Places of all kinds take turns: the first rows and the last, before and behind gaps and quiet bars, before new
    highs and lows and the wildest moves, each hour of the day, each weekday, the ends of hours and days, anywhere.
    """
    if count >= len(bars):
        return np.arange(len(bars), dtype=np.int64)
    places = [iter(chance.permutation(rows).tolist()) for rows in _places(bars) if len(rows)]
    chosen: set[int] = set()
    for place in cycle(places):  # the last place holds all rows, so that this ends
        found = next((row for row in place if row not in chosen), None)
        if found is not None:
            chosen.add(found)
        if len(chosen) >= count:
            break
    return np.array(sorted(chosen), dtype=np.int64)


def _places(bars: BarColumns) -> Iterator[Ints]:
    count, close_ns = len(bars), bars.close_ns
    rows = np.arange(count, dtype=np.int64)
    yield rows[:3]
    yield rows[-3:]
    yield rows[:_FIRST]
    gaps = np.flatnonzero(np.diff(close_ns) != bars.interval_ns)
    quiet = np.flatnonzero((bars.volume_atoms == 0) | (bars.high == bars.low))
    peaks = np.flatnonzero(bars.close[1:] > np.maximum.accumulate(bars.close)[:-1])
    lows = np.flatnonzero(bars.close[1:] < np.minimum.accumulate(bars.close)[:-1])
    wildest = np.argsort(np.abs(np.diff(bars.close)))[-_WILDEST:]
    for found in (gaps, gaps + 1, gaps + 2, gaps + 3, quiet, quiet - 1, quiet + 1, peaks, lows, wildest):
        yield found[(found >= 0) & (found < count)].astype(np.int64)
    open_ns = close_ns - bars.interval_ns
    for unit_ns in (HOUR_NS, DAY_NS):
        if bars.interval_ns < unit_ns:
            yield rows[close_ns % unit_ns == 0]
            yield rows[open_ns % unit_ns == 0]
    for hour in np.unique(open_ns % DAY_NS // HOUR_NS):
        yield rows[open_ns % DAY_NS // HOUR_NS == hour]
    for weekday in range(_WEEKDAYS):
        yield rows[open_ns // DAY_NS % _WEEKDAYS == weekday]
    yield rows
