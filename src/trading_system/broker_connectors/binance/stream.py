"""Binance's streams: closed bars from the market streams, execution reports from the WebSocket API.

An execution report that cannot be read would never be heard again: it breaks the connection, so that what is missing is
asked for when the connection is back. A bar that cannot be read is told as such: history has it too.

Source: binance-spot-api-docs, web-socket-streams.md ("Kline/Candlestick Streams for UTC"), web-socket-api.md
("Subscribe to User Data Stream through signature subscription", "Response format"), user-data-stream.md.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final

import msgspec

from trading_system.blotter.events import OrderEvent
from trading_system.broker_connectors.binance import codec, failures
from trading_system.broker_connectors.binance.klines import closed
from trading_system.broker_connectors.binance.messages import Reply, decoded
from trading_system.broker_connectors.binance.signing import ws_parameters
from trading_system.broker_connectors.websocket import Connection, ConnectionLost, Greet, Receive
from trading_system.errors import AuthenticationFailed, VenueError
from trading_system.market.instruments import Instrument
from trading_system.market.timestamps import to_ms
from trading_system.ports import BarRecord, Clock

SUBSCRIBE: Final = "user-data"
"""The id of our one request."""


def bar_stream_path(symbols: list[str], interval: str) -> str:
    """Return the path of the combined stream of bars."""
    return "/stream?streams=" + "/".join(f"{symbol.lower()}@kline_{interval}" for symbol in symbols)


async def closed_bars(connection: Connection, instrument: Instrument, interval: str) -> AsyncIterator[BarRecord | None]:
    """Yield every bar that closes, and every message that cannot be read; updates of open bars are passed over."""
    async for record in connection.frames(lambda frame: closed(frame, instrument, interval)):
        if record is not None:
            yield record


async def bar_news(
    connect: Callable[[Callable[[], None]], Connection], instrument: Instrument, interval: str, *, patience_s: float
) -> AsyncIterator[BarRecord | None]:
    """Yield what `closed_bars` does, and None whenever bars may have been missed.

    That is: whenever the connection is open, the first time and each time that it is back; and when nothing was heard
    for `patience_s`, since a connection may live on and say nothing.

    Args:
        connect: Makes the connection; it is to call what it is given whenever it is open or broken.
        instrument: Of the series.
        interval: Of the series.
        patience_s: Longer than a bar, seconds.
    """
    heard: asyncio.Queue[BarRecord | None] = asyncio.Queue()
    ready = False

    def changed() -> None:
        nonlocal ready
        if connection.ready and not ready:
            heard.put_nowait(None)
        ready = connection.ready

    async def listen() -> None:
        async for record in closed_bars(connection, instrument, interval):
            heard.put_nowait(record)

    connection = connect(changed)
    listening = asyncio.create_task(listen())
    try:
        while not listening.done():
            try:
                async with asyncio.timeout(patience_s):
                    record = await heard.get()
            except TimeoutError:
                record = None
            yield record
        await listening  # it ends by an error alone
    finally:
        listening.cancel()
        await asyncio.wait([listening])  # until the connection is closed


async def executions(connection: Connection, instruments: Mapping[str, Instrument]) -> AsyncIterator[OrderEvent]:
    """Yield what execution reports tell of our orders."""

    def read(frame: bytes) -> OrderEvent | None:
        if codec.kind_of(frame) == "eventStreamTerminated":  # the connection stays open and silent from here on
            raise ConnectionLost("the venue ended the stream of the account's events")
        return codec.execution(frame, instruments)

    async for told in connection.frames(read):
        if told is not None:
            yield told


def subscription(
    api_key: str,
    api_secret: str,
    clock: Clock,
    recv_window_ms: int,
    resync: Callable[[], Awaitable[None]] | None = None,
) -> Greet:
    """Return the greeting that subscribes a fresh connection to the account's user data.

    Args:
        resync: As in `Rest`: awaited when the venue finds the greeting out of time, so that the next one is not.

    The greeting raises AuthenticationFailed where key or signature is not accepted, and ConnectionLost for every
    other refusal: the connection tries again, later and later.
    """

    async def greet(send: Callable[[bytes], Awaitable[None]], receive: Receive) -> None:
        parameters: dict[str, str | int] = {
            "apiKey": api_key,
            "recvWindow": recv_window_ms,
            "timestamp": to_ms(clock.now_ns()),
        }
        request = {
            "id": SUBSCRIBE,
            "method": "userDataStream.subscribe.signature",
            "params": ws_parameters(parameters, api_secret),
        }
        await send(msgspec.json.encode(request))
        reply = decoded(await receive(), Reply)
        if reply.id != SUBSCRIBE:
            raise ConnectionLost(f"the venue answered to {reply.id!r}, which nobody asked")
        if reply.status == 200:
            return
        error = failures.failure(reply.status, {}, reply.error)
        if isinstance(error, AuthenticationFailed):
            raise AuthenticationFailed(f"the user data stream was refused: {error}")
        if resync is not None and reply.error.code == failures.CLOCK_IS_OFF:
            with suppress(VenueError):
                await resync()
        raise ConnectionLost(f"the user data stream was refused: {error}")

    return greet
