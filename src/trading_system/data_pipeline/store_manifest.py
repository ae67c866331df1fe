"""What a series of the store holds, on one page: `manifest.json` beside its files.

Two files cannot be replaced in one step, so one of them must be the truth: the months are, for each carries its own
hash. The manifest is an index of what they say. It is written after them, and may therefore lag behind a writer who was
killed in between; the next writer finds that and writes it anew. Reading rows believes the months; one thing only is
taken from the manifest: that a month which it names and which is not there was lost, and is no gap of the market.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from trading_system.data_pipeline.store_files import StoredFile, described, replace_file, written
from trading_system.errors import DataError

MANIFEST: Final = "manifest.json"
MONTHS: Final = "[0-9][0-9][0-9][0-9]-[0-9][0-9].parquet"
"""What a series' files are called; whatever else lies about is passed by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Manifest:
    series: str
    files: tuple[StoredFile, ...]


def months_of(folder: Path) -> list[Path]:
    """Return the files of a series, oldest first."""
    return sorted(folder.glob(MONTHS))


def refresh(folder: Path, series: str) -> None:
    """Write the manifest of `series` anew where it does not say what the files say; its writer's lock is held.

    A month that it names and that is not there stays named, until it is written again: a loss is not forgotten.

    Raises:
        DataError: A file is none of the store.
    """
    files = {path.stem: described(path) for path in months_of(folder)}
    files |= {about.month: about for about in lost(folder)}
    content = written(_Manifest(series=series, files=tuple(about for _, about in sorted(files.items()))))
    content = msgspec.json.format(content, indent=1) + b"\n"
    path = folder / MANIFEST
    if not path.exists() or path.read_bytes() != content:
        replace_file(path, content)


def lost(folder: Path) -> list[StoredFile]:
    """Return the months that the manifest of `folder` names and that are not there.

    The manifest is read before the folder is looked at: what a writer adds meanwhile is not missed.
    """
    return [about for about in _read(folder / MANIFEST) if not (folder / f"{about.month}.parquet").exists()]


def refuse_losses(folder: Path, first: str, last: str) -> None:
    """Refuse to read a span, from the month `first` to the month `last` ("2024-02"), in which a month was lost.

    Raises:
        DataError: The manifest names a month of the span whose file is gone.
    """
    gone = [about for about in lost(folder) if first <= about.month <= last]
    if gone:
        named = ", ".join(f"{about.month} ({about.rows} rows)" for about in gone)
        raise DataError(
            f"{folder}: files that were written are gone: {named}; import or fetch them again, or delete {MANIFEST} "
            "to live with the gap"
        )


def _read(path: Path) -> tuple[StoredFile, ...]:
    """Return what a manifest names; nothing where it is missing or torn, for it is only an index."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Manifest).files
    except (OSError, msgspec.DecodeError):
        return ()
