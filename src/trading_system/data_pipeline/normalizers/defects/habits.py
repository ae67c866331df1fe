"""Whether bars stand where their market's habits put them: the only thing in a lone file that tells ends from opens.

Prices do not tell whether a stamp is the open of a bar or its end; volume does. Robots trade on the minute the hour
begins, a new daily bar at 00:00 UTC brings orders, and few work on Saturdays. Each bar's volume is compared with that
of the bars beside it (so that busy and quiet hours, which differ from venue to venue, fall out), and the pattern over
the hour, the day or the week with the pattern below, as it is and one bar late. A file is late where the second fits
better in day after day, by a margin that chance does not give.

The patterns are rounded means over some of the real files on which the limits were tuned. What the score is worth on
parts of real files, as they are and one bar late, stands in docs/data/quality.md. At 8 and 12 hours venues differ too
much, and nothing is said.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from trading_system.data_pipeline.normalizers.defects.rows import DAY_NS, SECOND_NS, Rows
from trading_system.market.columns import Floats

CERTAIN: Final = 2.75
"""Score from which on a whole file is late."""
LIKELY: Final = 1.5
"""Score from which on a part is late that begins or ends with a seam, which speaks for it already."""

_MINUTE: Final = 60 * SECOND_NS
_HOUR: Final = 3_600 * SECOND_NS
_WEEK: Final = 7 * DAY_NS
_MOST: Final = 2.0
_BLOCKS: Final[Mapping[int, int]] = {_HOUR: 48, DAY_NS: 24, _WEEK: 20}
"""Hours, days or weeks that are the least to judge by."""
_WHOLE: Final = 0.75
"""Share of a block's bars that must be there."""


class Habit(NamedTuple):
    """A pattern over a span of time: of each bar in it, the usual log volume less the mean of the two beside it."""

    span_ns: int
    pattern: tuple[float, ...]


def _minutes(told: Mapping[int, float]) -> tuple[float, ...]:
    return tuple(told.get(minute, 0.0) for minute in range(60))


HABITS: Final[Mapping[int, Habit]] = {
    _MINUTE: Habit(
        _HOUR,
        _minutes({0: 0.2, 14: -0.09, 15: 0.1, 29: -0.115, 30: 0.1, 44: -0.08, 45: 0.07, 59: -0.15}),
    ),
    3 * _MINUTE: Habit(
        _HOUR,
        (
            *(0.148, -0.030, 0.012, 0.009, -0.062, 0.036, -0.001, 0.023, 0.005, -0.088),
            *(0.082, -0.012, 0.004, 0.011, -0.086, 0.086, -0.019, -0.003, 0.005, -0.122),
        ),
    ),
    5 * _MINUTE: Habit(
        _HOUR, (0.124, -0.016, -0.041, 0.035, 0.006, -0.067, 0.067, -0.002, -0.037, 0.032, 0.004, -0.106)
    ),
    15 * _MINUTE: Habit(_HOUR, (0.061, -0.028, 0.025, -0.058)),
    30 * _MINUTE: Habit(_HOUR, (0.034, -0.034)),
    _HOUR: Habit(
        DAY_NS,
        (
            *(0.159, -0.017, -0.004, -0.017, -0.010, -0.025, -0.015, 0.004, 0.055, -0.019, 0.008, -0.074),
            *(0.028, -0.003, 0.059, -0.001, 0.078, -0.053, -0.017, -0.017, 0.057, -0.077, -0.018, -0.080),
        ),
    ),
    2 * _HOUR: Habit(
        DAY_NS, (0.128, -0.042, -0.069, 0.002, 0.043, -0.085, 0.035, 0.113, 0.031, -0.042, -0.026, -0.087)
    ),
    4 * _HOUR: Habit(DAY_NS, (0.049, -0.101, -0.049, 0.196, 0.029, -0.124)),
    6 * _HOUR: Habit(DAY_NS, (-0.063, -0.082, 0.271, -0.126)),
    DAY_NS: Habit(_WEEK, (-0.001, 0.166, -0.196, -0.131, 0.151, -0.005, 0.018)),
}
"""By interval; bars of the week from Thursday, 1970-01-01."""


def lateness(rows: Rows, interval_ns: int) -> float:
    """Return how much better `rows` fit the habits one bar late than as they are, in standard errors.

    Args:
        rows: Sound, in order of time, on the grid.
        interval_ns: Length of a bar, ns.

    Returns:
        0 where nothing can be said, or where neither fits best.
    """
    habit = HABITS.get(interval_ns)
    if habit is None or not rows.with_volume or len(rows.time_ns) < 3:
        return 0.0
    pattern = np.array(habit.pattern)
    slots = rows.time_ns // interval_ns % len(pattern)
    blocks = rows.time_ns // habit.span_ns
    blocks = np.concatenate(([0], np.cumsum(np.diff(blocks) > 0)))  # those with a bar, numbered
    whole = np.bincount(blocks) >= _WHOLE * len(pattern)
    if int(whole.sum()) < _BLOCKS[habit.span_ns]:
        return 0.0
    bends = _bends(rows, interval_ns)
    count = len(pattern)
    table = np.bincount(blocks * count + slots, weights=bends, minlength=len(whole) * count)
    turned = np.stack([np.roll(pattern, late) for late in range(count)])
    fits = turned @ table.reshape(-1, count)[whole].T  # (late, slots) of (slots, blocks)
    better = fits[1] - fits[0]
    spread = float(better.std())
    if spread == 0.0 or int(fits.mean(axis=1).argmax()) not in (0, 1):
        return 0.0
    return float(better.mean()) / spread * float(np.sqrt(len(better)))


def _bends(rows: Rows, interval_ns: int) -> Floats:
    """Return each bar's log volume less the mean of the two beside it, within bounds; 0 where one of them is absent."""
    traded = rows.volume[rows.volume > 0]
    if not len(traded):
        return np.zeros(len(rows.volume))
    logs = np.log(rows.volume + np.quantile(traded, 0.05))
    follows = np.diff(rows.time_ns) == interval_ns
    bends = np.zeros(len(logs))
    bends[1:-1] = np.where(follows[1:] & follows[:-1], logs[1:-1] - (logs[2:] + logs[:-2]) / 2, 0.0)
    return np.clip(bends, -_MOST, _MOST)
