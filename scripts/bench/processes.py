"""Measure whole processes: from the shell's point of view, interpreter, imports and files included."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.bench.turns import PEERS, ROOT, EngineFailed, environment

CLI: Final = str(Path(sys.executable).parent / "trading-system")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What one command took, in several rounds.

    Attributes:
        wall_s, cpu_s: Of each round, s; `cpu_s` sums all threads.
        peak_mb: Largest memory in any round, MB.
        trades: How many it printed to have made, "trades: N"; a dash if it did not.
    """

    wall_s: tuple[float, ...]
    cpu_s: tuple[float, ...]
    peak_mb: float
    trades: str


def spend(command: Sequence[str], *, peer: bool = False) -> Spent:
    """Run `command` once from the repository's root and return what it took.

    Raises:
        EngineFailed: It ended with another code than 0.
    """
    with tempfile.TemporaryFile() as printed:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment(peer=peer), stdin=subprocess.DEVNULL, stdout=printed, stderr=printed
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        printed.seek(0)
        told = printed.read().decode(errors="replace")
        if process.returncode:
            raise EngineFailed(f"{' '.join(command)} ended with {process.returncode}:\n{told[-3000:]}")
    unit = 1 if sys.platform == "darwin" else 1024
    trades = re.search(r'\btrades"?: *(\d[\d,]*\d|\d)', told)
    return Spent(
        wall_s=(wall_s,),
        cpu_s=(usage.ru_utime + usage.ru_stime,),
        peak_mb=usage.ru_maxrss * unit / 1e6,
        trades=trades[1] if trades else "–",
    )


def spend_in_turns(
    commands: Mapping[str, tuple[Sequence[str], bool]], rounds: int, say: Callable[[str], None]
) -> dict[str, Spent]:
    """Return what each of `commands` (with whether it is a peer's) took; ours first once to fill their caches."""
    for name, (command, peer) in commands.items():
        if not peer:  # a peer's have been filled by the run in memory
            say(f"warming up {name}")
            spend(command)
    spent: dict[str, list[Spent]] = {name: [] for name in commands}
    for count in range(rounds):
        for name, (command, peer) in commands.items():
            say(f"round {count + 1} of {rounds}: {name}")
            spent[name].append(spend(command, peer=peer))
    return {name: _together(rounds_of) for name, rounds_of in spent.items()}


def printed(command: Sequence[str]) -> str:
    """Run `command` from the repository's root and return what it wrote to its output; raises as `spend`."""
    done = subprocess.run(command, cwd=ROOT, env=environment(peer=False), capture_output=True, text=True, check=False)
    if done.returncode:
        raise EngineFailed(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return done.stdout


RULES: Final = (
    *("fast=10", "slow=50", "stop=none", "size=lots", "size_lots=1", "tick=0.01", "lot=1", "cash=100000000"),
    *("taker_fee_bps=10", "fee_asset=quote", "fee_rounding=half_even", "spread_bps=0", "slippage_bps=0"),
)
"""One unit each time, no stop, a fee of 0.1 % of each fill and no other cost."""


def has_backtest() -> bool:
    """Return whether the command `trading-system backtest` exists."""
    asked = subprocess.run([CLI, "backtest", "--help"], cwd=ROOT, capture_output=True, timeout=120, check=False)
    return asked.returncode == 0


def our_backtest(bars: Path, out: Path) -> list[str]:
    """Return our command from a file of bars to a report, by the rules that all engines of the bench follow."""
    asked = [part for choice in RULES for part in ("--set", choice)]
    return [CLI, "backtest", "--bars", str(bars), "--strategy", "sma_cross", *asked, "--out", str(out), "--json"]


def file_to_report(folder: Path) -> dict[str, tuple[Sequence[str], bool]]:
    """Return the commands from `folder`/bars.{csv,parquet} to a report, ours only where it exists."""
    theirs = [str(PEERS / "bin" / "python"), "-m", "scripts.bench.peers.backtesting_file"]
    commands: dict[str, tuple[Sequence[str], bool]] = {}
    for kind in ("parquet", "csv"):
        bars = folder / f"bars.{kind}"
        if has_backtest():
            commands[f"trading-system, {kind} to statistics and page"] = our_backtest(bars, folder / kind), False
        commands[f"backtesting.py, {kind} to statistics"] = [*theirs, str(bars)], True
    page = [*theirs, str(folder / "bars.parquet"), str(folder / "page.html")]
    commands["backtesting.py, parquet to statistics and page"] = page, True
    return commands


def _together(rounds: Sequence[Spent]) -> Spent:
    return Spent(
        wall_s=tuple(spent.wall_s[0] for spent in rounds),
        cpu_s=tuple(spent.cpu_s[0] for spent in rounds),
        peak_mb=max(spent.peak_mb for spent in rounds),
        trades=" or ".join(sorted({spent.trades for spent in rounds})),
    )
