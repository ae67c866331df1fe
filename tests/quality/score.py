"""What a checker made of files with faults in them: which it found, and what it told of rows with none."""

import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import polars as pl
from tests.quality.injections import CLOSE, INJECTIONS, ONCE, TIME, Entry, Place, Rows, number

from trading_system.data_pipeline.normalizers.defects.kinds import Defect
from trading_system.data_pipeline.normalizers.quality_files import FileCheck, check_file

MS_NS: Final = 1_000_000
DAY_MS: Final = 86_400_000
FACTS: Final = ("gap", "zero_bar")
"""Kinds that say only what is: a bar is absent, nothing was traded. They are right in a clean file too."""


def rows_of(path: Path) -> Rows:
    """Return the rows of a clean Parquet file."""
    frame = pl.read_parquet(path, columns=["timestamp", "open", "high", "low", "close", "volume"])
    return [list(row) for row in frame.iter_rows()]


def step_of(rows: Rows) -> int:
    """Return the usual step of `rows`, ms."""
    return statistics.mode(int(b[TIME]) - int(a[TIME]) for a, b in pairwise(rows[:500]))


def dirty(rows: Rows, kind: str, variant: str, *, many: int, seed: int) -> tuple[Rows, list[Entry]]:
    """Return a copy of `rows` with `many` faults in it, apart from each other, and the ledger."""
    rng = random.Random(f"{kind} {variant} {seed}")
    rows = [list(row) for row in rows]
    step = step_of(rows)
    apart = 420 if any(long in variant for long in ("300", "100", "50")) else 140
    slots = rng.sample(range(1, (len(rows) - 2 * apart) // apart), min(many, (len(rows) - 2 * apart) // apart - 1))
    if "bars" in variant and kind == "stamped_at_end" and step >= DAY_MS:
        slots = []  # no clock is wrong by days
    if variant in ONCE:
        slots = slots[:1]
    ledger = []
    for slot in sorted(slots, reverse=True):  # from behind, so that what comes before stays in its place
        at = slot * apart + 110 + rng.randrange(20)
        ledger.append(INJECTIONS[kind][variant](rows, Place(at=at, step=step, move=_move(rows, at)), rng))
    return rows, ledger


def _move(rows: Rows, at: int) -> float:
    closes = [number(row[CLOSE]) for row in rows[max(0, at - 100) : at]]
    returns = [math.log(b / a) for a, b in pairwise(closes)]
    return max(statistics.pstdev(returns), 1e-6)


def written(rows: Rows, path: Path) -> Path:
    """Write `rows` as CSV."""
    lines = ["timestamp,open,high,low,close,volume", *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How one file came out: `found` of `injected` faults; `false` rows told though nothing was done to them."""

    injected: int
    found: int
    false: int
    rows: int
    missed: tuple[Entry, ...]
    wrong: tuple[Defect, ...]


def scored(check: FileCheck, ledger: Sequence[Entry], known: Sequence[Defect], step: int) -> Score:
    """Return how `check` did; what it told of the clean file already (`known`) is not counted again."""
    missed = tuple(
        entry for entry in ledger if not any(_meets(defect, entry, 0, entry.kind) for defect in check.defects)
    )
    seen = {(defect.kind, defect.first_ns) for defect in known}
    wrong = tuple(
        defect
        for defect in check.defects
        if defect.kind not in FACTS
        and (defect.kind, defect.first_ns) not in seen
        and not any(_meets(defect, entry, step) for entry in ledger)
    )
    return Score(
        injected=len(ledger),
        found=len(ledger) - len(missed),
        false=sum(defect.rows for defect in wrong),
        rows=check.rows,
        missed=missed,
        wrong=wrong,
    )


def _meets(defect: Defect, entry: Entry, slack: int, kind: str | None = None) -> bool:
    if defect.first_ns is None or defect.last_ns is None or (kind is not None and defect.kind != kind):
        return False
    return defect.first_ns <= (entry.last + slack) * MS_NS and defect.last_ns >= (entry.first - slack) * MS_NS


def trial(rows: Rows, kind: str, variant: str, path: Path, *, many: int, seed: int, known: Sequence[Defect]) -> Score:
    """Return how one file with one kind of fault in it came out; `path` is where it is written."""
    faulty, ledger = dirty(rows, kind, variant, many=many, seed=seed)
    return scored(check_file(written(faulty, path)), ledger, known, step_of(rows))
