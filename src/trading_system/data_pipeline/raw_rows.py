"""Rows of a file as they were received: line, bytes, and how to read them again.

Whole columns are read and judged without their words; only the few rows that are set aside are looked up once more.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from trading_system.data_pipeline.bar_tables import RawRow, first_line
from trading_system.data_pipeline.file_rows import FileRows, bad_row, timeless
from trading_system.errors import ConfigurationError
from trading_system.market.bars import interval_ns
from trading_system.utils.error_handling.quarantine_records import Record, Series


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Why a row is set aside.

    Attributes:
        kind: What is wrong, in a word or two; "" for what the row shows by itself, which it is then asked.
        reason: The same in a sentence.
        open_ns: When its bar opens, stamps put right, UTC ns.
        shift_ns: What was added to the time that it says, ns.
    """

    kind: str = ""
    reason: str = ""
    open_ns: int
    shift_ns: int = 0


Doubts = Mapping[int, Doubt]
"""By the row's position in its file, from 0."""


def records_of(rows: FileRows, doubts: Doubts, series: Series) -> Iterator[Record]:
    """Yield a record of each row of `rows` that `doubts` names, in the order of the file.

    One that the file does not have any more, because it was written over meanwhile, comes without bytes.

    Raises:
        ConfigurationError: The file cannot be read any more.
    """
    wanted = sorted(doubts)
    try:
        raws = list(rows.table.rows(wanted)) if wanted else []
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ConfigurationError(f"{rows.path}: cannot be read any more: {first_line(error)}") from error
    for position, raw in zip(wanted, raws, strict=False):
        yield _record(position, raw, rows, doubts[position], series)
    for position in wanted[len(raws) :]:
        doubt = doubts[position]
        yield Record(
            source=str(rows.path),
            kind=doubt.kind or "unreadable",
            reason=doubt.reason or "the file does not have this row any more",
            raw=b"",
            line=rows.table.first_line + position,
            series=series,
            open_ns=doubt.open_ns,
        )


def _record(position: int, raw: RawRow, rows: FileRows, doubt: Doubt, series: Series) -> Record:
    kind, reason, open_ns = doubt.kind, f"line {raw.line}: {doubt.reason}", doubt.open_ns
    lost = False
    if not kind:
        bad = bad_row(position, raw, rows, interval_ns(series.interval) if series.interval else 0)
        kind, reason, lost = bad.kind.value, str(bad), timeless(position, raw, rows)
    return Record(
        source=str(rows.path),
        kind=kind,
        reason=reason,
        raw=raw.raw,
        line=raw.line,
        series=series,
        form=rows.table.form,
        columns=rows.table.columns,
        shift_ns=doubt.shift_ns,
        open_ns=None if lost else open_ns,
    )
