"""Kill `data fetch` at random moments of its work, again and again, and compare the store with one that was never hurt.

A trial is a chain of processes on one store. Each is the real command, asks a real local exchange over HTTP, and ends
by SIGKILL a random while after a random one of its requests came: while it waits for the answer, writes a month, its
manifest, or what it knows of outages. After each death the store must open, and hold bars of the exchange's, each once.
The last process is let finish; then the store must equal, to the bit, the one that a single undisturbed run makes.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

import numpy as np

from trading_system.data_pipeline.bar_checks import Columns
from trading_system.data_pipeline.bar_store import BarStore
from trading_system.errors import ConfigurationError, DataError
from trading_system.market.bars import Bar, interval_ns
from trading_system.testnet.config import BTCUSDT, Listing, TestnetConfig
from trading_system.testnet.faults import On
from trading_system.testnet.server import Testnet
from trading_system.testnet.synthetic import synthetic_bars

ROOT: Final = Path(__file__).resolve().parents[2]
INTERVAL: Final = "15m"
BARS: Final = 6_000
"""Two months and some of quarter-hours."""
OUTAGES: Final = ((700, 760), (2_900, 3_100), (5_000, 5_001))
"""Bars that never were, by number."""
PAGE: Final = 100
CHAIN: Final = 10
"""Deaths of one store, at most."""
REACH: Final = 4
"""A process dies after one of so many requests: a chain ends before all is fetched."""
LATER_S: Final = 0.02
"""And so long after it, seconds, at most: a page is written in about 5 ms."""
PATIENCE_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a chain came to.

    Attributes:
        kills: Processes that ended by SIGKILL.
        pages: Requests for bars that the exchange saw, of all processes.
        violations: What must not be, in words.
    """

    seed: int
    kills: int
    pages: int
    violations: tuple[str, ...]


@dataclass(slots=True)
class _Killer:
    """Ends the process in hand a while after the `nth` of its requests for bars, unless `nth` is 0."""

    process: asyncio.subprocess.Process | None = None
    nth: int = 0
    after_s: float = 0.0
    pages: int = 0
    _left: int = field(default=0)

    def arm(self, nth: int, after_s: float) -> None:
        self.nth, self.after_s, self._left = nth, after_s, nth

    def hear(self, on: On, name: str) -> None:
        if on is not On.DATA:
            return
        self.pages += 1
        self._left -= 1
        if self.nth and self._left == 0:
            asyncio.get_running_loop().call_later(self.after_s, self._kill)

    def _kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()


def market(seed: int) -> list[Bar]:
    """Return what the exchange has: a synthetic market with outages."""
    bars = synthetic_bars(seed=seed, count=BARS, interval_ns=interval_ns(INTERVAL), instrument=BTCUSDT)
    return [bar for number, bar in enumerate(bars) if not any(first <= number < last for first, last in OUTAGES)]


async def chain(bars: Sequence[Bar], whole: Columns, seed: int, kills: int, folder: Path) -> Outcome:
    """Kill `kills` processes on one new store, let another finish, and judge it against `whole`."""
    chance, killer, violations = Random(f"fetch {seed}"), _Killer(), list[str]()
    store, died = folder / f"store-{seed}", 0
    async with Testnet(config(bars), on_request=killer.hear) as testnet:
        for number in range(kills):
            killer.arm(chance.randint(1, REACH), chance.uniform(0.0, LATER_S))
            code, words = await _process(testnet, store, killer)
            died += code == -signal.SIGKILL
            violations += _judged(store, whole, f"after death {number + 1}")
            if code not in (0, -signal.SIGKILL):
                violations.append(f"the process ended with {code}: {words}")
        killer.arm(0, 0.0)
        for again in ("the last run", "a run with nothing to do"):
            code, words = await _process(testnet, store, killer)
            if code:
                violations.append(f"{again} ended with {code}: {words}")
        violations += _judged(store, whole, "at the end") or _unfinished(store, whole)
    return Outcome(seed=seed, kills=died, pages=killer.pages, violations=tuple(violations))


async def trials(count: int, seed: int, folder: Path) -> list[Outcome]:
    """Kill `count` processes in chains of up to ten, each on a store of its own, drawn from `seed`."""
    bars = market(seed)
    whole_folder = folder / "whole"
    async with Testnet(config(bars)) as testnet:
        code, words = await _process(testnet, whole_folder, _Killer())
    if code:
        raise RuntimeError(f"undisturbed, the process ended with {code}: {words}")
    whole = BarStore(whole_folder).columns("binance", "BTCUSDT", INTERVAL)
    outcomes = []
    for number, first in enumerate(range(0, count, CHAIN)):
        outcomes.append(await chain(bars, whole, seed * 1_000 + number, min(CHAIN, count - first), folder))
    return outcomes


def config(bars: Sequence[Bar]) -> TestnetConfig:
    """Return an exchange whose clock stands behind the last of `bars`."""
    return TestnetConfig(
        listings=(Listing(instrument=BTCUSDT, interval=INTERVAL, bars=tuple(bars), history=len(bars)),)
    )


async def _process(testnet: Testnet, store: Path, killer: _Killer) -> tuple[int, str]:
    killer.process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "trading_system", "data", "fetch", "--url", testnet.url, "--store", str(store)),
        *("--interval", INTERVAL, "--since", "2023-12-01", "--page", str(PAGE)),
        cwd=ROOT,
        env={**os.environ},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            _, words = await killer.process.communicate()
    except TimeoutError:
        killer.process.kill()
        await killer.process.wait()
        return 124, f"it hung for {PATIENCE_S:.0f} s"
    return killer.process.returncode or 0, words.decode()[-2_000:]


def _judged(store: Path, whole: Columns, when: str) -> list[str]:
    """Return what is wrong with a store whose writer was killed."""
    try:
        held = BarStore(store).columns("binance", "BTCUSDT", INTERVAL)
    except ConfigurationError:  # nothing was written yet
        return []
    except DataError as error:
        return [f"{when} the store does not open: {error}"]
    if (np.diff(held.open_ns) <= 0).any():
        return [f"{when} bars stand twice or out of order"]
    if not np.isin(held.open_ns, whole.open_ns).all():
        return [f"{when} there are bars that never were"]
    at = np.searchsorted(whole.open_ns, held.open_ns)
    return [] if _same(held, Columns(*(column[at] for column in whole))) else [f"{when} bars say something else"]


def _unfinished(store: Path, whole: Columns) -> list[str]:
    """Return whether a sound store that was finished lacks something."""
    if _same(BarStore(store).columns("binance", "BTCUSDT", INTERVAL), whole):
        return []
    return ["the finished store is not the one that a single run makes"]


def _same(one: Columns, other: Columns) -> bool:
    return all(np.array_equal(mine, theirs) for mine, theirs in zip(one, other, strict=True))


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        for outcome in asyncio.run(trials(int(sys.argv[1]), int(sys.argv[2]), Path(name))):
            sys.stdout.write(f"{outcome}\n")
