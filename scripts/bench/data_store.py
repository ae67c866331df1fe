"""The store of bars: import, loading, resampling and export, each beside what was promised.

python -m scripts.bench.data_store
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from rich.console import Console
from scripts.bench.processes import CLI, spend
from scripts.bench.table import Table

from trading_system.data_pipeline.bar_store import BarStore
from trading_system.data_pipeline.store_columns import read_store_columns

ROWS: Final = 1_000_000
YEAR: Final = 525_600
START_MS: Final = 1_577_836_800_000
"""2020-01-01T00:00Z."""
MINUTE_MS: Final = 60_000
IMPORT_S: Final = 3.0
LOAD_MS: Final = 50.0
IMPORT: Final = f"import {ROWS:,} rows of CSV"
LOAD: Final = f"load {YEAR:,} minutes, hashes checked"
SERIES: Final = ("binance", "BTCUSDT", "1m")


def data_store(rounds: int, seed: int, say: Callable[[str], None]) -> Table:
    """Return the table of the store: whole processes in s, loading a year of minutes in ms, over `rounds` rounds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = _file(folder / "BTCUSDT-1m.csv", seed)
        series = ("--symbol", "BTCUSDT")
        took: dict[str, list[float]] = {}
        for round_ in range(rounds):
            say(f"store, round {round_ + 1} of {rounds}")
            store = folder / f"{round_}" / "bars"
            into = ("--store", str(store))
            for what, command in {
                IMPORT: ("import", str(file), *into),
                "the same again, all of it known": ("import", str(file), *into),
                f"resample {ROWS:,} minutes to hours": ("resample", *series, "--from", "1m", "--to", "1h", *into),
                f"export {ROWS:,} bars to CSV": ("export", str(folder / "x.csv"), *series, "--interval", "1m", *into),
            }.items():
                took.setdefault(what, []).extend(spend([CLI, "data", *command]).wall_s)
            for what, load in _loads(store).items():
                load()
                took.setdefault(what, []).append(min(_timed(load) for _ in range(5)))
        notes = [_sizes(store)]
    rows = [(what, f"{min(each):,.3f}–{max(each):,.3f}", f"{np.median(each):,.3f}") for what, each in took.items()]
    imported, loaded = (took[what] for what in (IMPORT, LOAD))
    notes += [
        _goal(min(imported), IMPORT_S, f"import of {ROWS:,} rows, whole process", "s", 1),
        _goal(min(loaded), LOAD_MS / 1e3, "a year of minutes loaded warm", "ms", 1e3),
    ]
    return Table(title="The store of bars", head=("what", "s, by round", "median s"), rows=rows, notes=notes)


def _sizes(store: Path) -> str:
    """Return what the files take, and what another compression would."""
    months = sorted(store.joinpath(*SERIES).glob("*.parquet"))
    told = [f"as they are {_size_mb(months):,.1f} MB, read in {_reading_ms(months):,.0f} ms"]
    for other in ("zstd", "uncompressed"):
        again = [month.with_suffix(f".{other}") for month in months]
        for month, path in zip(months, again, strict=True):
            pl.read_parquet(month).write_parquet(path, compression=other)
        told.append(f"{other} {_size_mb(again):,.1f} MB, {_reading_ms(again):,.0f} ms")
    return f"{ROWS:,} bars in {len(months)} files (LZ4): {'; '.join(told)}. No hash is checked here."


def _size_mb(paths: list[Path]) -> float:
    return sum(path.stat().st_size for path in paths) / 1e6


def _reading_ms(paths: list[Path]) -> float:
    return 1e3 * min(_timed(lambda: [pl.read_parquet(path) for path in paths]) for _ in range(5))


def _loads(store: Path) -> dict[str, Callable[[], object]]:
    end_ns = (START_MS + YEAR * MINUTE_MS) * 1_000_000
    return {
        LOAD: lambda: BarStore(store).columns(*SERIES, end_ns=end_ns),
        "the same in whole ticks, hashed again": lambda: read_store_columns(store, *SERIES, end_ns=end_ns),
    }


def _goal(took_s: float, promised_s: float, what: str, unit: str, many: float) -> str:
    verdict = "Reached" if took_s < promised_s else "Not reached"
    return f"{verdict}: {what} in {took_s * many:,.2f} {unit} at best, under {promised_s * many:,.0f} {unit} promised."


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _file(path: Path, seed: int) -> Path:
    """Write a CSV of a market that wanders in steps of cents, minute by minute, and return where."""
    chance = np.random.default_rng(seed)
    close = (6_000_000 + np.cumsum(chance.integers(-3_000, 3_001, ROWS))).clip(100_000)
    first = np.concatenate((close[:1], close[:-1]))
    prices = {
        "open": first,
        "high": np.maximum(first, close) + chance.integers(0, 1_000, ROWS),
        "low": np.minimum(first, close) - chance.integers(0, 1_000, ROWS),
        "close": close,
    }
    frame = pl.DataFrame(
        {
            "timestamp": START_MS + np.arange(ROWS) * MINUTE_MS,
            **{name: column / 100 for name, column in prices.items()},
            "volume": chance.integers(1, 5_000_000, ROWS) / 1e5,
        }
    )
    frame.write_csv(path)
    return path


if __name__ == "__main__":
    Console().print(data_store(3, 7, lambda words: print(words, file=sys.stderr)).rich())
