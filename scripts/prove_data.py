"""The data pipeline's long proof: `data fetch` and `data import` killed at random moments; a part of `make prove`.

Its table goes to docs/proofs/data.md with command, commit and date. The trials are those of tests/proofs, which CI
runs in a sample.
"""

import argparse
import asyncio
import datetime
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Final

from rich.console import Console

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.proofs import fetch_crash, import_crash  # noqa: E402 - the path comes first

PAGE: Final = ROOT / "docs" / "proofs" / "data.md"
KILLS: Final = 200
EXPLAINED: Final = """\
Each trial starts the real command in a process of its own and ends it by SIGKILL at a random moment. After each kill
the store is opened and read: every month that is there holds what its hash says, no row stands twice, none is another
than the source's. Then the command is run again: `data fetch` in chains of kills on one store
(`tests/proofs/fetch_crash.py`, the local exchange over real HTTP), `data import` once (`tests/proofs/import_crash.py`).
At the end the store must be that of a command which nobody disturbed, row by row."""


def main() -> int:
    """Run the trials, write the page where all were run, and return 1 where one of them failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=KILLS, help="of each command [%(default)s]")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began, console = time.monotonic(), Console(stderr=True)
    with tempfile.TemporaryDirectory() as name, console.status("data import, killed"):
        imported = import_crash.trials(options.kills * 5 // 4, options.seed, Path(name))
    with tempfile.TemporaryDirectory() as name, console.status("data fetch, killed"):
        fetched = asyncio.run(fetch_crash.trials(options.kills, options.seed, Path(name)))
    moments = Counter(outcome.moment for outcome in imported)
    dead, kills = len(imported) - moments["done"], sum(outcome.kills for outcome in fetched)
    bad = [f"data import, seed {one.seed}: {words}" for one in imported for words in one.violations]
    bad += [f"data fetch, seed {one.seed}: {words}" for one in fetched for words in one.violations]
    said = ", ".join(f"{count} {moment}" for moment, count in sorted(moments.items()))
    rows = [
        ("`data import`", f"{dead}", said, f"{sum(bool(one.violations) for one in imported)}"),
        ("`data fetch`", f"{kills}", f"in {len(fetched)} chains, {sum(one.pages for one in fetched):,} requests",
         f"{sum(bool(one.violations) for one in fetched)}"),
    ]  # fmt: skip
    lines = ["| command | killed | when | with violations |", "|---|--:|---|--:|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows] + [f"- {words}" for words in bad]
    arguments = " ".join(sys.argv[1:])
    command = f"python scripts/prove_data.py {arguments}" if arguments else "make prove"
    head = ["# Collecting and importing, killed", "", f"{_circumstances(command, time.monotonic() - began)}"]
    page = "\n".join([*head, "", EXPLAINED, "", *lines]) + "\n"
    if options.kills >= KILLS:
        PAGE.write_text(page, encoding="utf-8")
    Console().print(page, markup=False, highlight=False, soft_wrap=True)
    return int(bool(bad) or min(dead, kills) < options.kills)


def _circumstances(command: str, seconds: float) -> str:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    today = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}"
    return (
        f"Command `{command}`, commit {commit}, {today}, {seconds / 60:.0f} min on {os.cpu_count()} cores. "
        "Written by `scripts/prove_data.py`."
    )


if __name__ == "__main__":
    sys.exit(main())
