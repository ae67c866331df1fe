"""Every finder over the same rows, in one order, and what is to become of each row."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading_system.data_pipeline.normalizers.defects import cells, order, stamps, steps
from trading_system.data_pipeline.normalizers.defects.kinds import Action, Defect, DefectKind
from trading_system.data_pipeline.normalizers.defects.rows import MONTH_NS, Mask, Positions, Rows, length_words
from trading_system.data_pipeline.normalizers.defects.spikes import spikes
from trading_system.data_pipeline.normalizers.defects.stale import stale
from trading_system.data_pipeline.normalizers.defects.telling import Sequence, latest, sequence, told
from trading_system.market import bar_flags
from trading_system.market.columns import Ints

K = DefectKind
_SPARSE: Final = 0.02
"""Share of steps of the expected length from which on a series has it, however many of its bars are absent."""


class Findings(NamedTuple):
    """What examining rows found.

    Attributes:
        interval_ns: The rows' own step, ns; None where no row follows another.
        defects: By kind, of each kind in order of time.
        keep: (S,) rows that make up the series once repaired.
        flags: (S,) bits of `market.bar_flags`.
        open_ns: (S,) when each bar opens, stamps put right.
        backwards: Whether the rows run newest first.
    """

    interval_ns: int | None
    defects: tuple[Defect, ...]
    keep: Mask
    flags: NDArray[np.uint16]
    open_ns: Ints
    backwards: bool


def examine(rows: Rows, expected_ns: int | None = None, *, ends: bool = False) -> Findings:
    """Return everything that is wrong with `rows`.

    Args:
        rows: In the order of their file.
        expected_ns: What a bar should be long, ns; None where nobody says.
        ends: The times are those of the bars' ends, as the file's header says.
    """
    with np.errstate(all="ignore"):  # a price of 1e-320 may stand beside one of 1e308, and is told as what it is
        if not order.newest_first(rows.time_ns[~rows.timeless]):
            return _Examination(rows, expected_ns, ends=ends, backwards=False).findings()
        turned = rows.taken(np.arange(len(rows.time_ns))[::-1])
        found = _Examination(turned, expected_ns, ends=ends, backwards=True).findings()
        return found._replace(keep=found.keep[::-1], flags=found.flags[::-1], open_ns=found.open_ns[::-1])


class _Examination:
    """The rows in hand, and what has been found about them so far."""

    def __init__(self, rows: Rows, expected_ns: int | None, *, ends: bool, backwards: bool) -> None:
        self._backwards = backwards
        times = np.sort(rows.time_ns[~rows.timeless])
        self._interval = _interval(times, expected_ns)
        self._expected = expected_ns
        self._shift = np.zeros(len(rows.time_ns), dtype=np.int64)
        if self._interval is not None:
            self._shift = np.where(rows.timeless, 0, stamps.to_open(rows.time_ns, self._interval, ends=ends))
        self._rows = rows._replace(time_ns=rows.time_ns + self._shift)
        self._seq = sequence(self._rows, self._rows.time_ns, self._interval or 0, backwards=backwards)
        self._placed = ~rows.timeless
        self._defects: list[Defect] = []
        self._keep: Mask = np.ones(len(rows.time_ns), dtype=np.bool_)
        self._flags = np.zeros(len(rows.time_ns), dtype=np.uint16)

    def findings(self) -> Findings:
        if len(self._keep):
            sound = self._cells()
            line = self._order(sound)
            if self._interval is not None:
                line = self._steps(line, self._interval)
                self._late(sound, self._interval)
            self._values(line, sound)
        return Findings(
            self._interval, tuple(self._defects), self._keep, self._flags, self._rows.time_ns, self._backwards
        )

    def _tell(
        self,
        kind: DefectKind,
        mask: Mask,
        detail: str,
        *,
        action: Action | None = None,
        flag: int = 0,
        opens: Ints | None = None,
        stamps: Ints | None = None,
        among: Mask | None = None,
    ) -> None:
        found = told(kind, mask, self._seq, detail, action=action, opens=opens, stamps=stamps, among=among)
        self._defects += found
        if found and found[0].action is Action.QUARANTINE:
            self._keep &= ~mask
        if flag:
            self._flags[mask] |= np.uint16(flag)

    def _cells(self) -> Mask:
        """Tell what single rows say of themselves; return those whose numbers can be a bar's."""
        rows = self._rows
        missing, low, odd = cells.not_numbers(rows), cells.not_positive(rows), cells.impossible(rows)
        words = "a time, a number or the count of cells cannot be read"
        self._tell(K.UNREADABLE, rows.unreadable, words, stamps=latest(self._rows, self._seq, self._interval or 0))
        self._tell(K.NAN, missing, "a number is missing, or none")
        self._tell(K.NON_POSITIVE, low, "a price that is not positive, or a negative volume")
        self._tell(K.OHLC, odd & ~low, "high, low, open and close cannot be those of one bar")
        self._tell(K.ZERO_BAR, cells.empty(rows), "nothing was traded", flag=bar_flags.ZERO_BAR)
        return ~(rows.unreadable | missing | low | odd)

    def _order(self, sound: Mask) -> Positions:
        """Tell rows told twice or in the wrong place; return one row for each time, in order of time."""
        rows, stamped = self._rows, ~self._rows.timeless
        out = np.zeros(len(stamped), dtype=np.bool_)
        broken = np.zeros(len(stamped), dtype=np.bool_)
        broken[stamped] = order.outlying(rows.time_ns[stamped])
        words = "bears a time far from all others"
        self._tell(K.OUT_OF_ORDER, broken, words, action=Action.QUARANTINE)
        stamped = self._placed = stamped & ~broken
        out[stamped] = order.misplaced(rows.time_ns[stamped])
        again = order.repeats(rows._replace(timeless=~stamped), np.where(sound, 0, 2) + out)
        extra = np.zeros(len(stamped), dtype=np.bool_)
        extra[again.extra] = True
        other = again.extra[~again.alike & sound[again.extra] & sound[again.standing]]
        contradicted = np.zeros(len(stamped), dtype=np.bool_)
        contradicted[other] = True
        single = np.ones(len(stamped), dtype=np.bool_)
        single[again.standing] = False
        self._tell(K.DUPLICATE, extra & ~contradicted, "tells a bar again, in the same words or in none", among=single)
        words = "tells a bar again, and says something else"
        self._tell(K.DUPLICATE, contradicted, words, action=Action.QUARANTINE, among=single)
        self._tell(K.OUT_OF_ORDER, out & ~extra, "stands in the wrong place of the file")
        self._keep[again.extra] = False
        self._keep[again.standing[np.isin(again.extra, other)]] = False
        if self._backwards:
            self._defects.append(_turned(self._seq))
        line = self._seq.order
        return line[stamped[line] & ~extra[line]]

    def _steps(self, line: Positions, interval: int) -> Positions:
        """Tell absent bars and rows of another step; return `line` without the latter."""
        times = self._rows.time_ns[line]
        self._tell(
            K.STAMPED_AT_END,
            self._shift != 0,
            "stamped with the bar's end",
            flag=bar_flags.END_STAMP,
            stamps=self._rows.time_ns - self._shift,
        )
        phase = steps.usual_phase(times, interval)
        strange = np.zeros(len(self._keep), dtype=np.bool_)
        within = steps.finer(steps.off_grid(times, interval, phase))
        strange[line[within]] = True
        start = steps.base(interval) + phase
        slots = (self._rows.time_ns - start) // interval * interval + start
        self._tell(K.WRONG_INTERVAL, strange, f"off the grid of {length_words(interval)}", opens=slots)
        regular = line[~within]
        longer = np.zeros(len(self._keep), dtype=np.bool_)
        longer[regular[steps.coarser(self._rows.time_ns[regular], interval)]] = True
        self._tell(K.WRONG_INTERVAL, longer, f"at a longer step than {length_words(interval)}")
        if len(regular):
            self._whole(regular, interval, phase)
        placed = np.zeros(len(self._keep), dtype=np.bool_)
        placed[line] = True
        filled = self._seq.order[(placed | self._rows.timeless)[self._seq.order]]  # a row whose time is lost is a row
        missing = steps.holes(self._seq.times[filled], interval, phase)
        for first, bars, behind in zip(missing.first_ns.tolist(), missing.bars.tolist(), missing.behind, strict=True):
            detail = f"{bars} bar{'s' if bars > 1 else ''} absent before row {self._seq.line(int(filled[behind]))}"
            self._defects.append(_defect(K.GAP, first, first + (bars - 1) * interval, bars, Action.FLAG, detail))
        self._flags[filled[missing.behind]] |= np.uint16(bar_flags.AFTER_GAP)
        return line[~(strange | longer)[line]]

    def _whole(self, line: Positions, interval: int, phase: int) -> None:
        """Tell what is wrong with the step of the file as a whole."""
        times = self._rows.time_ns[line]
        if self._expected is not None and self._expected != interval:
            detail = f"bars come every {length_words(interval)}, not every {length_words(self._expected)} as was said"
            first, last = int(times[0]), int(times[-1])
            self._defects.append(_defect(K.WRONG_INTERVAL, first, last, len(line), Action.FLAG, detail))
        if phase and interval < MONTH_NS:
            detail = f"all bars open {length_words(phase)} after a whole {length_words(interval)} of UTC; told once"
            first = int(times[0])
            self._defects.append(_defect(K.WRONG_INTERVAL, first, first, 1, Action.FLAG, detail))

    def _late(self, sound: Mask, interval: int) -> None:
        """Tell stretches whose stamps are moved by whole bars."""
        line = np.flatnonzero(sound & self._placed)
        if not len(line):
            return
        for stretch in stamps.shifted_stretches(self._rows.taken(line), interval, np.diff(line) == 1):
            rows = line[stretch.begin : stretch.end]  # one stretch, though other rows may bear times between theirs
            told_ns = self._rows.time_ns[rows]
            opens_ns = told_ns - stretch.bars * interval
            first, last = int(min(told_ns.min(), opens_ns.min())), int(max(told_ns.max(), opens_ns.max()))
            far = f"{abs(stretch.bars)} bar{'s' if abs(stretch.bars) > 1 else ''}"
            lines = sorted((self._seq.line(int(rows[0])), self._seq.line(int(rows[-1]))))
            detail = f"rows {lines[0]} to {lines[1]}: {far} {'late' if stretch.bars > 0 else 'early'}, {stretch.why}"
            self._defects.append(_defect(K.STAMPED_AT_END, first, last, len(rows), Action.FLAG, detail))

    def _values(self, line: Positions, sound: Mask) -> None:
        """Tell echoes and standstill among sound rows in order of time, and spikes among those that have prices."""
        fit = sound[line]
        priced = line if fit.all() else line[fit | cells.priced(self._rows)[line]]
        line = line[fit]
        rows, others = self._rows.taken(line), self._rows.taken(priced)
        found = _side_by_side(
            lambda: line[order.echoes(rows)],
            lambda: priced[spikes(others, sound[priced])],
            lambda: line[stale(rows)[0]],
        )
        again, apart, still = (np.zeros(len(self._keep), dtype=np.bool_) for _ in found)
        for mask, where in zip((again, apart, still), found, strict=True):
            mask[where] = True
        self._tell(K.DUPLICATE, again, "says what an earlier bar said, to the last digit", action=Action.FLAG)
        self._tell(K.SPIKE, apart, "a price jumps out of its surroundings and is back", flag=bar_flags.SPIKE)
        self._tell(K.STALE, still, "repeats the bar before it", flag=bar_flags.STALE)


def _side_by_side(*finders: Callable[[], Positions]) -> list[Positions]:
    """Return what finders find that need nothing of each other; their sums let go of the interpreter."""
    with ThreadPoolExecutor(len(finders)) as pool:
        return [found.result() for found in [pool.submit(copy_context().run, finder) for finder in finders]]


def _interval(times: Ints, expected_ns: int | None) -> int | None:
    """Return the step that rising `times` have; the expected one where it is theirs though many bars are absent."""
    if expected_ns is not None and len(times) > 1:
        told = np.diff(times)
        if (told == expected_ns).sum() > _SPARSE * (told > 0).sum():
            return expected_ns
    return steps.told_interval(times)


def _defect(kind: DefectKind, first: int, last: int, rows: int, action: Action, detail: str) -> Defect:
    return Defect(kind=kind, first_ns=first, last_ns=last, rows=rows, action=action, detail=detail)


def _turned(seq: Sequence) -> Defect:
    newest = int(seq.times[seq.order[-1]])
    detail = "the file runs newest first; turned around, and told once, at its first row"
    return _defect(K.OUT_OF_ORDER, newest, newest, 1, Action.REPAIR, detail)
