"""Kill the real engine at a step, let the market go on, start it again, and compare all it knows with the venue.

A trial is a market, a weather and a step, all drawn from one seed. The engine is a process of its own that
speaks HTTP and WebSocket with the local exchange; it ends by SIGKILL, so nothing is flushed and nobody says
goodbye. While it is dead the market goes on for up to five bars: stops trigger and fill, and orders that were
under way arrive. A first run of the same seed without a kill says how often each step is reached; the kill then
comes at a drawn one of these times.
"""

import asyncio
import itertools
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from tests.proofs.judge import claimed, judged
from tests.proofs.steps import Heard, Rehearsal, Step

from trading_system.bootstrap import read_journal
from trading_system.market.bars import interval_ns
from trading_system.testnet.config import API_KEY, API_SECRET, BTCUSDT, Listing, TestnetConfig
from trading_system.testnet.faults import (
    DelayRequest,
    DropConnection,
    Fault,
    HoldAnswer,
    Late,
    LoseAnswer,
    LoseRequest,
    On,
    Outage,
    Refuse,
)
from trading_system.testnet.server import Testnet
from trading_system.testnet.synthetic import synthetic_bars

ROOT: Final = Path(__file__).resolve().parents[2]
ENGINE: Final = (sys.executable, "-m", "trading_system", "paper")
FLAWS: Final = (
    "commits-after-sending",
    "resends-on-timeout",
    "takes-timeout-for-rejection",
    "takes-not-found-for-final",
    "recovers-without-asking",
    "reconnects-without-asking",
)
BROKEN: Final = {flaw: (sys.executable, str(Path(__file__).with_name("broken.py")), flaw) for flaw in FLAWS}
"""Engines with one flaw each, by its name."""
HISTORY: Final = 40
"""Bars before the clock starts: enough for the ATR."""
LIVE: Final = 64
"""Bars of a trial."""
MOMENTS: Final = 8
"""Trades of a bar, and its close."""
REST: Final = 6
"""Bars that are left for a process that starts again."""
WEATHER: Final[Mapping[On, tuple[float, Sequence[type[Fault]]]]] = {
    On.ORDER: (0.2, (LoseRequest, LoseAnswer, DelayRequest, Refuse, Late)),
    On.CANCEL: (0.2, (LoseRequest, LoseAnswer, Refuse, Late)),
    On.QUERY: (0.1, (LoseRequest, LoseAnswer, Refuse, Late)),
    On.DATA: (0.3, (LoseRequest, LoseAnswer, Refuse)),
}
"""What befalls which share of all requests in a trial."""
BREAKS: Final = ((Outage, On.NEWS, 3, 8), (DropConnection, On.ORDER, 2, 24), (DropConnection, On.CANCEL, 1, 12))
"""How the user stream breaks: so often, among the first so many. Not by share: in real time the streams of a trial
break one right after the other, and an engine waits twice as long before it comes back to one that keeps breaking."""
REPEATED: Final = frozenset({On.CANCEL, On.QUERY, On.DATA})
"""Lost ones are repeated once by aiohttp itself: every other loss of these takes the next as well."""
STARTS: Final = 6
"""A process that has not come through after so many starts never will."""
PATIENCE_S: Final = 60.0
"""One process may take this long, seconds of real time."""
_NUMBERS: Final = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a trial came to.

    Attributes:
        kills: Processes that ended by SIGKILL.
        orders, fills: How many the venue counts.
        meanwhile: Of the fills, those that happened while no process lived.
        faults: How often the weather did something.
        violations: What must not be, in words.
    """

    step: str
    seed: int
    kills: int = 0
    orders: int = 0
    fills: int = 0
    meanwhile: int = 0
    faults: int = 0
    violations: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Trial:
    """One market and weather, run by `engine` over real sockets."""

    seed: int
    folder: Path
    engine: Sequence[str] = ENGINE
    _process: asyncio.subprocess.Process | None = None
    _dead: list[tuple[int, int]] = field(default_factory=list)
    _heard: list[Heard] = field(default_factory=list)
    _unclaimed: list[str] = field(default_factory=list)

    async def run(self, step: Step) -> Outcome:
        """Run until the market is over, ending processes at `step`; judge what is left.

        Raises:
            LookupError: This seed's market never reaches the step.
        """
        rehearsal = await self._rehearsal()
        if not isinstance(rehearsal, Rehearsal):
            return Outcome(step=step.name, seed=self.seed, violations=rehearsal)
        number = rehearsal.draw(step, self.seed)
        kills, extra = [f"{kill}:1" for kill in step.kills], list[Fault]()
        if step.sent is None:
            kills[0] = f"{step.kills[0]}:{number}"
        else:
            extra.append(HoldAnswer(number, step.on, hook=self._kill))
        journal = self._path(step.name)
        async with self._testnet(journal, extra) as testnet:
            ended = await self._through(testnet, kills, journal, Random(f"{self.seed} {step.name} meanwhile"))
            ledger: dict[str, list[dict[str, int]]] = testnet.ledger()  # type: ignore[assignment]
        violations = [*_crashed(ended), *self._unclaimed, *judged(journal, ledger, BTCUSDT, self._dead)]
        deaths = sum(code == -signal.SIGKILL for code, _ in ended)
        wanted = len(step.kills) or 1
        if deaths != wanted:
            violations.append(f"the process was to be killed {wanted} times and was {deaths} times")
        return Outcome(
            step=step.name,
            seed=self.seed,
            kills=deaths,
            orders=len(ledger["orders"]),
            fills=len(ledger["fills"]),
            meanwhile=sum(died < fill["ns"] <= back for fill in ledger["fills"] for died, back in self._dead),
            faults=len(ledger["faults"]),
            violations=tuple(violations),
        )

    async def _rehearsal(self) -> Rehearsal | tuple[str, ...]:
        """Return what this seed comes to without a kill, which is run once and kept; or why it comes to nothing."""
        kept = self.folder / f"rehearsal-{self.seed}.json"
        if not kept.exists():
            journal = self._path(f"rehearsal {next(_NUMBERS)}")  # others may be rehearsing the same at this time
            async with self._testnet(journal, ()) as testnet:
                ended = await self._through(testnet, [], journal, Random(0))
            if problems := _crashed(ended):
                return tuple(f"without a kill: {problem}" for problem in problems)
            kept.write_text(json.dumps({"journal": str(journal), "heard": self._heard}), encoding="utf-8")
            self._heard, self._unclaimed = [], []
        told = json.loads(kept.read_text(encoding="utf-8"))
        heard = [(On(on), name) for on, name in told["heard"]]
        return Rehearsal(entries=list(read_journal(Path(told["journal"]))), heard=heard, weather=self._weather())

    async def _through(
        self, testnet: Testnet, kills: list[str], journal: Path, chance: Random
    ) -> list[tuple[int, str]]:
        """Start the engine again and again until it ends by itself; return exit codes with the last words."""
        ended = []
        for number in range(STARTS):
            kill = ["--kill-at", kills[number]] if number < len(kills) else []
            ended.append(await self._engine(testnet, journal, kill))
            if ended[-1][0] != -signal.SIGKILL:
                break
            died_ns = testnet.now_ns
            testnet.elapse(min(_while_dead(chance), max(0, testnet.bars_left - REST) * MOMENTS))
            self._dead.append((died_ns, testnet.now_ns))
        return ended

    async def _engine(self, testnet: Testnet, journal: Path, kill: list[str]) -> tuple[int, str]:
        values = {
            "venue.rest_url": testnet.url,
            "venue.step": "true",
            "strategy.name": "momentum",
            "policy.atr_stop": "1.0",
            "policy.stop_step": "0.2",
            "data.history_bars": str(HISTORY),
        }
        assignments = [part for name, value in values.items() for part in ("--set", f"{name}={value}")]
        self._process = await asyncio.create_subprocess_exec(
            *self.engine,
            *assignments,
            "--journal",
            str(journal),
            "--log",
            os.devnull,
            *kill,
            cwd=ROOT,
            env={**os.environ, "TRADING_SECRETS__API_KEY": API_KEY, "TRADING_SECRETS__API_SECRET": API_SECRET},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(PATIENCE_S):
                _, words = await self._process.communicate()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
            return 124, f"it hung for {PATIENCE_S:.0f} s"
        return self._process.returncode or 0, words.decode()[-2_000:]

    async def _kill(self) -> None:
        """End the engine now: the venue has done it and has told nobody."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()

    def _testnet(self, journal: Path, extra: Sequence[Fault]) -> Testnet:
        bars = synthetic_bars(seed=self.seed, count=HISTORY + LIVE, interval_ns=interval_ns("15m"), instrument=BTCUSDT)
        listing = Listing(instrument=BTCUSDT, interval="15m", bars=tuple(bars), history=HISTORY)

        def hear(on: On, name: str) -> None:
            self._heard.append((on, name))
            if on is On.ORDER and not claimed(journal, name):
                self._unclaimed.append(f"{name} was at the venue before its claim was durable")

        config = TestnetConfig(listings=(listing,), seed=self.seed, faults=(*self._weather(), *extra))
        return Testnet(config, on_request=hear)

    def _weather(self) -> tuple[Fault, ...]:
        chance, faults = Random(f"weather {self.seed}"), list[Fault]()
        for on, (rate, kinds) in WEATHER.items():
            for nth in range(1, 400):
                if chance.random() < rate:
                    faults.append(chance.choice(kinds)(nth, on))
                    if on in REPEATED and not faults[-1].answers and chance.random() < 0.5:
                        faults.append(type(faults[-1])(nth + 1, on))
        for kind, on, times, among in BREAKS:
            faults += [kind(nth, on) for nth in sorted(chance.sample(range(1, among + 1), times))]
        return tuple(faults)

    def _path(self, name: str) -> Path:
        plain = "".join(letter if letter.isalnum() else "-" for letter in name)
        return self.folder / f"{plain}-{self.seed}.sqlite3"


def _while_dead(chance: Random) -> int:
    """Return how many moments pass before the next start: none, some of a bar, or up to five bars and some."""
    bars = chance.choice((0, 0, 1, 1, 2, 3, 5))
    return bars * MOMENTS + chance.choice((0, chance.randint(1, MOMENTS - 1)))


def _crashed(ended: list[tuple[int, str]]) -> list[str]:
    return [f"the engine ended with {code}: {words}" for code, words in ended if code not in (0, -signal.SIGKILL)]


async def reached(step: Step, seed: int, folder: Path, engine: Sequence[str] = ENGINE) -> Outcome:
    """Run a trial with the first of `seed`, `seed` + 1000 ... whose market reaches `step`."""
    for replacement in range(seed, seed + 20_000, 1_000):
        try:
            return await Trial(seed=replacement, folder=folder, engine=engine).run(step)
        except LookupError:
            continue
    raise LookupError(f"no market near seed {seed} reaches: {step.name}")
