"""Serving: how long an answer of the reference network takes, at one bar and over a history; and whether it is right.

python -m scripts.bench.serving [--bars 1000000] [--rounds 3] [--parity 20000]
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from scripts.bench import serving_measures as measures
from scripts.bench.processes import printed
from scripts.bench.table import Table

US: Final = 1e-6
_UNITS: Final = {US: "µs", 1e-3: "ms"}
GOALS: Final = (  # kind of call, 0 for the median or 1 for the 99th percentile, at most, unit, words
    ("whole", 0, 125, US, "a whole window, median"),
    ("emit", 0, 30, US, "an answer by steps, median"),
    ("emit", 1, 70, US, "an answer by steps, 99th percentile"),
    ("many", 0, 5, 1e-3, f"{measures.INSTRUMENTS:,} instruments, median"),
)
HEAD: Final = ("answer", "median, µs", "99th percentile, µs", "of processor's time, µs")
HISTORY_S: Final = 60.0
HISTORY_BARS: Final = 1_000_000
APART: Final = 1e-6
PARITY: Final = 20_000
WORDS: Final = {
    "torch": "torch, eager, a whole window",
    "whole": "ONNX Runtime, a whole window",
    "emit": "lanes: from a row to the answer",
    "rest": "lanes: the rest, after the answer",
    "push": "from a bar to the forecast: features, checks and lanes",
    "many": f"lanes: {measures.INSTRUMENTS:,} instruments at one bar",
}


def serving(_: Path, options: argparse.Namespace, say: Callable[[str], None]) -> Iterator[Table]:
    """Yield the tables of serving, each measured in a process of its own."""
    shape = f"T{measures.WINDOW} F{len(measures.FEATURES)} H{measures.HIDDEN}, {measures.LAYERS} layers"
    say("serving: one bar")
    yield _latencies(shape, _heard("latency", min(options.rounds, 5), options.seed))
    say("serving: a history")
    yield _history(shape, options.bars, _heard("history", options.bars, options.seed))
    count = getattr(options, "parity", PARITY)
    say("serving: steps against whole windows")
    yield _parity(shape, _heard("parity", count, options.seed))


def _heard(what: str, count: int, seed: int) -> Any:
    command = [sys.executable, "-m", "scripts.bench.serving", "--measure", what]
    return json.loads(printed([*command, "--count", str(count), "--seed", str(seed)]))


def _latencies(shape: str, spent: measures.Spent) -> Table:
    columns = {name: list(zip(*rounds, strict=True)) for name, rounds in spent.items()}
    best = {name: [min(column) for column in of_it] for name, of_it in columns.items()}
    rows, notes = [(WORDS[name], *map(_span, of_it)) for name, of_it in columns.items()], []
    for name, which, most, unit, words in GOALS:
        reached = best[name][which] / unit
        notes.append(f"{_verdict(reached, most)}: {words} {reached:,.1f} {_UNITS[unit]}, at most {most} promised.")
    notes.append("Processor's time leaves out what the thread waited while others ran; they still share its caches.")
    notes.append(f"An answer by steps comes {best['torch'][0] / best['emit'][0]:,.1f} times as fast as torch's.")
    title = f"One bar: {shape}, one thread; best–worst of {len(spent['emit'])} rounds"
    return Table(title=title, head=HEAD, rows=rows, notes=notes)


def _history(shape: str, bars: int, found: dict[str, Any]) -> Table:
    promised, alone = HISTORY_S * bars / HISTORY_BARS, found["processor_s"] / found["threads"]
    rows = [
        (f"asked, features included, {found['threads']} threads", f"{found['first_s']:,.2f} s"),
        ("kept: the same bars and model again, features included", f"{found['again_s']:,.2f} s"),
    ]
    notes = [
        f"{_verdict(found['first_s'], promised)}: {found['first_s']:,.1f} s, at most {promised:,.1f} s promised "
        f"({HISTORY_S:,.0f} s for {HISTORY_BARS:,} bars); {found['known']:,} views. The processors worked "
        f"{found['processor_s']:,.1f} s: on {found['threads']} that nobody else uses, {alone:,.1f} s."
    ]
    title = f"The views of {bars:,} bars for a back-test: {shape}"
    return Table(title=title, head=("views", "time"), rows=rows, notes=notes, failed=not found["same"])


def _parity(shape: str, found: dict[str, Any]) -> Table:
    good = found["apart"] <= APART and found["same_windows"] and found["same_bits"]
    rows = [
        ("whole windows compared", f"{found['windows']:,}"),
        ("missing bars; restarts", f"{found['gaps']:,}; {found['restarts']:,}"),
        ("greatest difference of a probability", f"{found['apart']:.1e}"),
        ("the same windows known", "yes" if found["same_windows"] else "NO"),
        ("a back-test's batches have the bits of bar by bar", "yes" if found["same_bits"] else "NO"),
    ]
    notes = [f"{_verdict(found['apart'], APART)}: at most {APART:.0e}; probabilities spread by {found['spread']:.3f}."]
    title = f"A forecaster by steps beside whole windows: {shape}, {found['bars']:,} bars"
    return Table(title=title, head=("compared", "found"), rows=rows, notes=notes, failed=not good)


def _span(seconds: Sequence[float]) -> str:
    return f"{min(seconds) / US:,.1f}–{max(seconds) / US:,.1f}"


def _verdict(reached: float, at_most: float) -> str:
    return "Reached" if reached <= at_most else "MISSED"


def main() -> int:
    """Measure and print; 1 where steps and windows do not agree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bars", type=int, default=HISTORY_BARS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parity", type=int, default=PARITY, help="bars on which steps are compared [%(default)s]")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--measure", choices=("latency", "history", "parity"), help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(getattr(measures, options.measure)(options.count, options.seed)))
        return 0
    console, failed = Console(width=None if sys.stdout.isatty() else 120), False
    for table in serving(Path(), options, lambda words: print(words, file=sys.stderr)):
        console.print(table.rich())
        failed = failed or table.failed
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
