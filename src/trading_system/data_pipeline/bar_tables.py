"""Plain files as six columns of cells, found by the names in their header; and single rows again, as they stand."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import polars as pl

from trading_system.errors import ConfigurationError
from trading_system.utils.error_handling.quarantine_records import Form

PRICES: Final = ("open", "high", "low", "close")
FIELDS: Final = ("timestamp", *PRICES, "volume")
TIME_NAMES: Final = ("timestamp", "open_time", "datetime", "time", "date", "")
"""Names that the column of opening times may have, the first found counts; pandas leaves its index without a name."""
MARKS: Final = "flags"
"""The column of flags in a file that `data export` wrote; it is told by its whole header."""

_AT_ONCE: Final = 4_000_000
"""Rows up to which a Parquet file is read whole, which is faster; longer ones column by column, for the memory."""

_UNREADABLE: Final = (pl.exceptions.PolarsError, OSError, EOFError, UnicodeDecodeError, csv.Error)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRow:
    """One row as it was received: `line` as `reading.BadRow` counts it, and its cells by the file's own names.

    `raw` are its very bytes, the line's end included; of a Parquet file, which has no lines, its cells as JSON.
    """

    line: int
    cells: Mapping[str, object]
    raw: bytes


class Table(Protocol):
    """A file of bars.

    Attributes:
        names: The file's name of each of `FIELDS`.
        crowded: Positions of rows with more cells than the header.
        first_line: What the first row counts as, see `reading.BadRow`.
        form: How `RawRow.raw` is to be read again.
        columns: What its cells are, see `quarantine_records.Record`.
        ends: Its times are those of the bars' ends.
    """

    @property
    def names(self) -> Mapping[str, str]: ...

    @property
    def crowded(self) -> Sequence[int]: ...

    @property
    def first_line(self) -> int: ...

    @property
    def form(self) -> Form: ...

    @property
    def columns(self) -> tuple[str, ...]: ...

    @property
    def ends(self) -> bool: ...

    def column(self, name: str, *, last: bool) -> pl.Series:
        """Return the cells of one of `FIELDS`; with `last`, nobody will ask for them again."""
        ...

    def rows(self, wanted: Sequence[int]) -> Iterator[RawRow]:
        """Yield the rows at `wanted` (rising positions)."""
        ...

    def marks(self) -> pl.Series | None:
        """Return the flags of bars in a file that `data export` wrote; None where the header is another."""
        ...


def open_table(path: Path, *, ends: Sequence[str] = ()) -> Table:
    """Return the table in a .parquet, .csv or .csv.gz file.

    Args:
        ends: Names, in small letters with underscores, of a column of the bars' ends, which is taken for the times
            where there is none of their opens.

    Raises:
        ConfigurationError: There is no such file, it cannot be read, or it lacks a column.
    """
    if not path.is_file():
        raise ConfigurationError(f"{path}: no such file")
    opener = next((opener for ending, opener in _OPENERS.items() if path.name.lower().endswith(ending)), None)
    if opener is None:
        raise ConfigurationError(f"{path}: files of bars end in {', '.join(_OPENERS)}")
    try:
        return opener(path, ends)
    except _UNREADABLE as error:
        raise ConfigurationError(f"{path}: cannot be read as bars: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """Return what `error` says, without the advice that libraries put below it."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _found(header: Sequence[str], path: Path, ends: Sequence[str]) -> tuple[dict[str, int], bool]:
    """Return the position of each of `FIELDS` in `header`, and whether its times are the bars' ends."""
    places: dict[str, int] = {}
    for place, name in enumerate(header):
        places.setdefault(name.strip().lower(), place)
    time = next((places[name] for name in TIME_NAMES if name in places), None)
    found: dict[str, int] = {name: places[name] for name in FIELDS[1:] if name in places}
    missing = [name for name in FIELDS[1:] if name not in found]
    end = next((places[name] for name in places if name.replace(" ", "_") in ends), None)
    if time is None and end is not None and not missing:
        return found | {"timestamp": end}, True
    if time is None or missing:
        wanted = ", ".join([*(["timestamp"] if time is None else []), *missing])
        raise ConfigurationError(
            f"{path}: no column {wanted}; the file begins {','.join(header)[:120]!r}, needed are {', '.join(FIELDS)}"
        )
    return found | {"timestamp": time}, False


@dataclass(frozen=True, slots=True, kw_only=True)
class _ParquetTable:
    path: Path
    names: Mapping[str, str]
    held: dict[str, pl.Series] = field(repr=False)
    ends: bool = False
    exported: bool = False
    crowded: Sequence[int] = ()
    first_line: int = 1
    form: Form = "json"

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(f"{name}={theirs}" for name, theirs in self.names.items())

    def column(self, name: str, *, last: bool) -> pl.Series:
        if name not in self.held:
            return pl.read_parquet(self.path, columns=[self.names[name]]).to_series().rename(name)
        return self.held.pop(name) if last else self.held[name]

    def rows(self, wanted: Sequence[int]) -> Iterator[RawRow]:
        frame = pl.scan_parquet(self.path).select(pl.all().gather(wanted)).collect()
        for row, cells in zip(wanted, frame.iter_rows(named=True), strict=True):
            yield RawRow(line=self.first_line + row, cells=cells, raw=json.dumps(cells, default=str).encode())

    def marks(self) -> pl.Series | None:
        return pl.read_parquet(self.path, columns=[MARKS])[MARKS] if self.exported else None


def _parquet_table(path: Path, end_names: Sequence[str]) -> _ParquetTable:
    header = list(pl.read_parquet_schema(path))
    places, ends = _found(header, path, end_names)
    names = {name: header[place] for name, place in places.items()}
    held: dict[str, pl.Series] = {}
    if pl.scan_parquet(path).select(pl.len()).collect().item() <= _AT_ONCE:
        frame = pl.read_parquet(path, columns=list(names.values()))
        held = {name: frame[theirs].rename(name) for name, theirs in names.items()}
    return _ParquetTable(path=path, names=names, held=held, ends=ends, exported=header == [*FIELDS, MARKS])


@dataclass(frozen=True, slots=True, kw_only=True)
class _CsvTable:
    path: Path
    header: Sequence[str]
    names: Mapping[str, str]
    columns: tuple[str, ...]
    crowded: Sequence[int]
    held: dict[str, pl.Series] = field(repr=False)
    ends: bool = False
    first_line: int = 2
    form: Form = "csv"

    def column(self, name: str, *, last: bool) -> pl.Series:
        return self.held.pop(name) if last else self.held[name]

    def rows(self, wanted: Sequence[int]) -> Iterator[RawRow]:
        asked = iter(wanted)
        next_row = next(asked, None)
        for row, (line, cells, raw) in enumerate(lines_of(self.path)):
            if next_row is None:
                return
            if row == next_row:
                named: dict[str, object] = dict(zip(self.header, cells, strict=False))
                more = cells[len(self.header) :]
                yield RawRow(line=line, cells=named | {"further cells": more} if more else named, raw=raw)
                next_row = next(asked, None)

    def marks(self) -> pl.Series | None:
        if list(self.header) != [*FIELDS, MARKS]:
            return None
        places = {name: place for place, name in enumerate(self.header)}
        return _csv_columns(self.path, len(places), {MARKS: places[MARKS]}, {MARKS: pl.String}, ragged=True)[MARKS]


def _csv_table(path: Path, end_names: Sequence[str]) -> _CsvTable:
    header, first = _top(path)
    places, ends = _found(header, path, end_names)
    time = first[places["timestamp"]].strip() if places["timestamp"] < len(first) else ""
    kinds: dict[str, type[pl.DataType]] = dict.fromkeys(FIELDS, pl.Float64)
    kinds["timestamp"] = pl.Int64 if time.isdecimal() else pl.String
    crowded: Sequence[int] = ()
    try:
        held = _csv_columns(path, len(header), places, kinds)
    except pl.exceptions.ComputeError:  # a cell is no number, or a row too long: read words, and judge cell by cell
        held = _csv_columns(path, len(header), places, dict.fromkeys(FIELDS, pl.String), ragged=True)
        crowded = [row for row, (_, cells, _) in enumerate(lines_of(path)) if any(cells[len(header) :])]
    return _CsvTable(
        path=path,
        header=header,
        names={name: header[place] for name, place in places.items()},
        columns=tuple(_meant(place, name, places) for place, name in enumerate(header)),
        crowded=crowded,
        held=held,
        ends=ends,
    )


def _meant(place: int, name: str, places: Mapping[str, int]) -> str:
    """Return our name of the column at `place` where it is one of ours, else the file's, unless that looks like one."""
    ours = next((ours for ours, at in places.items() if at == place), None)
    return ours or ("" if name.strip().lower() in FIELDS else name)


def _csv_columns(
    path: Path,
    width: int,
    places: Mapping[str, int],
    kinds: Mapping[str, type[pl.DataType]],
    *,
    ragged: bool = False,
) -> dict[str, pl.Series]:
    """Read the columns at `places` with `kinds`, by position: names in a header may repeat or be empty."""
    schema: dict[str, type[pl.DataType]] = {f"column_{place + 1}": pl.String for place in range(width)}
    schema |= {f"column_{place + 1}": kinds[name] for name, place in places.items()}
    frame = pl.read_csv(
        path,
        has_header=False,
        skip_lines=1,
        schema=schema,
        columns=[f"column_{place + 1}" for place in sorted(places.values())],
        missing_columns="insert",  # or a first row that is cut off would be taken for the width of all
        truncate_ragged_lines=ragged,
    )
    return {name: frame[f"column_{place + 1}"].rename(name) for name, place in places.items()}


def _top(path: Path) -> tuple[list[str], list[str]]:
    """Return the cells of the header and of the first line below it."""
    with _text(path) as file:
        lines = csv.reader(file)
        return next(lines, []), next(lines, [])


def lines_of(path: Path, *, header: bool = True) -> Iterator[tuple[int, list[str], bytes]]:
    """Yield line, cells and bytes of each row of a CSV, of those below the header where there is one."""
    taken: list[str] = []

    def noted(file: io.TextIOWrapper) -> Iterator[str]:
        for line in file:
            taken.append(line)
            yield line

    with _text(path, errors="surrogateescape") as file:
        lines = csv.reader(noted(file))
        if header:
            next(lines, None)
            taken.clear()
        for cells in lines:
            yield lines.line_num, cells, "".join(taken).encode("utf-8", "surrogateescape")
            taken.clear()


def _text(path: Path, *, errors: str = "strict") -> io.TextIOWrapper:
    opener = gzip.open if path.name.lower().endswith(".gz") else Path.open
    return io.TextIOWrapper(opener(path, "rb"), encoding="utf-8-sig", errors=errors, newline="")


_OPENERS: Final[Mapping[str, Callable[[Path, Sequence[str]], Table]]] = {
    ".parquet": _parquet_table,
    ".csv": _csv_table,
    ".csv.gz": _csv_table,
}
"""How to open a file, by how its name ends."""
