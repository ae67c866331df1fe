"""Bars from a plain file into the store: read and checked, reviewed, written; what is not believed is set aside."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading_system.data_pipeline.archive_files import bad_rows, doubted_rows, is_archive, read_archive
from trading_system.data_pipeline.bar_checks import Columns, gaps_of
from trading_system.data_pipeline.bar_files import read_columns
from trading_system.data_pipeline.bar_store import BarStore, Flags, Written
from trading_system.data_pipeline.normalizers.defects.kinds import Action, Defect
from trading_system.data_pipeline.normalizers.quality_review import review
from trading_system.data_pipeline.raw_rows import Doubt, records_of
from trading_system.errors import DataError
from trading_system.market.bar_flags import WORDS
from trading_system.market.columns import BarColumns, Ints
from trading_system.market.instruments import Instrument
from trading_system.market.money import from_atoms, to_atoms
from trading_system.market.timestamps import iso
from trading_system.utils.error_handling.quarantine import Quarantine
from trading_system.utils.error_handling.quarantine_records import Record, Series, interval_word

CONTRADICTS: Final = "contradiction"
"""The kind of a row that says otherwise than the store."""

STAGES: Final = ("reading", "reviewing", "storing")
"""What is done with a file, in this order."""

_CELLS: Final = ("timestamp", "open", "high", "low", "close", "volume")
_LARGEST: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of a file; every row that is one is counted in exactly one of the first four.

    Attributes:
        new: Bars added to the store.
        known: Bars that it had already, or that the file tells twice.
        set_aside: Rows that are no bars, or that the review does not keep.
        contradicted: Bars that say otherwise than the store; they are set aside too.
        flagged: Of the bars added or known, how many the review found odd, by what is odd.
        missing: Bars absent between the file's first and last.
        gaps: In how many stretches.
        notes: Where the terms come from, what was rounded.
    """

    file: str
    venue: str
    symbol: str
    interval: str
    new: int
    known: int
    set_aside: int
    contradicted: int
    flagged: Mapping[str, int]
    missing: int
    gaps: int
    notes: tuple[str, ...]


class Offered(NamedTuple):
    """What a file holds, read and checked row by row.

    Attributes:
        rows: Its bars, prices in atoms, each a possible one.
        interval_ns: Length of a bar, ns.
        tick: What prices were judged by, "" for none.
        bad: Rows that were set aside.
        notes: Where the terms come from, what was rounded.
        doubted: Gives the rows that turn out wrong later as they were received, for the quarantine.
    """

    rows: Columns
    interval_ns: int
    tick: str
    bad: int
    notes: tuple[str, ...]
    doubted: Callable[[Iterable[Doubt], Series], Iterable[Record]]


class _Told(NamedTuple):
    """When the rows of a file say that they open, and when they do, once its stamps were put right; UTC ns."""

    said_ns: Ints
    open_ns: Ints

    def doubts(self, rows: Columns, reasons: Iterator[tuple[str, str]]) -> Iterator[Doubt]:
        """Yield which of them `rows` are, and why each is set aside."""
        if not len(rows.open_ns):
            return
        order = np.argsort(self.open_ns, kind="stable")
        places = order[np.searchsorted(self.open_ns, rows.open_ns, sorter=order)]
        for place, (kind, reason) in zip(places.tolist(), reasons, strict=True):
            yield Doubt(told_ns=int(self.said_ns[place]), open_ns=int(self.open_ns[place]), kind=kind, reason=reason)


def import_file(
    path: Path,
    store: BarStore,
    quarantine: Quarantine,
    *,
    venue: str,
    symbol: str,
    interval_ns: int | None = None,
    instrument: Instrument | None = None,
    begin: Callable[[str], None] = lambda _: None,
) -> Imported:
    """Add the bars of a file to `store`. Doing it again changes nothing; so does doing it after it was interrupted.

    Args:
        path: As `bar_files.read_columns` takes it, or an archive as `archive_files.read_archive` does.
        store: Where the bars go.
        quarantine: Where rows go that are not believed.
        venue, symbol: Whose bars they are.
        interval_ns: Length of a bar, ns; None: the most common step between rows, of an archive what its name tells.
        instrument: Whose ticks the prices must be; None: the catalog's, or derived from the prices; of an archive, any.
        begin: Told each of `STAGES` as it begins.

    Raises:
        ConfigurationError: The file cannot be read, or its interval cannot be told.
        DataError: More rows are bad than good, prices are too large, or a file of the store cannot be believed.
    """
    read, judge, keep = STAGES
    begin(read)
    if is_archive(path):
        offered = _archive(path, quarantine, venue, symbol, interval_ns, instrument)
    else:
        offered = _table(path, quarantine, venue, symbol, interval_ns, instrument)
    begin(judge)
    reviewed = review(offered.rows, offered.interval_ns)
    rows = offered.rows._replace(open_ns=reviewed.open_ns)
    begin(keep)
    interval = interval_word(offered.interval_ns)
    series = Series(venue=venue, symbol=symbol, interval=interval, tick=offered.tick)
    kept, flags = _part(rows, reviewed.keep), reviewed.flags[reviewed.keep]
    doubtful = _part(rows, ~reviewed.keep)
    repeats = _among(doubtful, kept)
    left_out = _part(doubtful, ~repeats)
    told = _Told(offered.rows.open_ns, rows.open_ns)
    quarantine.put_all(offered.doubted(told.doubts(left_out, _reasons(left_out, reviewed.defects)), series))
    written = store.append(kept, venue, symbol, interval, flags=flags)
    quarantine.put_all(offered.doubted(told.doubts(written.contradicted, _contradictions(written)), series))
    missing, gaps, _ = gaps_of(np.unique(kept.open_ns), offered.interval_ns, 0)
    return Imported(
        file=str(path),
        venue=venue,
        symbol=symbol,
        interval=interval,
        new=written.new,
        known=written.known + int(np.count_nonzero(repeats)),
        set_aside=offered.bad + len(left_out.open_ns),
        contradicted=len(written.contradicted.open_ns),
        flagged=flag_counts(flags),
        missing=missing,
        gaps=gaps,
        notes=offered.notes,
    )


def _table(
    path: Path, quarantine: Quarantine, venue: str, symbol: str, interval_ns: int | None, instrument: Instrument | None
) -> Offered:
    reading = read_columns(
        path,
        instrument=instrument,
        symbol=symbol,
        interval_ns=interval_ns,
        on_bad_data="quarantine",
        quarantine=quarantine,
        venue=venue,
    )
    rows = in_atoms(reading.bars, reading.instrument)
    tick = f"{reading.instrument.tick:f}"
    return Offered(rows, reading.bars.interval_ns, tick, len(reading.bad), reading.notes, partial(records_of, path))


def _archive(
    path: Path, quarantine: Quarantine, venue: str, symbol: str, interval_ns: int | None, instrument: Instrument | None
) -> Offered:
    tick = Decimal(1).scaleb(-8) if instrument is None else instrument.tick
    read = read_archive(path, interval_ns, to_atoms(tick))
    series = Series(venue=venue, symbol=symbol, interval=interval_word(read.interval_ns), tick=f"{tick:f}")
    bad = list(bad_rows(read, path, series))
    quarantine.put_all(bad)
    doubted = partial(doubted_rows, read, path)
    return Offered(_part(read.rows.columns, read.good), read.interval_ns, series.tick, len(bad), (), doubted)


def in_atoms(bars: BarColumns, instrument: Instrument) -> Columns:
    """Return `bars`, whose prices are in ticks of `instrument`, as the store keeps them.

    Raises:
        DataError: A price is too large for 64 bits of atoms, 92 billion units.
    """
    tick_atoms = to_atoms(instrument.tick)
    if len(bars) and int(bars.high.max()) > _LARGEST // tick_atoms:
        raise DataError(f"{bars.symbol}: a price of {instrument.price(int(bars.high.max()))} is too large to be kept")
    first, high, low, last = (price * tick_atoms for price in (bars.open, bars.high, bars.low, bars.close))
    return Columns(bars.close_ns - bars.interval_ns, first, high, low, last, bars.volume_atoms)


def flag_counts(flags: Flags) -> dict[str, int]:
    """Return how many bars bear each flag, by its word; flags that none bears are left out."""
    counts = {word: int(np.count_nonzero(flags & bit)) for bit, word in WORDS.items()}
    return {word: count for word, count in counts.items() if count}


def _part(columns: Columns, rows: NDArray[np.bool_]) -> Columns:
    return Columns(*(column[rows] for column in columns))


def _among(rows: Columns, kept: Columns) -> NDArray[np.bool_]:
    """Return which of `rows` say the same as one of `kept`, which bears their time."""
    order = np.argsort(kept.open_ns, kind="stable")
    if not len(order):
        return np.zeros(len(rows.open_ns), dtype=np.bool_)
    places = order[np.searchsorted(kept.open_ns, rows.open_ns, sorter=order) % len(order)]
    alike: NDArray[np.bool_] = np.logical_and.reduce([a == b[places] for a, b in zip(rows, kept, strict=True)])
    return alike


def _contradictions(written: Written) -> Iterator[tuple[str, str]]:
    pairs = zip(*(zip(*each, strict=True) for each in (written.contradicted, written.stored)), strict=True)
    for said, known in pairs:
        stored = ", ".join(
            f"{name} {from_atoms(int(atoms)):f}" for name, atoms in zip(_CELLS[1:], known[1:], strict=True)
        )
        yield CONTRADICTS, f"bar at {iso(int(said[0]))} is stored with {stored}"


def _reasons(rows: Columns, defects: tuple[Defect, ...]) -> Iterator[tuple[str, str]]:
    """Yield kind and reason of each row that the review does not keep: of the first defect that covers it."""
    fatal = [defect for defect in defects if defect.action is not Action.FLAG]
    for open_ns in rows.open_ns.tolist():
        found = next((each for each in fatal if (each.first_ns or 0) <= open_ns <= (each.last_ns or 0)), None)
        yield (found.kind.value, found.detail) if found else ("review", "not kept by the review of its series")
