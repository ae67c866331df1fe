"""The journal in one SQLite file: durable before `append` returns, chained, written by one process at a time.

Source: SQLite documentation, "Write-Ahead Logging" (readers never wait for the writer), "PRAGMA synchronous"
(FULL syncs the log at every commit).
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final, Self

from trading_system.blotter.events import Fact
from trading_system.errors import ConfigurationError, JournalBroken
from trading_system.journal import chain, database
from trading_system.journal.chain import Head, Row
from trading_system.journal.lock import hold
from trading_system.ports import Entry

CHUNK: Final = 2_000
"""Entries read at a time; no reader holds the file longer than that takes."""
DAMAGE: Final = (sqlite3.Error, UnicodeDecodeError)
"""What the driver raises over a damaged file; the second where the name of a column is hit."""

_INSERT: Final = "INSERT INTO facts VALUES (?, ?, ?, ?, ?, CAST(? AS TEXT), ?)"
_SELECT: Final = """
SELECT seq, ts_ns, recorded_ns, kind, client_order_id, ifnull(CAST(body AS BLOB), x''), hash
FROM facts WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?
"""
_HEAD: Final = "SELECT seq, hash, (SELECT ifnull(max(seq), 0) FROM facts) FROM head"


class SqliteJournal:
    """The Journal port over one file; get one by `open`, and `close` it."""

    def __init__(self, path: Path, connection: sqlite3.Connection | None, lock: int | None) -> None:
        self._path = path
        self._connection = connection
        self._lock = lock
        self._failure = "" if connection is not None else "it is open for reading only, or closed"
        self._head = self._stored_head()

    @classmethod
    def open(cls, path: Path, *, writer: bool = True) -> Self:
        """Open the journal at `path`.

        A writer creates the file and its folder where they are missing, and holds a lock beside it
        (`<name>.lock`) until it is closed or its process ends. A reader creates nothing and may read
        while another process writes.

        Raises:
            ConfigurationError: Somebody else writes it, there is none to read, or it is no journal.
            JournalBroken: The file is damaged, or cannot be opened.
        """
        path = path.resolve()
        if not writer:
            if not path.is_file():
                raise ConfigurationError(f"there is no journal at {path}")
            return cls(path, None, None)
        lock = None
        connection = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = hold(path)
            connection = database.for_writing(path)
            return cls(path, connection, lock)
        except BaseException as error:
            if connection is not None:
                connection.close()
            if lock is not None:
                os.close(lock)
            if isinstance(error, (*DAMAGE, OSError)):
                raise JournalBroken(f"the journal {path} cannot be opened for writing: {error}") from error
            raise

    def append(self, facts: Sequence[Fact], recorded_ns: int) -> None:
        """Make `facts` durable in one transaction; when this returns they are on the disk.

        Raises:
            JournalBroken: They could not be made durable, or could not be said to be. After a failure of
                the file every later call fails too: what the disk holds is known only by reading it again.
        """
        if self._connection is None or self._failure:
            raise JournalBroken(f"the journal {self._path} takes no more entries: {self._failure}")
        head, rows = chain.extended(self._head, facts, recorded_ns)
        if not rows:
            return
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(_INSERT, rows)
            self._connection.execute("UPDATE head SET seq = ?, hash = ?", head)
            self._connection.execute("COMMIT")
        except (sqlite3.Error, OSError, OverflowError) as error:
            self._failure = str(error)
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise JournalBroken(f"the journal {self._path} cannot be written: {error}") from error
        self._head = head

    def read(self) -> Iterator[Entry]:
        """Return every entry that is there now, in order, each checked against the chain.

        Raises:
            JournalBroken: The chain does not hold, or the file is damaged; the message names the seq.
        """
        head, end = chain.START, self.head()
        while head.seq < end.seq:
            rows = self._rows(head.seq, end.seq)
            if not rows:
                raise JournalBroken(f"the journal breaks at seq {head.seq + 1}: it is missing, up to seq {end.seq}")
            for row in rows:
                yield chain.entry(head, row)
                head = Head(row.seq, row.hash)
        if head != end:
            raise JournalBroken(f"the journal breaks at seq {end.seq}: the last entry is not the one written last")

    def head(self) -> Head:
        """Return the end of the chain: a writer's own, or what the file says now.

        Raises:
            JournalBroken: The file is damaged, or entries stand behind its end.
        """
        return self._head if self._connection is not None else self._stored_head()

    def close(self) -> None:
        """Close the file and let go of the lock; nothing can be appended afterwards."""
        if self._connection is not None:
            self._connection.close()
            self._connection, self._failure = None, "it is closed"
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _stored_head(self) -> Head:
        found = self._query(_HEAD, (), "at its end")
        if len(found) != 1 or list(map(type, found[0])) != [int, bytes, int]:
            raise JournalBroken(f"the journal {self._path} has lost its end")
        seq, digest, last = found[0]
        if seq != last:
            raise JournalBroken(
                f"the journal breaks at seq {min(seq, last) + 1}: seq {seq} was written last, and {last} is there last"
            )
        return Head(seq, digest)

    def _rows(self, after: int, until: int) -> list[Row]:
        return [Row(*row) for row in self._query(_SELECT, (after, until, CHUNK), f"after seq {after}")]

    def _query(self, sql: str, values: tuple[int, ...], where: str) -> list[tuple[Any, ...]]:
        """Ask by a connection of its own, gone before this returns: nothing is held, a writer is never kept waiting."""
        try:
            with closing(database.for_reading(self._path, beside_writer=self._connection is not None)) as connection:
                return connection.execute(sql, values).fetchall()
        except DAMAGE as error:
            raise JournalBroken(f"the journal {self._path} cannot be read {where}: {error}") from error
