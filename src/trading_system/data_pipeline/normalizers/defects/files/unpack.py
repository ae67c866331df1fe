"""Bytes of a file as what is inside: text, or a frame with types. By their first bytes, whatever the file is called."""

import io
import re
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import polars as pl

from trading_system.data_pipeline.normalizers.defects.files.from_json import text_of
from trading_system.data_pipeline.normalizers.defects.rows import SECOND_NS
from trading_system.errors import DataError

_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
_PARQUET: Final = b"PAR1"
_ARROW: Final = (b"ARROW1", b"FEA1")
_BOMS: Final[Mapping[bytes, str]] = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_MOST: Final = 1 << 31
"""Bytes beyond which nothing is unpacked: a small file can hold any amount of nothing."""
_TEXTS: Final = (".csv", ".txt", ".tsv")
_EXTRA: Final = ("__MACOSX/", ".")
"""What archivers add of their own."""
_PATIENCE_S: Final = 300


class Unpacked(NamedTuple):
    """What a file holds: `text` or `frame`; and whether it is cut off, with the reason."""

    text: str | None
    frame: pl.DataFrame | None
    cut: str | None = None


def unpack(content: bytes) -> Unpacked:
    """Return what is inside `content`.

    Raises:
        DataError: It is damaged, or holds nothing that could be a table.
    """
    if content.startswith(_GZIP):
        inside, cut = _gunzipped(content)
        return unpack(inside)._replace(cut=cut)
    if content.startswith(_ZIP):
        return unpack(_members(content))
    if content.startswith((_PARQUET, *_ARROW)):
        return Unpacked(None, _frame(content))
    encoding = next((name for mark, name in _BOMS.items() if content.startswith(mark)), "utf-8")
    text = content.decode(encoding, errors="replace")
    begin = text.lstrip()[:1]
    return Unpacked(text_of(text) if begin and begin in "[{" else text, None)


def day_of_name(name: str) -> int | None:
    """Return the day that a file's name begins with, UTC ns: LEAN's minutes count from its midnight.

    >>> day_of_name("20180404_trade.zip") == 1_522_800_000 * SECOND_NS
    True
    """
    found = re.match(r"(\d{8})(?!\d)", name)
    if found is None:
        return None
    try:
        return int(datetime.strptime(found[1], "%Y%m%d").replace(tzinfo=UTC).timestamp()) * SECOND_NS
    except ValueError:
        return None


def content_of(path: Path) -> bytes:
    """Return a file's bytes.

    Raises:
        DataError: It is not there, no file, or cannot be opened.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(error.strerror or str(error)) from error


def _gunzipped(content: bytes) -> tuple[bytes, str | None]:
    """Return what can be unpacked, and what stopped it."""
    parts: list[bytes] = []
    size = 0
    while content.startswith(_GZIP):
        engine = zlib.decompressobj(wbits=31)
        try:
            parts.append(engine.decompress(content, _MOST - size))
        except zlib.error as error:
            return _salvaged(parts, content), f"damaged: {error}"
        size += len(parts[-1])
        if size >= _MOST:
            raise DataError(f"unpacks to more than {_MOST} bytes")
        if not engine.eof:
            return b"".join(parts), "cut off"
        content = engine.unused_data
    return b"".join(parts), None


def _salvaged(parts: list[bytes], content: bytes) -> bytes:
    """Return what comes before the damage, piece by piece."""
    engine = zlib.decompressobj(wbits=31)
    for at in range(0, len(content), 4096):
        try:
            parts.append(engine.decompress(content[at : at + 4096]))
        except zlib.error:
            break
    return b"".join(parts)


def _members(content: bytes) -> bytes:
    """Return the largest file of an archive, and behind it in order of their names those of its kind: a month in days.

    Of tables of text the header counts once.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            files = [file for file in archive.infolist() if not file.is_dir() and not file.filename.startswith(_EXTRA)]
            if not files:
                raise DataError("an archive without a file")
            largest = max(files, key=lambda file: file.file_size)
            kind = Path(largest.filename).suffix.lower()
            alike = [file for file in files if Path(file.filename).suffix.lower() == kind]
            if kind not in _TEXTS:
                alike = [largest]
            if sum(file.file_size for file in alike) > _MOST:
                raise DataError(f"unpacks to more than {_MOST} bytes")
            alike.sort(key=lambda file: file.filename)
            return _joined([archive.read(file) for file in alike])
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
        raise DataError(f"the archive cannot be read: {error}") from error


def _joined(parts: list[bytes]) -> bytes:
    """Return tables of text as one: a first line that is that of the first table, and holds no bar, is a header."""
    header = parts[0].split(b"\n", 1)[0].strip()
    named = not header[:1].isdigit()
    rest = [
        part.split(b"\n", 1)[-1] if named and part.split(b"\n", 1)[0].strip() == header else part for part in parts[1:]
    ]
    return b"\n".join([parts[0], *rest])


def _frame(content: bytes) -> pl.DataFrame:
    reader = pl.read_parquet if content.startswith(_PARQUET) else pl.read_ipc
    if not _decodes(content, reader.__name__):
        raise DataError("damaged: its columns cannot be decoded")
    try:
        return reader(io.BytesIO(content))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError, OverflowError) as error:
        words = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DataError(f"cannot be read: {words}") from error


def _decodes(content: bytes, reader: str) -> bool:
    """Return whether the columns can be decoded, tried in a process of its own.

    A damaged page makes the decoder ask for all the memory there could be, which ends its process and no `except`
    stops. It costs a fifth of a second a file, and one bad file must not hide what is wrong with ninety-nine others.
    """
    program = f"import io, sys, polars; polars.{reader}(io.BytesIO(sys.stdin.buffer.read()))"
    try:
        trial = subprocess.run(
            [sys.executable, "-I", "-c", program],
            input=content,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return trial.returncode == 0
