"""Memory: the most that a back-test of 20,000,000 bars holds at a time, bars and signals included.

python -m scripts.bench.memory [BARS]
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from scripts.bench.processes import spend
from scripts.bench.turns import Engine, Measured, in_turns

BARS: Final = 20_000_000
ENGINES: Final = (Engine(module="scripts.bench.reference"), Engine(module="scripts.bench.ours"))


def memory(bars: int, seed: int, say: Callable[[str], None]) -> tuple[list[Measured], list[str]]:
    """Return the bare loop and ours over so many bars, each case once more after its warm-up; and what is left out."""
    with tempfile.TemporaryDirectory() as name:
        say(f"making {bars:,} bars")
        spend([sys.executable, "-m", "scripts.bench.market", name, "--bars", str(bars), "--seed", str(seed)])
        return in_turns(ENGINES, Path(name) / "market.npz", 1, say)


if __name__ == "__main__":
    measured, left_out = memory(int(sys.argv[1]) if len(sys.argv) > 1 else BARS, 7, print)
    for one in measured:
        print(f"{one.engine}, {one.case}: {one.best:.3f} s, {one.trades:,} trades, peak {one.peak_mb:,.0f} MB")
    print(*left_out, sep="\n")
