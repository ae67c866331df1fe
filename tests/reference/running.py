"""Runs as a user makes them: the program's front door, a folder, and what lies in it."""

import fcntl
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from tempfile import gettempdir
from typing import Any, Final

import numpy as np
import polars as pl
import pytest

from trading_system import __main__ as front
from trading_system.market.columns import Floats, Ints

ALWAYS_IN: Final = Path(__file__).parent / "always_in.py"
SIGNALS: Final = Path(__file__).resolve().parents[2] / "examples" / "strategies" / "given_signals.py"
TARGET_WEIGHT: Final = SIGNALS.parents[1] / "policies" / "target_weight.py"
FREE: Final = {"taker_fee_bps": 0, "maker_fee_bps": 0, "spread_bps": 0, "slippage_bps": 0, "fee_asset": "quote"}
"""Nothing is paid but the bar's own price."""
START_MS: Final = 1_704_067_200_000
"""2024-01-01T00:00Z."""
HOUR_MS: Final = 3_600_000

Row = tuple[float, float, float, float]
"""Open, high, low, close."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a run told on standard output, and the tables of its folder."""

    told: Mapping[str, Any]
    fills: pl.DataFrame
    equity: pl.DataFrame

    @property
    def end(self) -> float:
        """Equity at the end, quote units, as it was told."""
        return float(self.told["equity"]["end"])

    @property
    def path(self) -> Floats:
        """(S,) equity at each close, quote units."""
        return self.equity["equity"].to_numpy()

    @property
    def lots(self) -> Ints:
        """(N,) lots bought or, below zero, sold by each fill."""
        return np.where(self.fills["side"].to_numpy() == "buy", 1, -1) * self.fills["lots"].to_numpy()

    @property
    def slices(self) -> Ints:
        """(N,) number of the bar in which each fill happened."""
        return np.searchsorted(self.equity["time_ns"].to_numpy(), self.fills["time_ns"].to_numpy())

    def base_atoms(self, lot_atoms: int) -> int:
        """Return the base currency owned at the end, atoms, by the fills: what came less fees and what went."""
        base = self.fills.filter(~self.fills["fee_asset"].is_in([self.told["equity"]["quote"]]))
        return int(self.lots.sum()) * lot_atoms - int(base["fee_atoms"].sum())


def backtest(out: Path, bars: str, strategy: str, sets: Mapping[str, object], *more: str) -> Ran:
    """Run `trading-system backtest` in this process and return what it told and wrote."""
    return run("backtest", out, bars, strategy, sets, *more)


def replay(out: Path, bars: str, strategy: str, sets: Mapping[str, object], *more: str) -> Ran:
    """Run `trading-system replay`, the same through the live desk, in this process."""
    return run("replay", out, bars, strategy, sets, *more)


def run(command: str, out: Path, bars: str, strategy: str, sets: Mapping[str, object], *more: str) -> Ran:
    """Run a command that makes a run's folder."""
    said = [part for name, value in sets.items() for part in ("--set", f"{name}={value}")]
    with one_at_a_time("always_in" if str(ALWAYS_IN) in more else "ours"), redirect_stdout(StringIO()) as told:
        code = front.main([command, "--bars", bars, "--strategy", strategy, *said, "--out", str(out), "--json", *more])
    assert code == 0
    tables = {name: pl.read_parquet(out / f"{name}.parquet") for name in ("fills", "equity")}
    return Ran(told=json.loads(told.getvalue()), **tables)


@contextmanager
def one_at_a_time(loop: str) -> Iterator[None]:
    """Let other processes wait: of two that find no machine code both would compile it, for half a minute."""
    with (Path(gettempdir()) / f"trading-system-tests-{loop}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def published(shared_data: Path, name: str) -> Path:
    """Return the file of a reference case; the test is skipped where it is missing."""
    file = shared_data / "reference" / name
    if not file.is_file():
        pytest.skip(f"data: {name} does not stand in reference")
    return file


def write_bars(
    folder: Path,
    rows: Sequence[Row],
    *,
    symbol: str = "BTCUSDT",
    volumes: Sequence[float] = (),
    missing: Collection[int] = (),
) -> str:
    """Write hourly bars (open, high, low, close), but those `missing`, into `folder`; return what `--bars` takes."""
    told = volumes or [1_000] * len(rows)
    lines = [
        f"{START_MS + n * HOUR_MS},{','.join(map(str, row))},{volume}"
        for n, (row, volume) in enumerate(zip(rows, told, strict=True))
        if n not in missing
    ]
    path = folder / f"{symbol}.csv"
    path.write_text("\n".join(["timestamp,open,high,low,close,volume", *lines]), encoding="utf-8")
    return f"{symbol}={path}"


def signals(folder: Path, odds: Mapping[int, float]) -> dict[str, object]:
    """Write the probability of a rise that is believed at the close of some bars; return what the script is told."""
    return signals_of(folder, {"BTCUSDT": odds})


def signals_of(folder: Path, odds: Mapping[str, Mapping[int, float]]) -> dict[str, object]:
    """Write the same of several instruments."""
    lines = [
        f"{START_MS + n * HOUR_MS},{symbol},{probability}"
        for symbol, told in odds.items()
        for n, probability in told.items()
    ]
    path = folder / "signals.csv"
    path.write_text("\n".join(["time,instrument,probability", *lines]), encoding="utf-8")
    return {"file": SIGNALS, "signals": path, "atr": 0}
