"""One engine in a process of its own, which the bench asks for one round at a time: a line of JSON in, one out.

Between two rounds it waits for input and uses no CPU, so engines can be measured in turns on one machine. It knows
numpy and nothing of ours: peers run it in their own environment.
"""

import gc
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from scripts.bench.market import Ints, Market, load, trades_hash


class NotYet(Exception):
    """The engine cannot be measured, and why; its row is left out and the reason printed."""


class Traded(NamedTuple):
    """What a run came to, for all engines alike."""

    entry_bars: Ints
    """(N,) index of the bar that filled each entry."""
    exit_bars: Ints
    """(N,) index of the bar that filled each exit."""
    equity: float
    """Quote currency at the end, all positions closed."""


class Case(NamedTuple):
    """One way to run an engine."""

    run: Callable[[], Any]
    """What is timed: everything after the bars and signals lie in memory in the form that the engine takes."""
    read: Callable[[Any], Traded]
    """What is not: `run`'s result in our words."""


def serve(engine: str, prepare: Callable[[Market], Mapping[str, Case]]) -> None:
    """Load the market named on the command line, warm every case up once, then answer until input ends.

    A `NotYet` of `prepare` is answered in place of all else. Asked `{"case": name, "for_s": seconds}`, it runs the case
    once, and again while less than `for_s` has passed.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever an engine prints is no answer

    def answer(**words: Any) -> None:
        answers.write(json.dumps(words) + "\n")
        answers.flush()

    try:
        cases = prepare(load(Path(sys.argv[1])))
    except NotYet as reason:
        answer(engine=engine, not_yet=str(reason))
        return
    first_s = {}
    for name, case in cases.items():
        start = time.perf_counter()
        case.run()
        first_s[name] = time.perf_counter() - start
        answer(warmed=name)
    answer(engine=engine, first_s=first_s)
    for line in sys.stdin:
        asked = json.loads(line)
        seconds, outcome = _rounds(cases[asked["case"]], asked["for_s"])
        traded = cases[asked["case"]].read(outcome)
        answer(
            seconds=seconds,
            trades=len(traded.entry_bars),
            hash=trades_hash(traded.entry_bars, traded.exit_bars),
            equity=traded.equity,
            peak_mb=peak_mb(),
        )


def _rounds(case: Case, for_s: float) -> tuple[list[float], Any]:
    """Return the wall time of each run, s, and what the last one came to."""
    seconds: list[float] = []
    outcome = None
    began = time.perf_counter()
    while not seconds or time.perf_counter() - began < for_s:
        outcome = None  # the last one's memory is given back before the clock starts
        gc.collect()
        start = time.perf_counter()
        outcome = case.run()
        seconds.append(time.perf_counter() - start)
    return seconds, outcome


def peak_mb() -> float:
    """Return the largest memory that this process has held, MB (1e6 bytes).

    Linux's own high-water mark of this program alone; `ru_maxrss` begins with what the parent held when it forked.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text(encoding="utf-8").splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
