"""One file of a store: whole or absent, with its own hash; and one writer at a time in a folder.

A file is written beside its place, flushed to the disk, and put there in one step (rename(2)); then the folder is
flushed too. Whoever is killed at any moment leaves the file that was there or the one that was to come, and perhaps a
`.part` beside it, which the next writer sweeps. A reader opens a file once and therefore sees one version of it.

What a file holds is told by words in its own footer, with a SHA-256 over these words and over every column, so that a
changed digit, a file cut short and a file copied to another series are all found out when it is read.
"""

import fcntl
import hashlib
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_system.data_pipeline.bar_tables import first_line
from trading_system.errors import DataError

Values = Mapping[str, NDArray[np.generic]]
"""Rows as columns by name, all (S,)."""

WORDS: Final = "trading_system"
"""The key of a file's words in its Parquet footer."""

_COMPRESSION: Final = "lz4"
"""Read in about half the time that zstd takes, and a seventh larger; `python -m scripts.bench.data_store` says."""

_REMEDY: Final = "delete it, and import or fetch its rows again"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """What a file of the store says of itself.

    Attributes:
        series: Whose rows these are: the folders below the store's root, "binance/BTCUSDT/1m".
        month: When they are of, "2024-02", which is also the file's name.
        schema: Version of the columns' names and types.
        rows: How many there are, >= 1.
        first_ns, last_ns: Earliest and latest time, UTC ns.
        counts: What else is counted, by name: absent stretches, flagged rows.
        sha256: Hash of all the above and of every column.
    """

    series: str
    month: str
    schema: int
    rows: int
    first_ns: int
    last_ns: int
    counts: Mapping[str, int]
    sha256: str = ""


@contextmanager
def one_writer(folder: Path) -> Iterator[None]:
    """Make `folder`, wait until no other process or thread writes there, and hold it; sweep what is half-written.

    The lock is dropped when this ends, or when the process does, however it ends. Readers need none.

    Source: flock(2): the lock belongs to the open file. Its file stays, for removing it could let two writers lock two
    files of one name.
    """
    _made(folder)
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        _sweep(folder)  # of a writer who was killed
        yield
    finally:
        _sweep(folder)  # of ourselves, where the disk was full
        os.close(descriptor)


def replace_file(path: Path, content: bytes | memoryview) -> None:
    """Put `content` at `path`, whole or not at all, and flush it and its folder to the disk.

    Raises:
        OSError: The disk is full or does not allow it; what was there is still there.
    """
    temporary = staged(path, content)
    try:
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error
    flush(path.parent)


def staged(path: Path, content: bytes | memoryview) -> Path:
    """Write `content` beside `path`, flush it to the disk, and return where it is, to be put in its place.

    Raises:
        OSError: The disk is full or does not allow it; nothing is left of it.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error  # by the name that the caller knows
    return temporary


def month_file(values: Values, about: StoredFile) -> memoryview:
    """Return the content of a file that holds the rows of `values` and says `about` of itself, and its hash."""
    about = replace(about, sha256=_hash(about, values))
    content = io.BytesIO()
    frame = pl.DataFrame(dict(values))
    frame.write_parquet(content, compression=_COMPRESSION, metadata={WORDS: written(about).decode()})
    return content.getbuffer()


def read_month(path: Path, *, series: str, schema: int) -> Values:
    """Return the rows of a file whose words and hash are right.

    Args:
        path: The file, named for its month.
        series: Whose rows it must hold, see `StoredFile`.
        schema: In which version.

    Raises:
        DataError: It is no file of the store, of another series, month or schema, or does not hold what was written.
    """
    try:
        content = path.read_bytes()  # once: the file may be replaced while we read
        about = _words(path, pl.read_parquet_metadata(io.BytesIO(content)))
        frame = pl.read_parquet(content)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path}: is no file of this store ({first_line(error)}): {_REMEDY}") from error
    told = f"{about.series} {about.month} in schema {about.schema}"
    asked = f"{series} {path.stem} in schema {schema}"
    if told != asked:
        raise DataError(f"{path}: holds {told}, not {asked}: put it back where it was, or import its source again")
    values = {name: frame[name].to_numpy() for name in frame.columns}
    if _hash(about, values) != about.sha256:
        raise DataError(f"{path}: does not hold what was written (its hash differs): {_REMEDY}")
    return values


def described(path: Path) -> StoredFile:
    """Return what the file at `path` says of itself; its rows are not read, so nothing is checked.

    Raises:
        DataError: It is no file of the store.
    """
    try:
        return _words(path, pl.read_parquet_metadata(path))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path}: is no file of this store ({first_line(error)}): {_REMEDY}") from error


def written(words: object) -> bytes:
    """Return `words` as JSON, the same bytes for the same words."""
    return msgspec.json.encode(words, order="deterministic")


def _words(path: Path, footer: Mapping[str, str]) -> StoredFile:
    try:
        return msgspec.json.decode(footer[WORDS], type=StoredFile)
    except (KeyError, msgspec.DecodeError) as error:
        raise DataError(
            f"{path}: is no file of this store (its footer does not say what it holds): {_REMEDY}"
        ) from error


def _hash(about: StoredFile, values: Values) -> str:
    digest = hashlib.sha256(written(replace(about, sha256="")))
    for name, column in values.items():
        little = np.ascontiguousarray(column, dtype=column.dtype.newbyteorder("<"))
        digest.update(f"\n{name} {little.dtype.str}\n".encode())
        digest.update(little.data)
    return digest.hexdigest()


def _sweep(folder: Path) -> None:
    for stray in folder.glob("*.part"):
        stray.unlink()


def _made(folder: Path) -> None:
    """Make `folder` and what is missing above it, and flush each to the disk."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in reversed(missing):
        flush(each.parent)


def flush(folder: Path) -> None:
    """Flush a folder's names to the disk. Source: fsync(2): a file's own does not reach the name that it bears."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
