"""How well `data check` finds faults put into real bars, and how often it tells of a fault where none was put.

    python scripts/quality_score.py              # both halves, to the terminal
    python scripts/quality_score.py --write      # and into docs/data/quality.md

The limits of the finders were chosen on the files of `TUNED`; the other half is what the numbers are worth.
"""

import argparse
import datetime
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console
from rich.progress import Progress

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.quality.injections import INJECTIONS  # noqa: E402 - the path comes first
from tests.quality.score import FACTS, rows_of, trial, written  # noqa: E402

from trading_system.data_pipeline.normalizers.defects.files.told_rows import read_rows  # noqa: E402
from trading_system.data_pipeline.normalizers.defects.habits import CERTAIN, lateness  # noqa: E402
from trading_system.data_pipeline.normalizers.quality_files import check_file  # noqa: E402

DATA: Final = ROOT.parent / "shared" / "data" / "ohlcv"
PAGE: Final = ROOT / "docs" / "data" / "quality.md"
BEGIN, END = "<!-- score: written by scripts/quality_score.py -->", "<!-- end of score -->"

TUNED: Final = (
    *("binance_BTCUSDT_1h", "binance_BNBUSDT_1h", "binance_ETHUSDT_5m", "binance_BTCUSDT_1m", "binance_BTCUSDT_1d"),
    "bitfinex_BTCUSD_1m",
)
HELD_OUT: Final = (
    *("binance_ETHUSDT_1h", "binance_SOLUSDT_1h", "binance_XRPUSDT_1h", "binance_BTCUSDT_5m", "binance_ETHUSDT_1m"),
    *("binance_ETHUSDT_1d", "bitfinex_ETHUSD_1m"),
)
THIN: Final = "bitfinex"
"""A venue that sends no bar for a minute without a trade, and at which a bar opens anywhere: told apart below."""


@dataclass(slots=True)
class Result:
    """What came of one file: faults put in and found by kind and variant, and what was told of the clean file."""

    name: str
    rows: int = 0
    put: Counter[tuple[str, str]] = field(default_factory=Counter)
    found: Counter[tuple[str, str]] = field(default_factory=Counter)
    false: int = 0
    dirty_rows: int = 0
    clean: Counter[str] = field(default_factory=Counter)


def judged(name: str, part: int, many: int, seeds: int) -> Result:
    """Return how one real file came out: whole, for what is told of clean rows; a part of it, for what is found."""
    result = Result(name)
    rows = rows_of(DATA / f"{name}.parquet")
    result.rows = len(rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bars.csv"
        for defect in check_file(written(rows, path)).defects:
            result.clean[defect.kind.value] += defect.rows
        begin = len(rows) // 3 if len(rows) > part else 0
        rows = rows[begin : begin + part]
        known = check_file(written(rows, path)).defects
        for seed in range(seeds):
            for kind, variants in INJECTIONS.items():
                for variant in variants:
                    score = trial(rows, kind, variant, path, many=many, seed=seed, known=known)
                    result.put[kind, variant] += score.injected
                    result.found[kind, variant] += score.found
                    result.false += score.false
                    result.dirty_rows += score.rows
    return result


def share(found: int, put: int) -> str:
    """Return a share as people read it, never rounded up to all."""
    return "all" if found == put else f"{int(1000 * found / put) / 10:.1f} %"


def tables(results: Sequence[Result]) -> str:
    """Return the tables of one half."""
    lines = ["| kind | put in | found | of it in liquid markets | variants that were missed |", "|---|--:|--:|--:|---|"]
    for kind, variants in INJECTIONS.items():
        put = sum(result.put[kind, variant] for result in results for variant in variants)
        found = sum(result.found[kind, variant] for result in results for variant in variants)
        liquid = [result for result in results if not result.name.startswith(THIN)]
        put_liquid = sum(result.put[kind, variant] for result in liquid for variant in variants)
        found_liquid = sum(result.found[kind, variant] for result in liquid for variant in variants)
        missed = []
        for variant in variants:
            many = sum(result.put[kind, variant] for result in results)
            less = many - sum(result.found[kind, variant] for result in results)
            if less:
                missed.append(f"{variant}: {less} of {many}")
        told = f"{share(found, put)} | {share(found_liquid, put_liquid)}"
        lines.append(f"| {kind} | {put} | {told} | {'; '.join(missed)} |")
    lines += [
        "",
        "| clean file | rows | spike | stale | other alarms | alarms | facts told |",
        "|---|--:|--:|--:|--:|--:|---|",
    ]
    for result in results:
        clean = result.clean
        alarms = sum(rows for kind, rows in clean.items() if kind not in FACTS)
        facts = ", ".join(f"{kind} {clean[kind]:,}" for kind in FACTS if clean[kind])
        other = alarms - clean["spike"] - clean["stale"]
        lines.append(
            f"| {result.name} | {result.rows:,} | {clean['spike']} | {clean['stale']} | {other} | "
            f"{alarms / result.rows:.4%} | {facts} |"
        )
    false, rows = sum(result.false for result in results), sum(result.dirty_rows for result in results)
    lines += [
        "",
        f"Rows told of in files with faults, away from every fault: {false:,} of {rows:,} ({false / rows:.5%}).",
    ]
    return "\n".join(lines)


LENGTHS: Final = (400, 800, 1_500, 3_000, 5_000, 10_000)


def late_slices(names: Sequence[str]) -> str:
    """Return, for slices of files, how many are told as stamped at their ends, as they are and one bar late."""
    late: dict[tuple[str, int], list[tuple[bool, bool]]] = {}
    for name in names:
        rows = read_rows(DATA / f"{name}.parquet").rows
        step = int(rows.time_ns[1] - rows.time_ns[0])
        market = f"{name.rpartition('_')[2]}{', thin' if name.startswith(THIN) else ''}"
        for length in LENGTHS:
            for begin in range(0, len(rows.time_ns) - length, max(length // 2, len(rows.time_ns) // 40)):
                part = rows.taken(np.arange(begin, begin + length))
                moved = part._replace(time_ns=part.time_ns + step)
                told = (lateness(part, step) > CERTAIN, lateness(moved, step) > CERTAIN)
                late.setdefault((market, length), []).append(told)
    lines = [f"| rows | {' | '.join(f'{length:,}' for length in LENGTHS)} |", "|---|" + "--:|" * len(LENGTHS)]
    for market in sorted({market for market, _ in late}):
        cells = []
        for length in LENGTHS:
            told = late.get((market, length), [])
            cells.append(f"{sum(moved for _, moved in told)} of {len(told)}" if told else "")
        lines.append(f"| {market} | {' | '.join(cells)} |")
    every = [told for slices in late.values() for told in slices]
    lines += ["", f"Of the same {len(every):,} slices as they are, told as late: {sum(told for told, _ in every)}."]
    return "\n".join(lines)


def page(text: str, told: str) -> str:
    """Return `text` with `told` between its marks."""
    head, rest = text.split(BEGIN)
    return f"{head}{BEGIN}\n\n{told}\n\n{END}{rest.split(END)[1]}"


def main() -> int:
    """Judge both halves and print, or write, what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write the tables into {PAGE.relative_to(ROOT)}")
    parser.add_argument("--rows", type=int, default=12_000, help="rows of each file that faults are put into")
    parser.add_argument("--many", type=int, default=10, help="faults in each file")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    if not DATA.is_dir():
        print("The real bars do not stand beside the checkout.", file=sys.stderr)
        return 2
    names = (*HELD_OUT, *TUNED)
    results: dict[str, Result] = {}
    with ProcessPoolExecutor(asked.workers) as pool, Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("files", total=len(names))
        jobs = [pool.submit(judged, name, asked.rows, asked.many, asked.seeds) for name in names]
        for job in jobs:
            results[job.result().name] = job.result()
            progress.advance(task)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    command = f"python scripts/quality_score.py --rows {asked.rows} --many {asked.many} --seeds {asked.seeds} --write"
    told = "\n\n".join(
        [
            f"`{command}`, {datetime.datetime.now(datetime.UTC):%Y-%m-%d}, commit {commit.stdout.strip()}.",
            "### Files that nothing was tuned on",
            tables([results[name] for name in HELD_OUT]),
            "### Files that the limits were tuned on",
            tables([results[name] for name in TUNED]),
            "### Slices one bar late without a seam, found by the habits of their market",
            late_slices(names),
        ]
    )
    print(told)
    if asked.write:
        PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), told), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
