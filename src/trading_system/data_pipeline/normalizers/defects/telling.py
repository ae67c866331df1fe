"""From rows at fault to the stretches in which they are told."""

from typing import Final, NamedTuple

import numpy as np

from trading_system.data_pipeline.normalizers.defects.kinds import ACTION, Action, Defect, DefectKind
from trading_system.data_pipeline.normalizers.defects.rows import Mask, Positions, Rows, stretches
from trading_system.market.columns import Ints

_NEAR: Final = 100
"""Bars between its neighbors beyond which nobody can say where a row without a time belongs."""


class Sequence(NamedTuple):
    """Rows in order of time: `order` (S,) their positions in the file, `times` (S,) their opens by position, UTC ns;
    `timed` whether any row has one.

    A row without a time of its own stands behind the one above it in the file. `lines` is what the file's first row
    counts as, and which way it runs: (1, 1) for rows counted from one; (count, -1) for rows that were turned around.
    """

    order: Positions
    times: Ints
    lines: tuple[int, int] = (1, 1)
    timed: bool = True

    def line(self, row: int) -> int:
        """Return the number, from 1, of the row in the file."""
        first, step = self.lines
        return first + step * row


def sequence(rows: Rows, times: Ints, interval_ns: int, *, backwards: bool) -> Sequence:
    """Return the order in which rows are told; `times` are the opens of those that have one."""
    told = ~rows.timeless
    if not told.all():
        last = np.maximum.accumulate(np.where(told, np.arange(len(times)), -1))
        first = int(times[told][0]) if told.any() else 0
        times = np.where(told, times, np.where(last >= 0, times[last] + interval_ns, first - interval_ns))
    lines = (len(times), -1) if backwards else (1, 1)
    rising = len(times) == 0 or bool((times[1:] >= times[:-1]).all())
    order = np.arange(len(times)) if rising else np.argsort(times, kind="stable")
    return Sequence(order, times, lines, bool(told.any()))


def latest(rows: Rows, seq: Sequence, interval_ns: int) -> Ints:
    """Return the latest time that each row can have: its own, or of one without, that before the row below it."""
    if not rows.timeless.any() or rows.timeless.all():
        return seq.times
    count = len(seq.times)
    below = np.minimum.accumulate(np.where(rows.timeless, count, np.arange(count))[::-1])[::-1]
    before = np.where(below < count, seq.times[np.minimum(below, count - 1)] - interval_ns, seq.times)
    near = before - seq.times <= _NEAR * interval_ns
    return np.where(rows.timeless & near, np.maximum(seq.times, before), seq.times)


def told(
    kind: DefectKind,
    mask: Mask,
    seq: Sequence,
    detail: str,
    *,
    action: Action | None = None,
    opens: Ints | None = None,
    stamps: Ints | None = None,
    among: Mask | None = None,
) -> list[Defect]:
    """Return one defect for each stretch, in order of time, of rows in `mask` (by position in the file).

    Args:
        kind: What is wrong with them.
        mask: (S,) which rows.
        seq: Their order and times.
        detail: What is to be seen.
        action: What becomes of them, where it is not what becomes of all of this kind.
        opens, stamps: (S,) the moment that a stretch begins and ends with, where that is not the row's time: a row in
            the wrong place of the grid is told from the open that it should have to the stamp that it has.
        among: (S,) the rows between which a stretch ends; None for all.
    """
    if not mask.any():
        return []
    firsts = seq.times if opens is None else opens
    lasts = seq.times if stamps is None else stamps
    found = []
    order = seq.order if among is None else seq.order[(mask | among)[seq.order]]
    for begin, end in stretches(mask[order]):
        rows = order[begin:end]
        lines = sorted((seq.line(int(rows[0])), seq.line(int(rows[-1]))))
        where = f"row {lines[0]}" if len(rows) == 1 else f"rows {lines[0]} to {lines[1]}"
        defect = Defect(
            kind=kind,
            first_ns=int(firsts[rows[0]]) if seq.timed else None,
            last_ns=int(lasts[rows[-1]]) if seq.timed else None,
            rows=len(rows),
            action=action or ACTION[kind],
            detail=f"{where}: {detail}",
        )
        found.append(defect)
    return found
