"""Memory: the most that a back-test of 20,000,000 bars holds at a time, bars and signals included.

Twice: the loop over bars in memory, and the whole command from a file to its report.

python -m scripts.bench.memory [BARS]
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from scripts.bench.processes import has_backtest, our_backtest, spend
from scripts.bench.turns import Engine, in_turns

BARS: Final = 20_000_000
ENGINES: Final = (
    Engine(module="scripts.bench.reference"),
    Engine(module="scripts.bench.ours", arguments=("any-size",)),
)


def memory(bars: int, seed: int, say: Callable[[str], None]) -> tuple[list[tuple[str, float, float]], list[str]]:
    """Return what was run, its peak in MB and its time in s; and what is left out and why."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        say(f"making {bars:,} bars")
        spend([sys.executable, "-m", "scripts.bench.market", name, "--bars", str(bars), "--seed", str(seed)])
        measured, left_out = in_turns(ENGINES, folder / "market.npz", 1, say)
        rows = [(f"{one.engine}: {one.case}", one.peak_mb, one.best) for one in measured]
        if has_backtest():
            spend([sys.executable, "-m", "scripts.bench.files", str(folder / "market.npz")])
            say("from a file to a report")
            whole = spend(our_backtest(folder / "bars.parquet", folder / "out"))
            rows.append(("trading-system backtest, parquet to statistics and page", whole.peak_mb, whole.wall_s[0]))
        return rows, left_out


if __name__ == "__main__":
    found, missing = memory(int(sys.argv[1]) if len(sys.argv) > 1 else BARS, 7, print)
    for what, peak_mb, wall_s in found:
        print(f"{what}: peak {peak_mb:,.0f} MB, {wall_s:.3f} s")
    print(*missing, sep="\n")
