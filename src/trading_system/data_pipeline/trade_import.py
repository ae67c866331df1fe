"""Trades from a plain file into the store; what is none, or contradicts, is set aside as it was received."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from trading_system.data_pipeline.bar_import import CONTRADICTS
from trading_system.data_pipeline.reading import SHOWN
from trading_system.data_pipeline.trade_files import TradeRows, read_trades
from trading_system.data_pipeline.trade_store import Trades, TradeStore
from trading_system.errors import DataError
from trading_system.utils.error_handling.quarantine import Quarantine
from trading_system.utils.error_handling.quarantine_records import Record, Series

TRADES: Final = "trades"
"""What stands in place of the interval of a series of trades."""
NO_TRADE: Final = "no trade"
AHEAD: Final = "in the future"
TWICE: Final = "contradicting duplicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class TradesImported:
    """What became of a file; every row that is one is counted in exactly one of the four.

    Attributes:
        new: Trades added to the store.
        known: Trades that it had already, or that the file tells again in the same words.
        set_aside: Rows that are no trades, that are not yet, or of which the file tells two for one id.
        contradicted: Trades that say otherwise than the store under the same id; they are set aside too.
    """

    file: str
    venue: str
    symbol: str
    interval: str
    new: int
    known: int
    set_aside: int
    contradicted: int


def import_trades(
    path: Path,
    store: TradeStore,
    quarantine: Quarantine,
    *,
    venue: str,
    symbol: str,
    now_ns: Callable[[], int] = time.time_ns,
) -> TradesImported:
    """Add the trades of a file to `store`. Doing it again changes nothing.

    Args:
        path: As `trade_files.read_trades` takes it.
        store: Where the trades go.
        quarantine: Where rows go that are not believed.
        venue, symbol: Whose trades they are.
        now_ns: The time, UTC ns; nobody has traded after it.

    Raises:
        ConfigurationError: The file cannot be read, or lacks a column.
        DataError: More rows are bad than good, or a file of the store cannot be believed. Nothing was written.
    """
    rows = read_trades(path)
    ahead = ~rows.bad & ~rows.blank & (rows.trades.time_ns > now_ns())
    sound = ~(rows.bad | rows.blank | ahead)
    rivals = _rivals(rows.trades, np.flatnonzero(sound))
    kinds = dict.fromkeys(np.flatnonzero(rows.bad).tolist(), NO_TRADE)
    kinds |= dict.fromkeys(np.flatnonzero(ahead).tolist(), AHEAD) | dict.fromkeys(rivals.tolist(), TWICE)
    sound[rivals] = False
    places = np.flatnonzero(sound)
    if len(kinds) > len(places):
        shown = dict(sorted(kinds.items())[:SHOWN])
        first = "\n  ".join(record.reason for record in _held(rows, shown, venue, symbol))
        raise DataError(
            f"{path}: {len(kinds)} of {len(kinds) + len(places)} rows are no trades of {symbol}; more are bad than "
            f"good, which no quarantine repairs\n  {first}"
        )
    quarantine.put_all(_held(rows, kinds, venue, symbol))
    done = store.append(Trades._make(column[places] for column in rows.trades), venue, symbol)
    against = places[np.isin(rows.trades.trade_id[places], done.contradicted.trade_id)]  # equal ones are equally wrong
    quarantine.put_all(_held(rows, dict.fromkeys(against.tolist(), CONTRADICTS), venue, symbol))
    return TradesImported(
        file=str(path),
        venue=venue,
        symbol=symbol,
        interval=TRADES,
        new=done.new,
        known=done.known,
        set_aside=len(kinds),
        contradicted=len(against),
    )


def _rivals(trades: Trades, places: np.typing.NDArray[np.intp]) -> np.typing.NDArray[np.intp]:
    """Return which of the rows at `places` tell of one id what another of them tells otherwise."""
    order = places[np.argsort(trades.trade_id[places], kind="stable")]
    same = trades.trade_id[order[1:]] == trades.trade_id[order[:-1]]
    differs = np.logical_or.reduce([column[order[1:]] != column[order[:-1]] for column in trades])
    ids = np.unique(trades.trade_id[order[1:]][same & differs])
    return places[np.isin(trades.trade_id[places], ids)]


_WHY: Final[Mapping[str, str]] = {
    NO_TRADE: "a number is missing, cannot be read, or cannot be a trade's",
    AHEAD: "its time is still to come",
    TWICE: "the file tells two trades of this id",
    CONTRADICTS: "the store holds another trade of this id",
}


def _held(rows: TradeRows, kinds: Mapping[int, str], venue: str, symbol: str) -> Iterator[Record]:
    wanted = sorted(kinds)
    for row, (line, raw) in zip(wanted, rows.raw(wanted), strict=True) if wanted else ():
        yield Record(
            source=str(rows.path),
            kind=kinds[row],
            reason=f"line {line}: {_WHY[kinds[row]]}: {rows.cells(row)}",
            raw=raw,
            line=line,
            series=Series(venue=venue, symbol=symbol, interval=TRADES),
            open_ns=None if kinds[row] == NO_TRADE else int(rows.trades.time_ns[row]),
        )
