"""Where bars come from: files by name, or series of the store; and their reading."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from trading_system.backtest.choices import AUTO
from trading_system.backtest.figures import asked_instrument, settled
from trading_system.backtest.gap_filling import filled
from trading_system.backtest.study import Source, Study
from trading_system.data_pipeline.bar_checks import Columns
from trading_system.data_pipeline.bar_files import read_columns
from trading_system.data_pipeline.reading import Reading, reading_of
from trading_system.data_pipeline.store_columns import read_store_columns
from trading_system.errors import ConfigurationError, DataError
from trading_system.market import catalog
from trading_system.market.bars import interval_ns
from trading_system.market.timestamps import NS_PER_S
from trading_system.utils.error_handling.quarantine import Quarantine

_NO_NAME: Final = re.compile(r"\d+[smhdw]?|\d{4}-\d\d.*")
"""Parts of a file's name that are no symbol: 1m, 20240131, 2024-01."""
LAST_NS: Final = 2**63 - 1


def sources_of(bars: Sequence[str], instruments: Sequence[str]) -> list[Source]:
    """Return the source of each instrument, in the order in which they were named.

    Args:
        bars: Each a file, a file or store after `SYMBOL=`, or the folder of a store.
        instruments: Symbols: which of a store, which of several files; or what a single file's is.

    Raises:
        ConfigurationError: A symbol is missing, or stands there twice.
    """
    if not bars:
        raise ConfigurationError("say where the bars are: --bars FILE, or --bars STORE with --instrument SYMBOL")
    found: list[Source] = []
    for text in bars:
        symbol, equals, path = text.partition("=")
        if equals and not Path(text).exists():
            found.append(Source(symbol, path))
        elif Path(text).is_dir():
            found += [Source(symbol, text) for symbol in _of_store(Path(text), instruments)]
        elif len(bars) == len(instruments) == 1:
            found.append(_named(text, instruments[0]))
        else:
            found.append(Source(symbol_of(Path(text)), text))
    symbols = [source.symbol for source in found]
    for symbol in symbols:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_/:-]*", symbol):
            raise ConfigurationError(f"{symbol!r} is no symbol of an instrument")
        if symbols.count(symbol) > 1:
            raise ConfigurationError(f"bars of {symbol} are named twice; tell files apart by --bars SYMBOL=FILE")
    for symbol in instruments:
        if symbol not in symbols:
            raise ConfigurationError(
                f"--instrument {symbol}: none of the --bars is of it; there are: {', '.join(symbols)}"
            )
    return [source for source in found if not instruments or source.symbol in instruments]


def _named(path: str, symbol: str) -> Source:
    """Return a single file as bars of `symbol`, unless its name plainly tells another one."""
    told = symbol_of(Path(path))
    if catalog.split(told)[1] != catalog.UNKNOWN_QUOTE and told != re.sub(r"[^A-Z0-9]", "", symbol.upper()):
        raise ConfigurationError(
            f"{path} is called after {told}, not {symbol}; if it holds {symbol}, say --bars {symbol}={path}"
        )
    return Source(symbol, path)


def symbol_of(path: Path) -> str:
    """Return the symbol that a file's name tells: a part of it that ends in a known quote currency, or its first part.

    >>> [symbol_of(Path(name)) for name in ("binance_BTCUSDT_1h.parquet", "eth-usdt-5m.csv", "bars.csv.gz")]
    ['BTCUSDT', 'ETHUSDT', 'BARS']
    """
    stem = path.name.removesuffix(".gz").rpartition(".")[0].upper()
    parts = [part for part in re.split(r"[^A-Z0-9]+", stem) if part and not _NO_NAME.fullmatch(part.lower())]
    for part in (
        *parts,
        *(base + quote for base, quote in pairwise(parts) if quote in catalog.QUOTES),
    ):
        if catalog.split(part)[1] != catalog.UNKNOWN_QUOTE:
            return part
    return parts[0] if parts else "BARS"


def _of_store(root: Path, instruments: Sequence[str]) -> Sequence[str]:
    """Return the symbols wanted of the store at `root`: those named, or the only one there is."""
    if instruments:
        return instruments
    held = sorted({path.parent.name for path in root.glob("*/*/*") if path.is_dir()})
    if len(held) != 1:
        what = f"holds {', '.join(held)}: name those wanted with --instrument" if held else "is no store of bars"
        raise ConfigurationError(f"{root}: {what}")
    return held


def read_all(study: Study, quarantine: Path | None) -> list[Reading]:
    """Return the bars of every instrument of the study, with the terms that were chosen.

    Args:
        study: What to read.
        quarantine: File for rows that are set aside; needed where the study says `quarantine`.

    Raises:
        ConfigurationError: A file or series cannot be read; what was chosen does not fit it.
        DataError: Rows are bad and to be refused; the bars are not those that a configuration names.
    """
    readings = [_within(study, _read(study, source, quarantine)) for source in study.sources]
    for reading in readings:
        symbol = reading.instrument.symbol
        if study.sha256.get(symbol, reading.sha256) != reading.sha256:
            raise DataError(
                f"{symbol}: these are not the bars that the configuration was written for (their SHA-256 is "
                f"{reading.sha256}, not {study.sha256[symbol]}); name other bars with --bars to run it on them"
            )
    readings = [replace(reading, instrument=settled(study, reading.instrument)) for reading in readings]
    return [filled(reading) for reading in readings] if study.word("gaps") == "fill" else readings


def _read(study: Study, source: Source, quarantine: Path | None) -> Reading:
    path, venue, interval = Path(source.path), study.word("venue"), study.word("interval")
    instrument = asked_instrument(study, source.symbol)
    if path.is_dir():
        start_ns, end_ns = span(study)
        interval = _interval_in(path, venue, source.symbol) if interval == AUTO else interval
        return read_store_columns(
            path, venue, source.symbol, interval, instrument=instrument, start_ns=start_ns, end_ns=end_ns
        )
    reading = read_columns(
        path,
        instrument=instrument,
        symbol=source.symbol,
        interval_ns=None if interval == AUTO else interval_ns(interval),
        on_bad_data="quarantine" if study.word("on_bad_data") == "quarantine" else "refuse",
        quarantine=Quarantine(quarantine) if quarantine is not None else None,
        venue=venue,
    )
    steps = np.diff(reading.bars.close_ns)
    if interval != AUTO and len(steps) and steps.min() > reading.bars.interval_ns:
        raise ConfigurationError(
            f"{path}: no two bars are {interval} apart, the nearest {steps.min() // NS_PER_S} s: leave out --interval"
        )
    return reading


def _interval_in(root: Path, venue: str, symbol: str) -> str:
    """Return the only interval of a series in the store."""
    found = sorted(path.name for path in (root / venue / symbol).glob("*") if path.is_dir())
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigurationError(f"{root}: holds {symbol} in {', '.join(found)}: say which with --interval")
    there = ", ".join(sorted("/".join(path.parts[-3:]) for path in _series(root))) or "nothing"
    raise ConfigurationError(f"{root}: no bars of {symbol} at {venue}; there are: {there}; the venue is set by --venue")


def _series(root: Path) -> Iterator[Path]:
    return (path for path in root.glob("*/*/*") if path.is_dir())


def span(study: Study) -> tuple[int, int | None]:
    """Return from when, and to before when, bars open, UTC ns."""
    start, end = study.word("from"), study.word("to")
    return 0 if start == AUTO else _ns(start), None if end == AUTO else _ns(end)


def _ns(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp()) * NS_PER_S


def _within(study: Study, reading: Reading) -> Reading:
    """Return the part of `reading` that the study spans.

    Raises:
        ConfigurationError: None of it.
    """
    start_ns, end_ns = span(study)
    bars = reading.bars
    open_ns = bars.close_ns - bars.interval_ns if start_ns or end_ns is not None else bars.close_ns[:0]
    first = int(np.searchsorted(open_ns, start_ns)) if start_ns else 0
    last = len(bars) if end_ns is None else int(np.searchsorted(open_ns, end_ns))
    if first == 0 and last == len(bars):
        return reading
    if first >= last:
        raise ConfigurationError(f"{bars.symbol}: no bar between {study.word('from')} and {study.word('to')}")
    part = slice(first, last)
    columns = Columns(
        open_ns[part], bars.open[part], bars.high[part], bars.low[part], bars.close[part], bars.volume_atoms[part]
    )
    return reading_of(columns, reading.instrument, bars.interval_ns, bad=reading.bad, notes=reading.notes)
