"""The SQLite file of a journal: its tables, and connections to it.

Source: SQLite documentation, "Uniform Resource Identifiers" (`mode=ro`, `immutable`), "Write-Ahead Logging"
("Read-Only Databases"), "PRAGMA fullfsync".
"""

import os
import sqlite3
from pathlib import Path
from typing import Final
from urllib.parse import quote

from trading_system.errors import ConfigurationError
from trading_system.journal.chain import START

APPLICATION_ID: Final = 0x7473_6A31
"""Says in the file's header that this is a journal of ours ("tsj1")."""

_SCHEMA: Final = f"""
BEGIN IMMEDIATE;
CREATE TABLE facts (
    seq INTEGER PRIMARY KEY,
    ts_ns INTEGER NOT NULL,
    recorded_ns INTEGER NOT NULL,
    kind TEXT NOT NULL,
    client_order_id TEXT NOT NULL,
    body TEXT NOT NULL,
    hash BLOB NOT NULL
);
CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, hash BLOB NOT NULL);
INSERT INTO head VALUES (1, {START.seq}, x'{START.hash.hex()}');
PRAGMA application_id = {APPLICATION_ID};
COMMIT;
"""


def for_writing(path: Path) -> sqlite3.Connection:
    """Return a connection whose every commit is on the disk; creates the file and its tables where missing.

    Raises:
        ConfigurationError: The file is no journal.
        sqlite3.Error: It is damaged, or cannot be opened.
    """
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        new = not connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
        if not new:
            _check(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")  # macOS: fsync alone leaves the data in the drive's cache
        if new:
            connection.executescript(_SCHEMA)
            _sync_folder(path.parent)
    except BaseException:
        connection.close()
        raise
    return connection


def for_reading(path: Path, *, beside_writer: bool) -> sqlite3.Connection:
    """Return a connection that changes nothing and leaves no file behind.

    Where no log lies beside the file nobody writes it, and it is read as it stands (`immutable`): SQLite
    would otherwise create a log and an index to read by. `beside_writer` says that this very process
    writes it: then never, since closing an immutable file would drop the process's own locks on it.

    Raises:
        ConfigurationError: The file is no journal.
        sqlite3.Error: It is damaged, or cannot be opened.
    """
    still = not beside_writer and not path.with_name(path.name + "-wal").exists()
    address = f"file:{quote(str(path))}?mode=ro{'&immutable=1' if still else ''}"
    connection = sqlite3.connect(address, uri=True, isolation_level=None)
    try:
        connection.text_factory = _text
        _check(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection, path: Path) -> None:
    if connection.execute("PRAGMA application_id").fetchone() != (APPLICATION_ID,):
        raise ConfigurationError(f"{path} is not a journal of this system")


def _text(raw: bytes) -> str:
    """Text that is not UTF-8 was damaged: let it through changed, so that the chain names its entry."""
    return raw.decode(errors="replace")


def _sync_folder(folder: Path) -> None:
    """Make the new file's name durable, too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
