"""Measure speed on this machine: our engine beside its peers, the same bars, rules and trades, in one run.

Engines take turns, so that a busy machine hits all alike; judge by the ratios. docs/speed.md says what is compared.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from scripts.bench.cold import cold
from scripts.bench.data_store import data_store
from scripts.bench.features import features
from scripts.bench.goals import goals
from scripts.bench.memory import BARS as MEMORY_BARS
from scripts.bench.memory import memory
from scripts.bench.processes import file_to_report, printed, spend, spend_in_turns
from scripts.bench.serving import serving
from scripts.bench.table import Table, loops, wholes
from scripts.bench.turns import PEERS, ROOT, Engine, EngineFailed, in_turns
from scripts.bench.windows import windows

PAGE: Final = ROOT / "docs" / "speed.md"
BEGIN: Final = "<!-- written by make bench: begin -->"
END: Final = "<!-- written by make bench: end -->"
QUICK_BARS: Final = 100_000
WIDTH: Final = 120
"""Columns of what is printed into a file."""

BOUND: Final = "scripts.bench.reference"
OURS: Final = "scripts.bench.ours"
ENGINES: Final = (
    Engine(module=BOUND),
    Engine(module=OURS),
    Engine(module="scripts.bench.peers.vectorbt_signals", arguments=("rust",), peer=True),
    Engine(module="scripts.bench.peers.vectorbt_signals", arguments=("numba",), peer=True),
    Engine(module="scripts.bench.peers.backtesting_signals", peer=True),
)
RULES: Final = {
    "cross": "SMA(10)/SMA(50) cross, long only, market orders at the next open, fee 0.1 %",
    "stop": "The same with a trailing stop of 3 ATR(14)",
}

Say = Callable[[str], None]
"""Shows what is being done."""


def engines(folder: Path, options: argparse.Namespace, say: Say) -> Iterator[Table]:
    """Yield the tables of engines in memory."""
    measured, left_out = in_turns(ENGINES, folder / "market.npz", options.rounds, say)
    for rule, title in RULES.items():
        of_rule = [one for one in measured if one.case.split(",")[0] == rule]
        bound = of_rule[0]
        ours = next((one for one in of_rule if one.engine.startswith("trading-system")), None)
        reached = goals(of_rule, ours, options.bars)
        yield loops(f"{title}; {options.bars:,} bars", of_rule, options.bars, bound, ours, [*reached, *left_out])


def files(folder: Path, options: argparse.Namespace, say: Say) -> Iterator[Table]:
    """Yield the table of whole processes from a file to a report."""
    spend([sys.executable, "-m", "scripts.bench.files", str(folder / "market.npz")])
    spent = spend_in_turns(file_to_report(folder), min(options.rounds, 2), say)
    yield wholes(f"From a file of {options.bars:,} bars to a report, indicators included: whole process", spent, [])


def starts(_: Path, options: argparse.Namespace, say: Say) -> Iterator[Table]:
    """Yield the table of cold starts."""
    yield wholes("Cold start: whole process, caches warm", cold(options.rounds, options.seed, say), [])


def held(_: Path, options: argparse.Namespace, say: Say) -> Iterator[Table]:
    """Yield the table of memory."""
    bars = MEMORY_BARS // 20 if options.quick else MEMORY_BARS
    found, left_out = memory(bars, options.seed, say)
    rows = [
        (what, f"{peak_mb:,.0f}", f"{wall_s:,.3f}", f"{bars / wall_s / 1e6:,.1f}") for what, peak_mb, wall_s in found
    ]
    head = ("engine", "peak MB", "s", "M bars/s")
    yield Table(title=f"Memory: {bars:,} bars, all at once", head=head, rows=rows, notes=left_out)


def speeds(_: Path, options: argparse.Namespace, say: Say) -> Iterator[Table]:
    """Yield the table of the decision compiled and plain."""
    say("compiled and plain")
    heard = json.loads(printed([sys.executable, "-m", "scripts.bench.two_speeds", "--bars", str(options.bars)]))
    rows = [(name, f"{bars:,}", f"{wall_s:,.4f}", f"{bars / wall_s:,.0f}") for name, bars, wall_s in heard["rows"]]
    head = ("decide and meet", "bars", "s", "bars/s")
    yield Table(title="One decision at two speeds", head=head, rows=rows, notes=heard["notes"])


def stored(_: Path, options: argparse.Namespace, say: Say) -> Iterator[Table]:
    """Yield the table of the store of bars."""
    yield data_store(min(options.rounds, 3), options.seed, say)


SECTIONS: Final[dict[str, Callable[[Path, argparse.Namespace, Say], Iterator[Table]]]] = {
    "engines": engines,
    "files": files,
    "starts": starts,
    "memory": held,
    "speeds": speeds,
    "store": stored,
    "features": features,
    "windows": windows,
    "serving": serving,
}


def circumstances(options: argparse.Namespace, seconds: float) -> str:
    """Return what a reader must know about the numbers: command, commit, date, machine."""
    commit = _git("rev-parse", "--short", "HEAD")
    changed = " with changes not committed" if _git("status", "--porcelain", "--untracked-files=no") else ""
    arguments = " ".join(argument for argument in sys.argv[1:] if argument != "--write")
    command = f'make bench BENCH="{arguments}"' if arguments else "make bench"
    machine = f"{os.cpu_count()} cores ({platform.machine()}), {platform.system()}, Python {platform.python_version()}"
    return (
        f"`{command}`, commit {commit}{changed}, {datetime.datetime.now(datetime.UTC):%Y-%m-%d}, {machine}; "
        f"{options.bars:,} bars, seed {options.seed}, {options.rounds} rounds, {seconds / 60:.1f} min."
    )


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def rewritten(page: str, tables: str) -> str:
    """Return `page` with what stands between its two marks replaced.

    Raises:
        ValueError: The page lacks a mark.
    """
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{tables}\n{END}{after}"


def parsed() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_BARS:,} bars, two rounds: does it all still run")
    parser.add_argument("--bars", type=int, help="bars of the market [1,000,000]")
    parser.add_argument("--rounds", type=int, help="turns of every engine [5]")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, by comma [%(default)s]")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/speed.md")
    options = parser.parse_args()
    options.bars = options.bars or (QUICK_BARS if options.quick else 1_000_000)
    options.rounds = options.rounds or (2 if options.quick else 5)
    options.only = options.only.split(",")
    if unknown := set(options.only) - set(SECTIONS):
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    if options.write and (options.quick or len(options.only) < len(SECTIONS)):
        parser.error("--write takes a whole run: neither --quick nor --only")
    if not (PEERS / "bin" / "python").exists():
        parser.error(f"the peers' environment {PEERS.name} is missing; `make bench` builds it")
    return options


@contextmanager
def saying(console: Console) -> Iterator[Say]:
    """Give a function that shows what is being done: a spinner for people, lines for a file."""
    if not console.is_terminal:
        yield lambda words: console.print(words, style="dim", highlight=False)
        return
    with console.status("") as status:
        yield lambda words: status.update(words)


def main() -> int:
    """Measure, print, and return 1 where something failed or engines came to other trades than the rules."""
    options, began = parsed(), time.monotonic()
    errors, out = Console(stderr=True), Console(width=None if sys.stdout.isatty() else WIDTH)
    tables: list[Table] = []
    failed = False
    with tempfile.TemporaryDirectory() as name, saying(errors) as say:
        folder = Path(name)
        market = ["-m", "scripts.bench.market", name, "--bars", str(options.bars), "--seed", str(options.seed)]
        spend([sys.executable, *market])
        for section in options.only:
            try:
                for table in SECTIONS[section](folder, options, say):
                    tables.append(table)
                    out.print(table.rich())
                    out.print()
            except EngineFailed as error:
                errors.print(f"{section}: {error}", style="red", markup=False)
                failed = True
    failed = failed or any(table.failed for table in tables)
    words = circumstances(options, time.monotonic() - began)
    out.print(words, markup=False)
    if options.write and not failed:
        told = "\n".join([words, "", *(table.markdown() for table in tables)])
        PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8"), told), encoding="utf-8")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
