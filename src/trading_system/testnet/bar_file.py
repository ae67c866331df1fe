"""Bars from a file: columns timestamp (open, ms UTC), open, high, low, close, volume."""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from pathlib import Path
from typing import Final

import polars as pl

from trading_system.errors import DataError
from trading_system.market.bars import Bar, interval_ns
from trading_system.market.instruments import Instrument
from trading_system.market.money import ATOMS
from trading_system.market.timestamps import from_ms

COLUMNS: Final = ("timestamp", "open", "high", "low", "close", "volume")


def bars_of_file(path: Path, *, instrument: Instrument, interval: str) -> list[Bar]:
    """Return the bars of a Parquet or CSV file, oldest first, each of length `interval`; gaps stay gaps.

    Prices go to the nearest tick and volumes to the nearest atom of what the file prints, in decimals.

    Raises:
        DataError: The file cannot be read, lacks a column, or has a row that is no bar, is out of order or off
            the grid; the message names the row, counted from 1.
    """
    length_ns = interval_ns(interval)
    bars: list[Bar] = []
    for number, row in enumerate(_rows(path), start=1):
        where = f"{path}, row {number}"
        if not isinstance(row[0], int):
            raise DataError(f"{where}: timestamp {row[0]!r} is not a whole number of milliseconds")
        open_ns = from_ms(row[0])
        if open_ns % length_ns:
            raise DataError(f"{where}: {row[0]} ms is not the start of an interval of {interval}")
        if bars and open_ns < bars[-1].close_ns:
            raise DataError(f"{where}: opens at {row[0]} ms, before the last bar of {interval} has closed")
        opened, high, low, close = (_steps(value, instrument.tick, where) for value in row[1:5])
        try:
            bar = Bar(
                symbol=instrument.symbol,
                open_ns=open_ns,
                close_ns=open_ns + length_ns,
                open=opened,
                high=high,
                low=low,
                close=close,
                volume_atoms=_steps(row[5], Decimal(1) / ATOMS, where),
            )
        except DataError as error:
            raise DataError(f"{where}: {error}") from error
        bars.append(bar)
    return bars


def _rows(path: Path) -> list[tuple[object, ...]]:
    try:
        frame = pl.read_csv(path) if path.suffix == ".csv" else pl.read_parquet(path)
        return frame.select(COLUMNS).rows()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{path}: not a table with the columns {', '.join(COLUMNS)}: {error}") from error


def _steps(value: object, step: Decimal, where: str) -> int:
    """Return `value` in whole steps, to the nearest, from the digits that it prints as."""
    try:
        return int((Decimal(str(value)) / step).to_integral_value(ROUND_HALF_EVEN))
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise DataError(f"{where}: {value!r} is not a number") from error
