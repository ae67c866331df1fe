"""Rows of a file as they were received, found again by when their bars open.

Whole columns are read and judged without their words; only the few rows that turn out wrong later (their series'
review does not keep them, the store says otherwise) are looked up once more.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trading_system.data_pipeline import bar_cells
from trading_system.data_pipeline.bar_checks import GOOD
from trading_system.data_pipeline.bar_tables import open_table
from trading_system.utils.error_handling.quarantine_records import Record, Series


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A row that is to be set aside: which (`told_ns`, the open that it says, UTC ns), for what, and what it opens.

    `open_ns` differs from `told_ns` where the stamps of a file were put right.
    """

    told_ns: int
    open_ns: int
    kind: str
    reason: str


def records_of(path: Path, doubts: Iterable[Doubt], series: Series) -> Iterator[Record]:
    """Yield a record of each row of `path` that one of `doubts` means: bytes, line, and how to read it again.

    Of rows that say the same time all are meant, since nothing tells them apart; each comes once. One that the file
    does not have any more, because it was written over meanwhile, comes without bytes.

    Raises:
        ConfigurationError: The file cannot be read any more.
    """
    wanted = {doubt.told_ns: doubt for doubt in doubts}
    if not wanted:
        return
    table = open_table(path)
    times = bar_cells.times_of(table.column("timestamp", last=True))
    meant = np.isin(times.values, np.array(list(wanted), dtype=np.int64)) & (times.verdicts == GOOD)
    rows = np.flatnonzero(meant).tolist()
    told = times.values[rows].tolist()
    for told_ns, raw in zip(told, table.rows(rows), strict=True):
        doubt = wanted[told_ns]
        yield Record(
            source=str(path),
            kind=doubt.kind,
            reason=f"line {raw.line}: {doubt.reason}",
            raw=raw.raw,
            line=raw.line,
            series=series,
            form=table.form,
            columns=table.columns,
            shift_ns=doubt.open_ns - doubt.told_ns,
            open_ns=doubt.open_ns,
        )
    for told_ns in wanted.keys() - set(told):
        doubt = wanted[told_ns]
        yield Record(
            source=str(path), kind=doubt.kind, reason=doubt.reason, raw=b"", series=series, open_ns=doubt.open_ns
        )
