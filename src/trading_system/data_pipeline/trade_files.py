"""Trades from plain files, as venues and their archives write them."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_system.data_pipeline.bar_cells import Read, atoms_of, times_of
from trading_system.data_pipeline.bar_tables import first_line, lines_of
from trading_system.data_pipeline.trade_store import Trades
from trading_system.errors import ConfigurationError

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


class TradeRows(NamedTuple):
    """Rows of a file, in its order.

    Attributes:
        path: The file.
        frame: Its cells.
        places: The file's name of each field of a trade.
        first_line: What its first row counts as: a CSV's line, else a row from 1.
        trades: All rows; numbers of rows that are bad mean nothing.
        bad: (S,) which are no trades.
        blank: (S,) which are no rows at all: empty lines.
    """

    path: Path
    frame: pl.DataFrame
    places: Mapping[str, str]
    first_line: int
    trades: Trades
    bad: NDArray[np.bool_]
    blank: NDArray[np.bool_]

    def raw(self, wanted: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """Yield line and bytes of the rows at `wanted` (rising positions); of a file without lines, cells as JSON.

        Raises:
            ConfigurationError: The file cannot be read any more.
        """
        if not self.path.name.lower().endswith((".csv", ".csv.gz")):
            for row in wanted:
                yield self.first_line + row, json.dumps(self.frame.row(row, named=True), default=str).encode()
            return
        places = set(wanted)
        try:
            for row, (line, _, raw) in enumerate(lines_of(self.path, header=self.first_line == 2)):
                if row in places:
                    yield line, raw
        except OSError as error:
            raise ConfigurationError(f"{self.path}: cannot be read any more: {first_line(error)}") from error

    def cells(self, row: int) -> str:
        """Return what a row says, for a person."""
        return ", ".join(f"{name} {self.frame[place][row]}" for name, place in self.places.items())


def read_trades(path: Path) -> TradeRows:
    """Return the rows of a .csv, .csv.gz, .parquet or .feather file of trades.

    A file without ids gets none: what cannot be told apart cannot be kept once. Prices and quantities are taken to the
    nearest atom, exact below 90 million units.

    Raises:
        ConfigurationError: The file cannot be read, or lacks a column.
    """
    if not path.is_file():
        raise ConfigurationError(f"{path}: no such file")
    try:
        frame, line, crowded = _frame(path)
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
    blank = frame.select(pl.all_horizontal(pl.col(list(places.values())).is_null())).to_series().to_numpy()
    bad = _bad(ids, makers, times, prices, quantities)
    bad[crowded] = True
    trades = Trades(
        ids.fill_null(0).to_numpy(), times.values, prices.values, quantities.values, makers.fill_null(False).to_numpy()
    )
    return TradeRows(path, frame, places, line, trades, bad & ~blank, blank)


def _frame(path: Path) -> tuple[pl.DataFrame, int, list[int]]:
    """Return the cells of a file, what its first row counts as, and the rows with more cells than the first."""
    name = path.name.lower()
    if name.endswith(".parquet"):
        return pl.read_parquet(path), 1, []
    if name.endswith((".feather", ".arrow", ".ipc")):
        return pl.read_ipc(path), 1, []
    if not name.endswith((".csv", ".csv.gz")):
        raise ConfigurationError("files of trades end in .csv, .csv.gz, .parquet or .feather")
    with_header = next((cells for _, cells, _ in lines_of(path, header=False)), [])
    if not with_header or not with_header[0].strip().isdecimal():
        frame, crowded = _csv(path, len(with_header), header=True)
        return frame, 2, crowded
    named = _ARCHIVES.get(len(with_header))
    if named is None:
        raise ConfigurationError(f"no header, and {len(with_header)} columns: Binance's archives have 7 or 8")
    frame, crowded = _csv(path, len(with_header), header=False)
    return frame.rename({old: new or old for old, new in zip(frame.columns, named, strict=True)}), 1, crowded


def _csv(path: Path, width: int, *, header: bool) -> tuple[pl.DataFrame, list[int]]:
    try:
        return pl.read_csv(path, infer_schema=False, has_header=header), []
    except pl.exceptions.ComputeError:  # a row with too many cells; it is one row's fault
        frame = pl.read_csv(path, infer_schema=False, has_header=header, truncate_ragged_lines=True)
        return frame, [row for row, (_, cells, _) in enumerate(lines_of(path, header=header)) if any(cells[width:])]


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
