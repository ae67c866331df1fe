"""The composition root: the only file that knows every concrete class."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import aiohttp

from trading_system import __version__
from trading_system.blotter import events as e
from trading_system.blotter.portfolio import Portfolio, fold
from trading_system.broker_connectors.binance.hosts import Hosts, hosts_of
from trading_system.broker_connectors.binance.klines import BinanceBars
from trading_system.broker_connectors.binance.rest import Rest
from trading_system.broker_connectors.binance.stepping import SteppedPacer
from trading_system.broker_connectors.binance.stream import bar_stream_path, closed_bars, executions, subscription
from trading_system.broker_connectors.binance.venue import BinanceVenue
from trading_system.broker_connectors.public_web import public_web as public_web
from trading_system.broker_connectors.sources import open_source as open_source
from trading_system.broker_connectors.websocket import Connection, Greet, Patience, all_ready, no_greeting
from trading_system.chosen import digest, model_to_follow, policy_of
from trading_system.data_pipeline.collectors.desk_feed import DeskFeed
from trading_system.data_pipeline.normalizers.quality import Gate
from trading_system.desk.clock import SimulatedClock, SystemClock
from trading_system.desk.engine import Desk
from trading_system.desk.inbox import Inbox
from trading_system.desk.pace import LivePacer
from trading_system.desk.reconcile import check_attended, differences
from trading_system.desk.runner import Runner, no_checkpoint
from trading_system.errors import ConfigurationError
from trading_system.execution_engine.order_queue.local_queue import Errands, LocalQueue
from trading_system.execution_engine.order_queue.worker import Worker
from trading_system.journal.memory import DraftJournal
from trading_system.journal.sqlite import SqliteJournal
from trading_system.market.bars import Bar, interval_ns
from trading_system.market.instruments import Instrument
from trading_system.ports import Checkpoint, Clock, Entry, Forecaster, Journal, Observer, Venue
from trading_system.settings import Settings
from trading_system.telemetry.onlookers import onlookers
from trading_system.utils.checkpoints import killing_at
from trading_system.utils.error_handling.quarantine import Quarantine, beside
from trading_system.utils.error_handling.quarantine_records import Series
from trading_system.utils.error_handling.retries import answered

if TYPE_CHECKING:  # whoever trades needs no numpy
    from trading_system.backtest.replay import ReplayParts

REQUEST_TIMEOUT: Final = aiohttp.ClientTimeout(total=10.0, connect=5.0)
"""Past it a request has no answer, and an order is in doubt (the venue's own limit is 10 s)."""
START_TRIES: Final = 5
"""How often a question is asked at the start before the process gives up."""
STALE_SHARE: Final = 4
"""A bar heard later than this fraction (a quarter) of its length after its close is too old for new risk."""
REST_S: Final = 20.0
"""How long a process that was asked to end may take to bring its orders to rest, seconds."""
CONNECT_S: Final = 30.0
"""How long the first connections may take, seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a proof may replace: the journal and the venue, each behind its port, and the desk itself."""

    journal: Callable[[Journal], Journal] = lambda journal: journal
    venue: Callable[[Venue], Venue] = lambda venue: venue
    desk: type[Desk] = Desk


def read_journal(path: Path) -> Iterator[Entry]:
    """Yield every entry of the journal at `path`, verified; it may be in use.

    Raises:
        ConfigurationError: There is none.
        JournalBroken: Its chain does not hold.
    """
    return SqliteJournal.open(path, writer=False).read()


async def trade(settings: Settings, *, kill_at: str = "", parts: Parts | None = None) -> Portfolio:
    """Trade on paper or for real until told to stop, or until a stepped exchange has no bars left.

    Starting is recovering: fold the journal, warm the forecasters, ask the venue, open the inbox.

    Args:
        kill_at: "NAME:N": end this process with SIGKILL when the step NAME is reached for the Nth time;
            only on the local exchange.

    Raises:
        TradingError: What stopped it; the journal is kept.
    """
    parts = parts or Parts()
    if kill_at and settings.venue.environment != "local":
        raise ConfigurationError("--kill-at is for the local exchange only")
    reached = killing_at(kill_at) if kill_at else no_checkpoint
    hosts = hosts_of(
        settings.venue.environment, settings.venue.rest_url, settings.venue.stream_url, settings.venue.ws_api_url
    )
    journal = SqliteJournal.open(settings.journal.path)
    try:
        portfolio = fold(entry.fact for entry in journal.read())
        known = (entry.fact for entry in journal.read())
        told = settings.telemetry
        with onlookers(told.log_path, told.metrics_port, known=known, secrets=_keys(settings)) as observers:
            async with aiohttp.ClientSession(timeout=REQUEST_TIMEOUT) as session:
                written = parts.journal(journal)
                await _Engine(settings, hosts, session, portfolio, written, observers, reached, parts).run()
    finally:
        journal.close()
    return portfolio


class _Engine:
    """Everything plugged together, for one run."""

    def __init__(
        self,
        settings: Settings,
        hosts: Hosts,
        session: aiohttp.ClientSession,
        portfolio: Portfolio,
        journal: Journal,
        observers: Sequence[Observer],
        reached: Checkpoint,
        parts: Parts,
    ) -> None:
        self._settings = settings
        self._hosts = hosts
        self._session = session
        self._portfolio = portfolio
        self._journal = journal
        self._observers = observers
        self._reached = reached
        self._parts = parts
        self._interval = settings.data.interval
        self._length = interval_ns(self._interval)
        self._key, self._secret = _keys(settings)

    async def run(self) -> None:
        """Start, recover, and trade until there is nothing more to hear."""
        settings, portfolio = self._settings, self._portfolio
        clock, venue, source, resync = await self._clock_and_venue()
        found = await answered(lambda: venue.instruments(settings.venue.symbols), tries=START_TRIES)
        instruments = {i.symbol: i for i in found}
        quotes = {i.quote for i in instruments.values()}
        if len(quotes) != 1:
            raise ConfigurationError(
                f"venue.symbols are paid in {sorted(quotes)}; one account needs one quote currency"
            )

        keys = [(settings.strategy.name, symbol) for symbol in instruments]
        check_attended(portfolio, keys, instruments)
        desk = self._parts.desk(
            portfolio=portfolio,
            forecasters={key: _forecaster(settings) for key in keys},
            interval_ns=self._length,
            stale_ns=self._length // STALE_SHARE,
            quote=quotes.pop(),
        )
        inbox = Inbox(clock=clock, wake_ns=desk.wake_ns)
        runner: Runner
        worker = Worker(
            venue=self._parts.venue(venue),
            portfolio=portfolio,
            instruments=instruments,
            tell=lambda fact: runner.tell(fact),
            hear=inbox.answer,
            compare=lambda open_ids, balances: differences(portfolio, open_ids, balances),
            clock=clock,
            recv_window_ms=settings.venue.recv_window_ms,
            stale_ns=self._length // STALE_SHARE,
        )
        queue = LocalQueue(worker.carry)
        runner = Runner(
            desk=desk,
            journal=self._journal,
            clock=clock,
            queue=queue,
            observers=self._observers,
            reached=self._reached,
        )
        changed = asyncio.Event()
        connections = self._connections(instruments, clock, inbox, changed.set, resync)
        pacer: SteppedPacer | LivePacer
        if isinstance(clock, SimulatedClock):
            pacer = SteppedPacer(
                self._session,
                host=self._hosts.rest,
                desk=settings.account.name,
                connections=list(connections.values()),
                idle=queue.idle,
                pending=lambda: inbox.pending,
                move=clock.move,
                change=changed,
            )
        else:
            pacer = LivePacer(clock)
            inbox.on_arrival = pacer.arrived
        loop = asyncio.get_running_loop()

        def stop() -> None:
            """Open nothing more, bring to rest what is under way, then end; at a second signal, at once."""
            inbox.hear(e.StopRequested(ts_ns=clock.now_ns()))
            inbox.stop(lambda: desk.at_rest() and not queue.busy)
            loop.call_later(REST_S, pacer.quit)
            for sign in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(sign, pacer.quit)

        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, stop)

        async with asyncio.TaskGroup() as group:
            user = group.create_task(self._listen(connections["user"], instruments, inbox))
            feeds = {symbol: self._feed(source, each, clock, inbox) for symbol, each in instruments.items()}
            wanted = settings.data.history_bars
            history = {symbol: await feed.history(wanted, START_TRIES) for symbol, feed in feeds.items()}
            market = [
                group.create_task(self._collect(connections[symbol], feed, history[symbol], clock, inbox))
                for symbol, feed in feeds.items()
            ]
            carrying = group.create_task(queue.run())
            await all_ready(list(connections.values()), changed, CONNECT_S)
            self._start(desk, runner, inbox, clock, instruments, history)
            self._reached("ready")
            await runner.run(inbox, pacer)
            for task in (user, carrying, *market):
                task.cancel()

    def _start(
        self,
        desk: Desk,
        runner: Runner,
        inbox: Inbox,
        clock: Clock,
        instruments: dict[str, Instrument],
        history: dict[str, list[Bar]],
    ) -> None:
        """Warm the forecasters, tell the desk that it trades again, and the last bar if it was not decided on yet."""
        settings, portfolio, now = self._settings, self._portfolio, clock.now_ns()
        runner.tell(
            e.EngineStarted(ts_ns=now, account=settings.account.name, version=__version__, settings=digest(settings))
        )
        policy = policy_of(settings)
        for key in desk.forecasters:
            book, instrument = portfolio.sleeves.get(key), instruments[key[1]]
            if book is None or (book.instrument, book.policy) != (instrument, policy):
                runner.tell(e.SleeveOpened(ts_ns=now, strategy=key[0], instrument=instrument, policy=policy))
        for symbol, bars in history.items():
            decided = max((b.decided_ns for k, b in portfolio.sleeves.items() if k[1] == symbol), default=0)
            undecided = bars[-1:] if bars and bars[-1].close_ns > decided else []
            for bar in bars[: len(bars) - len(undecided)]:
                desk.warm(bar)
            for bar in undecided:
                inbox.hear(e.BarClosed(ts_ns=now, bar=bar))

    async def _clock_and_venue(
        self,
    ) -> tuple[SimulatedClock | SystemClock, BinanceVenue, BinanceBars, Callable[[], Awaitable[None]]]:
        """Return the clock, set by the venue's time, orders stamped with it, past bars, and how to set it again."""
        clock: SimulatedClock | SystemClock = SimulatedClock() if self._settings.venue.step else SystemClock()
        rest = Rest(
            self._session,
            host=self._hosts.rest,
            api_key=self._key,
            api_secret=self._secret,
            recv_window_ms=self._settings.venue.recv_window_ms,
            clock=clock,
            reached=self._reached,
            resync=lambda: resync(),
        )
        venue = BinanceVenue(rest, clock)

        async def resync() -> None:
            """Set the clock by the venue's time, which was true in the middle of the question."""
            before = time.time_ns()
            there = await venue.now_ns()
            if isinstance(clock, SimulatedClock):
                clock.move(there)
            else:
                clock.set_offset(there - (before + time.time_ns()) // 2)

        await answered(resync, tries=START_TRIES)
        return clock, venue, BinanceBars(rest), resync

    def _connections(
        self,
        instruments: dict[str, Instrument],
        clock: Clock,
        inbox: Inbox,
        changed: Callable[[], None],
        resync: Callable[[], Awaitable[None]],
    ) -> dict[str, Connection]:
        """Return one connection for our reports ("user") and one for the bars of each symbol."""
        step = self._settings.venue.step

        patience = (
            Patience(steady_s=0.0) if step else Patience()
        )  # a stepped exchange is never hammered: it waits for us

        def connection(feed: str, prefix: str, address: str, greet: Greet = no_greeting) -> Connection:
            mark = "&conn=" if "?" in address else "?conn="  # the stepped exchange counts by name
            return Connection(
                self._session,
                prefix=prefix,
                url=lambda name: f"{address}{mark}{name}" if step else address,
                lost=lambda why: inbox.hear(e.FeedInterrupted(ts_ns=clock.now_ns(), feed=feed, reason=why)),
                restored=lambda: inbox.hear(e.FeedRestored(ts_ns=clock.now_ns(), feed=feed)),
                greet=greet,
                changed=changed,
                patience=patience,
            )

        greet = subscription(self._key, self._secret, clock, self._settings.venue.recv_window_ms, resync)
        made = {"user": connection("user", "user-", self._hosts.ws_api, greet)}
        for symbol in instruments:
            address = self._hosts.stream + bar_stream_path([symbol], self._interval)
            made[symbol] = connection("market", f"{symbol.lower()}-", address)
        return made

    def _feed(self, source: BinanceBars, instrument: Instrument, clock: Clock, inbox: Inbox) -> DeskFeed:
        """Return the bars of `instrument`; what is refused of them goes where `data quarantine` looks."""

        def missed(why: str) -> None:
            inbox.hear(e.FeedInterrupted(ts_ns=clock.now_ns(), feed="market", reason=why))

        gate = Gate(
            Quarantine(beside(self._settings.data.store)),
            source=f"binance {instrument.symbol} {self._interval}",
            series=Series(
                venue=instrument.venue, symbol=instrument.symbol, interval=self._interval, tick=f"{instrument.tick:f}"
            ),
            now_ns=clock.now_ns,
        )
        return DeskFeed(
            source=source, gate=gate, instrument=instrument, interval=self._interval, clock=clock, missed=missed
        )

    async def _collect(
        self, connection: Connection, feed: DeskFeed, history: list[Bar], clock: Clock, inbox: Inbox
    ) -> None:
        """Hear every bar that closes after `history`."""

        def heard(bar: Bar) -> None:
            inbox.hear(e.BarClosed(ts_ns=max(clock.now_ns(), bar.close_ns), bar=bar))

        start_ns = history[-1].close_ns if history else clock.now_ns()
        await feed.follow(closed_bars(connection, feed.instrument, self._interval), start_ns, heard)

    async def _listen(self, connection: Connection, instruments: dict[str, Instrument], inbox: Inbox) -> None:
        """Hear what the venue reports of our orders."""
        async for event in executions(connection, instruments):
            inbox.hear(event)


def replay_parts() -> "ReplayParts":
    """Return what a replay of history writes to and waits in: a journal in memory, and the local queue's order."""
    from trading_system.backtest.replay import ReplayParts

    return ReplayParts(journal=DraftJournal(), queue=Errands())


def _forecaster(settings: Settings) -> Forecaster:
    if settings.strategy.name == "momentum":
        from trading_system.core_ai.inference.baselines import Rule, RuleForecaster

        rule = Rule(name="momentum", lookback=8, sign=1)
        return RuleForecaster(rule, hit_rate=0.6, horizon=8, gain=0.02, loss=0.01)
    from trading_system.core_ai.inference.onnx_forecaster import OnnxForecaster

    return OnnxForecaster.of(model_to_follow(settings))


def _keys(settings: Settings) -> tuple[str, str]:
    key, secret = settings.secrets.api_key, settings.secrets.api_secret
    return (key.get_secret_value() if key else "", secret.get_secret_value() if secret else "")
