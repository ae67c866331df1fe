"""Bars of the store as a plain file: exact decimals, whole or not at all."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import polars as pl

from trading_system.data_pipeline.bar_checks import Columns
from trading_system.data_pipeline.bar_store import Flags
from trading_system.data_pipeline.store_files import replace_file
from trading_system.errors import ConfigurationError
from trading_system.market.columns import Ints
from trading_system.market.money import ATOMS
from trading_system.market.timestamps import NS_PER_MS

_PRICES: Final = ("open", "high", "low", "close")
_NAMES: Final = (*_PRICES, "volume")
_PLACES: Final = 8


def _csv(frame: pl.DataFrame, into: io.BytesIO) -> None:
    frame.write_csv(into)


def _parquet(frame: pl.DataFrame, into: io.BytesIO) -> None:
    frame.write_parquet(into)


WRITERS: Final[Mapping[str, Callable[[pl.DataFrame, io.BytesIO], None]]] = {".csv": _csv, ".parquet": _parquet}


def export(columns: Columns, flags: Flags, path: Path) -> None:
    """Write bars to `path` as `bar_files` reads them: timestamp (open, UTC, ms), prices, volume; and their flags.

    Numbers are decimals with as many places as the series needs, in Parquet always with eight.

    Args:
        columns: The bars, in atoms.
        flags: (S,) what is odd about each.
        path: A .csv or .parquet file; one that is there is replaced.

    Raises:
        ConfigurationError: The name ends otherwise.
        OSError: The file cannot be written; what was there is still there.
    """
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        raise ConfigurationError(f"{path}: bars are written to files that end in {', '.join(WRITERS)}")
    frame = pl.DataFrame({"timestamp": columns.open_ns // NS_PER_MS, **dict(zip(_NAMES, columns[1:], strict=True))})
    exact = frame.select("timestamp", *(pl.col(name).cast(pl.Decimal(38, _PLACES)) / ATOMS for name in _NAMES))
    if path.suffix.lower() == ".csv":
        places = {**dict.fromkeys(_PRICES, _places(*columns[1:5])), "volume": _places(columns.volume)}
        exact = exact.with_columns(pl.col(name).cast(pl.Decimal(38, needed)) for name, needed in places.items())
    content = io.BytesIO()
    writer(exact.with_columns(pl.Series("flags", flags)), content)
    replace_file(path, content.getbuffer())


def _places(*columns: Ints) -> int:
    """Return how many decimals the atoms of `columns` need, 0..8."""
    return next(
        places for places in range(_PLACES + 1) if not any((c % 10 ** (_PLACES - places)).any() for c in columns)
    )
