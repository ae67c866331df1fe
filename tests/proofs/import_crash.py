"""Kill `trading-system data import` at a random moment, look at the store, do it again, and compare.

A trial begins with a store that holds a drawn third of a series of hours, 69 months of them. A process of its own
imports a file of the whole series and ends by SIGKILL, after a drawn delay: of four trials, one at any moment from the
start of the process on, three while it writes. Then the store is opened: every row that was there is there, every row
that is there is right and there once, every file verifies. The import is done again, and the files must be byte for
byte those of a store that was made in one go, and the quarantine must hold the same rows.

    python -m tests.proofs.import_crash 200
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import numpy as np

from trading_system.data_pipeline.bar_checks import Columns
from trading_system.data_pipeline.bar_import import import_file
from trading_system.data_pipeline.bar_store import BarStore
from trading_system.errors import TradingError
from trading_system.utils.error_handling.quarantine import Quarantine, beside

ROOT: Final = Path(__file__).resolve().parents[2]
SERIES: Final = ("binance", "BTCUSDT", "1h")
HOUR_MS: Final = 3_600_000
START_MS: Final = 1_483_228_800_000
"""2017-01-01T00:00Z."""
HOURS: Final = 50_000
GONE: Final = 40
BAD: Final = 25
PATIENCE_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one trial came to.

    Attributes:
        seed: Its number.
        moment: When the process was killed: "starting", "writing", or "done" where it was through before.
        rows: Rows in the store then, of those that were not there before the trial.
        strays: Half-written files that lay there.
        violations: What is not as it must be.
    """

    seed: int
    moment: str
    rows: int
    strays: int
    violations: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A file, the store that it makes in one go, and for how long a process writes that store, s."""

    file: Path
    whole: Path
    writing_s: float
    running_s: float


def trials(count: int, seed: int, folder: Path, *, program: Sequence[str] = ()) -> list[Outcome]:
    """Run `count` trials with seeds from `seed` on, in `folder`; `program` is run in place of the real one."""
    case = _prepared(folder)
    return [_trial(case, folder / f"trial-{number}", number, program) for number in range(seed, seed + count)]


def _prepared(folder: Path) -> Case:
    """Write the file, import it in one go, and measure a process that does."""
    file, whole = folder / "BTCUSDT.csv", folder / "whole" / "bars"
    chance = np.random.default_rng(4)
    close = 2_000_000 + np.cumsum(chance.integers(-300, 301, HOURS))
    first = np.concatenate((close[:1], close[:-1]))
    high = np.maximum(first, close) + chance.integers(1, 200, HOURS)
    low = np.minimum(first, close) - chance.integers(1, 200, HOURS)
    high[chance.choice(HOURS, BAD, replace=False)] = 1
    kept = np.ones(HOURS, dtype=bool)
    kept[chance.choice(HOURS, GONE, replace=False)] = False
    with file.open("w") as out:
        out.write("timestamp,open,high,low,close,volume\n")
        for hour in np.flatnonzero(kept).tolist():
            prices = ",".join(f"{column[hour] / 100:.2f}" for column in (first, high, low, close))
            out.write(f"{START_MS + hour * HOUR_MS},{prices},{1 + hour % 97}.5\n")
    import_file(file, BarStore(whole), Quarantine(beside(whole)), venue=SERIES[0], symbol=SERIES[1])
    store = folder / "measured" / "bars"
    began = time.monotonic()
    process = _start(file, store, ())
    _until_written(process, store)
    writing = time.monotonic()
    process.wait(PATIENCE_S)
    ended = time.monotonic()
    return Case(file=file, whole=whole, writing_s=ended - writing, running_s=ended - began)


def _trial(case: Case, folder: Path, seed: int, program: Sequence[str]) -> Outcome:
    chance, store = Random(seed), folder / "bars"
    columns = BarStore(case.whole).columns(*SERIES)
    before = np.array([chance.random() < 1 / 3 for _ in range(len(columns.open_ns))])
    BarStore(store).append(_part(columns, before), *SERIES)
    process = _start(case.file, store, program)
    writing = bool(seed % 4)
    if writing:
        _until_written(process, store)
    time.sleep(chance.random() * (case.writing_s if writing else case.running_s))
    process.kill()  # SIGKILL; nothing where it has ended
    code = process.wait(PATIENCE_S)
    strays = len(list(store.rglob("*.part")))
    rows, violations = _judged(store, columns, before)
    if code not in (0, -signal.SIGKILL):
        violations.append(f"the import ended with exit code {code}")
    try:
        import_file(case.file, BarStore(store), Quarantine(beside(store)), venue=SERIES[0], symbol=SERIES[1])
        violations += _compared(case.whole, store)
    except TradingError as error:
        violations.append(f"importing again: {error}")
    if not violations:
        shutil.rmtree(folder)
    moment = "done" if code == 0 else "writing" if writing or rows else "starting"
    return Outcome(seed=seed, moment=moment, rows=rows, strays=strays, violations=tuple(violations))


def _start(file: Path, store: Path, program: Sequence[str]) -> "subprocess.Popen[bytes]":
    command = [
        *(program or (sys.executable, "-m", "trading_system")),
        "data",
        "import",
        str(file),
        "--store",
        str(store),
    ]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _until_written(process: "subprocess.Popen[bytes]", store: Path) -> None:
    """Wait until a file of the series changes, or the process has ended."""
    folder = store.joinpath(*SERIES)
    before = _changed_ns(folder)
    while process.poll() is None and _changed_ns(folder) == before:
        time.sleep(0.0005)


def _changed_ns(folder: Path) -> int:
    """Return when a folder or a file in it was last changed, ns; 0 where there is none."""
    if not folder.exists():
        return 0
    with os.scandir(folder) as files:
        inside = [file.stat().st_mtime_ns for file in files if not file.name.endswith(".part")]
    return max(inside, default=0)


def _judged(store: Path, whole: Columns, before: np.ndarray) -> tuple[int, list[str]]:
    """Return how many rows came to those `before`, and what is wrong with the store as the killed process left it."""
    try:
        found = BarStore(store).columns(*SERIES)
    except TradingError as error:
        return 0, [f"the store does not open: {error}"]
    violations = []
    if len(np.unique(found.open_ns)) != len(found.open_ns):
        violations.append("a row is there twice")
    lost = np.count_nonzero(~np.isin(whole.open_ns[before], found.open_ns))
    if lost:
        violations.append(f"{lost} rows that were there are lost")
    at = np.searchsorted(whole.open_ns, found.open_ns)
    right = all(np.array_equal(theirs[at], ours) for theirs, ours in zip(whole, found, strict=True))
    if not right:
        violations.append("a row is there that nobody wrote")
    return len(found.open_ns) - int(np.count_nonzero(before)), violations


def _compared(whole: Path, store: Path) -> list[str]:
    """Return in what a store that was finished differs from one that was made in one go."""
    made, again = (
        {path.name: path.read_bytes() for path in root.joinpath(*SERIES).iterdir()} for root in (whole, store)
    )
    names = sorted(name for name in made.keys() | again.keys() if made.get(name) != again.get(name))
    held = [set(Quarantine(beside(root)).contents().rows) for root in (whole, store)]
    return [f"{name} differs" for name in names] + ["the quarantine differs"] * (held[0] != held[1])


def _part(columns: Columns, rows: np.ndarray) -> Columns:
    return Columns(*(column[rows] for column in columns))


def page(outcomes: Sequence[Outcome]) -> str:
    """Return the trials as a table, and every violation."""
    lines = ["| killed while | trials | rows had come | half-written files | violations |", "|---|--:|--:|--:|--:|"]
    for moment in ("starting", "writing", "done"):
        of = [outcome for outcome in outcomes if outcome.moment == moment]
        rows, strays = sum(o.rows for o in of), sum(o.strays for o in of)
        lines.append(f"| {moment} | {len(of)} | {rows:,} | {strays} | {sum(bool(o.violations) for o in of)} |")
    lines += [f"- seed {o.seed}: {words}" for o in outcomes for words in o.violations]
    return "\n".join(lines)


def main() -> int:
    """Run the trials that the command line asks for and return 1 where one found something."""
    with tempfile.TemporaryDirectory() as name:
        outcomes = trials(int(sys.argv[1]) if len(sys.argv) > 1 else 10, 1, Path(name))
    sys.stdout.write(page(outcomes) + "\n")
    return int(any(outcome.violations for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
