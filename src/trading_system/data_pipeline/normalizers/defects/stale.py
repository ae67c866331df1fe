"""A feed that stood still: bars that repeat the one before more often than this market does.

In a liquid market no two bars in a row are alike; where few trade, a minute may well look like the one before it, and
a price may stand for ten. How much is too much is therefore told from the file: of each kind of repetition, how many
runs of one, two, three … bars there are. Their numbers fall by about the same factor from length to length, and a run
is stale from the length on at which that fall leaves no more than one row in ten thousand.
"""

from typing import Final, NamedTuple

import numpy as np

from trading_system.data_pipeline.normalizers.defects.rows import Mask, Positions, Rows, run_lengths
from trading_system.market.columns import Floats

_ENOUGH: Final = 30
"""Runs from which on the fall from one length to the next is told."""
_FALL: Final = 0.1
_FALL_MOST: Final = 0.75
"""The fall, where too few runs tell it; and the slowest that is believed, for the runs may be faults themselves."""
_RULE: Final = 0.08
_RULE_MOST: Final = 0.93
"""Runs, as a share of the rows, from which on repetition is the rule, as where a tick is a per cent; and the slowest
fall that is believed then."""
_OWN: Final = 0.15
_ALIVE: Final = 0.9
_OWN_RULE: Final = 0.4
"""Share of rows that repeat the one before from which on that is the market's way, if so many of them are traded; and
from which on it is the rule. Between, it comes in spells, and the fall is slower than the share."""
_COMMON: Final = 0.03
"""Runs, as a share of the rows, from which on a repetition is common: then it comes in spells, quiet nights in which
long runs are likelier than short ones foretell, and the slowest fall between any two lengths counts."""


class Habit(NamedTuple):
    """One way to repeat the bar before: which rows do; the run from which on it can be no market; and the rows, as a
    share of the file, that the market's own runs of a stale length may be expected to hold."""

    name: str
    repeats: Mask
    least: int
    rare: float = 1e-4


def stale(rows: Rows) -> tuple[Mask, dict[str, int]]:
    """Return which of `rows` (sound, in order of time) repeat the one before for too long, and the lengths used."""
    found = np.zeros(len(rows.time_ns), dtype=np.bool_)
    used: dict[str, int] = {}
    if len(found) < 3:
        return found, used
    for habit in _habits(rows):
        begins, lengths = run_lengths(habit.repeats)
        own = _own(habit.repeats, rows)
        if not len(begins) or own == 1.0:
            continue
        least = used[habit.name] = _too_long(lengths, habit, len(found), own)
        for begin, length in zip(begins[lengths >= least], lengths[lengths >= least], strict=True):
            found[begin : begin + length] = True
    return found, used


def _own(repeats: Mask, rows: Rows) -> float:
    """Return the slowest fall that the market's own way explains, 0..1; 1 where repetition tells nothing at all.

    So it is where a tick is longer than most bars: many rows repeat the one before, and are traded, each with a volume
    of its own.
    """
    share = float(repeats.mean())
    if not rows.with_volume or share < _OWN:
        return 0.0
    alive = (rows.volume > 0) & ~_again(rows.volume)
    if alive[repeats].mean() <= _ALIVE:
        return 0.0
    return 1.0 if share > _OWN_RULE else float(np.sqrt(share))


def _habits(rows: Rows) -> tuple[Habit, ...]:
    prices = _again(rows.open) & _again(rows.high) & _again(rows.low) & _again(rows.close)
    moved = rows.high > rows.low
    flat = ~moved & _again(rows.close)
    habits = [
        Habit("open, high, low and close", prices & moved, 2),
        Habit("flat", flat, 3),
        Habit("close", _again(rows.close), 4),
    ]
    if rows.with_volume:
        volume = _again(rows.volume) & (rows.volume > 0)
        habits += [
            Habit("flat without volume", flat & (rows.volume == 0), 2),
            Habit("the whole bar", prices & moved & volume, 1, 5e-3),
            Habit("the whole flat bar", flat & volume, 2, 1e-3),
            Habit("volume", volume, 3),
        ]
    return tuple(habits)


def _again(column: Floats) -> Mask:
    return np.concatenate(([False], column[1:] == column[:-1]))


def _too_long(lengths: Positions, habit: Habit, rows: int, own: float) -> int:
    """Return the length from which on a run is not the market's own."""
    counts = np.bincount(lengths, minlength=2)[1:].astype(np.float64)  # counts[k]: runs of k + 1
    many = counts[:-1] >= _ENOUGH
    falls = (counts[1:] / np.fmax(counts[:-1], 1))[many].tolist()
    if len(lengths) > _COMMON * rows:
        reach = np.cumsum(counts[::-1])[::-1]  # runs of k + 1 and more
        for begin in range(int((reach >= _ENOUGH).sum())):
            end = min(2 * begin + 1, len(reach) - 1)
            falls.append((reach[end] / reach[begin]) ** (1 / (end - begin)) if end > begin else 0.0)
    fall = min(max([*falls, _FALL]), _RULE_MOST if len(lengths) > _RULE * rows else _FALL_MOST)
    fall = max(fall, own)
    length = habit.least
    while counts[0] * _rows_from(length, fall) > habit.rare * rows:
        length += 1
    return length


def _rows_from(length: int, fall: float) -> float:
    """Return the rows in runs of at least `length`, for each run of one: the sum of k * fall ** (k - 1) from there."""
    return fall ** (length - 1) * (length - (length - 1) * fall) / (1 - fall) ** 2
