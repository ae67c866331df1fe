"""A file of bars, in any of the forms in which they are passed around, as rows; no row stops the reading."""

from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from trading_system.data_pipeline.normalizers.defects import cells as checks
from trading_system.data_pipeline.normalizers.defects.files.columns import named
from trading_system.data_pipeline.normalizers.defects.files.moments import Moments, moments
from trading_system.data_pipeline.normalizers.defects.files.numbers import numbers
from trading_system.data_pipeline.normalizers.defects.files.text import Cells, table
from trading_system.data_pipeline.normalizers.defects.files.unpack import content_of, day_of_name, unpack
from trading_system.data_pipeline.normalizers.defects.rows import Rows
from trading_system.errors import DataError

_TOGETHER: Final = 0.5
_MANY: Final = 0.2
_FEW: Final = 0.01
"""Shares of impossible bars from which on, and up to which, columns without names are taken in Bitfinex's order."""


class Told(NamedTuple):
    """Rows of a file.

    Attributes:
        rows: In the file's order; row 1 is the first below the header.
        cut: Why the file ends before its end, if it does.
        ends: The file tells when bars end, by its header.
    """

    rows: Rows
    cut: str | None
    ends: bool


def read_rows(path: Path) -> Told:
    """Return the rows of `path`: CSV with or without header, gzip or ZIP of it, Parquet, Feather, JSON.

    Raises:
        DataError: The file cannot be read at all, or holds no table of bars, or no row.
    """
    inside = unpack(content_of(path))
    midnight_ns = day_of_name(path.name)
    cells = _of_frame(inside.frame) if inside.frame is not None else table(inside.text or "", midnight_ns=midnight_ns)
    if not len(cells.odd):
        raise DataError("holds no rows")
    return Told(_rows(cells, midnight_ns), inside.cut, cells.places.ends)


def _of_frame(frame: pl.DataFrame) -> Cells:
    places = named(frame.columns)
    if places is None:
        raise DataError(f"its columns are {', '.join(frame.columns)[:120]}: none, or too few, of a bar")
    return Cells(frame.get_columns(), places, np.zeros(len(frame), dtype=np.bool_))


def _rows(cells: Cells, midnight_ns: int | None) -> Rows:
    told = _moments(cells, midnight_ns)
    columns = [numbers(cells.columns[place], decimal_comma=cells.decimal_comma) for place in cells.places.prices]
    place = cells.places.volume
    nothing = np.full(len(cells.odd), np.nan)
    volume = None
    if place is not None:
        volume = numbers(cells.columns[place], decimal_comma=cells.decimal_comma)
        columns.append(volume)
    unreadable = cells.odd | ~told.told
    for column in columns:
        unreadable = unreadable | column.unreadable
    rows = Rows(
        time_ns=told.ns,
        open=columns[0].values,
        high=columns[1].values,
        low=columns[2].values,
        close=columns[3].values,
        volume=nothing if volume is None else volume.values,
        timeless=~told.told,
        unreadable=unreadable,
        with_volume=volume is not None and bool(np.isfinite(volume.values).any()),
    )
    return _in_order(rows) if cells.headless else rows


def _moments(cells: Cells, midnight_ns: int | None) -> Moments:
    """Return the moments of the rows; where a date and a time do not make one together, those of the better alone."""
    column = cells.columns[cells.places.time]
    if cells.places.clock is None:
        return moments(column, midnight_ns=midnight_ns)
    clock = cells.columns[cells.places.clock]
    read = moments(column.cast(pl.String) + " " + clock.cast(pl.String), midnight_ns=midnight_ns)
    if read.told.mean() > _TOGETHER:
        return read
    alone = [moments(one, midnight_ns=midnight_ns) for one in (column, clock)]
    return max([read, *alone], key=lambda found: (int(found.told.sum()), len(np.unique(found.ns))))


def _in_order(rows: Rows) -> Rows:
    """Return rows without names as open, high, low, close; Bitfinex tells open, close, high, low."""
    if checks.impossible(rows).mean() < _MANY:
        return rows
    other = rows._replace(close=rows.high, high=rows.low, low=rows.close)
    return other if checks.impossible(other).mean() <= _FEW else rows
