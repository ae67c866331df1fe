"""Trades from plain files, as venues and their archives write them."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_system.data_pipeline.bar_cells import Read, atoms_of, times_of
from trading_system.data_pipeline.bar_tables import first_line
from trading_system.data_pipeline.trade_store import Trades
from trading_system.errors import ConfigurationError, DataError

NAMES: Final[Mapping[str, Sequence[str]]] = {
    "trade_id": ("trade_id", "id", "agg_trade_id", "tradeid", "a"),
    "time_ns": ("timestamp", "time", "transact_time", "t"),
    "price": ("price", "p"),
    "quantity": ("quantity", "qty", "amount", "size", "q"),
    "buyer_maker": ("buyer_maker", "is_buyer_maker", "isbuyermaker", "m", "side", "type"),
}
"""What the column of each field may be called, in any case; the first found counts."""

_ARCHIVES: Final[Mapping[int, Sequence[str]]] = {
    7: ("trade_id", "price", "quantity", "", "timestamp", "buyer_maker", ""),
    8: ("trade_id", "price", "quantity", "", "", "timestamp", "buyer_maker", ""),
}
"""Columns of files without a header, by their number: Binance's archives of trades, and of aggregated trades.

Source: github.com/binance/binance-public-data, README, "Trades" and "AggTrades"."""

_BUYER_MAKER: Final[Mapping[str, bool]] = {
    "true": True,
    "false": False,
    "1": True,
    "0": False,
    "sell": True,  # whose order took the other: where the seller took it, the buyer made it
    "buy": False,
    "ask": True,
    "bid": False,
}


def read_trades(path: Path) -> Trades:
    """Return the trades of a .csv, .csv.gz, .parquet or .feather file, in the file's order.

    A file without ids gets none: what cannot be told apart cannot be kept once. Prices and quantities are taken to the
    nearest atom, exact below 90 million units.

    Raises:
        ConfigurationError: The file cannot be read, or lacks a column.
        DataError: A row is no trade; the first is named.
    """
    if not path.is_file():
        raise ConfigurationError(f"{path}: no such file")
    try:
        frame = _frame(path)
        places = {field: _found(path, frame.columns, field) for field in NAMES}
        times, prices, quantities = (
            read(frame[places[field]])
            for field, read in (("time_ns", times_of), ("price", atoms_of), ("quantity", atoms_of))
        )
        ids = frame[places["trade_id"]].cast(pl.Int64, strict=False)
        sides = frame[places["buyer_maker"]].cast(pl.String).str.strip_chars().str.to_lowercase()
        makers = sides.replace_strict(_BUYER_MAKER, default=None, return_dtype=pl.Boolean)
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{path}: cannot be read as trades: {first_line(error)}") from error
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from error
    bad = _bad(ids, makers, times, prices, quantities)
    if bad.any():
        row = int(bad.argmax())
        cells = ", ".join(f"{name} {frame[place][row]}" for name, place in places.items())
        raise DataError(f"{path}: {int(bad.sum())} of {len(bad)} rows are no trades; row {row + 1}: {cells}")
    return Trades(ids.to_numpy(), times.values, prices.values, quantities.values, makers.to_numpy())


def _frame(path: Path) -> pl.DataFrame:
    name = path.name.lower()
    if name.endswith(".parquet"):
        return pl.read_parquet(path)
    if name.endswith((".feather", ".arrow", ".ipc")):
        return pl.read_ipc(path)
    if not name.endswith((".csv", ".csv.gz")):
        raise ConfigurationError("files of trades end in .csv, .csv.gz, .parquet or .feather")
    frame = pl.read_csv(path, infer_schema=False)
    first = frame.columns
    if not first or not first[0].strip().isdecimal():
        return frame
    named = _ARCHIVES.get(len(first))
    if named is None:
        raise ConfigurationError(f"no header, and {len(first)} columns: Binance's archives have 7 or 8")
    frame = pl.read_csv(path, infer_schema=False, has_header=False)
    return frame.rename({old: new or old for old, new in zip(frame.columns, named, strict=True)})


def _found(path: Path, header: Sequence[str], field: str) -> str:
    """Return the file's name of `field`."""
    names = {name.strip().lower(): name for name in reversed(header)}
    found = next((names[name] for name in NAMES[field] if name in names), None)
    if found is None:
        raise ConfigurationError(
            f"{path}: no column {NAMES[field][0]}; the file begins {','.join(header)[:120]!r}, needed are "
            f"{', '.join(of[0] for of in NAMES.values())}"
        )
    return found


def _bad(ids: pl.Series, makers: pl.Series, times: Read, prices: Read, quantities: Read) -> NDArray[np.bool_]:
    bad: NDArray[np.bool_] = ids.is_null().to_numpy() | makers.is_null().to_numpy()
    for read in (times, prices, quantities):
        bad |= read.verdicts != 0
    bad |= (prices.values <= 0) | (quantities.values <= 0)
    return bad
