"""The testnet as a server on the loopback interface, and as an object for whoever runs it in process."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar, Final, Self

import msgspec
from aiohttp import web

from trading_system.errors import ConfigurationError
from trading_system.testnet import truth
from trading_system.testnet.binance import rest, stream
from trading_system.testnet.binance.connections import Switchboard
from trading_system.testnet.binance.front import Front
from trading_system.testnet.binance.scales import Scales
from trading_system.testnet.binance.signing import Doorman
from trading_system.testnet.binance.ws_api import WsApi
from trading_system.testnet.config import TestnetConfig
from trading_system.testnet.exchange import Exchange
from trading_system.testnet.faults import KINDS, Fault, On
from trading_system.testnet.floor import Floor
from trading_system.testnet.stepping import Ask, Stepper

HOST: Final = "127.0.0.1"
LOOK_S: Final = 0.05
"""The longest that a clock that runs by itself waits without looking what comes next, seconds."""


class Planned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One fault of `POST /testnet/weather`; exactly one of `nth` and `after` is given.

    Attributes:
        kind: A class of `faults.KINDS`, by its name.
        on: "order", "cancel", "query", "data" or "news"; None for what the kind befalls by itself.
        nth: The request that it meets, counted from 1 since the start.
        after: The same, counted from now: 1 is the next.
    """

    kind: str
    on: On | None = None
    nth: int | None = None
    after: int | None = None


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /testnet/weather`."""

    faults: list[Planned]


class Testnet:
    """A local exchange. Use it as an async context manager, or call `start` and `stop`.

    Args:
        on_request: See `Front.on_request`.
    """

    __test__: ClassVar[bool] = False  # its name looks like a test to pytest

    def __init__(self, config: TestnetConfig, *, on_request: Callable[[On, str], None] = lambda on, name: None) -> None:
        self.floor: Final = Floor(config)
        self._config: Final = config
        self._switchboard: Final = Switchboard(self.floor)
        doorman = Doorman(api_key=config.api_key, api_secret=config.api_secret, timed=config.speed != "max")
        self._front: Final = Front(self.floor, self._switchboard, doorman)
        self._stepper: Final = Stepper(self.floor, self._switchboard, desks=config.desks)
        self._ws_api: Final = WsApi(self._front)
        self._front.changed = self._stepper.look
        self._front.on_request = on_request
        self._somebody = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._runner: web.AppRunner | None = None
        self._port = config.port
        self._own: Final[Mapping[tuple[str, str], Callable[[web.Request], Awaitable[web.Response]]]] = {
            ("POST", "/testnet/step"): self._step,
            ("GET", "/testnet/ledger"): self._ledger,
            ("GET", "/testnet/weather"): self._forecast,
            ("POST", "/testnet/weather"): self._weather,
        }

    @property
    def url(self) -> str:
        """Where REST is served, without a path."""
        return f"http://{HOST}:{self._port}"

    @property
    def ws_url(self) -> str:
        """Where WebSockets are served, without a path."""
        return f"ws://{HOST}:{self._port}"

    @property
    def exchange(self) -> Exchange:
        """The engine."""
        return self.floor.exchange

    @property
    def now_ns(self) -> int:
        """The venue's time, UTC ns."""
        return self.floor.clock.now_ns

    @property
    def connections(self) -> int:
        """How many WebSockets are open."""
        return len(self._switchboard.open())

    @property
    def scales(self) -> Scales:
        """What counts the request weight."""
        return self._front.scales

    @property
    def bars_left(self) -> int:
        """Live bars that have not closed yet."""
        return self.floor.bars_left

    def ledger(self) -> dict[str, object]:
        """Return the venue's books, as `GET /testnet/ledger` does."""
        return truth.ledger(self.floor)

    def schedule(self, fault: Fault) -> None:
        """Plan a fault; see `Weather.schedule`."""
        self.floor.weather.schedule(fault)

    async def step(self, ask: Ask) -> dict[str, object]:
        """Let time pass as `POST /testnet/step` does.

        Raises:
            ConfigurationError: The clock runs by itself.
        """
        self._must_step()
        return await self._stepper.step(ask)

    def elapse(self, moments: int) -> None:
        """Let the next `moments` (trades, closes, delayed requests) happen, as while nobody is there to hear of them.

        Raises:
            ConfigurationError: The clock runs by itself.
        """
        self._must_step()
        self._stepper.elapse(moments)

    def _must_step(self) -> None:
        if self._config.speed != "step":
            raise ConfigurationError("this testnet's clock runs by itself; start it with --speed step")

    async def start(self) -> None:
        """Open the doors.

        Raises:
            ConfigurationError: The port is taken.
        """
        app = web.Application(client_max_size=1 << 20)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=2.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, self._config.port)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise ConfigurationError(f"port {self._config.port} of {HOST} cannot be opened: {error}") from error
        self._port = self._runner.addresses[0][1]
        if self._config.speed != "step":
            self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Hang up on everyone and close the doors."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        self._switchboard.close_all()
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.stop()

    async def _run(self) -> None:
        """Let time pass by itself. At speed "max" it begins with the first WebSocket connection."""
        clock = self.floor.clock
        hurried = self._config.speed == "max"
        if hurried:
            await self._somebody.wait()
        while (next_ns := self.floor.next_ns) is not None:
            wait_s = clock.wait_s(next_ns)
            await asyncio.sleep(min(wait_s, LOOK_S))
            if wait_s > LOOK_S:
                continue  # a delayed request may have become the next moment meanwhile
            self._stepper.elapse(1)
            if hurried:
                await self._switchboard.drained()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        if path == "/ws-api/v3":
            self._somebody.set()
            return await self._ws_api.serve(request)
        if path == "/stream" or path == "/ws" or path.startswith("/ws/"):
            self._somebody.set()
            return await stream.serve(self._switchboard, request)
        own = self._own.get((request.method, path))
        return await (own(request) if own is not None else rest.serve(self._front, request))

    async def _step(self, request: web.Request) -> web.Response:
        try:
            return rest.answer(await self.step(msgspec.json.decode(await request.read(), type=Ask)))
        except (msgspec.DecodeError, UnicodeDecodeError, ConfigurationError) as error:
            return _bad(str(error))

    async def _ledger(self, request: web.Request) -> web.Response:
        return rest.answer(self.ledger())

    async def _forecast(self, request: web.Request) -> web.Response:
        weather = self.floor.weather
        seen = {on.value: count for on, count in weather.seen.items()}
        return rest.answer({"seen": seen, "faults": weather.forecast()})

    async def _weather(self, request: web.Request) -> web.Response:
        try:
            plan = msgspec.json.decode(await request.read(), type=Plan)
            faults = [self._fault(planned) for planned in plan.faults]
            for fault in faults:
                self.schedule(fault)
        except (msgspec.DecodeError, UnicodeDecodeError, ConfigurationError) as error:
            return _bad(str(error))
        return await self._forecast(request)

    def _fault(self, planned: Planned) -> Fault:
        if planned.kind not in KINDS:
            raise ConfigurationError(f"fault {planned.kind!r} is not known; choose from {', '.join(KINDS)}")
        if (planned.nth is None) == (planned.after is None):
            raise ConfigurationError(f"{planned.kind}: give either nth or after")
        kind = KINDS[planned.kind]
        on = planned.on or kind(1).on
        nth = planned.nth if planned.after is None else self.floor.weather.seen[on] + planned.after
        return kind(nth or 0, on)


def _bad(text: str) -> web.Response:
    """Return the answer to a malformed request of the testnet's own."""
    return rest.answer({"code": -1130, "msg": text}, status=400)
