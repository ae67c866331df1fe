"""Set rows that are not believed aside, with the reason, so that they can be looked at and trading goes on."""

import fcntl
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from trading_system.errors import ConfigurationError, DataError
from trading_system.utils.error_handling.quarantine_records import (
    NEXT,
    Form,
    Kept,
    Mark,
    Record,
    Series,
    State,
    line_of,
    raw_of,
    told_by,
)

NAME: Final = "quarantine.jsonl"
"""What the file is called, in a run's folder and beside a store."""


def beside(store: Path) -> Path:
    """Return where rows are set aside that were meant for the bar store at `store`: in a file beside its folder."""
    return store.parent / NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """All that a quarantine holds.

    Attributes:
        rows: By their id, in the order in which they were first put there.
        damaged: Numbers of the file's lines, the first is 1, that cannot be read: torn by the end of a process, or
            not what was written.
    """

    rows: dict[str, Kept] = field(default_factory=dict)
    damaged: list[int] = field(default_factory=list)


class Quarantine:
    """A file of JSON lines that only ever grows: rows that were set aside, and what became of them.

    Many processes may add to it at once: each holds the file's lock while it writes. A call returns when what it
    wrote is on the disk. A process that dies while writing leaves at most one torn line, the last; the next writer
    ends it with a newline, readers pass over it and say so. Nothing is ever changed or deleted: a row put twice stands
    there once, and what becomes of it is a line of its own.

    Attributes:
        path: The file; it and its folder are made when the first row arrives.
        count: Rows that this object was given to set aside.
    """

    def __init__(self, path: Path, *, now_ns: Callable[[], int] = time.time_ns) -> None:
        self.path = path
        self.count = 0
        self._now_ns = now_ns
        self._states: dict[str, State] = {}
        self._seen: tuple[int, int] = (0, 0)  # the file's inode, and up to where its lines are in `_states`

    def put(
        self,
        received: object,
        *,
        reason: str,
        source: str,
        kind: str = "unreadable",
        line: int | None = None,
        series: Series | None = None,
        form: Form = "",
        columns: tuple[str, ...] = (),
    ) -> None:
        """Set one row aside as it was received (`raw_of`); the other arguments are those of `Record`.

        Raises:
            ConfigurationError: It cannot be written, so that the row must not be dropped.
        """
        record = Record(
            source=source,
            kind=kind,
            reason=reason,
            raw=raw_of(received),
            line=line,
            series=series,
            form=form,
            columns=columns,
        )
        self.put_all([record])

    def put_all(self, records: Iterable[Record]) -> int:
        """Set `records` aside, all in one go, and return how many of them were not there yet.

        Raises:
            ConfigurationError: They cannot be written, so that the rows must not be dropped.
        """
        kept = {record.id: record for record in records}
        if not kept:
            return 0
        put_ns = self._now_ns()
        with self._locked() as file:
            new = {key: record for key, record in kept.items() if key not in self._states}
            self._append(file, [line_of(Kept(id=key, record=each, put_ns=put_ns)) for key, each in new.items()])
            self._states |= dict.fromkeys(new, State.HELD)
        self.count += len(kept)
        return len(new)

    def mark(self, ids: Iterable[str], state: State, *, by: str, why: str) -> int:
        """Write down what became of rows and return of how many; a row to which that cannot happen (`NEXT`) stays.

        Raises:
            ConfigurationError: It cannot be written.
        """
        at_ns = self._now_ns()
        with self._locked() as file:
            changed = [key for key in dict.fromkeys(ids) if key in self._states and state in NEXT[self._states[key]]]
            self._append(file, [line_of(Mark(id=key, state=state, by=by, why=why, at_ns=at_ns)) for key in changed])
            self._states |= dict.fromkeys(changed, state)
        return len(changed)

    def contents(self) -> Contents:
        """Return all that stands there; nothing where there is no file.

        Raises:
            ConfigurationError: The file cannot be read.
        """
        found = Contents()
        try:
            with self.path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH)
                for number, line in enumerate(file, start=1):
                    _take(found, number, line)
        except FileNotFoundError:
            return found
        except OSError as error:
            raise ConfigurationError(f"{self.path}: the quarantine cannot be read: {error.strerror}") from error
        return found

    @contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        """Yield the file, no other process writing, with `_states` up to date."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab+") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                self._catch_up(file)
                yield file
        except OSError as error:
            raise ConfigurationError(f"{self.path}: the quarantine cannot be written: {error.strerror}") from error

    def _catch_up(self, file: BinaryIO) -> None:
        now = os.fstat(file.fileno())
        inode, until = self._seen
        if inode != now.st_ino or until > now.st_size:  # another file stands there now
            self._states, until = {}, 0
        file.seek(until)
        for line in file:
            until += len(line)
            try:
                told = told_by(line)
            except DataError:
                continue
            if isinstance(told, Kept):
                self._states.setdefault(told.id, State.HELD)
            elif told.state in NEXT.get(self._states.get(told.id, State.HELD), frozenset()):
                self._states[told.id] = told.state
        self._seen = now.st_ino, until

    def _append(self, file: BinaryIO, lines: list[bytes]) -> None:
        inode, end = self._seen
        if not lines:
            return
        if end:
            file.seek(end - 1)
            lines = lines if file.read(1) == b"\n" else [b"\n", *lines]
        written = b"".join(lines)
        file.write(written)
        file.flush()
        os.fsync(file.fileno())
        if not end:
            _sync_folder(self.path.parent)
        self._seen = inode, end + len(written)


def _take(found: Contents, number: int, line: bytes) -> None:
    try:
        told = told_by(line)
    except DataError:
        found.damaged.append(number)
        return
    if isinstance(told, Kept):
        found.rows.setdefault(told.id, told)
        return
    row = found.rows.get(told.id)
    if row is None:
        found.damaged.append(number)  # a mark on a row that is gone
    elif told.state in NEXT[row.state]:
        found.rows[told.id] = Kept(id=row.id, record=row.record, put_ns=row.put_ns, marks=(*row.marks, told))


def _sync_folder(folder: Path) -> None:
    """Make the file's name durable, too: it is the folder that knows it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
