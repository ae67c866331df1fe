"""The greeting to the WebSocket API, the account's stream behind it, and the stream of bars."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import aiohttp
import pytest
from aiohttp import web
from tests.factories import make_instrument
from tests.unit.broker_connectors.peers import NOW_NS, websocket_peer
from tests.unit.broker_connectors.test_binance_codec import kline, report

from trading_system.blotter.events import OrderFilled
from trading_system.broker_connectors.binance.stream import bar_news, executions, subscription
from trading_system.broker_connectors.websocket import Connection, ConnectionLost
from trading_system.desk.clock import SimulatedClock
from trading_system.errors import AuthenticationFailed, DataError, VenueUnavailable

LATE_NS: Final = 60_000_000_000


@dataclass
class Greeting:
    """A greeting of a desk whose clock is a minute late, to a venue that gives one answer."""

    answer: bytes
    reachable: bool = True
    clock: SimulatedClock = field(default_factory=lambda: SimulatedClock(NOW_NS - LATE_NS))
    stamps_ms: list[int] = field(default_factory=list)
    measured: int = 0

    async def say(self) -> None:
        """Greet once."""
        await subscription("key", "secret", self.clock, 5_000, self._resync)(self._send, self._receive)

    async def _resync(self) -> None:
        self.measured += 1
        if not self.reachable:
            raise VenueUnavailable("no connection")
        self.clock.move(NOW_NS)

    async def _send(self, message: bytes) -> None:
        self.stamps_ms.append(json.loads(message)["params"]["timestamp"])

    async def _receive(self) -> bytes:
        return self.answer


def refusal(status: int, code: int) -> bytes:
    """Return a refusal as the WebSocket API words it ("Response format")."""
    error = {"code": code, "msg": "No.", "data": {"serverTime": 1, "retryAfter": 2}}
    return json.dumps({"id": "user-data", "status": status, "error": error}).encode()


async def test_a_granted_subscription_is_a_greeting() -> None:
    """200, and the number of the subscription."""
    await Greeting(b'{"id":"user-data","status":200,"result":{"subscriptionId":0},"rateLimits":[]}').say()


@pytest.mark.parametrize("code", [-1002, -1022, -2008, -2014, -2015])
async def test_a_key_that_is_not_accepted_ends_it(code: int) -> None:
    """Asking again will not help: somebody must look at the key."""
    with pytest.raises(AuthenticationFailed, match=str(code)):
        await Greeting(refusal(401, code)).say()


@pytest.mark.parametrize(
    "answer",
    [
        refusal(400, -1021),
        refusal(429, -1003),
        refusal(418, -1003),
        refusal(503, -1008),
        refusal(500, -2015),
        refusal(400, -9999),
        b'{"id":null,"status":400,"error":{"code":-1102,"msg":"Malformed."}}',
        b'{"id":"somebody-elses","status":200,"result":{}}',
    ],
)
async def test_every_other_refusal_is_tried_again(answer: bytes) -> None:
    """A venue in trouble, a limit, a code of tomorrow: the connection is lost, and comes back."""
    with pytest.raises(ConnectionLost):
        await Greeting(answer).say()


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b'{"id":"user-data"}'])
async def test_an_answer_that_cannot_be_read_is_tried_again(answer: bytes) -> None:
    """To the connection a DataError is a loss like any other."""
    with pytest.raises(DataError):
        await Greeting(answer).say()


async def test_a_greeting_out_of_time_has_the_clock_measured_before_the_next() -> None:
    """-1021: the next greeting bears the venue's time; where it cannot be measured, it is a loss like any other."""
    greeting = Greeting(refusal(400, -1021))
    for _ in range(2):
        with pytest.raises(ConnectionLost, match="-1021"):
            await greeting.say()
    assert greeting.stamps_ms == [(NOW_NS - LATE_NS) // 1_000_000, NOW_NS // 1_000_000]
    assert greeting.measured == 2
    with pytest.raises(ConnectionLost, match="-1021"):
        await Greeting(refusal(400, -1021), reachable=False).say()


@pytest.mark.parametrize("end", [b'{"subscriptionId":0,"event":{"e":"eventStreamTerminated","E":1}}', report(l=None)])
async def test_a_stream_that_ended_or_cannot_be_read_is_opened_again(end: bytes) -> None:
    """After `eventStreamTerminated` the connection lives on and says nothing: it must not be taken for a quiet day."""
    lost = list[str]()

    async def talk(socket: web.WebSocketResponse, number: int) -> None:
        await socket.send_bytes(end if number == 1 else report())
        await socket.receive()

    async def at_once(seconds: float) -> None:
        """Pause no time at all."""

    async with websocket_peer(talk) as url, aiohttp.ClientSession() as session, asyncio.timeout(20.0):
        connection = Connection(
            session, prefix="", url=lambda name: url, lost=lost.append, restored=lambda: None, sleep=at_once
        )
        told = executions(connection, {"BTCUSDT": make_instrument()})
        assert isinstance(await anext(told), OrderFilled)
        assert len(lost) == 1
        await told.aclose()  # type: ignore[attr-defined] - it is a generator


async def test_news_of_bars_say_when_some_may_have_been_missed() -> None:
    """When the connection opens, and when it is back: history is to be asked. Open bars and other news are no news."""

    async def talk(socket: web.WebSocketResponse, number: int) -> None:
        await socket.send_bytes(kline(x=False))
        await socket.send_bytes(kline(t=1_499_404_860_000 + number * 60_000))
        if number == 2:
            await socket.send_bytes(b"noise")
            await socket.receive()

    async with websocket_peer(talk) as url, aiohttp.ClientSession() as session, asyncio.timeout(20.0):
        news = bar_news(connector(session, url), make_instrument(), "1m", patience_s=20.0)
        told = [await anext(news) for _ in range(5)]
        await news.aclose()  # type: ignore[attr-defined] - it is a generator
    opens = [None if each is None else each.bar and each.bar.open_ns // 60_000_000_000 % 100 for each in told]
    assert opens == [None, 82, None, 83, None]
    assert told[4] is not None
    assert told[4].raw == b"noise"


async def test_a_connection_that_lives_and_says_nothing_has_history_asked() -> None:
    """A subscription that was dropped looks like a quiet market: whoever waits longer than a bar asks."""

    async def talk(socket: web.WebSocketResponse, number: int) -> None:
        await socket.receive()

    async with websocket_peer(talk) as url, aiohttp.ClientSession() as session, asyncio.timeout(20.0):
        news = bar_news(connector(session, url), make_instrument(), "1m", patience_s=0.01)
        assert [await anext(news) for _ in range(4)] == [None] * 4
        await news.aclose()  # type: ignore[attr-defined] - it is a generator


def connector(session: aiohttp.ClientSession, url: str) -> Callable[[Callable[[], None]], Connection]:
    """Return what makes a connection to `url` that comes back at once."""

    async def at_once(seconds: float) -> None:
        """Pause no time at all."""

    return lambda changed: Connection(
        session,
        prefix="",
        url=lambda name: url,
        lost=lambda why: None,
        restored=lambda: None,
        changed=changed,
        sleep=at_once,
    )
