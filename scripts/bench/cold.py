"""Cold start: what one waits for when typing a command, a second process, its caches warm.

python -m scripts.bench.cold
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from scripts.bench.processes import CLI, Spent, has_backtest, our_backtest, spend, spend_in_turns

BARS: Final = 60_000


def cold(rounds: int, seed: int, say: Callable[[str], None]) -> dict[str, Spent]:
    """Return what `--help` and, where it exists, a back-test of 60,000 bars with JSON out took."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        commands = {"trading-system --help": ([CLI, "--help"], False)}
        if has_backtest():
            market = ["-m", "scripts.bench.market", str(folder), "--bars", str(BARS), "--seed", str(seed)]
            spend([sys.executable, *market])
            spend([sys.executable, "-m", "scripts.bench.files", str(folder / "market.npz")])
            ours = our_backtest(folder / "bars.csv", folder / "out")
            commands[f"trading-system backtest, {BARS:,} bars of CSV, --json"] = ours, False
        return spend_in_turns(commands, rounds, say)


if __name__ == "__main__":
    for what, spent in cold(5, 7, print).items():
        print(f"{what}: best {min(spent.wall_s):.3f} s, worst {max(spent.wall_s):.3f} s, {spent.peak_mb:.0f} MB")
