"""Runs the exchange here and the engine beside it, and lets the director do his worst."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from trading_system.dashboard.notes import Kill, Mishap
from trading_system.demo.director import Director
from trading_system.demo.engine import Engine
from trading_system.demo.scene import CASH, FEE_BPS, ROUND_TRIP_COST, SHIPPED, Scene
from trading_system.errors import InvariantBroken
from trading_system.market.money import ATOMS
from trading_system.testnet.config import API_KEY, API_SECRET, TestnetConfig
from trading_system.testnet.floor import ACCOUNT
from trading_system.testnet.server import Testnet

JOURNAL: Final = "journal.sqlite3"
LOG: Final = "engine.log"
OUTPUT: Final = "engine.out"
TICK_S: Final = 0.2
"""How often the progress is looked at, seconds."""
STALLED_S: Final = 60.0
"""After so many seconds without a simulated moment passing, something is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the run is, as the exchange sees it. Amounts in units of their currency."""

    now_ns: int
    bars_done: int
    bars: int
    equity: float
    position: float
    orders: int
    fills: int
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the exchange and the director know at the end."""

    ledger: Mapping[str, Any]
    kills: tuple[Kill, ...]
    mishaps: tuple[Mishap, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ears:
    """Who is told what while the run goes on: progress now and then, and each event once, with its words."""

    progress: Callable[[Progress], None]
    event: Callable[[str], None]
    recovered: Callable[[Kill], None]


def assignments(scene: Scene) -> tuple[str, ...]:
    """Return what the settings must say for `scene`; everything else is as configured."""
    named = ("strategy.name", scene.strategy), ("strategy.model", "demo" if scene.folder is None else str(scene.folder))
    return (
        "mode=paper",
        "venue.environment=local",
        "venue.step=true",
        f"venue.symbols={scene.listing.instrument.symbol}",
        f"data.interval={scene.listing.interval}",
        f"data.history_bars={scene.listing.history}",
        f"policy.round_trip_cost={ROUND_TRIP_COST}",
        *(f"{path}={value}" for path, value in named),
        *(["model.allow_unsigned=true"] if scene.folder not in (None, SHIPPED) else []),  # one's own, just trained
    )


async def supervise(scene: Scene, out: Path, ears: Ears) -> Told:
    """Run `scene` to its end and return what the exchange counted; whatever happens, no process is left behind.

    Args:
        out: Folder for the journal, the log and what the engine says.

    Raises:
        TradingError: The engine ended before the market did, or time stood still.
    """
    config = TestnetConfig(
        listings=(scene.listing,),
        balances={scene.listing.instrument.quote: CASH},
        seed=scene.seed,
        speed="step",
        maker_bps=FEE_BPS,
        taker_bps=FEE_BPS,
    )
    async with Testnet(config) as venue:
        engine = Engine(_arguments(scene, venue, out), secrets=(API_KEY, API_SECRET), errors=out / OUTPUT)
        run = _Run(venue, engine, ears, bars=len(scene.listing.live))
        try:
            async with asyncio.TaskGroup() as group:
                watching = group.create_task(run.watch())
                await run.until_done()
                watching.cancel()
        finally:
            await engine.kill()
        ears.progress(run.progress())
        return Told(ledger=venue.ledger(), kills=tuple(run.director.kills), mishaps=tuple(run.director.mishaps))


class _Run:
    """One exchange, one engine, and the two things that go on at once: waiting for its end, and looking."""

    def __init__(self, venue: Testnet, engine: Engine, ears: Ears, *, bars: int) -> None:
        self._venue = venue
        self._engine = engine
        self._ears = ears
        self._bars = bars
        self._recovering: tuple[Kill, int] | None = None
        self.director = Director(venue, kill=engine.kill)

    async def until_done(self) -> None:
        """Start the engine, and again after each kill, until it ends because the market did."""
        killed = 0
        while True:
            await self._engine.start()
            self._ears.event(f"engine {'started again' if killed else 'started'}, process {self._engine.pid}")
            pid, code = self._engine.pid, await self._engine.ended()
            if code == 0 and self._venue.bars_left == 0:
                return
            if len(self.director.kills) == killed:
                raise self._engine.died(code)
            kill = self.director.kills[killed]
            killed += 1
            self._recovering = (kill, self._venue.bars_left)
            self._ears.event(
                f"SIGKILL to process {pid}: order {kill.client_order_id} is at the exchange, its answer withheld"
            )

    async def watch(self) -> None:
        """Tell the progress now and then, and that a recovery is over once time goes on.

        Raises:
            InvariantBroken: Time stood still for too long.
        """
        loop = asyncio.get_running_loop()
        moved_s, last_ns = loop.time(), 0
        while True:
            await asyncio.sleep(TICK_S)
            self._ears.progress(self.progress())
            if self._recovering is not None and self._venue.bars_left < self._recovering[1]:
                self._ears.recovered(self._recovering[0])
                self._recovering = None
            if self._venue.now_ns != last_ns:
                moved_s, last_ns = loop.time(), self._venue.now_ns
            elif loop.time() - moved_s > STALLED_S:
                raise InvariantBroken(f"no simulated moment has passed for {STALLED_S:.0f} s; the engine hangs")

    def progress(self) -> Progress:
        """Return how far the run is."""
        exchange = self._venue.exchange
        (place,) = exchange.places.values()
        held, cash = (
            balance.free + balance.locked
            for balance in (
                exchange.ledger.balance(ACCOUNT, currency)
                for currency in (place.instrument.base, place.instrument.quote)
            )
        )
        worth = held * place.last * place.instrument.notional_atoms // place.instrument.lot_atoms
        return Progress(
            now_ns=self._venue.now_ns,
            bars_done=self._bars - self._venue.bars_left,
            bars=self._bars,
            equity=(cash + worth) / ATOMS,
            position=held / ATOMS,
            orders=len(exchange.orders),
            fills=len(exchange.fills),
            pid=self._engine.pid,
        )


def _arguments(scene: Scene, venue: Testnet, out: Path) -> list[str]:
    addresses = (
        f"venue.rest_url={venue.url}",
        f"venue.stream_url={venue.ws_url}",
        f"venue.ws_api_url={venue.ws_url}/ws-api/v3",
    )
    set_to = [part for assignment in (*assignments(scene), *addresses) for part in ("--set", assignment)]
    return [*set_to, "--journal", str(out / JOURNAL), "--log", str(out / LOG)]
