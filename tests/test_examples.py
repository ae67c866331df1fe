"""Every script of `examples/` runs as a user runs it, and tells what its page of expectations says."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

EXAMPLES: Final = Path(__file__).resolve().parent.parent / "examples"

TOLD: Final = {
    # half of 10000 USDT, the largest exposure, at 40000; the stop lies 3 x 200 below
    "one_decision.py": [
        "A hopeful view:",
        "  buy 0.12500 BTC, stop at 39400.00",
        "  objections: none",
        "No more than a coin's chance:",
        "  ask for nothing",
        "  objections: none",
        "The same hope, after a fall of a third:",
        "  ask for nothing",
        "  objections: equity has fallen too far from its peak",
    ],
    # two stretches of bars, each 20 bars in the warming
    "own_feature.py": [
        "Features: run_strength, rsi_14, bollinger_20_2",
        "All of them known after 358 of 398 bars, 21 to get warm, twice",
        "Bar by bar, over a restart, the same to the bit: True",
    ],
    # known from its 20th bar on: 381 of 400
    "own_strategy.py": [
        "Parameters: reach=2.0, atr=14, horizon=10, restart_on_gap=False, stretch=1.5",
        "A view after 381 of 400 bars: 159 of a rise, 146 of a fall",
        "Bar by bar the same, to the bit: True",
    ],
}


def test_every_example_is_run_here():
    """A script that nobody runs is wrong sooner or later."""
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(TOLD)


@pytest.mark.parametrize("name", TOLD)
def test_an_example_tells_what_is_expected(name, tmp_path):
    done = subprocess.run(
        [sys.executable, EXAMPLES / name], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == TOLD[name]
