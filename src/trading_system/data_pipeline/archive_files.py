"""An archive of bars as Binance publishes it, as a file of its own: a ZIP, or the table that was in it."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from trading_system.data_pipeline.bar_checks import GOOD, Kind, Mask, blame, kind_of
from trading_system.data_pipeline.collectors.archive_rows import COLUMNS, Rows, rows_of, unzipped
from trading_system.data_pipeline.collectors.spans import Span
from trading_system.data_pipeline.raw_rows import Doubt
from trading_system.errors import ConfigurationError, DataError
from trading_system.market import bars
from trading_system.utils.error_handling.quarantine_records import Record, Series

_INTERVAL: Final = re.compile(r"-(\d+[smhd])-\d{4}-\d\d")
_EVER: Final = Span(0, 2**63 - 1)
_CELLS: Final = re.compile(rb"\d{13,16}(,[^,\n]*){5,}")


class Archive(NamedTuple):
    """What an archive holds: its rows, which of them are possible bars, and how long a bar is, ns."""

    rows: Rows
    good: Mask
    interval_ns: int


def is_archive(path: Path) -> bool:
    """Return whether `path` is a ZIP, or a CSV that begins with a row of six or more cells and no header."""
    name = path.name.lower()
    if not name.endswith(".csv") or not path.is_file():
        return name.endswith(".zip")
    with path.open("rb") as file:
        return bool(_CELLS.match(file.read(1_000)))


def read_archive(path: Path, interval_ns: int | None, tick_atoms: int = 1) -> Archive:
    """Return what the archive at `path` holds.

    Args:
        path: A ZIP with one table of its name, or that table: open time (UTC, ms or us), open, high, low, close,
            volume and further cells. A .CHECKSUM that stands beside a ZIP must be right.
        interval_ns: Length of a bar, ns; None: as the name tells, "BTCUSDT-1m-2024-01.zip".
        tick_atoms: What prices must be multiples of, atoms.

    Raises:
        ConfigurationError: There is no such file, or nothing tells the interval.
        DataError: It is no archive of bars, differs from its checksum, or more rows are bad than good.
    """
    if not path.is_file():
        raise ConfigurationError(f"{path}: no such file")
    told = _INTERVAL.search(path.name)
    if interval_ns is None and told is None:
        raise ConfigurationError(f"{path}: the name does not tell the interval; say how long a bar is with --interval")
    length = interval_ns or bars.interval_ns(told[1] if told else "")
    content = path.read_bytes()
    _check(path, content)
    text = unzipped(content, path.name) if path.suffix.lower() == ".zip" else content
    rows = rows_of(text, path.name, _EVER, length)
    for price in rows.columns[1:5]:
        blame(rows.verdicts, price % tick_atoms != 0, Kind.TICK)
    good = rows.verdicts == GOOD
    if not len(good):
        raise ConfigurationError(f"{path}: holds no rows")
    if 2 * np.count_nonzero(good) < len(good):
        worst = kind_of(int(rows.verdicts[int(np.argmin(good))]))
        raise DataError(
            f"{path}: {np.count_nonzero(~good)} of {len(good)} rows cannot be bars, the first: {worst}; more are bad "
            "than good, which no quarantine repairs"
        )
    return Archive(rows, good, length)


def bad_rows(archive: Archive, path: Path, series: Series) -> Iterator[Record]:
    """Yield the rows of `archive` that are no bars, for the quarantine."""
    for row in np.flatnonzero(~archive.good).tolist():
        kind = kind_of(int(archive.rows.verdicts[row]))
        yield _record(archive.rows, row, path, series, kind, kind, None)


def doubted_rows(archive: Archive, path: Path, doubts: Iterable[Doubt], series: Series) -> Iterator[Record]:
    """Yield the rows of `archive` that `doubts` mean, as `raw_rows.records_of` does for other files."""
    wanted, opens = {doubt.told_ns: doubt for doubt in doubts}, archive.rows.columns.open_ns
    meant = archive.good & np.isin(opens, np.array(list(wanted), dtype=np.int64))
    for row in np.flatnonzero(meant).tolist():
        doubt = wanted[int(opens[row])]
        yield _record(archive.rows, row, path, series, doubt.kind, doubt.reason, doubt)


def _record(rows: Rows, row: int, path: Path, series: Series, kind: str, reason: str, doubt: Doubt | None) -> Record:
    line = rows.first_line + row
    return Record(
        source=str(path),
        kind=kind,
        reason=f"line {line}: {reason}",
        raw=rows.raw[row],
        line=line,
        series=series,
        form="csv",
        columns=COLUMNS,
        shift_ns=doubt.open_ns - doubt.told_ns if doubt else 0,
        open_ns=doubt.open_ns if doubt else None,
    )


def _check(path: Path, content: bytes) -> None:
    """Refuse a ZIP that differs from the checksum beside it, where there is one."""
    beside = path.with_name(f"{path.name}.CHECKSUM")
    if beside.is_file():
        from trading_system.data_pipeline.collectors.archives import check  # it loads an HTTP client

        check(content, beside.read_bytes(), path.name)
