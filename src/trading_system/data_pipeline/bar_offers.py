"""What a file offers an import: its rows in atoms, each judged by itself, and the way back to their words."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_system.data_pipeline.archive_files import archive_records, is_archive, read_archive
from trading_system.data_pipeline.bar_cells import MAX_ATOMS
from trading_system.data_pipeline.bar_checks import BLANK, GOOD, Columns, Kind, Mask, Verdicts, blame
from trading_system.data_pipeline.file_rows import rows_of_file
from trading_system.data_pipeline.normalizers.defects.files.columns import END_NAMES
from trading_system.data_pipeline.normalizers.defects.steps import interval_of_name
from trading_system.data_pipeline.raw_rows import Doubts, records_of
from trading_system.market.instruments import Instrument
from trading_system.market.money import to_atoms
from trading_system.utils.error_handling.quarantine_records import Record, Series


class Offer(NamedTuple):
    """Rows of a file, in its order.

    Attributes:
        path: The file.
        columns: All rows, opens as told (UTC ns), prices in atoms; numbers of rows with a verdict mean nothing.
        verdicts: (S,) what is wrong with each by itself, see `bar_checks`.
        said_ns: How long a bar is, ns, where somebody said so; else None.
        named_ns: The same by the file's name, which is a hint only.
        ends: The file tells when bars end, by its header.
        marks: (S,) flags of the bars, of a file that `data export` wrote; else None.
        tick: What prices were judged by.
        notes: Where the terms come from, what was rounded.
        records: Gives rows as they were received, for the quarantine.
    """

    path: Path
    columns: Columns
    verdicts: Verdicts
    said_ns: int | None
    named_ns: int | None
    ends: bool
    marks: NDArray[np.uint16] | None
    tick: str
    notes: tuple[str, ...]
    records: Callable[[Doubts, Series], Iterator[Record]]


def offer_of(
    path: Path, *, venue: str, symbol: str, interval_ns: int | None = None, instrument: Instrument | None = None
) -> Offer:
    """Return what `path` offers; arguments as of `bar_import.import_file`.

    Raises:
        ConfigurationError: The file cannot be read, or holds no rows.
        DataError: An archive is none.
    """
    if is_archive(path):
        return _archive(path, interval_ns, instrument)
    return _table(path, venue, symbol, interval_ns, instrument)


def _table(path: Path, venue: str, symbol: str, interval_ns: int | None, instrument: Instrument | None) -> Offer:
    rows = rows_of_file(path, instrument=instrument, symbol=symbol, venue=venue, ends=END_NAMES, to_the_digit=True)
    tick = rows.terms.instrument.tick
    tick_atoms, columns = to_atoms(tick), rows.columns
    most = MAX_ATOMS // tick_atoms
    prices = []
    for price in columns[1:5]:
        if len(price) and int(price.max()) > most:
            blame(rows.verdicts, price > most, Kind.LARGE)
            price = np.minimum(price, most)
        prices.append(price * tick_atoms)
    first, high, low, last = prices
    marks = rows.table.marks()
    return Offer(
        path=path,
        columns=Columns(columns.open_ns, first, high, low, last, columns.volume),
        verdicts=rows.verdicts,
        said_ns=interval_ns,
        named_ns=interval_of_name(path.name),
        ends=rows.table.ends,
        marks=None if marks is None else _flags(marks),
        tick=f"{tick:f}",
        notes=rows.terms.notes + _rounded(symbol, rows.rounded),
        records=partial(records_of, rows),
    )


def _rounded(symbol: str, volumes: int) -> tuple[str, ...]:
    return (f"{symbol}: {volumes:,} volumes with more than 8 decimals are rounded to the nearest.",) if volumes else ()


def _archive(path: Path, interval_ns: int | None, instrument: Instrument | None) -> Offer:
    tick = Decimal(1).scaleb(-8) if instrument is None else instrument.tick
    read = read_archive(path, interval_ns, to_atoms(tick))
    return Offer(
        path=path,
        columns=read.rows.columns,
        verdicts=read.rows.verdicts,
        said_ns=read.interval_ns,
        named_ns=None,
        ends=False,
        marks=None,
        tick=f"{tick:f}",
        notes=(),
        records=partial(archive_records, read, path),
    )


def _flags(marks: pl.Series) -> NDArray[np.uint16]:
    return marks.cast(pl.UInt16, strict=False).fill_null(0).to_numpy()


def own_faults(offer: Offer) -> Mask:
    """Return which rows are no bars by themselves."""
    bad: Mask = (offer.verdicts != GOOD) & (offer.verdicts != BLANK)
    return bad
