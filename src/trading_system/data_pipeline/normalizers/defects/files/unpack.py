"""Bytes of a file as what is inside: text, or a frame with types. By their first bytes, whatever the file is called."""

import io
import json
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

from trading_system.data_pipeline.normalizers.defects.rows import SECOND_NS
from trading_system.errors import DataError

_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
_PARQUET: Final = b"PAR1"
_ARROW: Final = (b"ARROW1", b"FEA1")
_BOMS: Final[Mapping[bytes, str]] = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_MOST: Final = 1 << 31
"""Bytes beyond which nothing is unpacked: a small file can hold any amount of nothing."""
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
        return unpack(_largest_member(content))
    if content.startswith((_PARQUET, *_ARROW)):
        return Unpacked(None, _frame(content))
    encoding = next((name for mark, name in _BOMS.items() if content.startswith(mark)), "utf-8")
    text = content.decode(encoding, errors="replace")
    begin = text.lstrip()[:1]
    return Unpacked(_from_json(text) if begin and begin in "[{" else text, None)


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


def _largest_member(content: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if not members:
                raise DataError("an archive without a file")
            largest = max(members, key=lambda member: member.file_size)
            if largest.file_size > _MOST:
                raise DataError(f"unpacks to more than {_MOST} bytes")
            return archive.read(largest)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
        raise DataError(f"the archive cannot be read: {error}") from error


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


def _from_json(text: str) -> str:
    """Return rows written as JSON, all at once or one a line, as text with commas; other text as it is."""
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        try:
            whole = [json.loads(line) for line in text.splitlines() if line.strip()]
        except (ValueError, RecursionError):
            return text
    if isinstance(whole, dict):
        whole = next((value for value in whole.values() if isinstance(value, list)), [])
    if not isinstance(whole, list) or not whole:
        return text
    lines = []
    if isinstance(whole[0], dict):
        header = list(whole[0])
        lines = [",".join(map(str, header))]
        whole = [[row.get(name) for name in header] if isinstance(row, dict) else [row] for row in whole]
    lines += [",".join("" if cell is None else str(cell) for cell in row) for row in whole if isinstance(row, list)]
    return "\n".join(lines)
