"""Bars at rest: Parquet by venue, symbol, interval and month; prices and volumes as atoms, exact."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trading_system.data_pipeline.bar_checks import MONDAY_NS, WEEK_NS, Columns
from trading_system.data_pipeline.bar_rows import read_bars as read_bars
from trading_system.data_pipeline.store_files import StoredFile, Values
from trading_system.data_pipeline.table_store import Layout, Listed, TableStore
from trading_system.errors import DataError
from trading_system.market.bars import Bar, interval_ns
from trading_system.market.instruments import Instrument
from trading_system.market.money import to_atoms
from trading_system.market.timestamps import iso

Flags = NDArray[np.uint16]
"""(S,) bits of `market.bar_flags`, 0 for a clean bar. The store keeps none: what is odd about a bar is told by its
surroundings, which may still come; `store_review.flagged` tells it of what is there."""

GAPS: Final = "gaps"

_PRICES: Final = ("open", "high", "low", "close")
_VALUES: Final = (*_PRICES, "volume")
BARS: Final = Layout(
    rows="bars",
    name=("venue", "symbol", "interval"),
    schema=3,
    columns={"open_ns": np.int64, **dict.fromkeys(_VALUES, np.int64)},
    time="open_ns",
    key="open_ns",
)
"""Opens in UTC ns; prices and volume in atoms (1e-8 of a unit), because a venue may change its tick."""


def bars_hash(bars: Iterable[Bar]) -> str:
    """Return a hash over all that `bars` say (prices in ticks), in the order given."""
    digest = hashlib.sha256()
    for bar in bars:
        digest.update(
            f"{bar.symbol} {bar.open_ns} {bar.close_ns} {bar.open} {bar.high} {bar.low} {bar.close} "
            f"{bar.volume_atoms}\n".encode()
        )
    return digest.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of bars that were offered to the store.

    Attributes:
        new: How many were added.
        known: How many were there already, and say the same.
        contradicted: Those that say otherwise than the stored ones; they were not written and are to be set aside.
        stored: What the store says in their place.
    """

    new: int
    known: int
    contradicted: Columns
    stored: Columns


class BarStore:
    """Bars under `root`/venue/symbol/interval/YYYY-MM.parquet, sorted, each once.

    A file is replaced whole or not at all and carries its own hash, which every reading checks (`store_files`); a
    manifest beside the files lists them (`store_manifest`). Writers wait for each other, readers for nobody. The files
    hold `open_ns`, `open`, `high`, `low`, `close`, `volume` as 64-bit integers.

    >>> import tempfile
    >>> from trading_system.data_pipeline.bar_checks import MONDAY_NS, WEEK_NS, Columns
    >>> atoms = [np.array([number]) for number in (0, 200, 400, 100, 300, 5)]  # opens at 0; 0.000002 and so on
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = BarStore(Path(folder))
    ...     store.append(Columns(*atoms), "binance", "BTCUSDT", "1m").new
    ...     store.columns("binance", "BTCUSDT", "1m").close.tolist()
    1
    [300]
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._table = TableStore(root, BARS)

    def folder(self, instrument: Instrument, interval: str) -> Path:
        """Return where the months of `instrument` are."""
        return self._table.folder((instrument.venue, instrument.symbol, interval))

    def append(self, columns: Columns, venue: str, symbol: str, interval: str) -> Written:
        """Add bars, in any order. One that is there already changes nothing.

        Args:
            columns: The bars: opens in UTC ns, prices and volumes in atoms.
            venue, symbol, interval: Whose they are; the interval as venues write it, "15m".

        Raises:
            ConfigurationError: The interval or a name is none.
            DataError: A row is no possible bar or off the interval's grid (nothing is written then), or a file that is
                there does not hold what its hash says.
            OSError: The disk is full or does not allow it; whole months may have been written.
        """
        length = interval_ns(interval)
        _check(columns, symbol, interval, length)
        values: Values = columns._asdict()
        done = self._table.append(values, (venue, symbol, interval), lambda held: _counts(held, length))
        against = Columns(*(column[done.contradicted] for column in columns))
        stored = against
        if len(against.open_ns):
            first, last = int(against.open_ns.min()), int(against.open_ns.max())
            held = self.columns(venue, symbol, interval, start_ns=first, end_ns=last + 1)
            stored = Columns(*(column[np.searchsorted(held.open_ns, against.open_ns)] for column in held))
        return Written(new=done.new, known=done.known, contradicted=against, stored=stored)

    def write(self, bars: Iterable[Bar], instrument: Instrument, interval: str) -> int:
        """Add `bars` in any order and return how many of them were new; see `append`.

        Raises:
            DataError: A bar is of another symbol or length, or contradicts the stored one. The others are added.
        """
        told = list(bars)
        for bar in told:
            if bar.symbol != instrument.symbol or bar.close_ns - bar.open_ns != interval_ns(interval):
                raise DataError(
                    f"bar at {iso(bar.open_ns)} of {bar.symbol} is no {interval} bar of {instrument.symbol}"
                )
        tick_atoms = to_atoms(instrument.tick)
        prices = ([getattr(bar, name) * tick_atoms for bar in told] for name in _PRICES)
        numbers = ([bar.open_ns for bar in told], *prices, [bar.volume_atoms for bar in told])
        columns = Columns(*(np.array(column, dtype=np.int64) for column in numbers))
        done = self.append(columns, instrument.venue, instrument.symbol, interval)
        if len(done.contradicted.open_ns):
            said, known = (_rows(each)[0] for each in (done.contradicted, done.stored))
            raise DataError(
                f"bar at {iso(said[0])} of {instrument.symbol} contradicts the one stored: {said[1:]} against "
                f"{known[1:]} (open, high, low, close, volume in atoms)"
            )
        return done.new

    def read(self, instrument: Instrument, interval: str, *, start_ns: int = 0, end_ns: int | None = None) -> list[Bar]:
        """Return the bars with `start_ns` <= open < `end_ns`, oldest first.

        Raises:
            ConfigurationError: There is no such series, or none of it lies in the span.
            DataError: A file does not hold what its hash says, or a price is no whole tick.
        """
        rows = self.columns(instrument.venue, instrument.symbol, interval, start_ns=start_ns, end_ns=end_ns)
        tick_atoms = to_atoms(instrument.tick)
        odd = np.logical_or.reduce([getattr(rows, name) % tick_atoms != 0 for name in _PRICES])
        if odd.any():
            when = iso(int(rows.open_ns[odd.argmax()]))
            raise DataError(
                f"{self.folder(instrument, interval)}: bar at {when} is not in whole ticks of {instrument.tick}"
            )
        prices = {name: getattr(rows, name) // tick_atoms for name in _PRICES}
        return _bars(rows._replace(**prices), instrument, interval_ns(interval))

    def columns(
        self, venue: str, symbol: str, interval: str, *, start_ns: int = 0, end_ns: int | None = None
    ) -> Columns:
        """Return the bars with `start_ns` <= open < `end_ns` whole columns at a time; prices, too, are in atoms.

        Raises:
            ConfigurationError: There is no such series, or none of it lies in the span.
            DataError: A file was lost, does not hold what its hash says, or cannot be read.
        """
        values = self._table.load((venue, symbol, interval), start_ns, end_ns)
        return Columns(*(values[name].astype(np.int64, copy=False) for name in Columns._fields))

    def series(self) -> Iterator[tuple[str, str, str, list[StoredFile]]]:
        """Yield venue, symbol, interval and what the files say of themselves, for each series.

        Raises:
            DataError: A file is none of the store, or lies where it does not belong.
        """
        for (venue, symbol, interval), files in self._table.series():
            yield venue, symbol, interval, files

    def listed(self) -> Iterator[tuple[str, str, str, Listed]]:
        """Yield what `series` does, and what is wrong with each; also a series of which every file is lost."""
        for (venue, symbol, interval), listed in self._table.listed():
            yield venue, symbol, interval, listed


def _rows(columns: Columns) -> list[tuple[int, ...]]:
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _bars(columns: Columns, instrument: Instrument, length_ns: int) -> list[Bar]:
    """Return columns, prices in ticks, as bars."""
    return [
        Bar(
            symbol=instrument.symbol,
            open_ns=open_ns,
            close_ns=open_ns + length_ns,
            open=first,
            high=high,
            low=low,
            close=last,
            volume_atoms=volume,
        )
        for open_ns, first, high, low, last, volume in _rows(columns)
    ]


def _check(columns: Columns, symbol: str, interval: str, length_ns: int) -> None:
    """Refuse rows that are no possible bars of the series: whoever read them should have seen it."""
    open_ns, first, high, low, last, volume = columns
    sound = (low > 0) & (low <= np.minimum(first, last)) & (np.maximum(first, last) <= high) & (volume >= 0)
    phase = MONDAY_NS if length_ns % WEEK_NS == 0 else 0
    sound &= (open_ns >= 0) & ((open_ns - phase) % length_ns == 0)
    if not sound.all():
        row = _rows(Columns(*(column[~sound][:1] for column in columns)))[0]
        raise DataError(
            f"bar at {iso(row[0])} is no {interval} bar of {symbol}: open, high, low, close, volume {row[1:]} (atoms)"
        )


def _counts(values: Values, length_ns: int) -> dict[str, int]:
    """Return in how many places bars are absent within a month."""
    apart = np.diff(values["open_ns"]) != length_ns
    return {GAPS: int(np.count_nonzero(apart))}
