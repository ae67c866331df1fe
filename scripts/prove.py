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

from tests.proofs.crash import BROKEN, ENGINE, LIVE, Outcome, reached  # noqa: E402 - the path comes first
from tests.proofs.steps import STEPS, Step  # noqa: E402

PROOFS: Final = ROOT / "docs" / "proofs"
EXPLAINED: Final = f"""\
Each trial (`tests/proofs/crash.py`): a synthetic market of {LIVE} bars, the real engine in a process of its own over
real sockets, SIGKILL at the step, up to five bars in which the market goes on and nobody listens, a new start. All the
while one in five orders and cancels, one in ten questions and three in ten requests for bars meet the weather: lost on
the way there or back, answered while the user stream breaks, arriving seconds after they were given up, turned away for
asking too much (429) or for coming too late (-1021); and the user stream drops out while stops trigger and fill.

What must hold (`tests/proofs/judge.py`): at the end every order, fill and balance of the journal equals the venue's
ledger, nothing is left in doubt and the journal's chain holds. Nothing was sent twice; and whenever an order came to
the venue its claim stood in the journal's file already. By the venue's own records, no position stood at a bar's close
without sell orders for all of it, and no decision was made on another position than the venue's, unless the process was
dead at that moment or had met a fault within the last 60 simulated seconds."""


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
            outcome = await reached(step, seed, folder, engine)
        tick.advance(bar)
        return outcome

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
        "| the process ends | trials | kills | faults | orders | fills | of them while dead | violations |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for step in STEPS:
        counts = _counts([outcome for outcome in real if outcome.step == step.name])
        lines.append(f"| {step.name} | " + " | ".join(f"{count:,}" for count in counts) + " |")
    lines.append("| **all** | " + " | ".join(f"**{count:,}**" for count in _counts(real)) + " |")
    lines += [
        "",
        "## The same proof of a broken engine",
        "",
        "The proof can fail: the same trials of the same engine with one flaw (`tests/proofs/broken.py`).",
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


def _counts(of: list[Outcome]) -> tuple[int, ...]:
    """Return trials, kills, faults, orders, fills, fills while dead, and trials with violations."""
    sums = (
        sum(getattr(outcome, name) for outcome in of) for name in ("kills", "faults", "orders", "fills", "meanwhile")
    )
    return (len(of), *sums, sum(bool(outcome.violations) for outcome in of))


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
                sweep(
                    seeds[:8], steps[3::9], _folder(name, variant), options.workers, tick, engine=engine, what=variant
                )
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
