"""The review of a file as it was received: nothing in it stops the check, and everything odd in it is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trading_system.data_pipeline.normalizers.defects.against import moved_stretches
from trading_system.data_pipeline.normalizers.defects.examine import Findings, examine
from trading_system.data_pipeline.normalizers.defects.files.told_rows import read_rows
from trading_system.data_pipeline.normalizers.defects.kinds import Action, Defect, DefectKind
from trading_system.data_pipeline.normalizers.defects.rows import Rows
from trading_system.data_pipeline.normalizers.defects.steps import interval_of_name
from trading_system.errors import ConfigurationError, DataError


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCheck:
    """What is wrong with a file.

    Attributes:
        file: As it was named.
        rows: Rows of data in it, sound or not; lines without any cell are no rows.
        interval_ns: The step of its bars, ns; None where fewer than two rows tell a time.
        defects: In order of time; those without one first.
        readable: Whether there is at least one bar in it.
    """

    file: str
    rows: int
    interval_ns: int | None
    defects: tuple[Defect, ...]
    readable: bool


def check_file(path: Path, *, interval_ns: int | None = None, against: Path | None = None) -> FileCheck:
    """Return what is wrong with the file at `path`; whatever its bytes are, this returns.

    Args:
        path: .csv, .csv.gz, .zip, .parquet, .feather, .json; what is inside counts, not what it is called.
        interval_ns: How long its bars should be, ns. None: what its name tells, as in BTCUSDT-1m-2024.csv; where it
            tells nothing, the most common step.
        against: A file of the same market, or of one that moves with it, whose stamps are trusted; its bars must come
            at the same interval.

    Raises:
        ConfigurationError: `against` cannot be read, or its bars come at another interval.
    """
    try:
        told = read_rows(path)
    except DataError as error:
        return _unreadable(path, str(error))
    expected_ns = interval_of_name(path.name) if interval_ns is None else interval_ns
    found = examine(told.rows, expected_ns, ends=told.ends)
    defects = list(found.defects)
    if told.cut is not None:
        stamped = found.open_ns[~told.rows.timeless]
        last = int(stamped[-1]) if len(stamped) else None
        defects.append(_defect(f"the file is {told.cut} behind row {len(found.keep)}", last, 1))
    if against is not None:
        defects += _held(told.rows, found, against)
    defects.sort(key=lambda defect: (defect.first_ns or 0, defect.kind))
    return FileCheck(
        file=str(path),
        rows=len(found.keep),
        interval_ns=found.interval_ns,
        defects=tuple(defects),
        readable=not bool(told.rows.unreadable.all()),
    )


def exit_code(checks: Sequence[FileCheck]) -> int:
    """Return 0 where all is clean, 1 where something is wrong, 2 where a file cannot be read."""
    if not all(check.readable for check in checks):
        return 2
    return int(any(check.defects for check in checks))


def _held(rows: Rows, found: Findings, against: Path) -> list[Defect]:
    """Return where the file's bars fit those of `against` at another time than they say."""
    try:
        reference = read_rows(against).rows
    except DataError as error:
        raise ConfigurationError(f"{against}: {error}") from error
    trusted = examine(reference)
    if trusted.interval_ns is None or trusted.interval_ns != found.interval_ns:
        raise ConfigurationError(f"{against}: its bars come at another interval; a file is held against one of its own")
    moved = moved_stretches(_kept(rows, found), _kept(reference, trusted), trusted.interval_ns)
    way = {True: "late", False: "early"}
    return [
        Defect(
            kind=DefectKind.STAMPED_AT_END,
            first_ns=stretch.first_ns,
            last_ns=stretch.last_ns,
            rows=(stretch.last_ns - stretch.first_ns) // trusted.interval_ns + 1,
            action=Action.FLAG,
            detail=f"{abs(stretch.bars)} bars {way[stretch.bars > 0]}, by the returns of {against.name}",
        )
        for stretch in moved
    ]


def _kept(rows: Rows, found: Findings) -> Rows:
    """Return the rows that make up the series, in order of time."""
    kept = np.flatnonzero(found.keep & ~rows.timeless)
    kept = kept[np.argsort(found.open_ns[kept], kind="stable")]
    kept = kept[np.concatenate(([True], np.diff(found.open_ns[kept]) > 0))] if len(kept) else kept
    return rows._replace(time_ns=found.open_ns).taken(kept)


def _unreadable(path: Path, why: str) -> FileCheck:
    return FileCheck(file=str(path), rows=0, interval_ns=None, defects=(_defect(why, None, 0),), readable=False)


def _defect(detail: str, when: int | None, rows: int) -> Defect:
    kind = DefectKind.UNREADABLE
    return Defect(kind=kind, first_ns=when, last_ns=when, rows=rows, action=Action.QUARANTINE, detail=detail)
