"""Bars stamped with the moment of their end, where the file itself proves it.

A stamp just short of a whole interval (23:59:59.999) is the end of a bar: exchanges tell it beside the open. Such rows
are put right. A stretch of rows that stands one bar late shows at its seams: a bar is absent where it begins, though
the price goes on as if none were, and where it ends one time is told twice by two bars that follow each other.
"""

from typing import Final, NamedTuple

import numpy as np

from trading_system.data_pipeline.normalizers.defects.rows import MS_NS, SECOND_NS, Mask, Rows
from trading_system.data_pipeline.normalizers.defects.steps import base
from trading_system.market.columns import Floats, Ints

SHORT_NS: Final = (1, 1_000, MS_NS, SECOND_NS)
"""How much short of its end a bar may be stamped."""

_SMOOTH: Final = 0.05
"""Largest step from a close to the next open, in usual bars, that is none; of two bars with one between them missing
about one pair in fifteen comes as near."""


def to_open(times: Ints, interval_ns: int, *, ends: bool) -> Ints:
    """Return what to add to each stamp that is a bar's end to get its open, ns; 0 for the others.

    Args:
        times: As told, UTC ns.
        interval_ns: Length of a bar, ns.
        ends: All are ends. Otherwise those are that fall just short of a whole interval.
    """
    shift = np.full(len(times), -interval_ns if ends else 0, dtype=np.int64)
    if interval_ns < 60 * SECOND_NS:
        return shift
    for short in SHORT_NS:
        shift[(times - base(interval_ns) + short) % interval_ns == 0] = short - interval_ns
    return shift


class Late(NamedTuple):
    """Rows begin..end (exclusive, in order of time) that stand one bar late."""

    begin: int
    end: int


def late_stretches(rows: Rows, interval_ns: int, usual: float) -> list[Late]:
    """Return stretches of `rows` that are stamped one interval late, by their seams.

    Args:
        rows: In order of time, of equal times the one that stood first in the file first; prices sound.
        interval_ns: Length of a bar, ns.
        usual: What a bar spans, in logarithms.
    """
    if len(rows.time_ns) < 4 or not usual > 0:
        return []
    with np.errstate(divide="ignore", invalid="ignore"):
        jump = np.abs(np.log(rows.open[1:] / rows.close[:-1]))
    smooth = jump <= _SMOOTH * usual
    if not _continuous(jump, usual):
        return []  # where a bar does not begin near the end of the one before it, seams tell nothing
    steps = np.diff(rows.time_ns)
    opens = np.flatnonzero(smooth & (steps == 2 * interval_ns)) + 1
    closes = np.flatnonzero(smooth & (steps == 0)) + 1
    found: list[Late] = []
    for end in closes.tolist():
        before = opens[(opens < end) & (opens >= (found[-1].end if found else 0))]
        if len(before):
            found.append(Late(int(before[-1]), end))
    return found


def _continuous(jump: Floats, usual: float) -> bool:
    told: Mask = np.isfinite(jump)
    return bool(told.any()) and float(np.quantile(jump[told], 0.8)) <= _SMOOTH * usual
