"""What sources told, into the store: whole pages, each bar once, the rest into quarantine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from trading_system.data_pipeline.bar_cells import MAX_ATOMS
from trading_system.data_pipeline.bar_checks import Columns
from trading_system.data_pipeline.bar_store import BarStore
from trading_system.data_pipeline.collectors.asked import SETTLED_NS, Asked
from trading_system.data_pipeline.collectors.pages import Told
from trading_system.data_pipeline.collectors.spans import Span, later, merged, overlap, spans_of, without
from trading_system.data_pipeline.store_manifest import months_of
from trading_system.errors import DataError
from trading_system.market import catalog
from trading_system.market.bars import Bar, interval_ns
from trading_system.market.columns import Ints
from trading_system.market.instruments import Instrument
from trading_system.market.timestamps import NS_PER_S, iso
from trading_system.ports import BarRecord
from trading_system.utils.error_handling.quarantine import Quarantine
from trading_system.utils.error_handling.quarantine_records import Record, Series

HOPELESS: Final = 10
"""Records of a page from which on, if none of them can be read, the source is broken and not its records."""

UNREADABLE: Final = "unreadable"
CONTRADICTION: Final = "contradiction"
"""Kinds of records that are set aside: nobody can read them; they say otherwise than what is stored."""

Row = tuple[int, ...]
"""Open (UTC ns), open, high, low, close, volume (atoms)."""


@dataclass(slots=True)
class Tally:
    """What became of what sources told, bars.

    Attributes:
        new: Added to the store.
        known: There already, saying the same.
        contradicting: Saying otherwise than what is stored; quarantined, the stored one stays.
        unreadable: No bars of this series; quarantined.
        absent: Asked for, and the source has none.
    """

    new: int = 0
    known: int = 0
    contradicting: int = 0
    unreadable: int = 0
    absent: int = 0

    @property
    def quarantined(self) -> int:
        """How many were set aside in all."""
        return self.contradicting + self.unreadable


@dataclass(slots=True, kw_only=True)
class Keeper:
    """Keeps one series.

    Attributes:
        store: Where the bars go.
        quarantine: Where records go that are none, or that contradict what is stored.
        instrument: From `in_atoms`, so that every price that a venue ever used is whole.
        interval: Length of a bar as venues write it.
        source: Who tells, as the quarantine names it.
        tally: What became of all that was told.
    """

    store: BarStore
    quarantine: Quarantine
    instrument: Instrument
    interval: str
    source: str
    tally: Tally = field(default_factory=Tally)
    _young: list[Span] = field(default_factory=list)
    """Counted as absent, and so young that it may be asked for again."""
    _lately: list[Span] = field(default_factory=list)
    """The time of bars that were told, as young; stream and history do not know of each other."""
    _aside: set[str] = field(default_factory=set)
    """Ids of records that were set aside; what is asked for again is told again."""

    @property
    def length_ns(self) -> int:
        """Length of a bar, ns."""
        return interval_ns(self.interval)

    def stored(self, within: Span) -> list[Span]:
        """Return the time of `within` that stored bars cover.

        Raises:
            DataError: A file of the store does not hold what was written. One that is gone counts as missing bars.
        """
        found: list[Span] = []
        for path in months_of(self.store.folder(self.instrument, self.interval)):
            month = month_of(path.stem)
            if overlap(within, [month]):  # month by month: one that was lost must not keep the others from being read
                rows = self.store.columns(*self._series, start_ns=month.start_ns, end_ns=month.end_ns - 1)
                found += spans_of(rows.open_ns, self.length_ns)
        clipped = (Span(max(start, within.start_ns), min(end, within.end_ns)) for start, end in found)
        return merged(clipped)

    def missing(self, within: Span) -> list[Span]:
        """Return the time without stored bars of which no source has said yet that it has none."""
        empty = [Span(start, end) for start, end, _ in self._asked.empty()]
        return without(within, [*self.stored(within), *empty])

    def unread(self, within: Span) -> list[Span]:
        """Return what of `missing` no archive was read for that turned out not to have it."""
        archived = [Span(start, end) for start, end, _ in self._asked.empty("archived")]
        return [left for span in self.missing(within) for left in without(span, archived)]

    def remember_archive(self, whole: Span, wanted: Span, opens: Ints) -> None:
        """Write down what an archive of the time `whole` does not have of `wanted`; `opens` (UTC ns) are its bars."""
        read = Span(max(whole.start_ns, wanted.start_ns), min(whole.end_ns, wanted.end_ns))
        absent = without(read, spans_of(np.unique(opens), self.length_ns))
        self._asked.remember(absent, whole.end_ns + SETTLED_NS, "archived")  # archives are made of time that is over

    def keep(self, part: Told, *, asked_ns: int) -> None:
        """Put what was told where it belongs; when this returns it is on the disk.

        Args:
            part: What a source told.
            asked_ns: When, or somewhat before, by the venue's clock, UTC ns.

        Raises:
            DataError: Not one of many records can be read: it is the source that is broken; the first is named.
            ConfigurationError, OSError: The quarantine or the store cannot be written.
        """
        records = [_storable(record) for record in part.records]
        read = [(row_of(record.bar), record) for record in records if record.bar is not None]
        refused = [record for record in records if record.bar is None]
        if refused and not read and len(refused) >= HOPELESS:
            raise DataError(f"{self.source}: not one of {len(refused)} bars can be read: {refused[0].wrong}")
        self.refuse([self._record(each, UNREADABLE, each.wrong) for each in refused])
        words = dict(reversed(read))
        self.keep_columns(
            columns_of([row for row, _ in read]),
            lambda row, reason: self._record(words[row], CONTRADICTION, reason),
        )
        covered = merged([*self._lately, *(Span(row[0], row[0] + self.length_ns) for row, _ in read)])
        self._lately = later(covered, asked_ns - SETTLED_NS)
        absent = without(Span(part.start_ns, part.end_ns), covered)
        self._asked.remember(absent, asked_ns)
        self._count(absent, Span(part.start_ns, part.end_ns), asked_ns - SETTLED_NS)

    def keep_columns(self, columns: Columns, contradicting: Callable[[Row, str], Record]) -> None:
        """Put good bars, prices in atoms, into the store.

        Args:
            columns: In any order.
            contradicting: Gives what is to be set aside of a row that contradicts the stored one, and the reason.
        """
        if not len(columns.open_ns):
            return
        done = self.store.append(columns, *self._series)
        said, kept = (
            list(zip(*(part.tolist() for part in each), strict=True)) for each in (done.contradicted, done.stored)
        )
        aside = [
            contradicting(
                new,
                f"bar at {iso(new[0])} says {new[1:]}, the one stored {old[1:]} "
                "(open, high, low, close, volume in atoms)",
            )
            for new, old in zip(said, kept, strict=True)
        ]
        self.tally.new += done.new
        self.tally.known += done.known
        self.tally.contradicting += self._set_aside(aside)

    def refuse(self, records: Sequence[Record]) -> None:
        """Set aside rows that are no bars."""
        self.tally.unreadable += self._set_aside(records)

    def _set_aside(self, records: Sequence[Record]) -> int:
        """Put `records` into the quarantine and return of how many this keeper had not heard before."""
        if records:
            self.quarantine.put_all(records)
        heard = len(self._aside)
        self._aside.update(record.id for record in records)
        return len(self._aside) - heard

    def _count(self, absent: Sequence[Span], told: Span, settled_ns: int) -> None:
        """Count what is absent of the time `told` of, each bar once, however often it is asked for."""
        before = self._young
        left = [rest for span in before for rest in without(span, [told])]
        self._young = merged([*left, *later(absent, settled_ns)])
        known = sum(_length(span) for span in before) - sum(_length(span) for span in left)
        self.tally.absent += (sum(_length(span) for span in absent) - known) // self.length_ns

    @property
    def series(self) -> Series:
        """What the quarantine calls it."""
        return Series(
            venue=self.instrument.venue,
            symbol=self.instrument.symbol,
            interval=self.interval,
            tick=f"{self.instrument.tick:f}",
        )

    @property
    def _series(self) -> tuple[str, str, str]:
        return self.instrument.venue, self.instrument.symbol, self.interval

    @property
    def _asked(self) -> Asked:
        return Asked(self.store.folder(self.instrument, self.interval))

    def _record(self, record: BarRecord, kind: str, reason: str) -> Record:
        return Record(
            source=self.source,
            kind=kind,
            reason=reason,
            raw=record.raw,
            series=self.series,
            form=record.form,
            columns=record.columns,
            open_ns=None if record.bar is None else record.bar.open_ns,
        )


def in_atoms(venue: str, symbol: str) -> Instrument:
    """Return terms for `symbol` with a tick of one atom (1e-8): a venue's tick changes, and the store outlives it."""
    return catalog.derived(symbol, catalog.FINEST, venue=venue)


def _storable(record: BarRecord) -> BarRecord:
    """Return `record`, without its bar where that has numbers too large for 64 bits."""
    if record.bar is None or max(row_of(record.bar)) <= MAX_ATOMS:
        return record
    return replace(record, bar=None, wrong=f"a price or volume is too large to be kept: more than {MAX_ATOMS} atoms")


def _length(span: Span) -> int:
    return span.end_ns - span.start_ns


def month_of(name: str) -> Span:
    """Return the time of a month as files are called after it.

    >>> month_of("1970-02").start_ns // (86_400 * NS_PER_S)
    31
    """
    first = datetime.strptime(name, "%Y-%m").replace(tzinfo=UTC)
    after = (first + timedelta(days=31)).replace(day=1)
    return Span(int(first.timestamp()) * NS_PER_S, int(after.timestamp()) * NS_PER_S)


def row_of(bar: Bar) -> Row:
    """Return a bar whose ticks are atoms as a row of the store."""
    return bar.open_ns, bar.open, bar.high, bar.low, bar.close, bar.volume_atoms


def columns_of(rows: Sequence[Row]) -> Columns:
    """Return rows as columns."""
    return Columns(*np.array(rows, dtype=np.int64).reshape(len(rows), len(Columns._fields)).T)
