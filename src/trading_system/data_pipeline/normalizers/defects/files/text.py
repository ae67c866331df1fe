"""Text as a table of cells: the delimiter, the header and where it stands, and rows that are too short or too long."""

import csv
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from trading_system.data_pipeline.normalizers.defects.files.columns import Places, named, unnamed
from trading_system.data_pipeline.normalizers.defects.files.moments import moments
from trading_system.data_pipeline.normalizers.defects.files.numbers import numbers
from trading_system.data_pipeline.normalizers.defects.rows import Mask
from trading_system.errors import DataError

_DELIMITERS: Final = (",", ";", "\t", "|")
_TITLES: Final = 30
"""Lines in which a header, or the first row, is looked for."""
_BLANK: Final = " \t,;|\x00"
_MARK: Final = "\x1f"
"""ASCII's own separator of units, which no cell holds."""
_WIDEST: Final = 200
"""Columns beyond which no table of bars goes."""


class Cells(NamedTuple):
    """A table as it was told.

    Attributes:
        columns: Its columns, each (S,), as text or as the file's own types.
        places: Which of them is which.
        odd: (S,) rows with too few or too many cells.
        first_line: Line of the first row, from 1.
        decimal_comma: Numbers are written 1,5.
        headless: The file names no columns.
    """

    columns: Sequence[pl.Series]
    places: Places
    odd: Mask
    first_line: int = 1
    decimal_comma: bool = False
    headless: bool = False


def table(text: str, *, midnight_ns: int | None = None) -> Cells:
    """Return the table in `text`.

    Raises:
        DataError: There is none: no line names the columns of bars, and none looks like a bar.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for at, line in enumerate(lines[:_TITLES]):
        for delimiter in _DELIMITERS:
            cells = _split(line, delimiter)
            if 5 <= len(cells) <= _WIDEST:
                places = named(cells)
                if places is not None:
                    return _below(lines, at + 1, delimiter, places, len(cells), headless=False)
    for at, line in enumerate(lines[:_TITLES]):
        for delimiter in _DELIMITERS:
            cells = _split(line, delimiter)
            places = unnamed(cells) if len(cells) <= _WIDEST else None
            if places is not None and _looks_like_a_bar(cells, places, midnight_ns):
                return _below(lines, at, delimiter, places, len(cells), headless=True)
    begin = " ".join(next((line for line in lines if line.strip()), "").split())[:80]
    raise DataError(f"no line names the columns of bars, and none looks like a bar; the file begins {begin!r}")


def _split(line: str, delimiter: str) -> list[str]:
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return line.split(delimiter)


def _looks_like_a_bar(cells: Sequence[str], places: Places, midnight_ns: int | None) -> bool:
    time = cells[places.time] if places.clock is None else f"{cells[places.time]} {cells[places.clock]}"
    told = moments(pl.Series([time]), midnight_ns=midnight_ns).told
    prices = numbers(pl.Series([cells[place] for place in places.prices])).values
    return bool(told.all() and np.isfinite(prices).sum() >= 3)


def _below(lines: Sequence[str], at: int, delimiter: str, places: Places, width: int, *, headless: bool) -> Cells:
    """Return the cells of the lines from `at` on."""
    told = pl.Series("", [line for line in lines[at:] if line.strip(_BLANK)], dtype=pl.String)
    if told.str.contains('"', literal=True).any():
        told, delimiter = _unquoted(told, delimiter)
    counts = told.str.count_matches(delimiter, literal=True).to_numpy().astype(np.int64) + 1
    filled = told.str.strip_chars_end(delimiter + " ").str.count_matches(delimiter, literal=True).to_numpy() + 1
    usual = Counter(counts.tolist()).most_common(1)[0][0] if len(counts) else width
    needed = max(places.time, *places.prices, places.clock or 0, places.volume or 0) + 1
    cells = told.str.split_exact(delimiter, max(usual, needed) - 1).struct.unnest()
    columns = cells.get_columns()
    comma = delimiter != "," and _written_with_commas(columns, places)
    return Cells(columns, places, (counts < usual) | (filled > usual), at + 1, comma, headless)


def _unquoted(lines: pl.Series, delimiter: str) -> tuple[pl.Series, str]:
    """Return lines without quotation marks, with a delimiter that no cell holds."""
    plain = [_MARK.join(_split(line, delimiter)) for line in lines]
    return pl.Series("", plain, dtype=pl.String), _MARK


def _written_with_commas(columns: Sequence[pl.Series], places: Places) -> bool:
    price = columns[places.prices[0]].head(_TITLES)
    return bool(price.str.contains(",", literal=True).any() and not price.str.contains(".", literal=True).any())
