"""The long proofs, whole: `make prove`. Each writes its table to docs/proofs with command, commit and date.

One trial again, as a failing test prints it: prove.py --first SEED --seeds 1 --step NAME
"""

import argparse
import asyncio
import datetime
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.proofs.crash import BROKEN, ENGINE, STEPS, Outcome, Step, Trial  # noqa: E402 - the path comes first

PROOFS: Final = ROOT / "docs" / "proofs"
EXPLAINED: Final = """\
Each trial (`tests/proofs/crash.py`): a synthetic market of 60 bars, a weather in which 15 % of all orders and cancels
lose their request, their answer or the user stream, the real engine in a process of its own over real sockets, SIGKILL
at the step, a new start. At the end every order, fill and balance of the journal must equal the venue's ledger; nothing
may have been sent twice or before its claim was durable, no position may have stood without a stop at a bar's close,
nothing may be left in doubt, and the journal's chain must hold."""


async def sweep(
    seeds: Sequence[int],
    steps: Sequence[Step],
    folder: Path,
    workers: int,
    tick: Progress,
    *,
    engine: tuple[str, ...] = ENGINE,
    what: str,
) -> list[Outcome]:
    """Run every step with every seed, some at a time; a seed whose market never reaches a step is replaced."""
    gate = asyncio.Semaphore(workers)
    jobs = [(step, seed) for seed in seeds for step in steps]
    bar = tick.add_task(what, total=len(jobs))

    async def one(step: Step, seed: int) -> Outcome:
        async with gate:
            for replacement in range(seed, seed + 20_000, 1_000):
                try:
                    outcome = await Trial(seed=replacement, folder=folder, engine=engine).run(step)
                except LookupError:
                    continue
                tick.advance(bar)
                return outcome
        raise LookupError(f"no market near seed {seed} reaches: {step.name}")

    begun = [one(steps[0], seed) for seed in seeds]  # makes each seed's rehearsal, once
    done = list(await asyncio.gather(*begun))
    return done + await asyncio.gather(*(one(step, seed) for step, seed in jobs if step is not steps[0]))


def page(real: list[Outcome], broken: dict[str, list[Outcome]], command: str, seconds: float) -> str:
    """Return the table as Markdown."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    lines = [
        "# Killed at every step",
        "",
        f"Command `{command}`, commit {commit}, {datetime.datetime.now(datetime.UTC):%Y-%m-%d}, "
        f"{seconds / 60:.0f} min on {os.cpu_count()} cores. Written by `scripts/prove.py`.",
        "",
        EXPLAINED,
        "",
        "| the process ends | trials | kills | orders | fills | violations |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for step in STEPS:
        of = [outcome for outcome in real if outcome.step == step.name]
        bad = sum(bool(outcome.violations) for outcome in of)
        counts = (len(of), sum(o.kills for o in of), sum(o.orders for o in of), sum(o.fills for o in of), bad)
        lines.append(f"| {step.name} | " + " | ".join(f"{count:,}" for count in counts) + " |")
    total = (len(real), sum(o.kills for o in real), sum(o.orders for o in real), sum(o.fills for o in real))
    bad = sum(bool(outcome.violations) for outcome in real)
    lines.append("| **all** | " + " | ".join(f"**{count:,}**" for count in (*total, bad)) + " |")
    lines += [
        "",
        "## The same proof of a broken engine",
        "",
        "The proof can fail: the same trials of the same engine with one flaw in its submit path",
        "(`tests/proofs/broken.py`).",
        "",
        "| flaw | trials | with violations | for example |",
        "|---|--:|--:|---|",
    ]
    for variant, outcomes in broken.items():
        found = [words for outcome in outcomes for words in outcome.violations if "ended with" not in words]
        example = next(iter(sorted(found, key=len)), "").split("OrderRow")[0][:110]
        bad = sum(bool(outcome.violations) for outcome in outcomes)
        lines.append(f"| {variant} | {len(outcomes)} | {bad} | {example} |")
    for outcome in real:
        lines += [f"- seed {outcome.seed}, {outcome.step}: {words}" for words in outcome.violations]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run the proofs and return 1 where one fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20, help="markets per step")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="engines at a time")
    parser.add_argument("--step", default="", help="only the steps whose name contains this")
    options = parser.parse_args()
    steps = [step for step in STEPS if options.step in step.name]
    if not steps:
        parser.error(f"no step is called {options.step!r}; they are: {'; '.join(step.name for step in STEPS)}")
    console, began = Console(stderr=True), time.monotonic()
    columns = (TextColumn("{task.description:40}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    seeds = range(options.first, options.first + options.seeds)
    with tempfile.TemporaryDirectory() as name, Progress(*columns, console=console) as tick:
        real = asyncio.run(sweep(seeds, steps, _folder(name, "real"), options.workers, tick, what="the engine"))
        broken = {
            variant: asyncio.run(
                sweep(seeds[:2], steps, _folder(name, variant), options.workers, tick, engine=engine, what=variant)
            )
            for variant, engine in BROKEN.items()
            if not options.step
        }
    command = "make prove" if len(sys.argv) == 1 else f"python scripts/prove.py {' '.join(sys.argv[1:])}"
    table = page(real, broken, command, time.monotonic() - began)
    if options.seeds >= 20 and not options.step:
        PROOFS.mkdir(parents=True, exist_ok=True)
        (PROOFS / "crash.md").write_text(table, encoding="utf-8")
    Console().print(table, markup=False, highlight=False, soft_wrap=True)
    blind = [variant for variant, outcomes in broken.items() if not any(o.violations for o in outcomes)]
    return int(bool(blind) or any(outcome.violations for outcome in real))


def _folder(name: str, part: str) -> Path:
    folder = Path(name) / part
    folder.mkdir()
    return folder


if __name__ == "__main__":
    sys.exit(main())
