"""Trades at rest: Parquet by venue, symbol and month; prices and quantities as atoms, exact."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading_system.data_pipeline.store_files import StoredFile
from trading_system.data_pipeline.table_store import Layout, Listed, TableStore
from trading_system.errors import DataError
from trading_system.market.columns import Ints

TRADES: Final = Layout(
    rows="trades",
    name=("venue", "symbol"),
    schema=1,
    columns={
        "trade_id": np.int64,
        "time_ns": np.int64,
        "price": np.int64,
        "quantity": np.int64,
        "buyer_maker": np.bool_,
    },
    time="time_ns",
    key="trade_id",
)


class Trades(NamedTuple):
    """What was traded at a venue, as columns, all (S,).

    Attributes:
        trade_id: The venue's own number, >= 0; once in a series.
        time_ns: When, UTC ns.
        price: Quote per base, in atoms, > 0.
        quantity: Base units, in atoms, > 0.
        buyer_maker: Whether the buyer's order was in the book, so that the seller took it.
    """

    trade_id: Ints
    time_ns: Ints
    price: Ints
    quantity: Ints
    buyer_maker: NDArray[np.bool_]


class TradesWritten(NamedTuple):
    """What became of trades that were offered: added, known already, and those that contradict what is stored."""

    new: int
    known: int
    contradicted: Trades


class TradeStore:
    """Trades under `root`/venue/symbol/YYYY-MM.parquet, sorted by time and id, each once; files as in `BarStore`.

    A trade is known by its id within its month. One told again with a time in another month is not recognized.
    """

    def __init__(self, root: Path) -> None:
        self._table = TableStore(root, TRADES)

    @staticmethod
    def beside(bars: Path) -> "TradeStore":
        """Return the store of trades that goes with the bar store at `bars`: the folder `trades` beside it."""
        return TradeStore(bars.parent / "trades")

    def append(self, trades: Trades, venue: str, symbol: str) -> TradesWritten:
        """Add trades in any order. One that is there already changes nothing.

        Raises:
            DataError: A row is no possible trade, or a file that is there does not hold what its hash says.
            OSError: The disk is full or does not allow it; whole months may have been written.
        """
        sound = (trades.trade_id >= 0) & (trades.time_ns >= 0) & (trades.price > 0) & (trades.quantity > 0)
        if not sound.all():
            row = tuple(column[~sound][0].item() for column in trades)
            raise DataError(
                f"{int((~sound).sum())} of {len(sound)} rows are no trades of {symbol}: {Trades._fields} {row}"
            )
        done = self._table.append(trades._asdict(), (venue, symbol), lambda _: {})
        return TradesWritten(done.new, done.known, Trades._make(column[done.contradicted] for column in trades))

    def columns(self, venue: str, symbol: str, *, start_ns: int = 0, end_ns: int | None = None) -> Trades:
        """Return the trades with `start_ns` <= time < `end_ns`.

        Raises:
            ConfigurationError: There is no such series, or none of it lies in the span.
            DataError: A file was lost, does not hold what its hash says, or cannot be read.
        """
        values = self._table.load((venue, symbol), start_ns, end_ns)
        return Trades._make(values[name] for name in Trades._fields)

    def series(self) -> Iterator[tuple[str, str, list[StoredFile]]]:
        """Yield venue, symbol and what the files say of themselves, for each series; as of `BarStore`."""
        for (venue, symbol), files in self._table.series():
            yield venue, symbol, files

    def listed(self) -> Iterator[tuple[str, str, Listed]]:
        """Yield what `series` does, and what is wrong with each; also a series of which every file is lost."""
        for (venue, symbol), listed in self._table.listed():
            yield venue, symbol, listed
