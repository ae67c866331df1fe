"""The rows of a plain file as whole columns, each judged by itself: what every reader of bars begins with.

How rows stand to each other (order, repetition, the grid) is for the reader to say: `bar_files` refuses what does not
rise, `bar_import` puts it right. docs/bad-data.md tells the kinds.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from trading_system.data_pipeline import bar_cells, bar_checks, terms
from trading_system.data_pipeline.bar_cells import Read
from trading_system.data_pipeline.bar_checks import BLANK, CODE, GOOD, Columns, Kind, Verdicts, kind_of
from trading_system.data_pipeline.bar_tables import FIELDS, PRICES, RawRow, Table, first_line, open_table
from trading_system.data_pipeline.reading import BadRow
from trading_system.data_pipeline.terms import Terms
from trading_system.errors import ConfigurationError
from trading_system.market import catalog
from trading_system.market.instruments import Instrument
from trading_system.market.timestamps import NS_PER_S, iso

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


class FileRows(NamedTuple):
    """Rows of a file, in its order.

    Attributes:
        path: The file.
        table: What it was read from, and can be read again from, row by row.
        terms: What prices are counted in.
        columns: All rows, prices in ticks; numbers of rows with a verdict mean nothing.
        verdicts: (S,) what each row shows by itself; `BLANK` for rows without a cell.
        rounded: Volumes that were finer than an atom, beyond the noise of sums.
    """

    path: Path
    table: Table
    terms: Terms
    columns: Columns
    verdicts: Verdicts
    rounded: int


def rows_of_file(
    path: Path,
    *,
    instrument: Instrument | None,
    symbol: str,
    venue: str,
    ends: Sequence[str] = (),
    to_the_digit: bool = False,
) -> FileRows:
    """Return the rows of a CSV or Parquet file; arguments as of `bar_files.read_columns`.

    Args:
        ends: Names of a column that says when bars end, taken where none says when they open (`open_table`).
        to_the_digit: Where neither an instrument nor the catalog tells the tick, count prices in their own last digit
            (`terms.to_the_digit`), not in a tick to trade by.

    Raises:
        ConfigurationError: The file cannot be read, is empty or lacks a column.
    """
    table = open_table(path, ends=ends)
    try:
        asked = _terms(table, instrument, symbol, venue, to_the_digit)
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
    return FileRows(path, table, asked, columns, verdicts, reads[-1].rounded)


def _terms(table: Table, instrument: Instrument | None, symbol: str, venue: str, to_the_digit: bool) -> Terms:
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
    if to_the_digit:
        high = bar_cells.usual_most(table.column("high", last=False))
        why = terms.not_listed(venue) if known is None else terms.off_tick(known)
        return terms.to_the_digit(symbol, venue=venue, places=places, high=high, why=why)
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


def bad_row(
    row: int, raw: RawRow, rows: FileRows, interval_ns: int, twins: Mapping[int, int] = MappingProxyType({})
) -> BadRow:
    """Return what is wrong with the row at `row`, which has a verdict and reads `raw`.

    Args:
        interval_ns: Length of a bar, ns.
        twins: For rows told twice, a row that each repeats or contradicts.
    """
    kind = kind_of(int(rows.verdicts[row]))
    cells = {name: raw.cells.get(rows.table.names[name]) for name in FIELDS}
    what = ", ".join(f"{name} {cells[name]}" for name in _SHOWS.get(kind, FIELDS))
    twin = rows.table.first_line + twins.get(row, 0)
    more = {
        Kind.TICK: f"; the tick is {rows.terms.instrument.tick:f}",
        Kind.GRID: f"; a bar is {interval_ns // NS_PER_S} s long",
        Kind.DUPLICATE: f"; line {twin} says the same",
        Kind.CONTRADICTION: f"; line {twin} says otherwise",
        Kind.UNSORTED: "; a row above is later, or one below earlier",
    }
    lost = timeless(row, raw, rows)
    time = str(cells["timestamp"] or "no time") if lost else iso(int(rows.columns.open_ns[row]))
    return BadRow(line=raw.line, time=time, kind=kind, what=what + more.get(kind, ""))


def timeless(row: int, raw: RawRow, rows: FileRows) -> bool:
    """Return whether the row, which has a verdict, does not say when it opens."""
    kind = kind_of(int(rows.verdicts[row]))
    return kind in (Kind.TIME, Kind.NOT_UTC) or not raw.cells.get(rows.table.names["timestamp"])
