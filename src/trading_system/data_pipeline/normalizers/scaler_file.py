"""A scaler at rest: JSON, so that it can be read by eye and by any program, and loading it runs no code."""

import os
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from trading_system.data_pipeline.normalizers.scaler import Beyond, Scaler
from trading_system.errors import ConfigurationError, DataError

FORMAT: Final = 1


class _Page(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: int
    features: tuple[str, ...]
    beyond: Beyond
    low: tuple[float, ...]
    high: tuple[float, ...]
    floor: tuple[float, ...]
    ceiling: tuple[float, ...]


def written(scaler: Scaler, features: tuple[str, ...]) -> bytes:
    """Return `scaler` of the columns `features` as JSON; every number is the shortest text that reads back as itself.

    Raises:
        DataError: There are not as many names as columns.
    """
    if len(features) != len(scaler.low):
        raise DataError(f"{len(features)} names for the {len(scaler.low)} features of a scaler")
    page = _Page(
        format=FORMAT,
        features=features,
        beyond=scaler.beyond,
        low=scaler.low,
        high=scaler.high,
        floor=scaler.floor,
        ceiling=scaler.ceiling,
    )
    return msgspec.json.format(msgspec.json.encode(page), indent=2) + b"\n"


def read(text: bytes, features: tuple[str, ...]) -> Scaler:
    """Return the scaler that `text` is, which must be one of the columns `features`, in this order.

    Raises:
        DataError: It is malformed, of another format or of other features; a number is missing, not finite, or an end
            lies above its other.
    """
    try:
        page = msgspec.json.decode(text, type=_Page)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError(f"is no scaler: {error}") from error
    if page.format != FORMAT:
        raise DataError(f"is a scaler of format {page.format}; this program reads {FORMAT}")
    if page.features != features:
        raise DataError(f"is a scaler of {', '.join(page.features)}; wanted is one of {', '.join(features)}")
    scaler = Scaler(low=page.low, high=page.high, floor=page.floor, ceiling=page.ceiling, beyond=page.beyond)
    if len(features) != len(scaler.low):
        raise DataError(f"has {len(scaler.low)} numbers for {len(features)} features")
    return scaler


def save(path: Path, scaler: Scaler, features: tuple[str, ...]) -> None:
    """Write `scaler` to `path`, whole or not at all."""
    content = written(scaler, features)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def load(path: Path, features: tuple[str, ...]) -> Scaler:
    """Return the scaler at `path`, checked as in `read`.

    Raises:
        ConfigurationError: The file cannot be read, or holds no scaler of `features`; the message names it.
    """
    try:
        return read(path.read_bytes(), features)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror or error}") from error
    except DataError as error:
        raise ConfigurationError(f"{path}: {error}") from error
