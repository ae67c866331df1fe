"""Bars at rest: Parquet by venue, symbol, interval and month, and the reader of plain files."""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from itertools import groupby
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from trading_system.data_pipeline.bar_checks import Columns, rising
from trading_system.data_pipeline.reading import column_digest
from trading_system.errors import ConfigurationError, DataError
from trading_system.market.bars import Bar, interval_ns
from trading_system.market.instruments import Instrument
from trading_system.market.money import ATOMS, from_atoms, to_atoms
from trading_system.market.timestamps import NS_PER_S, from_ms, iso

_COLUMNS: Final = ("timestamp", "open", "high", "low", "close", "volume")
_PRICES: Final = ("open", "high", "low", "close")
_VALUES: Final = (*_PRICES, "volume")
_EXACT: Final = pl.Decimal(38, 8)
_ATOM: Final = Decimal(1).scaleb(-8)
_SHOWN: Final = 5
_HASH: Final = "bars_sha256"


def bars_hash(bars: Iterable[Bar]) -> str:
    """Return a hash over all that `bars` say (prices in ticks), in the order given."""
    digest = hashlib.sha256()
    for bar in bars:
        digest.update(
            f"{bar.symbol} {bar.open_ns} {bar.close_ns} {bar.open} {bar.high} {bar.low} {bar.close} "
            f"{bar.volume_atoms}\n".encode()
        )
    return digest.hexdigest()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMonth:
    """One file of the store: what it holds, and the hash of that."""

    path: Path
    bars: int
    sha256: str


class BarStore:
    """Bars under `root`/venue/symbol/interval/YYYY-MM.parquet, sorted, each once, prices as exact decimals.

    A file is replaced whole or not at all, and carries the hash of its bars, which every reading checks.
    Prices are kept in quote units, not ticks, because a venue may change its tick.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def folder(self, instrument: Instrument, interval: str) -> Path:
        """Return where the months of `instrument` are."""
        return self._root / instrument.venue / instrument.symbol / interval

    def write(self, bars: Iterable[Bar], instrument: Instrument, interval: str) -> int:
        """Add `bars` in any order and return how many of them were new. A bar already there changes nothing.

        Raises:
            DataError: A bar contradicts one already there, overlaps another or is of another length or symbol.
        """
        new = 0
        ordered = sorted(bars, key=_opened)
        for month, group in groupby(ordered, key=lambda bar: _month(bar.open_ns)):
            path = self.folder(instrument, interval) / f"{month}.parquet"
            known = {bar.open_ns: bar for bar in self._load(path, instrument, interval)} if path.exists() else {}
            before = len(known)
            for bar in group:
                _check(bar, known.setdefault(bar.open_ns, bar), instrument, interval)
            if len(known) > before:
                _save(path, sorted(known.values(), key=_opened), instrument)
                new += len(known) - before
        return new

    def read(self, instrument: Instrument, interval: str, *, start_ns: int = 0, end_ns: int | None = None) -> list[Bar]:
        """Return the bars with `start_ns` <= open < `end_ns`, oldest first.

        Raises:
            ConfigurationError: There is no such series.
            DataError: A file does not hold what its hash says, or cannot be read.
        """
        return [
            bar
            for path in self._months(instrument.venue, instrument.symbol, interval, start_ns, end_ns)
            for bar in self._load(path, instrument, interval)
            if start_ns <= bar.open_ns and (end_ns is None or bar.open_ns < end_ns)
        ]

    def columns(
        self, venue: str, symbol: str, interval: str, *, start_ns: int = 0, end_ns: int | None = None
    ) -> Columns:
        """Return the bars with `start_ns` <= open < `end_ns` whole columns at a time; prices, too, are in atoms.

        Raises:
            ConfigurationError: There is no such series, or none of it lies in the span.
            DataError: A file does not hold what its hash says, or cannot be read.
        """
        months = [_rows(path) for path in self._months(venue, symbol, interval, start_ns, end_ns)]
        months = [month for month in (_between(month, start_ns, end_ns) for month in months) if len(month.open_ns)]
        if not months:
            raise ConfigurationError(f"no bars of {symbol} {interval} under {self._root} in that span")
        found = Columns(*(np.concatenate(parts) for parts in zip(*months, strict=True)))
        if not rising(found.open_ns):
            raise DataError(f"{self._root}: months of {symbol} {interval} overlap: delete them and fetch them again")
        return found

    def series(self) -> Iterator[tuple[str, str, str, list[StoredMonth]]]:
        """Yield venue, symbol, interval and months of each series."""
        for folder in sorted({path.parent for path in self._root.glob("*/*/*/*.parquet")}):
            venue, symbol, interval = folder.relative_to(self._root).parts
            yield venue, symbol, interval, [_describe(path) for path in sorted(folder.glob("*.parquet"))]

    def _months(self, venue: str, symbol: str, interval: str, start_ns: int, end_ns: int | None) -> list[Path]:
        folder = self._root / venue / symbol / interval
        paths = sorted(folder.glob("*.parquet"))
        if not paths:
            raise ConfigurationError(f"no bars of {symbol} {interval} under {folder}")
        first, last = _month(start_ns), "9999-12" if end_ns is None else _month(end_ns)
        return [path for path in paths if first <= path.stem <= last]

    def _load(self, path: Path, instrument: Instrument, interval: str) -> list[Bar]:
        length = interval_ns(interval)
        tick_atoms = to_atoms(instrument.tick)
        bars: list[Bar] = []
        for open_ns, *prices, volume in zip(*(column.tolist() for column in _rows(path)), strict=True):
            if any(price % tick_atoms for price in prices):
                raise DataError(f"{path}: bar at {iso(open_ns)} is not in whole ticks of {instrument.tick}")
            o, h, low, c = (price // tick_atoms for price in prices)
            bars.append(
                Bar(
                    symbol=instrument.symbol,
                    open_ns=open_ns,
                    close_ns=open_ns + length,
                    open=o,
                    high=h,
                    low=low,
                    close=c,
                    volume_atoms=volume,
                )
            )
        return bars


def _between(rows: Columns, start_ns: int, end_ns: int | None) -> Columns:
    begin = int(np.searchsorted(rows.open_ns, start_ns))
    end = None if end_ns is None else int(np.searchsorted(rows.open_ns, end_ns))
    return Columns(*(column[begin:end] for column in rows))


def _opened(bar: Bar) -> int:
    return bar.open_ns


def _month(ns: int) -> str:
    return f"{datetime.fromtimestamp(ns // NS_PER_S, tz=UTC):%Y-%m}"


def _check(bar: Bar, known: Bar, instrument: Instrument, interval: str) -> None:
    if bar.symbol != instrument.symbol or bar.close_ns - bar.open_ns != interval_ns(interval):
        raise DataError(f"bar at {iso(bar.open_ns)} of {bar.symbol} is no {interval} bar of {instrument.symbol}")
    if bar.open_ns % interval_ns(interval):
        raise DataError(f"bar at {iso(bar.open_ns)} of {bar.symbol} does not begin on a multiple of {interval}")
    if bar != known:
        raise DataError(f"bar at {iso(bar.open_ns)} of {bar.symbol} contradicts the one stored: {bar} against {known}")


def _rows(path: Path) -> Columns:
    """Return what a file of the store holds, prices in atoms, once its hash is checked."""
    try:
        frame = pl.read_parquet(path)
        promised = pl.read_parquet_metadata(path)[_HASH]
        columns = [frame["open_ns"], *(frame[name].to_physical().cast(pl.Int64) for name in _VALUES)]
    except (pl.exceptions.PolarsError, KeyError, OSError) as error:
        raise DataError(f"{path}: is no file of this store: {error}") from error
    rows = Columns(*(column.to_numpy() for column in columns))
    if _content(rows) != promised:
        raise DataError(f"{path}: does not hold what was written (its hash differs): delete it and fetch it again")
    return rows


def _content(rows: Columns) -> str:
    return hashlib.sha256(b"".join(column_digest(column) for column in rows)).hexdigest()


def _save(path: Path, bars: Sequence[Bar], instrument: Instrument) -> None:
    """Replace `path` by `bars`, whole or not at all."""
    tick_atoms = to_atoms(instrument.tick)
    opened = [bar.open_ns for bar in bars]
    prices = [[getattr(bar, name) * tick_atoms for bar in bars] for name in _PRICES]
    values = [*prices, [bar.volume_atoms for bar in bars]]
    rows = Columns(*(np.array(column, dtype=np.int64) for column in (opened, *values)))
    columns = {name: [from_atoms(atoms) for atoms in column] for name, column in zip(_VALUES, values, strict=True)}
    frame = pl.DataFrame({"open_ns": opened, **columns}, schema={"open_ns": pl.Int64, **dict.fromkeys(_VALUES, _EXACT)})
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            frame.write_parquet(file, compression="zstd", metadata={_HASH: _content(rows)})
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _describe(path: Path) -> StoredMonth:
    try:
        count = pl.scan_parquet(path).select(pl.len()).collect().item()
        return StoredMonth(path=path, bars=count, sha256=pl.read_parquet_metadata(path)[_HASH])
    except (pl.exceptions.PolarsError, KeyError) as error:
        raise DataError(f"{path}: is no file of this store: {error}") from error
