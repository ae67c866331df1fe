"""Bars from a plain file into the store: read and checked, put right or set aside, written."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from trading_system.data_pipeline.bar_checks import GOOD, gaps_of
from trading_system.data_pipeline.bar_judging import UNFINISHED, Judged, judged
from trading_system.data_pipeline.bar_offers import Offer, offer_of, own_faults
from trading_system.data_pipeline.bar_store import BarStore, Flags, Written
from trading_system.data_pipeline.bar_tables import FIELDS
from trading_system.data_pipeline.raw_rows import Doubt, Doubts
from trading_system.data_pipeline.reading import SHOWN
from trading_system.errors import DataError
from trading_system.market.bar_flags import WORDS
from trading_system.market.instruments import Instrument
from trading_system.market.money import from_atoms
from trading_system.market.timestamps import NS_PER_MS, iso
from trading_system.utils.error_handling.quarantine import Quarantine
from trading_system.utils.error_handling.quarantine_records import Record, Series, State, interval_word

CONTRADICTS: Final = "contradiction"
"""The kind of a row that says otherwise than the store."""

STAGES: Final = ("reading", "reviewing", "storing")
"""What is done with a file, in this order."""

_CELLS: Final = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of a file; every row that is one is counted in exactly one of the first four.

    Attributes:
        new: Bars added to the store.
        known: Bars that it had already, or that the file tells again in the same words.
        set_aside: Rows that are no bars of the series, or not yet.
        contradicted: Bars that say otherwise than the store; they are set aside too.
        repaired: Of all rows, how many were put right, by the word of `DefectKind`; a repeated row is dropped, and
            stands in the quarantine as one that the store holds.
        flagged: Of the bars added or known, how many the review found odd, by what is odd.
        missing: Bars absent between the file's first and last.
        gaps: In how many stretches.
        notes: Where the terms come from, what was rounded, set aside, put right, and what is odd and kept.
    """

    file: str
    venue: str
    symbol: str
    interval: str
    new: int
    known: int
    set_aside: int
    contradicted: int
    repaired: Mapping[str, int]
    flagged: Mapping[str, int]
    missing: int
    gaps: int
    notes: tuple[str, ...]


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
    now_ns: Callable[[], int] = time.time_ns,
) -> Imported:
    """Add the bars of a file to `store`. Doing it again changes nothing; so does doing it after it was interrupted.

    Args:
        path: As `file_rows.rows_of_file` takes it, or an archive as `archive_files.read_archive` does; its rows may
            stand in any order.
        store: Where the bars go.
        quarantine: Where rows go that are not believed.
        venue, symbol: Whose bars they are.
        interval_ns: Length of a bar, ns; None: the usual step between rows, where there is none what the file's name
            tells; of an archive what its name tells.
        instrument: Whose ticks the prices must be; None: the catalog's, or derived from the prices; of an archive, any.
        begin: Told each of `STAGES` as it begins.
        now_ns: The time, UTC ns; a bar that is not closed is set aside.

    Raises:
        ConfigurationError: The file cannot be read, or its interval cannot be told or is another than was said.
        DataError: More rows are bad than good, or a file of the store cannot be believed. Nothing was written.
    """
    read, judge, keep = STAGES
    begin(read)
    offer = offer_of(path, venue=venue, symbol=symbol, interval_ns=interval_ns, instrument=instrument)
    begin(judge)
    own = np.flatnonzero(own_faults(offer))
    faults = {row: Doubt(open_ns=int(offer.columns.open_ns[row])) for row in own.tolist()}
    _refuse_many(offer, symbol, faults, int(np.count_nonzero(offer.verdicts == GOOD)))
    found = judged(offer, now_ns())
    bad = {row: doubt for row, doubt in found.aside.items() if doubt.kind not in UNFINISHED}
    _refuse_many(offer, symbol, bad, len(found.places))
    begin(keep)
    interval = interval_word(found.interval_ns)
    series = Series(venue=venue, symbol=symbol, interval=interval, tick=offer.tick)
    aside = list(offer.records(found.aside, series))
    quarantine.put_all(aside)
    written = store.append(found.columns, venue, symbol, interval)
    contradicted = _contradicted(found, written)
    quarantine.put_all(offer.records(contradicted, series))
    repeats = {row: doubt for row, doubt in found.repeats.items() if row not in contradicted}
    _drop(quarantine, list(offer.records(repeats, series)))
    missing, gaps, _ = gaps_of(np.sort(found.columns.open_ns), found.interval_ns, 0)
    return Imported(
        file=str(path),
        venue=venue,
        symbol=symbol,
        interval=interval,
        new=written.new,
        known=written.known + len(repeats),
        set_aside=len(found.aside),
        contradicted=len(contradicted),
        repaired=found.repaired,
        flagged=flag_counts(found.flags),
        missing=missing,
        gaps=gaps,
        notes=(*offer.notes, *_by_kind(symbol, aside), *found.notes),
    )


def _refuse_many(offer: Offer, symbol: str, bad: Doubts, good: int) -> None:
    """Refuse a file of which more rows are bad than good: it is not what somebody took it for."""
    if len(bad) <= good:
        return
    shown = {row: bad[row] for row in sorted(bad)[:SHOWN]}
    lines = [record.reason for record in offer.records(shown, Series(venue="", symbol=symbol))]
    more = [f"and {len(bad) - SHOWN} more"] if len(bad) > SHOWN else []
    raise DataError(
        f"{offer.path}: {len(bad)} of {len(bad) + good} rows cannot be bars of {symbol}; more are bad than good, which "
        "no quarantine repairs\n  " + "\n  ".join([*lines, *more])
    )


def _contradicted(found: Judged, written: Written) -> dict[int, Doubt]:
    """Return the rows that say otherwise than the store, repetitions of them included."""
    if not len(written.contradicted.open_ns):
        return {}
    reasons = dict(zip(written.contradicted.open_ns.tolist(), contradictions(written), strict=True))
    said = {row: doubt.open_ns for row, doubt in found.repeats.items() if doubt.open_ns in reasons}
    shifts = {row: found.repeats[row].shift_ns for row in said}
    at = np.flatnonzero(np.isin(found.columns.open_ns, written.contradicted.open_ns))
    for place, row in zip(at.tolist(), found.places[at].tolist(), strict=True):
        said[row], shifts[row] = int(found.columns.open_ns[place]), int(found.shifts_ns[place])
    return {
        row: Doubt(kind=CONTRADICTS, reason=reasons[open_ns], open_ns=open_ns, shift_ns=shifts[row])
        for row, open_ns in said.items()
    }


def _drop(quarantine: Quarantine, repeats: Iterable[Record]) -> None:
    """Write down rows that only repeat what the store holds; nobody needs to look at them again."""
    records = list(repeats)
    quarantine.put_all(records)
    if records:
        ids = (record.id for record in records)
        quarantine.mark(ids, State.REPLAYED, by="data import", why="the store holds this very bar")


def records_of_contradictions(written: Written, source: str, series: Series) -> Iterator[Record]:
    """Yield bars that were made, and not received, and say otherwise than the store; `source` says of what."""
    for said, reason in zip(zip(*written.contradicted, strict=True), contradictions(written), strict=True):
        cells = [int(said[0]) // NS_PER_MS, *(f"{from_atoms(int(atoms)):f}" for atoms in said[1:])]
        yield Record(
            source=source,
            kind=CONTRADICTS,
            reason=reason,
            raw=json.dumps(cells).encode(),
            series=series,
            form="json",
            columns=FIELDS,
            open_ns=int(said[0]),
        )


def contradictions(written: Written) -> Iterator[str]:
    """Yield of each bar that was not written what is stored in its place, in a sentence."""
    for known in zip(*written.stored, strict=True):
        cells = zip(_CELLS, known[1:], strict=True)
        stored = ", ".join(f"{name} {from_atoms(int(atoms)):f}" for name, atoms in cells)
        yield f"bar at {iso(int(known[0]))} is stored with {stored}"


def flag_counts(flags: Flags) -> dict[str, int]:
    """Return how many bars bear each flag, by its word; flags that none bears are left out."""
    counts = {word: int(np.count_nonzero(flags & bit)) for bit, word in WORDS.items()}
    return {word: count for word, count in counts.items() if count}


def _by_kind(symbol: str, aside: list[Record]) -> tuple[str, ...]:
    counts = Counter(record.kind for record in aside).most_common()
    kinds = ", ".join(f"{many} {kind}" for kind, many in counts)
    return (f"{symbol}: {len(aside)} row{'' if len(aside) == 1 else 's'} set aside: {kinds}.",) if aside else ()
