"""Open WebSocket connections: who listens to what, and how many messages each has been sent."""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

import msgspec
from aiohttp import WSMsgType, web

from trading_system.testnet.binance import messages
from trading_system.testnet.faults import BarFault, On
from trading_system.testnet.floor import Floor
from trading_system.testnet.market_place import MarketPlace
from trading_system.testnet.orders import Positions, UserEvent
from trading_system.testnet.tape import KlineUpdate, MarketEvent, TradePrinted

BACKLOG: Final = 1_000
"""Messages that may wait for one connection before a market that runs by itself waits too."""
TOO_SLOW: Final = 100_000
"""Messages that may wait for one connection before the venue hangs up on it."""


class Line(Protocol):
    """What lies below a connection, and can be cut without a word."""

    def abort(self) -> None:
        """Cut it."""


class Connection:
    """One WebSocket connection. `send` never waits; a task of its own writes, in order.

    Attributes:
        name: What its desk calls it, from `?conn=`; None where it gave no name.
        sent: Messages sent so far, replies included: what a desk compares its own count with.
        streams: Market streams subscribed to, in order.
        wrapped: Market messages go out as {"stream":...,"data":...}.
        subscriptions: User data subscription id -> account.
        logged_on: The session has shown its key.
    """

    def __init__(
        self,
        socket: web.WebSocketResponse,
        transport: Line | None,
        *,
        name: str | None,
        wrapped: bool,
    ) -> None:
        self.name: Final = name
        self.wrapped = wrapped
        self.sent = 0
        self.open = True
        self.streams: Final[dict[str, None]] = {}
        self.subscriptions: Final[dict[int, str]] = {}
        self.subscribed = 0
        self.logged_on = False
        self._socket = socket
        self._transport = transport
        self._outgoing: deque[bytes] = deque()
        self._something = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()

    def send(self, message: bytes) -> None:
        """Send a JSON text, after all that was sent before."""
        if not self.open:
            return
        self.sent += 1
        self._outgoing.append(message)
        if len(self._outgoing) > BACKLOG:
            self._drained.clear()
        if len(self._outgoing) > TOO_SLOW and self._transport is not None:
            self.open = False
            self._transport.abort()
        self._something.set()

    def close(self) -> None:
        """Hang up once what was sent has been written; from now on nothing more is sent."""
        self.open = False
        self._something.set()

    async def drained(self) -> None:
        """Wait until not too much is waiting to be written."""
        await self._drained.wait()

    async def write(self) -> None:
        """Write what `send` is given until the connection closes, from either side."""
        try:
            while True:
                while self._outgoing:
                    await self._socket.send_frame(self._outgoing.popleft(), WSMsgType.TEXT)
                self._drained.set()
                if not self.open:
                    await self._socket.close(code=1001)
                    return
                self._something.clear()
                await self._something.wait()
        except ConnectionError:
            return  # the client has gone; its reader notices too
        finally:
            self.open = False
            self._drained.set()


class Switchboard:
    """All open connections, and what each is told."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._connections: dict[int, Connection] = {}
        self._count = 0

    def add(self, connection: Connection) -> int:
        """Take a connection in and return its number."""
        self._count += 1
        self._connections[self._count] = connection
        return self._count

    def remove(self, number: int) -> None:
        """Forget a connection that has ended."""
        self._connections.pop(number).close()

    def open(self) -> list[Connection]:
        """Return the open connections, oldest first."""
        return [connection for connection in self._connections.values() if connection.open]

    def named(self) -> dict[str, int]:
        """Return how many messages each open named connection has been sent; the youngest bearer of a name counts."""
        return {connection.name: connection.sent for connection in self.open() if connection.name is not None}

    def hang_up_users(self, account: str) -> None:
        """Close every connection that listens to `account`."""
        for connection in self.open():
            if account in connection.subscriptions.values():
                connection.close()

    def close_all(self) -> None:
        """Hang up on everyone."""
        for connection in self.open():
            connection.close()

    async def drained(self) -> None:
        """Wait until no connection has too much waiting."""
        for connection in self.open():
            await connection.drained()

    def publish(self, *, tell_users: bool = True) -> bool:
        """Send out all that has happened since the last call, and say whether an account was concerned.

        Args:
            tell_users: False drops what the user data streams should have said; it is never repeated.
        """
        market_events, user_events = self._floor.market_events, self._floor.exchange.outbox
        for market_event in market_events:
            self._tell_market(market_event)
        concerned = bool(user_events)
        if tell_users:
            for user_event in user_events:
                self._tell_user(user_event)
        market_events.clear()
        user_events.clear()
        return concerned

    def _tell_market(self, event: MarketEvent) -> None:
        places = self._floor.exchange.places
        if isinstance(event, TradePrinted):
            place = places[event.trade.trade.symbol]
            self._broadcast(_stream(place, "trade"), lambda: messages.trade_event(place.instrument, event.trade))
            self._broadcast(_stream(place, "bookTicker"), lambda: messages.book_ticker_event(place))
            return
        update: KlineUpdate = event
        place = places[update.kline.bar.symbol]
        interval = self._floor.intervals[update.kline.bar.symbol]
        stream = _stream(place, f"kline_{interval}")

        def told() -> messages.Json:
            return messages.kline_event(place.instrument, interval, update.kline, update.ns)

        fault = self._floor.meet(On.BAR) if update.kline.closed else None
        if not isinstance(fault, BarFault):
            self._broadcast(stream, told)
            return
        if fault.cuts:
            self._hang_up(stream)
        for _ in range(fault.tells + fault.repeats):
            self._broadcast(stream, partial(_garbled, told, fault))

    def _hang_up(self, stream: str) -> None:
        for connection in self.open():
            if stream in connection.streams:
                connection.close()

    def _broadcast(self, stream: str, message: Callable[[], messages.Json]) -> None:
        listeners = [connection for connection in self._connections.values() if stream in connection.streams]
        if not listeners:
            return
        data = msgspec.json.encode(message())
        wrapped = b'{"stream":"%s","data":%s}' % (stream.encode(), data)
        for connection in listeners:
            connection.send(wrapped if connection.wrapped else data)

    def _tell_user(self, event: UserEvent) -> None:
        account = event.account if isinstance(event, Positions) else event.order.account
        body: bytes | None = None
        for connection in self._connections.values():
            for number, subscriber in connection.subscriptions.items():
                if subscriber == account:
                    body = body or msgspec.json.encode(self._user_message(event))
                    connection.send(b'{"subscriptionId":%d,"event":%s}' % (number, body))

    def _user_message(self, event: UserEvent) -> messages.Json:
        if isinstance(event, Positions):
            return messages.account_position(event)
        instrument = self._floor.exchange.places[event.order.request.symbol].instrument
        return messages.execution_report(instrument, event)


def _garbled(told: Callable[[], messages.Json], fault: BarFault) -> messages.Json:
    """Return the message of a closed bar as `fault` lets it through."""
    message = told()
    bar = message["k"]
    if fault.garbles or not isinstance(bar, dict):
        return message | {"k": "-"} if fault.garbles else message
    return message | {"k": bar | {name: bar[name] + fault.off_ms for name in ("t", "T")}}


def _stream(place: MarketPlace, kind: str) -> str:
    return f"{place.instrument.symbol.lower()}@{kind}"
