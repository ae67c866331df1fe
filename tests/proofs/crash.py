"""Kill the real engine at a labelled step, start it again, and compare all it knows with the venue's ledger.

A trial is a market, a weather and a step, all drawn from one seed. The engine is a process of its own that
speaks HTTP and WebSocket with the local exchange; it ends by SIGKILL, so nothing is flushed and nobody says
goodbye. A first run of the same seed without a kill says how often each step is reached; the kill then comes
at a drawn one of these times.
"""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from trading_system.blotter import events as e
from trading_system.blotter.portfolio import Portfolio, terms_of
from trading_system.blotter.tickets import Intent
from trading_system.bootstrap import read_journal
from trading_system.desk.audit import compare
from trading_system.errors import TradingError
from trading_system.market.bars import interval_ns
from trading_system.ports import Entry
from trading_system.risk_management.exposure import protectable
from trading_system.testnet.config import API_KEY, API_SECRET, BTCUSDT, Listing, TestnetConfig
from trading_system.testnet.faults import DropConnection, Fault, HoldAnswer, LoseAnswer, LoseRequest, On
from trading_system.testnet.server import Testnet
from trading_system.testnet.synthetic import synthetic_bars

ROOT: Final = Path(__file__).resolve().parents[2]
ENGINE: Final = (sys.executable, "-m", "trading_system", "paper")
BROKEN: Final = {
    variant: (sys.executable, str(Path(__file__).with_name("broken.py")), variant)
    for variant in ("commits-after-sending", "resends-on-timeout", "takes-timeout-for-rejection")
}
"""Engines with one flaw each, by its name."""
HISTORY: Final = 40
"""Bars before the clock starts: enough for the ATR."""
LIVE: Final = 60
"""Bars of a trial."""
BAD_DAY: Final = 0.15
"""Share of orders and cancels that meet a fault in a trial's weather."""
STARTS: Final = 6
"""A process that has not come through after so many starts never will."""
PATIENCE_S: Final = 60.0
"""One process may take this long, seconds of real time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Where the process ends.

    Attributes:
        name: In the table.
        kills: The checkpoint at which the first process ends, then the one at which the second does, and so on.
        sent: Instead, the first process ends once the venue has an order of this intent and nobody was answered.
    """

    name: str
    kills: tuple[str, ...] = ()
    sent: Intent | None = None


def _at(name: str, *kills: str) -> Step:
    return Step(name=name, kills=kills)


STEPS: Final = (
    _at("bar heard, decision not written", "Decided.before"),
    _at("decision durable", "Decided.durable"),
    _at("entry: before the intent is durable", "enter.OrderQueued.before"),
    _at("entry: intent durable", "enter.OrderQueued.durable"),
    _at("entry: claim durable, not sent", "enter.submit.sending"),
    Step(name="entry: sent and executed, not answered", sent=Intent.ENTER),
    _at("entry: answered, not written", "enter.submit.answered"),
    _at("entry: answer durable", "enter.OrderAccepted.durable"),
    _at("entry: fill heard, not written", "enter.OrderFilled.before"),
    _at("entry: fill durable", "enter.OrderFilled.durable"),
    _at("stop: intent durable", "protect.OrderQueued.durable"),
    _at("stop: claim durable, not sent", "protect.submit.sending"),
    Step(name="stop: sent and resting, not answered", sent=Intent.PROTECT),
    _at("stop: answered, not written", "protect.submit.answered"),
    _at("stop: placed and durable", "protect.OrderAccepted.durable"),
    _at("stop: cancel durable, not sent", "protect.cancel.sending"),
    _at("stop: cancel answered, not written", "protect.cancel.answered"),
    _at("stop: canceled and durable", "protect.OrderCanceled.durable"),
    _at("exit: intent durable", "exit.OrderQueued.durable"),
    Step(name="exit: sent and executed, not answered", sent=Intent.EXIT),
    _at("exit: answered, not written", "exit.submit.answered"),
    _at("exit: fill durable", "exit.OrderFilled.durable"),
    _at("start: before anything is written", "enter.submit.answered", "EngineStarted.before"),
    _at("start: recovery decided and durable", "enter.submit.answered", "EngineStarted.durable"),
    _at("start: ready, venue not asked", "enter.submit.sending", "ready"),
    _at("start: a doubt cleared up, not written", "enter.submit.answered", "enter.OrderFilled.before"),
    _at("start: compared with the venue", "protect.submit.answered", "Reconciled.durable"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a trial came to.

    Attributes:
        kills: Processes that ended by SIGKILL.
        orders, fills: How many the venue counts.
        faults: How many requests the weather met.
        violations: What must not be, in words.
    """

    step: str
    seed: int
    kills: int
    orders: int
    fills: int
    faults: int
    violations: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Trial:
    """One market and weather, run by `engine` over real sockets."""

    seed: int
    folder: Path
    engine: Sequence[str] = ENGINE
    rate: float = BAD_DAY
    _process: asyncio.subprocess.Process | None = None

    async def run(self, step: Step) -> Outcome:
        """Run until the market is over, ending processes at `step`; judge what is left.

        Raises:
            LookupError: This seed's market never reaches the step.
        """
        kills, extra = self._plan(step, await self._rehearsal())
        testnet = self._testnet(extra)
        async with testnet:
            ended = await self._through(testnet, kills, self._journal(step.name))
            violations = [*self._crashed(ended), *judged(self._journal(step.name), testnet.ledger())]
            ledger = testnet.ledger()
        deaths = sum(code == -signal.SIGKILL for code, _ in ended)
        wanted = len(step.kills) or 1
        if deaths != wanted:
            violations.append(f"the process was to be killed {wanted} times and was {deaths} times")
        return Outcome(
            step=step.name,
            seed=self.seed,
            kills=deaths,
            orders=len(ledger["orders"]),  # type: ignore[arg-type]
            fills=len(ledger["fills"]),  # type: ignore[arg-type]
            faults=len(self._weather()),
            violations=tuple(violations),
        )

    async def _rehearsal(self) -> list[Entry]:
        """Return the journal of this seed without a kill; it is run once and kept."""
        path = self.folder / f"rehearsal-{self.seed}.sqlite3"
        if not path.exists():
            async with self._testnet(()) as testnet:
                ended = await self._through(testnet, [], path)
            if problems := self._crashed(ended):
                raise RuntimeError(f"seed {self.seed} does not come through without a kill: {problems}")
        return list(read_journal(path))

    def _plan(self, step: Step, rehearsal: list[Entry]) -> tuple[list[str], tuple[Fault, ...]]:
        """Draw at which of the times that the step is reached the process ends."""
        chance = Random(f"{self.seed} {step.name}")
        if step.sent is not None:
            claims = [entry.fact for entry in rehearsal if isinstance(entry.fact, e.OrderSubmitted)]
            intents = {f.client_order_id: f.ticket.intent for f in _facts(rehearsal) if isinstance(f, e.OrderQueued)}
            met = {fault.nth for fault in self._weather() if fault.on is On.ORDER}
            numbers = [n for n, c in enumerate(claims, 1) if intents[c.client_order_id] is step.sent and n not in met]
            if not numbers:
                raise LookupError(f"seed {self.seed} sends nothing to {step.sent}")
            return [], (HoldAnswer(chance.choice(numbers), hook=self._kill),)
        kind, _, name = step.kills[0].rpartition(".")[0].rpartition(".")
        times = _times(rehearsal, step.kills[0])
        if not times:
            raise LookupError(f"seed {self.seed} never reaches {kind}{name}")
        return [f"{step.kills[0]}:{chance.randint(1, times)}", *(f"{kill}:1" for kill in step.kills[1:])], ()

    async def _through(self, testnet: Testnet, kills: list[str], journal: Path) -> list[tuple[int, str]]:
        """Start the engine again and again until it ends by itself; return exit codes with the last words."""
        ended = []
        for number in range(STARTS):
            kill = ["--kill-at", kills[number]] if number < len(kills) else []
            ended.append(await self._engine(testnet, journal, kill))
            if ended[-1][0] != -signal.SIGKILL:
                break
        return ended

    async def _engine(self, testnet: Testnet, journal: Path, kill: list[str]) -> tuple[int, str]:
        values = {
            "venue.rest_url": testnet.url,
            "venue.step": "true",
            "strategy.name": "momentum",
            "policy.atr_stop": "1.5",
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
        """End the engine now: the venue has the order and has told nobody."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()

    def _testnet(self, extra: tuple[Fault, ...]) -> Testnet:
        bars = synthetic_bars(seed=self.seed, count=HISTORY + LIVE, interval_ns=interval_ns("15m"), instrument=BTCUSDT)
        listing = Listing(instrument=BTCUSDT, interval="15m", bars=tuple(bars), history=HISTORY)
        return Testnet(TestnetConfig(listings=(listing,), seed=self.seed, faults=(*self._weather(), *extra)))

    def _weather(self) -> tuple[Fault, ...]:
        chance = Random(f"weather {self.seed}")
        kinds = (LoseRequest, LoseAnswer, DropConnection)
        return tuple(chance.choice(kinds)(nth, on) for on in On for nth in range(1, 100) if chance.random() < self.rate)

    def _journal(self, name: str) -> Path:
        plain = "".join(letter if letter.isalnum() else "-" for letter in name)
        return self.folder / f"{plain}-{self.seed}.sqlite3"

    def _crashed(self, ended: list[tuple[int, str]]) -> list[str]:
        return [f"the engine ended with {code}: {words}" for code, words in ended if code not in (0, -signal.SIGKILL)]


def judged(journal: Path, ledger: dict[str, object]) -> list[str]:
    """Return all that must not be, from the journal and the venue's ledger; the chain is verified on the way."""
    try:
        entries = list(read_journal(journal))
        found = [str(difference) for difference in compare(entries, ledger)]
        return found + _unclaimed(entries) + _unprotected(entries) + _left_in_doubt(entries)
    except TradingError as error:
        return [f"{type(error).__name__}: {error}"]


def _unclaimed(entries: list[Entry]) -> list[str]:
    """Return orders of which the venue told before their claim was written down (I-06)."""
    claimed, found = set[str](), []
    for fact in _facts(entries):
        if isinstance(fact, e.OrderSubmitted):
            claimed.add(fact.client_order_id)
        elif isinstance(fact, e.OrderAccepted | e.OrderFilled) and fact.client_order_id not in claimed:
            found.append(f"{fact.client_order_id} was at the venue before its claim was durable")
    return found


def _unprotected(entries: list[Entry]) -> list[str]:
    """Return bars at whose close a position stood without a stop, an exit on its way, or a doubt being asked (I-12)."""
    portfolio, found = Portfolio(), []
    for fact in _facts(entries):
        if isinstance(fact, e.BarClosed):
            for book in portfolio.sleeves.values():
                orders = portfolio.live_orders(book.key)
                covered = sum(o.open_lots for o in orders if o.ticket.intent is not Intent.ENTER)
                asking = any(o.doubtful or o.ticket.limit_ticks is None for o in orders)
                bare = book.held_lots - covered
                if not asking and protectable(bare, book.carried.stop_ticks, terms_of(book.instrument)):
                    found.append(f"{bare} lots stood unprotected at the bar of {fact.bar.close_ns}")
        portfolio.apply(fact)
    return found


def _left_in_doubt(entries: list[Entry]) -> list[str]:
    portfolio = Portfolio()
    for fact in _facts(entries):
        portfolio.apply(fact)
    found = [f"{o.ticket.client_order_id} is still in doubt" for o in portfolio.live_orders() if o.doubtful]
    return found + [f"not reconciled: {words}" for words in portfolio.differences]


def _facts(entries: list[Entry]) -> list[e.Fact]:
    return [entry.fact for entry in entries]


def _times(entries: list[Entry], checkpoint: str) -> int:
    """Return how often a run with this journal reaches `checkpoint`."""
    facts = _facts(entries)
    intents = {f.client_order_id: f.ticket.intent.value for f in facts if isinstance(f, e.OrderQueued)}
    names = Counter(
        f"{intents[f.client_order_id]}.{type(f).__name__}"
        if isinstance(f, e.OrderEvent | e.OrderQueued)
        else type(f).__name__
        for f in facts
    )
    subject, _, moment = checkpoint.rpartition(".")
    if subject.endswith(".submit"):
        claimed = names[f"{subject.removesuffix('.submit')}.OrderSubmitted"]
        unanswered = names[f"{subject.removesuffix('.submit')}.OrderInDoubt"]
        return claimed if moment == "sending" else claimed - unanswered
    if subject.endswith(".cancel"):
        wished = names[f"{subject.removesuffix('.cancel')}.CancelRequested"]
        unanswered = names[f"{subject.removesuffix('.cancel')}.CancelInDoubt"]
        return wished if moment == "sending" else wished - unanswered
    return names[subject]


def described(outcome: Outcome) -> str:
    """Return the outcome as one JSON line."""
    return json.dumps({name: getattr(outcome, name) for name in Outcome.__slots__})
