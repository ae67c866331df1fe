"""What reading bars found: the bars, their content's hash, what was set aside and what is absent."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from trading_system.data_pipeline.bar_checks import Columns, Gap, Kind, gaps_of
from trading_system.market.columns import BarColumns, Ints
from trading_system.market.instruments import Instrument

SHOWN: Final = 5
"""Bad rows and gaps that a message names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A row that is no bar.

    Attributes:
        line: Of a CSV the line, its header being line 1; of a Parquet file the row, counted from 1.
        time: When it says that it opens, ISO 8601 in UTC; its own words where they cannot be read.
        kind: Why it is none.
        what: The cells, in its own words, that show it.
    """

    line: int
    time: str
    kind: Kind
    what: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.time}: {self.kind}: {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Bars that were read, and what is to be known about them.

    Attributes:
        bars: Sorted, each once, all valid; prices in the instrument's ticks.
        instrument: The terms they are counted in: given, from the catalog, or derived.
        sha256: Hash of `bars`, see `columns_hash`.
        bad: Rows set aside.
        missing: Bars absent between the first and the last; they are never filled in.
        gaps: In how many gaps.
        first_gaps: The first few of them.
        notes: What a report should say about the data, in sentences: where the terms come from, what was rounded.
    """

    bars: BarColumns
    instrument: Instrument
    sha256: str
    bad: tuple[BadRow, ...]
    missing: int
    gaps: int
    first_gaps: tuple[Gap, ...]
    notes: tuple[str, ...]


def reading_of(
    columns: Columns,
    instrument: Instrument,
    interval_ns: int,
    *,
    bad: tuple[BadRow, ...],
    notes: tuple[str, ...],
) -> Reading:
    """Return the reading of `columns`, which are good and rise; its `open_ns` is used up."""
    open_ns, open_, high, low, close, volume = columns
    missing, gaps, first = gaps_of(open_ns, interval_ns, SHOWN)
    open_ns += interval_ns
    bars = BarColumns(
        symbol=instrument.symbol,
        interval_ns=interval_ns,
        close_ns=open_ns,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume_atoms=volume,
    )
    return Reading(
        bars=bars,
        instrument=instrument,
        sha256=columns_hash(bars, instrument),
        bad=bad,
        missing=missing,
        gaps=gaps,
        first_gaps=first,
        notes=notes,
    )


def columns_hash(bars: BarColumns, instrument: Instrument) -> str:
    """Return a hash over all that `bars` say: symbol, interval, tick, and every number in order.

    SHA-256 of a line of words and of the SHA-256 of each column's little-endian 64-bit integers, so that columns can
    be hashed side by side. Where the bars came from, and which terms of trade besides the tick go with them, is not
    in it.
    """
    columns = (bars.close_ns, bars.open, bars.high, bars.low, bars.close, bars.volume_atoms)
    with ThreadPoolExecutor(max_workers=2) as pool:
        digests = list(pool.map(column_digest, columns))
    words = f"{bars.symbol} {bars.interval_ns} {instrument.tick.normalize():f}\n"
    return hashlib.sha256(words.encode() + b"".join(digests)).hexdigest()


def column_digest(column: Ints) -> bytes:
    """Return the SHA-256 of a column's 64-bit integers, lowest byte first on every machine."""
    return hashlib.sha256(column.astype("<i8", copy=False).data).digest()


def told(bad: Sequence[BadRow], count: int) -> str:
    """Return the first few of `count` bad rows, one a line, and how many more there are."""
    lines = [str(row) for row in bad[:SHOWN]]
    if count > SHOWN:
        lines.append(f"and {count - SHOWN} more")
    return "\n  ".join(lines)
