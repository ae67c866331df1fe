"""Features: a whole history at once, beside pandas and `ta`, and bar by bar; and that both engines mean the same.

python -m scripts.bench.features [--bars 1000000] [--rounds 5]
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from scripts.bench.goals import verdict
from scripts.bench.market import MINUTE_NS, Market, load
from scripts.bench.processes import printed, spend
from scripts.bench.table import Table
from scripts.bench.turns import PEERS

BATCH_GOAL: Final = 5e6
"""Bars a second, all features, one core; or else:"""
TIMES_GOAL: Final = 20.0
"""How many times as fast as pandas and `ta`."""
STREAM_GOAL_US: Final = 20.0
"""Time for a bar, all features."""
STREAMED: Final = 100_000
SETTLED: Final = 2_000
"""Bars after which it no longer matters from where an average began."""
SAME: Final = 1e-5
"""Largest difference of two engines, a part of the column's own deviation; pandas' running variance drifts by 1e-6."""


def ours(market: Path, values: Path, rounds: int) -> dict[str, Any]:
    """Return what was measured of ours in this process: whole tables, the first of them, and a stream."""
    from trading_system import __version__
    from trading_system.data_pipeline.normalizers.features import HOUSE_SET, FeatureStream, feature_table
    from trading_system.market.bars import Bar
    from trading_system.market.columns import BarColumns

    told = load(market)
    bars = BarColumns(
        symbol="BENCH",
        interval_ns=MINUTE_NS,
        close_ns=told.close_ns,
        open=told.open,
        high=told.high,
        low=told.low,
        close=told.close,
        volume_atoms=told.volume_atoms,
    )
    seconds, cpu = [], []
    for _ in range(rounds + 1):
        start, spent = time.perf_counter(), time.process_time()
        table = feature_table(bars)
        seconds.append(time.perf_counter() - start)
        cpu.append(time.process_time() - spent)
    np.save(values, table.values)
    few = min(STREAMED, len(bars))
    each = [
        Bar(symbol="X", open_ns=t - MINUTE_NS, close_ns=t, open=o, high=h, low=lo, close=c, volume_atoms=v)
        for t, o, h, lo, c, v in zip(*(column[:few].tolist() for column in _columns(told)), strict=True)
    ]
    streamed, streamed_cpu, rows = [], [], []
    for _ in range(rounds):
        stream = FeatureStream()
        start, spent = time.perf_counter(), time.process_time()
        rows = [stream.push(bar) for bar in each]
        streamed.append((time.perf_counter() - start) / few)
        streamed_cpu.append((time.process_time() - spent) / few)
    for row, at_once in zip(rows, table.values, strict=False):
        if row is not None and np.array(row.values).tobytes() != at_once.tobytes():
            raise SystemExit("batch and streaming differ")
    return {
        "engine": f"trading-system {__version__}",
        "names": list(HOUSE_SET.names),
        "first": seconds[0],
        "seconds": seconds[1:],
        "cpu": cpu[1:],
        "streamed": streamed,
        "streamed_cpu": streamed_cpu,
    }


def _columns(told: Market) -> tuple[NDArray[np.int64], ...]:
    return told.close_ns, told.open, told.high, told.low, told.close, told.volume_atoms


def features(folder: Path, options: argparse.Namespace, say: Callable[[str], None]) -> Iterator[Table]:
    """Yield the tables of features, given `market.npz` in `folder`; in turns, each engine in processes of its own."""
    market, mine, theirs = folder / "market.npz", folder / "ours.npy", folder / "theirs.npy"
    turns = max(1, min(options.rounds, 3))
    heard: dict[str, list[dict[str, Any]]] = {"ours": [], "peer": []}
    for turn in range(turns):
        say(f"features, turn {turn + 1} of {turns}: ours")
        command = [sys.executable, "-m", "scripts.bench.features", "--ours", str(market), str(mine)]
        heard["ours"].append(json.loads(printed(command)))
        say(f"features, turn {turn + 1} of {turns}: pandas and ta")
        command = [str(PEERS / "bin" / "python"), "-m", "scripts.bench.peers.ta_features", str(market), str(theirs)]
        heard["peer"].append(json.loads(printed([*command, "1"])))
    yield from _tables(heard["ours"], heard["peer"], np.load(mine), np.load(theirs))


def _tables(
    own: list[dict[str, Any]], peer: list[dict[str, Any]], mine: NDArray[np.float64], theirs: NDArray[np.float64]
) -> Iterator[Table]:
    bars, names = len(mine), own[0]["names"]
    batch, other = ([min(one["seconds"]) for one in each] for each in (own, peer))
    ratios = [slow / fast for slow, fast in zip(other, batch, strict=True)]
    speed, ratio = bars / min(batch), min(other) / min(batch)
    rows = [
        (own[0]["engine"], _ms(batch), _ms(_cpu(own)), f"{speed / 1e6:,.2f}", "1"),
        (peer[0]["engine"], _ms(other), _ms(_cpu(peer)), f"{bars / min(other) / 1e6:,.3f}", f"{ratio:,.0f}"),
    ]
    apart = different(names, peer[0]["names"], mine, theirs)
    first = max(one["first"] for one in own)
    notes = [
        f"{verdict(speed, BATCH_GOAL)}: {speed / 1e6:,.2f} M bars/s, {BATCH_GOAL / 1e6:,.0f} M promised.",
        f"{verdict(ratio, TIMES_GOAL)}: {ratio:,.0f} times (by turn {min(ratios):,.0f}–{max(ratios):,.0f}) as fast as "
        f"{peer[0]['engine']}, {TIMES_GOAL:,.0f} promised.",
        f"The first table of a process takes up to {first:,.2f} s: it loads its loops, or compiles them once.",
        f"All columns mean the same: from bar {SETTLED:,} on they differ by less than {SAME} deviations."
        if not apart
        else f"Columns differ: {', '.join(apart)}.",
    ]
    head = ("engine", "ms, best of each turn", "ms of CPU", "M bars/s", "x ours")
    title = f"{len(names)} features of {bars:,} bars at once, one core"
    yield Table(title=title, head=head, rows=rows, notes=notes, failed=bool(apart))
    streamed, cpu = ([min(one[key]) * 1e6 for one in own] for key in ("streamed", "streamed_cpu"))
    goal = verdict(STREAM_GOAL_US, min(streamed))
    yield Table(
        title=f"{len(names)} features bar by bar, plain Python",
        head=("engine", "µs a bar, best of each turn", "µs of CPU"),
        rows=[(own[0]["engine"], *(f"{min(each):,.1f}–{max(each):,.1f}" for each in (streamed, cpu)))],
        notes=[f"{goal}: {min(streamed):,.1f} µs a bar, {STREAM_GOAL_US:,.0f} promised; the bits of the table above."],
    )


def _cpu(heard: list[dict[str, Any]]) -> list[float]:
    """Return the least CPU time of each turn, s: what the wall shows too where nobody else wants the core."""
    return [min(one["cpu"]) for one in heard]


def _ms(seconds: list[float]) -> str:
    return f"{min(seconds) * 1e3:,.1f}–{max(seconds) * 1e3:,.1f}"


def different(names: list[str], others: list[str], mine: NDArray[np.float64], theirs: NDArray[np.float64]) -> list[str]:
    """Return the columns in which two tables differ once settled, with by how many of their own deviations."""
    if names != others:
        return [f"{sorted(set(names) ^ set(others)) or 'their order'}"]
    found = []
    for column, name in enumerate(names):
        one, other = mine[SETTLED:, column], theirs[SETTLED:, column]
        worst = float(np.max(np.abs(one - other))) / max(float(np.std(one)), 1e-300)
        if not worst <= SAME:
            found.append(f"{name} by {worst:.1e}")
    return found


def main() -> int:
    """Measure and print; 1 where the engines mean different things."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bars", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--ours", nargs=2, type=Path, metavar=("MARKET", "VALUES"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ours:
        print(json.dumps(ours(*options.ours, rounds=options.rounds)))
        return 0
    console, failed = Console(width=None if sys.stdout.isatty() else 120), False
    with tempfile.TemporaryDirectory() as name:
        market = ["-m", "scripts.bench.market", name, "--bars", str(options.bars), "--seed", str(options.seed)]
        spend([sys.executable, *market])
        for table in features(Path(name), options, lambda words: print(words, file=sys.stderr)):
            console.print(table.rich())
            failed = failed or table.failed
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
