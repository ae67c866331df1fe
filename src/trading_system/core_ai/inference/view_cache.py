"""What a network said of a history, kept in the user's cache folder by what it was asked: the same is not asked twice.

    $XDG_CACHE_HOME/trading-system/views/<key>   32 bytes of SHA-256, then float32, lowest byte first

A file that is cut off or changed is none. Files are only ever numbers: nothing in them is run.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from trading_system.core_ai.inference.manifest import replace_file

Answers = npt.NDArray[np.float32]

MOST_BYTES: Final = 1 << 30


def kept(key: str, count: int, ask: Callable[[], Answers], *, most_bytes: int = MOST_BYTES) -> Answers:
    """Return the answers kept under `key`, `count` of them, or else what `ask` returns, which is kept from now on.

    Args:
        key: A hash over all that the answers depend on, hexadecimal.
        count: How many there must be.
        ask: Works them out.
        most_bytes: What all that is kept may have together; what was not looked at for longest goes first.
    """
    folder = _folder()
    if folder is None:
        return ask()
    path = folder / key
    found = _read(path, count)
    if found is None:
        found = ask()
        content = found.astype("<f4", copy=False).tobytes()
        try:
            replace_file(path, hashlib.sha256(content).digest() + content)
            _make_room(folder, most_bytes)
        except OSError:  # a full disk: next time it is asked again
            path.unlink(missing_ok=True)
    return found


def _read(path: Path, count: int) -> Answers | None:
    try:
        content = path.read_bytes()
        os.utime(path)
    except OSError:
        return None
    if len(content) != 32 + 4 * count or hashlib.sha256(memoryview(content)[32:]).digest() != content[:32]:
        return None
    return np.frombuffer(content, dtype="<f4", offset=32).astype(np.float32)


def _make_room(folder: Path, most_bytes: int) -> None:
    files = sorted((path for path in folder.iterdir() if path.is_file()), key=lambda path: path.stat().st_mtime_ns)
    total = sum(path.stat().st_size for path in files)
    for path in files[:-1]:
        if total <= most_bytes:
            return
        total -= path.stat().st_size
        path.unlink(missing_ok=True)


def _folder() -> Path | None:
    """Return a folder that nobody else can write to, or None: a view that somebody else put there would be traded."""
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = home / "trading-system" / "views"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except (OSError, RuntimeError):  # a read-only container; a user without a home
        return None
    ours = not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not status.st_mode & 0o022)
    return folder if ours and os.access(folder, os.W_OK) else None
