"""Measure engines in turns: each in a process of its own, round after round, so that a busy machine hits all."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
PEERS: Final = ROOT / ".venv-peers"
ONE_THREAD: Final = dict.fromkeys(
    ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS"), "1"
)
"""What is promised of an engine in memory is promised of one core."""
FOR_S: Final = 0.3
"""A round of a fast engine repeats its run for so long; a slow one runs once."""


class EngineFailed(Exception):
    """An engine's process ended, or said what is no answer; with the last of what it printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """How to start one engine.

    Attributes:
        module: Its worker.
        arguments: After the market's file.
        peer: Whether it runs in the peers' environment.
    """

    module: str
    arguments: tuple[str, ...] = ()
    peer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One way to run an engine, measured.

    Attributes:
        engine: Its name and version.
        case: Which of its cases.
        rounds: The best wall time of each round, s.
        first_s: Its first run in a fresh process, compilation and loading of caches included, s.
        trades, hash, equity: What it came to, the same in all rounds.
        peak_mb: Largest memory of its process so far, MB.
    """

    engine: str
    case: str
    rounds: tuple[float, ...]
    first_s: float
    trades: int
    hash: str
    equity: float
    peak_mb: float

    @property
    def best(self) -> float:
        """The best wall time of all, s."""
        return min(self.rounds)


class Worker:
    """An engine's running process."""

    def __init__(self, engine: Engine, market: Path, log: Path) -> None:
        self._log = log
        python = PEERS / "bin" / "python" if engine.peer else Path(sys.executable)
        command = [str(python), "-m", engine.module, str(market), *engine.arguments]
        with log.open("w", encoding="utf-8") as errors:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=environment(peer=engine.peer) | ONE_THREAD, text=True, encoding="utf-8",
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            )  # fmt: skip
        self._what = " ".join([engine.module, *engine.arguments])

    def hear(self) -> dict[str, Any]:
        """Return the next answer.

        Raises:
            EngineFailed: There is none.
        """
        assert self._process.stdout is not None
        try:
            heard: dict[str, Any] = json.loads(self._process.stdout.readline())
        except json.JSONDecodeError:
            tail = self._log.read_text(encoding="utf-8", errors="replace")[-3000:]
            raise EngineFailed(f"{self._what} gave no answer. It had printed:\n{tail}") from None
        return heard

    def ask(self, case: str) -> dict[str, Any]:
        """Run one round of `case` and return the answer; raises as `hear`."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"case": case, "for_s": FOR_S}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # `hear` says why
        return self.hear()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


def environment(*, peer: bool) -> dict[str, str]:
    """Return the variables of a process; for peers a compile cache that lives as long as they do."""
    return {**os.environ, **({"NUMBA_CACHE_DIR": str(PEERS / "numba-cache")} if peer else {})}


def in_turns(
    engines: Sequence[Engine], market: Path, rounds: int, say: Callable[[str], None]
) -> tuple[list[Measured], list[str]]:
    """Return every case of every engine, measured in `rounds` turns, and why an engine was left out.

    Raises:
        EngineFailed: An engine did not answer, or two of its rounds came to different trades.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        workers, names, firsts, left_out = [], [], [], []
        for number, engine in enumerate(engines):
            worker = Worker(engine, market, folder / f"{number}.log")
            stack.callback(worker.close)
            say(f"warming up {engine.module.rpartition('.')[2]} {' '.join(engine.arguments)}")
            heard = worker.hear()
            while "warmed" in heard:
                heard = worker.hear()
            if "not_yet" in heard:
                left_out.append(f"{heard['engine']}: {heard['not_yet']}")
                continue
            workers.append(worker)
            names.append(heard["engine"])
            firsts.append(heard["first_s"])
        plan = [(number, case) for number, first in enumerate(firsts) for case in first]
        heard_of: dict[tuple[int, str], list[dict[str, Any]]] = {turn: [] for turn in plan}
        for count in range(rounds):
            for number, case in plan:
                say(f"round {count + 1} of {rounds}: {names[number]}, {case}")
                heard_of[number, case].append(workers[number].ask(case))
    return [_measured(names[n], case, firsts[n][case], heard_of[n, case]) for n, case in plan], left_out


def _measured(engine: str, case: str, first_s: float, heard: list[dict[str, Any]]) -> Measured:
    if len({(answer["trades"], answer["hash"], answer["equity"]) for answer in heard}) != 1:
        raise EngineFailed(f"{engine}, {case}: its rounds came to different trades")
    return Measured(
        engine=engine,
        case=case,
        rounds=tuple(min(answer["seconds"]) for answer in heard),
        first_s=first_s,
        trades=heard[-1]["trades"],
        hash=heard[-1]["hash"],
        equity=heard[-1]["equity"],
        peak_mb=heard[-1]["peak_mb"],
    )
