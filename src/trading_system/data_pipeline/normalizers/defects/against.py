"""A series held against another of the same market: where its bars fit better at another time than they say.

Two venues, or two coins, rise and fall in the same hour. Returns are correlated over windows of 48 bars at every lag
that a clock could be wrong by; where the best fits well and the lag that the stamps say does not, the stamps are wrong.
It finds what no seam shows: a stretch under the clock of another zone whose overlap somebody cleaned away.
"""

from typing import Final, NamedTuple

import numpy as np

from trading_system.data_pipeline.normalizers.defects.rows import SECOND_NS, Mask, Rows, run_lengths
from trading_system.market.columns import Floats, Ints

WINDOW: Final = 48
_STEP: Final = 12
_GOOD: Final = 0.5
_BETTER: Final = 0.3
"""A correlation that is one, and how much worse the stamped one must be."""
_FEW: Final = 2
"""Windows in a row that may fit elsewhere by chance."""
_MOST: Final = 50_000_000
"""Slots of the grid."""
_HOUR_NS: Final = 3_600 * SECOND_NS
_ZONES: Final = 14
"""Hours that clocks are ahead or behind of UTC at most."""


class Moved(NamedTuple):
    """Bars from `first_ns` to `last_ns` (opens as told) that stand `bars` intervals late; early where negative."""

    first_ns: int
    last_ns: int
    bars: int


def moved_stretches(rows: Rows, reference: Rows, interval_ns: int) -> list[Moved]:
    """Return the stretches of `rows` that fit `reference` at another time; both sound, in order, on one grid."""
    if len(rows.time_ns) < WINDOW or len(reference.time_ns) < WINDOW:
        return []
    lags = _lags(interval_ns)
    begin = int(rows.time_ns[0]) // interval_ns
    count = int(rows.time_ns[-1]) // interval_ns - begin + 1
    if count > _MOST:
        return []  # a wild stamp left in the series; the grid between would not fit into memory
    own = _returns(rows, interval_ns, begin, count)
    edge = max(abs(int(lag)) for lag in lags)
    other = _returns(reference, interval_ns, begin - edge, count + 2 * edge)
    fits = np.stack([_fits(own, other[edge - lag : edge - lag + count]) for lag in lags.tolist()])
    best = fits.argmax(axis=0)
    stamped = fits[int(np.flatnonzero(lags == 0)[0])]
    found: list[Moved] = []
    for lag_at in np.unique(best).tolist():
        wrong: Mask = (best == lag_at) & (lags[best] != 0) & (fits.max(axis=0) > _GOOD)
        wrong &= fits.max(axis=0) - stamped > _BETTER
        for first, length in zip(*run_lengths(wrong), strict=True):
            if length > _FEW:
                start, last = begin + int(first) * _STEP, begin + (int(first) + int(length) - 1) * _STEP + WINDOW - 1
                found.append(Moved(start * interval_ns, last * interval_ns, int(lags[lag_at])))
    return sorted(found)


def _lags(interval_ns: int) -> Ints:
    """Return the bars that a stamp may be late by: one, or whole hours of the zones."""
    zones = {
        hours * _HOUR_NS // interval_ns for hours in range(-_ZONES, _ZONES + 1) if hours * _HOUR_NS % interval_ns == 0
    }
    return np.array(sorted({-1, 0, 1} | zones), dtype=np.int64)


def _returns(rows: Rows, interval_ns: int, begin: int, count: int) -> Floats:
    """Return the log return of each slot of the grid from `begin` on, NaN where a bar or the one before is absent."""
    slots = rows.time_ns // interval_ns
    follows = np.diff(slots) == 1
    places, values = slots[1:][follows] - begin, np.diff(np.log(rows.close))[follows]
    within = (places >= 0) & (places < count)
    returns = np.full(count, np.nan)
    returns[places[within]] = values[within]
    return returns


def _fits(own: Floats, other: Floats) -> Floats:
    """Return the correlation in each window, 0 where fewer than half of its bars are told by both."""
    both = np.isfinite(own) & np.isfinite(other)
    x, y = np.where(both, own, 0.0), np.where(both, other, 0.0)
    n = _sums(both.astype(np.float64))
    sx, sy, sxx, syy, sxy = (_sums(column) for column in (x, y, x * x, y * y, x * y))
    with np.errstate(invalid="ignore", divide="ignore"):
        fits = (sxy - sx * sy / n) / np.sqrt((sxx - sx * sx / n) * (syy - sy * sy / n))
    return np.where((n >= WINDOW / 2) & np.isfinite(fits), fits, 0.0)


def _sums(column: Floats) -> Floats:
    total = np.concatenate(([0.0], np.cumsum(column)))
    begins = np.arange(0, len(column) - WINDOW + 1, _STEP)
    return total[begins + WINDOW] - total[begins]
