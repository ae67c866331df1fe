"""The rows of one archive of bars: out of the ZIP, to atoms and nanoseconds without a float, and what is wrong."""

import io
import zipfile
import zlib
from collections import Counter
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from trading_system.data_pipeline import bar_cells, bar_checks
from trading_system.data_pipeline.bar_checks import Columns, Kind, Mask, Verdicts, blame
from trading_system.data_pipeline.collectors.spans import Span
from trading_system.errors import DataError
from trading_system.market.columns import Ints

COLUMNS: Final = (
    *("timestamp", "open", "high", "low", "close", "volume"),
    *("close_time", "quote_volume", "trades", "taker_volume", "taker_quote_volume", "ignored"),
)
"""A row's cells, as the publisher's README.md lists them ("Klines")."""
NEEDED: Final = len(Columns._fields)
"""How many of them make a bar; the others are not read."""
MOST_BYTES: Final = 1 << 31
"""Largest content of a ZIP; a month of seconds has 0.4 GB."""

_AMOUNT: Final = r"^[0-9]{1,11}(\.[0-9]{1,8})?$"
_TIME: Final = r"^[0-9]{13}([0-9]{3})?$"
_MS_DIGITS: Final = 13
"""Milliseconds have 13 digits from 2001 to 2286, and microseconds 16."""


class Rows(NamedTuple):
    """What an archive holds.

    Attributes:
        columns: All rows, in the file's order; numbers of rows with a verdict mean nothing.
        verdicts: (S,) what is wrong with each.
        raw: Each in its own words.
        lines: The line that each stands in, from 1; blank lines count.
    """

    columns: Columns
    verdicts: Verdicts
    raw: list[bytes]
    lines: list[int]

    @property
    def first_line(self) -> int:
        """The line of the first row; of no use where blank lines lie between the rows."""
        return self.lines[0] if self.lines else 1


def unzipped(content: bytes, name: str) -> bytes:
    """Return the one file in a ZIP of that name.

    Raises:
        DataError: It is no ZIP, holds something else, or more than any month of bars.
    """
    inside = name.removesuffix(".zip") + ".csv"
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if [member.filename for member in members] != [inside] or members[0].file_size > MOST_BYTES:
                held = ", ".join(f"{member.filename} ({member.file_size} bytes)" for member in members[:5])
                raise DataError(f"{name}: should hold {inside} and nothing else, and holds {held or 'nothing'}")
            return archive.read(members[0])
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise DataError(f"{name}: cannot be unpacked: {error}") from error


def rows_of(text: bytes, name: str, of: Span, length_ns: int) -> Rows:
    """Return the rows of an archive's file, prices and volumes in atoms.

    Args:
        text: Lines of cells between commas.
        name: Of the archive.
        of: The month or day that it is of.
        length_ns: Of a bar.

    Raises:
        DataError: It is no table of at least six columns.
    """
    raw = [line.rstrip(b"\r") for line in text.split(b"\n")]
    lines = [number for number, line in enumerate(raw, 1) if line]
    raw = [line for line in raw if line]
    if raw and not raw[0][:1].isdigit():  # a header
        raw, lines = raw[1:], lines[1:]
    if not raw:
        empty = Columns(*(np.empty(0, dtype=np.int64) for _ in Columns._fields))
        return Rows(empty, np.empty(0, dtype=np.uint8), [], [])
    cells, width, table = _table(raw)
    try:
        frame = pl.read_csv(b"\n".join(table), has_header=False, infer_schema=False, quote_char=None)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{name}: cannot be read as bars: {str(error).splitlines()[0]}") from error
    if width < NEEDED or frame.height != len(raw):
        raise DataError(f"{name}: {width} columns in {len(raw)} lines; a bar has {NEEDED} or more")
    verdicts = np.zeros(len(raw), dtype=np.uint8)
    blame(verdicts, np.array(cells) > width, Kind.CELLS)
    times, *amounts = (frame.to_series(number) for number in range(NEEDED))
    columns = Columns(_times(times, verdicts), *(_atoms(cells, verdicts) for cells in amounts))
    blame(verdicts, np.array(cells) < width, Kind.MISSING)
    for price in columns[1:5]:
        blame(verdicts, price <= 0, Kind.PRICE)
        blame(verdicts, price > bar_cells.MAX_ATOMS, Kind.LARGE)
    blame(verdicts, columns.volume > bar_cells.MAX_ATOMS, Kind.LARGE)
    bar_checks.check_shape(columns, verdicts)
    blame(verdicts, columns.open_ns % length_ns != 0, Kind.GRID)
    blame(verdicts, (columns.open_ns < of.start_ns) | (columns.open_ns >= of.end_ns), Kind.UNSORTED)
    return Rows(columns, verdicts, raw, lines)


def _table(raw: list[bytes]) -> tuple[list[int], int, list[bytes]]:
    """Return how many cells each row has, how many rows usually have, and the rows with as many each.

    One cell more, a decimal comma say, shifts all behind it: it is made empty. One that is cut off is filled up.
    """
    cells = [line.count(b",") + 1 for line in raw]
    width = Counter(cells).most_common(1)[0][0]
    if max(cells) == min(cells):
        return cells, width, raw
    level = [
        line + b"," * (width - many) if many <= width else b"," * (width - 1)
        for line, many in zip(raw, cells, strict=True)
    ]
    return cells, width, level


def _times(cells: pl.Series, verdicts: Verdicts) -> Ints:
    """Return opens in UTC ns: of milliseconds or, where the number has three digits more, of microseconds."""
    fine = cells.str.contains(_TIME).fill_null(False)
    blame(verdicts, ~_mask(fine), Kind.TIME)
    numbers = cells.cast(pl.Int64, strict=False).fill_null(0).to_numpy()
    numbers = np.where(_mask(fine), numbers, 0)
    return np.where(numbers < 10**_MS_DIGITS, numbers * 1_000_000, numbers * 1_000)


def _atoms(cells: pl.Series, verdicts: Verdicts) -> Ints:
    """Return amounts in atoms, from their digits."""
    missing = _mask((cells.is_null() | (cells == "")).fill_null(True))
    fine = _mask(cells.str.contains(_AMOUNT).fill_null(False))
    blame(verdicts, missing, Kind.MISSING)
    blame(verdicts, ~fine, Kind.NUMBER)
    parts = cells.set(pl.Series(~fine), "0").str.split_exact(".", 1).struct.unnest()
    whole: Ints = parts["field_0"].cast(pl.Int64).to_numpy()
    small: Ints = parts["field_1"].fill_null("").str.pad_end(8, "0").cast(pl.Int64).to_numpy()
    too_much = whole > bar_cells.MAX_ATOMS // 10**8
    blame(verdicts, too_much, Kind.LARGE)
    return np.where(too_much, 0, whole) * 10**8 + small


def _mask(column: pl.Series) -> Mask:
    mask: Mask = column.to_numpy()
    return mask
