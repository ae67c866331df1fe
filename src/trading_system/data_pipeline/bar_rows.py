"""Bars from a plain file as objects, row by row: for a few thousand of them; `bar_files` reads whole columns."""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from pathlib import Path
from typing import Final

import polars as pl

from trading_system.errors import ConfigurationError, DataError
from trading_system.market.bars import Bar
from trading_system.market.instruments import Instrument
from trading_system.market.money import ATOMS
from trading_system.market.timestamps import NS_PER_S, from_ms, iso

_COLUMNS: Final = ("timestamp", "open", "high", "low", "close", "volume")
_PRICES: Final = ("open", "high", "low", "close")
_ATOM: Final = Decimal(1).scaleb(-8)
_SHOWN: Final = 5


def read_bars(path: Path, instrument: Instrument, interval_ns: int) -> list[Bar]:
    """Return the bars of a plain CSV or Parquet file, oldest first.

    Args:
        path: Columns `timestamp` (open, UTC, ms), `open`, `high`, `low`, `close` (quote per base) and
            `volume` (base units); further columns are ignored. Missing bars are absent.
        instrument: Whose tick the prices must be whole numbers of. Volumes are rounded to atoms: floats
            written by other programs carry noise there, and nobody owns a bar's volume.
        interval_ns: Length of each bar.

    Raises:
        ConfigurationError: The file cannot be read, or lacks a column.
        DataError: Rows are bad: not numbers, no whole ticks, no possible bar, repeated or out of order.
            The first few are named, with their number (1 is the first below the header) and time.
    """
    columns = _columns(path)
    bars: list[Bar] = []
    bad: list[str] = []
    end_ns = 0
    for number, row in enumerate(zip(*columns, strict=True), start=1):
        try:
            bar = _bar(row, instrument, interval_ns)
            if bar.open_ns < end_ns:
                raise DataError(f"bar at {iso(bar.open_ns)} begins before the one above it ends ({iso(end_ns)})")
        except DataError as error:
            bad.append(f"row {number}: {error}")
            continue
        end_ns = bar.close_ns
        bars.append(bar)
    if bad:
        shown = "\n  ".join(bad[:_SHOWN])
        rest = f"\n  and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
        raise DataError(f"{path}: {len(bad)} of {len(bad) + len(bars)} rows cannot be bars\n  {shown}{rest}")
    return bars


def _columns(path: Path) -> list[list[object]]:
    if not path.is_file():
        raise ConfigurationError(f"{path}: no such file")
    try:
        # CSV as text: the digits that were written, not a float's
        frame = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise ConfigurationError(f"{path}: cannot be read as bars: {error}") from error
    missing = [name for name in _COLUMNS if name not in frame.columns]
    if missing:
        raise ConfigurationError(f"{path}: no column {', '.join(missing)}; needed are {', '.join(_COLUMNS)}")
    return [frame[name].to_list() for name in _COLUMNS]


def _bar(row: Sequence[object], instrument: Instrument, interval_ns: int) -> Bar:
    try:
        timestamp, *prices, volume = (Decimal(str(cell)) for cell in row)
        open_ns = from_ms(int(timestamp))
        volume_atoms = int(volume.quantize(_ATOM, ROUND_HALF_EVEN) * ATOMS)
    except (InvalidOperation, ValueError, OverflowError):
        cells = ", ".join(f"{name} {cell}" for name, cell in zip(_COLUMNS, row, strict=True))
        raise DataError(f"not numbers: {cells}") from None
    if open_ns % interval_ns:
        raise DataError(f"timestamp {timestamp} is not the start of a bar of {interval_ns // NS_PER_S} s")
    ticks = [instrument.ticks(price) for price in prices]
    return Bar(
        symbol=instrument.symbol,
        open_ns=open_ns,
        close_ns=open_ns + interval_ns,
        **dict(zip(_PRICES, ticks, strict=True)),
        volume_atoms=volume_atoms,
    )
