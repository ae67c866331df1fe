"""Windows and leaks: what windows cost in memory and time, at once and bar by bar; how long a leak test takes.

python -m scripts.bench.windows [--bars 1000000] [--rounds 5]
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console
from scripts.bench.goals import verdict
from scripts.bench.processes import printed
from scripts.bench.table import Table

LENGTH: Final = 60
WIDTH: Final = 20
STREAMED: Final = 100_000
GROWN_MB: Final = 1.0
"""How much larger the process may become by all windows of a block: nothing, but for a page here and there."""
LEAK_BARS: Final = 2_000
LEAK_CUTS: Final = 200
"""The defaults of `data leak-test`."""


def measured(bars: int, rounds: int) -> dict[str, Any]:
    """Return what windows over `bars` rows took in this process."""
    from trading_system.data_pipeline.normalizers.windows import Windows, strided, window_ends

    block = np.ones((bars, WIDTH), dtype=np.float32)
    strided(block[: 2 * LENGTH], LENGTH)
    before, seconds = _peak_mb(), []
    for _ in range(rounds):
        start = time.perf_counter()
        view = strided(block, LENGTH)
        seconds.append(time.perf_counter() - start)
    for window in view[::997]:
        window.sum()
    grown = _peak_mb() - before
    start = time.perf_counter()
    ends = window_ends(block, LENGTH)
    found = time.perf_counter() - start
    rows = block[:STREAMED].astype(np.float64).tolist()
    streamed = []
    for _ in range(rounds):
        ring = Windows(length=LENGTH, width=WIDTH)
        start = time.perf_counter()
        for row in rows:
            ring.push(row)
        streamed.append((time.perf_counter() - start) / len(rows))
    return {
        "shape": view.shape,
        "shared": bool(np.shares_memory(view, block)),
        "block_mb": block.nbytes / 1e6,
        "copied_mb": view.size * 4 / 1e6,
        "grown_mb": grown,
        "view_s": min(seconds),
        "ends": len(ends),
        "ends_s": found,
        "push_s": min(streamed),
    }


def leak_seconds(seed: int) -> dict[str, Any]:
    """Return how long a leak test of all that the house makes takes, once its loops are compiled."""
    from scripts.bench.market import MINUTE_NS, market

    from trading_system.data_pipeline.leaks.house import feature_probe, label_probe, metric_probe
    from trading_system.data_pipeline.leaks.search import search
    from trading_system.data_pipeline.normalizers.features import SETS, FeatureSet
    from trading_system.market.columns import BarColumns

    told = market(LEAK_BARS, seed)
    bars = BarColumns(
        symbol="BENCH",
        interval_ns=MINUTE_NS,
        **{name: getattr(told, name) for name in ("close_ns", "open", "high", "low", "close", "volume_atoms")},
    )
    every = {feature.name: feature for each in SETS.values() for feature in each.features}
    features = FeatureSet(features=tuple(every.values()))
    house = feature_probe(features, window=16, train_ns=int(bars.close_ns[LEAK_BARS // 2]))
    probes = [house, label_probe(16), metric_probe()]
    search(bars, probes, cuts=1, seed=seed)
    start = time.perf_counter()
    verdict = search(bars, probes, cuts=LEAK_CUTS, seed=seed)
    return {"s": time.perf_counter() - start, "columns": len(verdict.compared), "leaks": len(verdict.leaks)}


def windows(_: Path, options: argparse.Namespace, say: Callable[[str], None]) -> Iterator[Table]:
    """Yield the tables of windows and of the leak test, each measured in a process of its own."""
    say("windows")
    command = [sys.executable, "-m", "scripts.bench.windows", "--rounds", str(options.rounds)]
    found = json.loads(printed([*command, "--bars", str(options.bars), "--measure"]))
    good = found["shared"] and found["grown_mb"] <= GROWN_MB
    rows = [
        (f"all {found['shape'][0]:,} windows of a float32 block, as views", f"{found['view_s'] * 1e6:,.0f} µs"),
        ("the rows at which a window without a hole ends", f"{found['ends_s'] * 1e3:,.0f} ms"),
        ("a push into the ring, with the window of it", f"{found['push_s'] * 1e6:,.2f} µs"),
    ]
    notes = [
        f"{'Reached' if good else 'MISSED'}: no copy. The peak of the process grew by {found['grown_mb']:,.1f} MB; the "
        f"block has {found['block_mb']:,.0f} MB, and copies of all windows would have {found['copied_mb']:,.0f} MB."
    ]
    title = f"Windows of {LENGTH} x {WIDTH} over {options.bars:,} bars"
    yield Table(title=title, head=("windows", "time"), rows=rows, notes=notes, failed=not good)
    say("leak test")
    leaks = json.loads(printed([*command, "--leaks", "--seed", str(options.seed)]))
    rows = [
        (f"{leaks['columns']} columns, {LEAK_BARS:,} bars, 2 x {LEAK_CUTS} cuts, 7 futures", f"{leaks['s']:,.1f} s")
    ]
    yield Table(
        title="A leak test of all that the house makes of bars",
        head=("data leak-test", "time"),
        rows=rows,
        notes=[f"{verdict(0, leaks['leaks'])}: {leaks['leaks']} leaks found."],
        failed=bool(leaks["leaks"]),
    )


def _peak_mb() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def main() -> int:
    """Measure and print; 1 where windows are copied, or something leaks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bars", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--leaks", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure or options.leaks:
        print(json.dumps(measured(options.bars, options.rounds) if options.measure else leak_seconds(options.seed)))
        return 0
    console, failed = Console(width=None if sys.stdout.isatty() else 120), False
    for table in windows(Path(), options, lambda words: print(words, file=sys.stderr)):
        console.print(table.rich())
        failed = failed or table.failed
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
