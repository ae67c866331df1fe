"""Bars from a plain file as objects, for who wants to look at one after the other; `bar_files` reads whole columns."""

from pathlib import Path

from trading_system.data_pipeline.bar_files import read_columns
from trading_system.market.bars import Bar
from trading_system.market.columns import BarColumns
from trading_system.market.instruments import Instrument


def read_bars(path: Path, instrument: Instrument, interval_ns: int) -> list[Bar]:
    """Return the bars of a plain CSV or Parquet file, oldest first; missing bars are absent.

    Args:
        path: As `bar_files.read_columns` takes it.
        instrument: Whose tick the prices must be whole numbers of.
        interval_ns: Length of each bar.

    Raises:
        ConfigurationError: The file cannot be read, or lacks a column.
        DataError: Rows are no bars, told twice or out of order; the first few are named with line, time and kind.
    """
    reading = read_columns(
        path,
        instrument=instrument,
        symbol=instrument.symbol,
        interval_ns=interval_ns,
        on_bad_data="refuse",
        venue=instrument.venue,
    )
    return bars_of(reading.bars)


def bars_of(columns: BarColumns) -> list[Bar]:
    """Return the bars that `columns` hold, as objects of plain ints."""
    rows = zip(
        *(
            column.tolist()
            for column in (
                columns.close_ns,
                columns.open,
                columns.high,
                columns.low,
                columns.close,
                columns.volume_atoms,
            )
        ),
        strict=True,
    )
    return [
        Bar(
            symbol=columns.symbol,
            open_ns=close_ns - columns.interval_ns,
            close_ns=close_ns,
            open=first,
            high=high,
            low=low,
            close=last,
            volume_atoms=volume,
        )
        for close_ns, first, high, low, last, volume in rows
    ]
