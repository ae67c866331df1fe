"""From rows at fault to the stretches in which they are told."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from trading_system.data_pipeline.normalizers.defects.kinds import ACTION, Action, Defect, DefectKind
from trading_system.data_pipeline.normalizers.defects.rows import Mask, Positions, Rows, stretches
from trading_system.market.columns import Ints

Detail = Callable[[Positions], str]
"""Says what is to be seen at some rows, given by position."""


class Sequence(NamedTuple):
    """Rows in order of time: `order` (S,) their positions in the file, `times` (S,) their opens by position, UTC ns.

    A row without a time of its own stands behind the one above it in the file. `lines` is what the file's first row
    counts as, and which way it runs: (1, 1) for rows counted from one; (count, -1) for rows that were turned around.
    """

    order: Positions
    times: Ints
    lines: tuple[int, int] = (1, 1)

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
    return Sequence(np.argsort(times, kind="stable"), times, lines)


def told(
    kind: DefectKind, mask: Mask, seq: Sequence, detail: Detail | str, action: Action | None = None
) -> list[Defect]:
    """Return one defect for each stretch, in order of time, of rows in `mask` (by position in the file)."""
    if not mask.any():
        return []
    return [
        _stretch(kind, seq.order[begin:end], seq, detail, action or ACTION[kind])
        for begin, end in stretches(mask[seq.order])
    ]


def _stretch(kind: DefectKind, rows: Positions, seq: Sequence, detail: Detail | str, action: Action) -> Defect:
    lines = sorted((seq.line(int(rows[0])), seq.line(int(rows[-1]))))
    where = f"row {lines[0]}" if len(rows) == 1 else f"rows {lines[0]} to {lines[1]}"
    return Defect(
        kind=kind,
        first_ns=int(seq.times[rows[0]]),
        last_ns=int(seq.times[rows[-1]]),
        rows=len(rows),
        action=action,
        detail=f"{where}: {detail if isinstance(detail, str) else detail(rows)}",
    )
