"""Rows of the quarantine, read once more: by the parser of files, each row by what it says itself."""

import csv
import io
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from trading_system.data_pipeline import bar_cells, bar_checks
from trading_system.data_pipeline.bar_cells import MAX_ATOMS, Read
from trading_system.data_pipeline.bar_checks import CODE, GOOD, Columns, Kind, Verdicts, blame
from trading_system.data_pipeline.bar_tables import FIELDS
from trading_system.errors import ConfigurationError, DataError
from trading_system.market.money import to_atoms
from trading_system.utils.error_handling.quarantine_records import Record

Cells = Mapping[str, str | None]
"""What a row says in each of `FIELDS`; one that it lacks is absent or None."""


class Judged(NamedTuple):
    """Rows as bars, prices and volumes in atoms, and a verdict on each; the numbers of bad rows mean nothing."""

    columns: Columns
    verdicts: Verdicts


def judged(records: Sequence[Record], *, tick: Decimal, interval_ns: int) -> Judged:
    """Return what `records` say, judged as `bar_files.read_columns` judges a row by itself, not beside its neighbors.

    Args:
        records: Rows of one series; those that nobody can read again (`Record.form`) have unreadable times.
        tick: Price step that prices must be multiples of, quote per base, a multiple of 1e-8.
        interval_ns: Length of each bar.
    """
    columns = Columns(*(np.zeros(len(records), dtype=np.int64) for _ in FIELDS))
    verdicts = np.zeros(len(records), dtype=np.uint8)
    rows: list[Cells] = []
    alike: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    for place, record in enumerate(records):
        try:
            rows.append(cells_of(record))
        except DataError:
            rows.append({})
            verdicts[place] = CODE[Kind.CELLS if record.form == "csv" else Kind.TIME]
        alike[record.source, len(rows[-1].get("timestamp") or "")].append(place)
    for places in alike.values():  # the unit of times is told from many; those of one length have one unit
        _read(np.array(places, dtype=np.intp), [rows[place] for place in places], tick, columns, verdicts)
    columns.open_ns[:] += np.array([record.shift_ns for record in records], dtype=np.int64)
    bar_checks.check_shape(columns, verdicts)
    if len(records):
        bar_checks.check_grid(columns.open_ns, interval_ns, verdicts)
    return Judged(columns, verdicts)


def cells_of(record: Record) -> Cells:
    """Return what a row says in each of our columns.

    Raises:
        DataError: It cannot be taken apart: unknown form, broken quotes or JSON, more cells than columns.
    """
    if record.form == "csv":
        cells = _csv_cells(record.raw)
        if any(cells[len(record.columns) :]):  # a decimal comma shifts every cell behind it
            raise DataError(f"{len(cells)} cells in {len(record.columns)} columns")
        return _of_list(cells, record.columns)
    if record.form == "json":
        told = _json(record.raw)
        return _of_list(told, record.columns) if isinstance(told, list) else _of_object(told, record.columns)
    raise DataError("nothing says how to read it again")


def _csv_cells(raw: bytes) -> list[object]:
    try:
        rows = list(csv.reader(io.StringIO(raw.decode("utf-8", "replace"), newline="")))
    except csv.Error as error:
        raise DataError(f"cannot be taken apart: {error}") from error
    return [*rows[0]] if rows else []


def _json(raw: bytes) -> object:
    try:
        return json.loads(raw, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise DataError(f"is no JSON: {error}") from error


def _of_list(cells: Sequence[object], columns: Sequence[str]) -> Cells:
    return {name: _text(cell) for name, cell in zip(columns, cells, strict=False) if name in FIELDS}


def _of_object(told: object, columns: Sequence[str]) -> Cells:
    cells: dict[str, str | None] = {}
    for column in columns:
        name, _, path = column.partition("=")
        if name in FIELDS:
            cells[name] = _text(_at(told, path or name))
    return cells


def _at(told: object, path: str) -> object:
    """Return the value of the name `path`; where there is none, of the path of names between dots."""
    if not isinstance(told, dict):
        return None
    if path in told:
        return told[path]
    first, dot, rest = path.partition(".")
    return _at(told.get(first), rest) if dot else None


def _text(cell: object) -> str | None:
    return cell if cell is None or isinstance(cell, str) else json.dumps(cell)


_UNREAD: Final = CODE[Kind.TIME]


def _read(
    places: np.typing.NDArray[np.intp], rows: Sequence[Cells], tick: Decimal, columns: Columns, verdicts: Verdicts
) -> None:
    """Read `rows` into the `places` of `columns` and `verdicts`; of a row's verdicts the first counts."""
    many = to_atoms(tick)
    for field, into in zip(FIELDS, columns, strict=True):
        cells = pl.Series(field, [row.get(field) for row in rows], dtype=pl.String)
        read = _column(field, cells, tick)
        if field not in ("timestamp", "volume"):
            blame(read.verdicts, read.values > MAX_ATOMS // many, Kind.LARGE)
            read.values[read.verdicts != GOOD] = 0
            read = Read(read.values * many, read.verdicts)
        into[places] = read.values
        verdicts[places] = np.where(verdicts[places] == GOOD, read.verdicts, verdicts[places])


def _column(field: str, cells: pl.Series, tick: Decimal) -> Read:
    if field == "volume":
        return bar_cells.atoms_of(cells)
    if field != "timestamp":
        return bar_cells.ticks_of(cells, tick)
    try:
        return bar_cells.times_of(cells)
    except ConfigurationError:  # a file of such times is refused as a whole
        return Read(np.zeros(len(cells), dtype=np.int64), np.full(len(cells), _UNREAD, dtype=np.uint8))
