"""An archive of bars as Binance publishes it, as a file of its own: a ZIP, or the table that was in it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from trading_system.data_pipeline.bar_checks import Kind, blame, kind_of
from trading_system.data_pipeline.collectors.archive_rows import COLUMNS, Rows, rows_of, unzipped
from trading_system.data_pipeline.collectors.spans import Span
from trading_system.data_pipeline.raw_rows import Doubts
from trading_system.errors import ConfigurationError
from trading_system.market import bars
from trading_system.utils.error_handling.quarantine_records import Record, Series

_INTERVAL: Final = re.compile(r"-(\d+[smhd])-\d{4}-\d\d")
_EVER: Final = Span(0, 2**63 - 1)
_CELLS: Final = re.compile(rb"\d{13,16}(,[^,\n]*){5,}")


class Archive(NamedTuple):
    """What an archive holds: its rows, each judged by itself, and how long a bar is, ns."""

    rows: Rows
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
        DataError: It is no archive of bars, or differs from its checksum.
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
    if not len(rows.verdicts):
        raise ConfigurationError(f"{path}: holds no rows")
    return Archive(rows, length)


def archive_records(archive: Archive, path: Path, doubts: Doubts, series: Series) -> Iterator[Record]:
    """Yield the rows of `archive` that `doubts` name, as `raw_rows.records_of` does for other files."""
    rows = archive.rows
    for position in sorted(doubts):
        doubt, line = doubts[position], rows.lines[position]
        own = "" if doubt.kind else kind_of(int(rows.verdicts[position]))
        yield Record(
            source=str(path),
            kind=doubt.kind or str(own),
            reason=f"line {line}: {doubt.reason or own}",
            raw=rows.raw[position],
            line=line,
            series=series,
            form="csv",
            columns=COLUMNS,
            shift_ns=doubt.shift_ns,
            open_ns=None if own == Kind.TIME else doubt.open_ns,
        )


def _check(path: Path, content: bytes) -> None:
    """Refuse a ZIP that differs from the checksum beside it, where there is one."""
    beside = path.with_name(f"{path.name}.CHECKSUM")
    if beside.is_file():
        from trading_system.data_pipeline.collectors.archives import check  # it loads an HTTP client

        check(content, beside.read_bytes(), path.name)
