"""When a stored value was heard again: needed only where an older vintage, imported later, says otherwise.

A value that is told again changes no byte of the metrics. But if it was heard on Monday and on Friday, and a file of
Wednesday turns up that says otherwise, then Friday restated it back. So each hearing leaves a line beside the series:

    {"heard_ns":1706745600000000000,"spans":[[1704067200000000000,86400000000000,31,0]]}

which is 31 spans of a day each, one after the other, from a start; the last number is a stamp that lies behind the
hearing, else 0. Lines are only added; one that was cut off as its writer was killed is swept by the next.
"""

import os
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from trading_system.data_pipeline.metric_history import Heard, Span
from trading_system.data_pipeline.store_files import flush
from trading_system.errors import DataError

_NAME: Final = "heard.jsonl"


class Run(NamedTuple):
    """`many` spans of `length_ns`, one after the other from `start_ns`; see `Heard.late_ns`."""

    start_ns: int
    length_ns: int
    many: int
    late_ns: int


class Hearing(msgspec.Struct, frozen=True, kw_only=True):
    """The spans whose value was told again at one moment."""

    heard_ns: int
    spans: list[Run]


def heard_since(folder: Path, since_ns: int) -> dict[Span, dict[int, int]]:
    """Return when values of a series were heard again, at `since_ns` or later: by span, late stamps by moments.

    Raises:
        DataError: A line is none that was written.
    """
    path, found = folder / _NAME, dict[Span, dict[int, int]]()
    for number, line in enumerate(_whole(path.read_bytes()).splitlines() if path.exists() else (), 1):
        try:
            hearing = msgspec.json.decode(line, type=Hearing)
        except msgspec.DecodeError as error:
            raise DataError(f"{path}, line {number}: is no hearing ({error}): remove it") from error
        for run in hearing.spans if hearing.heard_ns >= since_ns else ():
            for start_ns in (run.start_ns + place * run.length_ns for place in range(run.many)):
                moments = found.setdefault((start_ns, start_ns + run.length_ns), {})
                moments[hearing.heard_ns] = run.late_ns  # of one moment, what was noted last
    return found


def note_heard(folder: Path, again: Iterable[Heard]) -> None:
    """Note that `again` was heard; the writer's lock of the folder is held.

    Raises:
        OSError: The disk is full or does not allow it.
    """
    ordered = sorted(again, key=lambda each: (each.heard_ns, each.span))
    hearings = [
        Hearing(heard_ns=heard_ns, spans=_runs(group))
        for heard_ns, group in groupby(ordered, key=lambda each: each.heard_ns)
    ]
    if not hearings:
        return
    with (folder / _NAME).open("a+b") as file:
        file.seek(0)
        file.truncate(len(_whole(file.read())))
        file.write(b"".join(msgspec.json.encode(hearing) + b"\n" for hearing in hearings))
        file.flush()
        os.fsync(file.fileno())
    flush(folder)


def _whole(content: bytes) -> bytes:
    """Return the lines of `content` that were written to their end."""
    return content[: content.rfind(b"\n") + 1]


def _runs(again: Iterable[Heard]) -> list[Run]:
    runs: list[Run] = []
    for each in again:
        start_ns, end_ns = each.span
        run = Run(start_ns, end_ns - start_ns, 1, each.late_ns)
        if runs and run.length_ns and _follows(run, runs[-1]):
            run = runs[-1]._replace(many=runs.pop().many + 1)
        runs.append(run)
    return runs


def _follows(run: Run, before: Run) -> bool:
    end_ns = before.start_ns + before.many * before.length_ns
    return run == (end_ns, before.length_ns, 1, before.late_ns)
