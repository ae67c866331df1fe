"""Bars from plain CSV and Parquet files, whole columns at a time, each row checked. docs/bad-data.md says how."""

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

import numpy as np
import polars as pl

from trading_system.data_pipeline import bar_cells, bar_checks, terms
from trading_system.data_pipeline.bar_cells import Read
from trading_system.data_pipeline.bar_checks import BLANK, CODE, GOOD, Columns, Kind, Verdicts, kind_of
from trading_system.data_pipeline.bar_tables import FIELDS, PRICES, RawRow, Table, first_line, open_table
from trading_system.data_pipeline.reading import SHOWN, BadRow, Reading, reading_of, told
from trading_system.data_pipeline.terms import Terms
from trading_system.errors import ConfigurationError, DataError
from trading_system.market import catalog
from trading_system.market.columns import Ints
from trading_system.market.instruments import Instrument
from trading_system.market.timestamps import NS_PER_S, iso
from trading_system.utils.error_handling.quarantine import Quarantine
from trading_system.utils.error_handling.quarantine_records import Record, Series, interval_word

OnBadData = Literal["refuse", "quarantine"]

_OFF: Final = 0.01
"""Share of prices off the catalog's tick from which on the tick is thought wrong and not the prices."""
_ENOUGH: Final = 100_000
"""Closes that are asked whether the catalog's tick fits."""
_SHOWS: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.TIME: ("timestamp",),
    Kind.NOT_UTC: ("timestamp",),
    Kind.GRID: ("timestamp",),
    Kind.UNSORTED: ("timestamp",),
    Kind.HIGH_LOW: ("high", "low"),
    Kind.OUTSIDE: PRICES,
    Kind.PRICE: PRICES,
    Kind.TICK: PRICES,
    Kind.VOLUME: ("volume",),
}
"""The cells that show a fault; where nothing is said, all."""


def read_columns(
    path: Path,
    *,
    instrument: Instrument | None,
    symbol: str,
    interval_ns: int | None,
    on_bad_data: OnBadData,
    quarantine: Quarantine | None = None,
    venue: str = "binance",
) -> Reading:
    """Return the bars of a CSV or Parquet file.

    Args:
        path: .csv, .csv.gz or .parquet with columns timestamp (open, UTC), open, high, low, close (quote per base)
            and volume (base units), in any order and case; others are ignored. See
            `bar_tables.TIME_NAMES` and `bar_cells.times_of` for the times.
        instrument: Whose ticks prices must be. None: the catalog's terms of `symbol` at `venue` where nearly all
            prices are whole ticks of them, else terms derived from the prices; the reading's notes say which.
        symbol: What the bars are of.
        interval_ns: Length of each bar, ns. None: the most common step between rows.
        on_bad_data: "refuse" raises at the first bad rows; "quarantine" puts them aside and uses the rest.
        quarantine: Where they are put; needed for "quarantine".

    Raises:
        ConfigurationError: The file cannot be read, is empty, lacks a column; the interval cannot be told.
        DataError: Rows are bad and to be refused, or more of them are bad than good. The first few are named.
    """
    if on_bad_data == "quarantine" and quarantine is None:
        raise ConfigurationError(f"{path}: to set bad rows aside, name a file to put them in")
    table = open_table(path)
    try:
        asked = _terms(table, instrument, symbol, venue)
        reads = _numbers(table, asked)
    except pl.exceptions.PolarsError as error:
        raise ConfigurationError(f"{path}: cannot be read as bars: {first_line(error)}") from error
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from error
    columns = Columns(*(read.values for read in reads))
    verdicts = _merged(table, reads)
    if (verdicts == BLANK).all():
        raise ConfigurationError(f"{path}: holds no rows")
    bar_checks.check_shape(columns, verdicts)
    words = _Words(path, table, asked.instrument, columns.open_ns, verdicts)
    if interval_ns is None:
        interval_ns = bar_checks.usual_step(columns.open_ns[verdicts == GOOD] if verdicts.any() else columns.open_ns)
    if interval_ns is None:
        _set_aside(words, None)
        raise ConfigurationError(f"{path}: one row does not tell the interval; say how long a bar is")
    bar_checks.check_grid(columns.open_ns, interval_ns, verdicts)
    twins = bar_checks.check_order(columns, verdicts)
    bad: tuple[BadRow, ...] = ()
    notes = asked.notes
    if verdicts.any():
        words = words._replace(interval_ns=interval_ns, twins=twins)
        bad = _set_aside(words, quarantine if on_bad_data == "quarantine" else None)
        columns = Columns(*(column[verdicts == GOOD] for column in columns))
        notes += _by_kind(bad, asked.instrument.symbol)
    return reading_of(columns, asked.instrument, interval_ns, bad=bad, notes=notes)


def _terms(table: Table, instrument: Instrument | None, symbol: str, venue: str) -> Terms:
    if instrument is not None:
        return Terms(instrument, True, ())
    known = catalog.lookup(venue, symbol)
    if known is not None:
        close = table.column("close", last=False)
        some = bar_cells.ticks_of(close.gather_every(max(1, len(close) // _ENOUGH)), known.tick)
        if np.count_nonzero(some.verdicts == CODE[Kind.TICK]) <= _OFF * len(some.verdicts):
            return terms.catalogued(known)
    found = [bar_cells.places_of(table.column(name, last=False), catalog.FINEST) for name in PRICES]
    places, least = max(places for places, _ in found), min(price for _, price in found)
    if known is not None:
        return terms.refined(known, places=places, least=least)
    return terms.unknown(symbol, venue=venue, places=places, least=least)


def _numbers(table: Table, asked: Terms) -> tuple[Read, ...]:
    """Return the six columns, two at a time: one processor unpacks while another counts."""

    def read(name: str) -> Read:
        cells = table.column(name, last=True)
        if name == "timestamp":
            return bar_cells.times_of(cells)
        if name == "volume":
            return bar_cells.atoms_of(cells)
        return bar_cells.ticks_of(cells, asked.instrument.tick, whole=asked.whole)

    with ThreadPoolExecutor(max_workers=2) as pool:
        return tuple(pool.map(read, FIELDS))


def _merged(table: Table, reads: tuple[Read, ...]) -> Verdicts:
    """Return one verdict a row: the first of its cells', column by column."""
    verdicts = np.zeros(len(reads[0].values), dtype=np.uint8)
    if not table.crowded and not any(read.verdicts.any() for read in reads):
        return verdicts
    bar_checks.blame(verdicts, np.array(table.crowded, dtype=np.intp), Kind.CELLS)
    for read in reads:
        np.copyto(verdicts, read.verdicts, where=verdicts == GOOD)
    empty = np.logical_and.reduce([read.verdicts == CODE[Kind.MISSING] for read in reads])
    verdicts[empty] = BLANK
    return verdicts


class _Words(NamedTuple):
    """What is known of bad rows when they are to be told."""

    path: Path
    table: Table
    instrument: Instrument
    open_ns: Ints
    verdicts: Verdicts
    interval_ns: int = 0
    twins: Mapping[int, int] = MappingProxyType({})


def _set_aside(words: _Words, quarantine: Quarantine | None) -> tuple[BadRow, ...]:
    """Put the bad rows into `quarantine` and return them.

    Raises:
        DataError: There is no quarantine, or more rows are bad than good.
    """
    good = int((words.verdicts == GOOD).sum())
    rows = np.flatnonzero((words.verdicts != GOOD) & (words.verdicts != BLANK)).tolist()
    refused = quarantine is None or len(rows) > good
    shown = rows[:SHOWN] if refused else rows
    raws = list(words.table.rows(shown))
    bad = tuple(_bad_row(row, raw, words) for row, raw in zip(shown, raws, strict=True))
    if rows and refused:
        many = "" if quarantine is None else "; more are bad than good, which no quarantine repairs"
        count = f"{len(rows)} of {len(rows) + good} rows"
        raise DataError(
            f"{words.path}: {count} cannot be bars of {words.instrument.symbol}{many}\n  {told(bad, len(rows))}"
        )
    if quarantine is not None:
        quarantine.put_all(_record(row, raw, told, words) for row, raw, told in zip(shown, raws, bad, strict=True))
    return bad


def _by_kind(bad: tuple[BadRow, ...], symbol: str) -> tuple[str, ...]:
    """Return what a report should say of rows that were set aside: how many, by kind, the most frequent first."""
    counts = Counter(row.kind.value for row in bad).most_common()
    if not counts:
        return ()
    kinds = ", ".join(f"{many} {kind}" for kind, many in counts)
    return (f"{symbol}: {len(bad)} row{'' if len(bad) == 1 else 's'} set aside: {kinds}.",)


def _record(row: int, raw: RawRow, told: BadRow, words: _Words) -> Record:
    instrument = words.instrument
    return Record(
        source=str(words.path),
        kind=str(told.kind),
        reason=str(told),
        raw=raw.raw,
        line=raw.line,
        series=Series(
            venue=instrument.venue,
            symbol=instrument.symbol,
            interval=interval_word(words.interval_ns),
            tick=f"{instrument.tick:f}",
        ),
        form=words.table.form,
        columns=words.table.columns,
        open_ns=None if _timeless(told.kind, raw, words) else int(words.open_ns[row]),
    )


def _timeless(kind: Kind, raw: RawRow, words: _Words) -> bool:
    """Return whether the row does not say when it opens."""
    return kind in (Kind.TIME, Kind.NOT_UTC) or not raw.cells.get(words.table.names["timestamp"])


def _bad_row(row: int, raw: RawRow, words: _Words) -> BadRow:
    kind = kind_of(int(words.verdicts[row]))
    cells = {name: raw.cells.get(words.table.names[name]) for name in FIELDS}
    what = ", ".join(f"{name} {cells[name]}" for name in _SHOWS.get(kind, FIELDS))
    twin = words.table.first_line + words.twins.get(row, 0)
    more = {
        Kind.TICK: f"; the tick is {words.instrument.tick:f}",
        Kind.GRID: f"; a bar is {words.interval_ns // NS_PER_S} s long",
        Kind.DUPLICATE: f"; line {twin} says the same",
        Kind.CONTRADICTION: f"; line {twin} says otherwise",
        Kind.UNSORTED: "; a row above is later, or one below earlier",
    }
    time = str(cells["timestamp"] or "no time") if _timeless(kind, raw, words) else iso(int(words.open_ns[row]))
    return BadRow(line=raw.line, time=time, kind=kind, what=what + more.get(kind, ""))
