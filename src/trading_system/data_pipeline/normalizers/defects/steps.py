"""The step of a series: which it is, which bars are absent, and which rows come at another."""

import math
import re
from typing import Final, NamedTuple

import numpy as np

from trading_system.data_pipeline.normalizers.defects.rows import (
    DAY_NS,
    MONTH_NS,
    SECOND_NS,
    WEEK_NS,
    Mask,
    Positions,
    run_lengths,
)
from trading_system.market.columns import Ints

MONDAY_NS: Final = 4 * DAY_NS
"""1970-01-05, the first Monday: weekly bars begin on Mondays."""

_UNIT_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_SPELLED: Final = {"sec": "s", "min": "m", "mins": "m", "t": "m", "hr": "h", "hour": "h", "hours": "h", "day": "d"}
_WORD_S: Final = {"minute": 60, "hour": 3_600, "hourly": 3_600, "daily": 86_400, "weekly": 604_800}
_TOKEN: Final = re.compile(rf"(?<![0-9a-zA-Z])(\d{{1,4}})({'|'.join([*_UNIT_S, *_SPELLED])})(?![0-9a-zA-Z])")

_OF_VENUES: Final = tuple(
    seconds * SECOND_NS
    for seconds in (86_400, 43_200, 28_800, 21_600, 14_400, 7_200, 3_600, 1_800, 900, 300, 180, 60, 30, 15, 10, 5, 1)
)
_MOST_KEEP: Final = 0.8
_NEARLY_ALL: Final = 0.99
_OFTEN: Final = 0.4
"""Share of steps from which on the usual one is the interval, whatever else stands between."""

_CHANCE: Final = 1e-3
"""Expected number of false stretches of longer bars in a file."""
_RULE: Final = 0.3
"""Share of steps with a hole behind them from which on holes are the rule and tell nothing."""
_CLUSTERED: Final = 5
"""How much likelier a hole is right behind a hole than anywhere."""


def interval_of_name(name: str) -> int | None:
    """Return the interval that a file's name tells, ns; None where it tells none, or several.

    >>> [interval_of_name(n) for n in ("binance_BTCUSDT_1h.parquet", "ETH-5m-2024-01.csv", "bars.csv")]
    [3600000000000, 300000000000, None]
    """
    told = {int(count) * _UNIT_S[_SPELLED.get(unit, unit)] for count, unit in _TOKEN.findall(name)} - {0}
    if not told:
        told = {_WORD_S[word] for word in re.split(r"[^a-z]+", name.lower()) if word in _WORD_S}
    return told.pop() * SECOND_NS if len(told) == 1 else None


def usual_step(times: Ints) -> int | None:
    """Return the most common step of rising `times`, ns, the shorter of equals; None where no row follows another."""
    lengths, counts = np.unique(np.diff(times), return_counts=True)
    counts, lengths = counts[lengths > 0], lengths[lengths > 0]
    return int(lengths[counts.argmax()]) if len(lengths) else None


def told_interval(times: Ints) -> int | None:
    """Return the interval of rising `times`, ns: the usual step, or of a market that rarely trades a venue's interval.

    Where many bars are absent, the usual step may be any of their distances. It is the interval only if most bars keep
    to its grid; else it is the longest interval of venues whose grid nearly all of them keep to.
    """
    step = usual_step(times)
    if step is None or step >= MONTH_NS or _keeping(times, step) >= _MOST_KEEP:
        return step
    if (np.diff(times) == step).mean() >= _OFTEN:
        return step
    return next((told for told in _OF_VENUES if told < step and _keeping(times, told) >= _NEARLY_ALL), step)


def _keeping(times: Ints, interval_ns: int) -> float:
    return 1.0 - float(off_grid(times, interval_ns, usual_phase(times, interval_ns)).mean())


def usual_phase(times: Ints, interval_ns: int) -> int:
    """Return where in the interval most bars open, ns after where `base` would have them."""
    phases, counts = np.unique((times - base(interval_ns)) % interval_ns, return_counts=True)
    return int(phases[counts.argmax()])


def base(interval_ns: int) -> int:
    """Return a moment at which a bar of this length opens, ns since 1970."""
    return MONDAY_NS if interval_ns % WEEK_NS == 0 else 0


class Holes(NamedTuple):
    """Bars that are absent: open of the first, how many, and the position of the row behind; all (G,)."""

    first_ns: Ints
    bars: Ints
    behind: Positions


def holes(times: Ints, interval_ns: int, phase: int) -> Holes:
    """Return where slots of the grid hold no row at all; `times` rise, and may stand off the grid."""
    nothing = np.zeros(0, dtype=np.int64)
    if interval_ns >= MONTH_NS or len(times) < 2:
        return Holes(nothing, nothing, np.zeros(0, dtype=np.intp))
    start = base(interval_ns) + phase
    slots = (times - start) // interval_ns
    steps = np.diff(slots)
    behind = np.flatnonzero(steps > 1) + 1
    return Holes((slots[behind - 1] + 1) * interval_ns + start, steps[behind - 1] - 1, behind)


def off_grid(times: Ints, interval_ns: int, phase: int) -> Mask:
    """Return which rows do not open where a bar of the series does."""
    if interval_ns >= MONTH_NS:
        return np.zeros(len(times), dtype=np.bool_)
    off: Mask = (times - base(interval_ns) - phase) % interval_ns != 0
    return off


def finer(strangers: Mask) -> Mask:
    """Return `strangers` and the rows between two of them: a bar on the grid amid shorter ones is a shorter one."""
    mask = strangers.copy()
    mask[1:-1] |= strangers[:-2] & strangers[2:]
    return mask


def coarser(times: Ints, interval_ns: int) -> Mask:
    """Return which rows belong to a stretch of longer bars: the same hole behind each of several rows in a row.

    How many are needed depends on how often such a hole stands alone: where quiet bars are absent, holes follow holes
    by chance.
    """
    found = np.zeros(len(times), dtype=np.bool_)
    if interval_ns >= MONTH_NS or len(times) < 3:
        return found
    steps = np.diff(times)
    wide = (steps >= 2 * interval_ns) & (steps % interval_ns == 0)
    alike = wide[1:] & (steps[1:] == steps[:-1])
    if not alike.any() or wide.mean() > _RULE:
        return found
    heads = wide & np.concatenate(([True], steps[1:] != steps[:-1]))
    sizes, counts = np.unique(steps[heads], return_counts=True)
    runs = dict(zip(sizes.tolist(), counts.tolist(), strict=True))
    begins, lengths = run_lengths(alike)
    for begin, length in zip(begins.tolist(), lengths.tolist(), strict=True):
        others = (runs[int(steps[begin])] - 1) / len(times)  # this very stretch must not make it look common
        chance = min(0.9, max(0.002, _CLUSTERED * others))
        if length + 1 >= max(3, math.log(_CHANCE / len(times)) / math.log(chance)):
            found[begin : begin + length + 1] = True  # the row behind the last wide step is an ordinary one
    return found
    sizes, sizes_count = np.unique(steps[wide], return_counts=True)
    rate = dict(zip(sizes.tolist(), (sizes_count / len(times)).tolist(), strict=True))
    begins, lengths = run_lengths(alike)
    for begin, length in zip(begins.tolist(), lengths.tolist(), strict=True):
        # rows of this very stretch must not make it look common
        others = rate[int(steps[begin])] - (length + 1) / len(times)
        chance = min(0.9, max(0.002, _CLUSTERED * others))
        if length + 1 >= max(3, math.log(_CHANCE / len(times)) / math.log(chance)):
            found[begin : begin + length + 1] = True  # the row behind the last wide step is an ordinary one
    return found
