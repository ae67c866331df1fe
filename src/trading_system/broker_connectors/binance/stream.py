"""Binance's streams: closed bars from the market streams, execution reports from the WebSocket API.

Source: binance-spot-api-docs, web-socket-streams.md ("Kline/Candlestick Streams for UTC"), web-socket-api.md
("Subscribe to User Data Stream through signature subscription"), user-data-stream.md.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import msgspec

from trading_system.blotter.events import OrderEvent
from trading_system.broker_connectors.binance import codec
from trading_system.broker_connectors.binance.signing import ws_parameters
from trading_system.broker_connectors.websocket import Connection, Receive
from trading_system.errors import AuthenticationFailed
from trading_system.market.bars import Bar
from trading_system.market.instruments import Instrument
from trading_system.market.timestamps import to_ms
from trading_system.ports import Clock


def bar_stream_path(symbols: list[str], interval: str) -> str:
    """Return the path of the combined stream of bars."""
    return "/stream?streams=" + "/".join(f"{symbol.lower()}@kline_{interval}" for symbol in symbols)


async def closed_bars(
    connection: Connection, instruments: Mapping[str, Instrument], interval_ns: int
) -> AsyncIterator[Bar]:
    """Yield every bar that closes; updates of open bars are passed over."""
    async for frame in connection.frames():
        event = codec.decoded(frame).get("data") or {}
        if event.get("e") == "kline" and event["s"] in instruments:
            bar = codec.closed_bar(event, instruments[event["s"]], interval_ns)
            if bar is not None:
                yield bar


async def executions(connection: Connection, instruments: Mapping[str, Instrument]) -> AsyncIterator[OrderEvent]:
    """Yield what execution reports tell of our orders."""
    async for frame in connection.frames():
        event = codec.decoded(frame).get("event") or {}
        if event.get("e") == "executionReport" and event["s"] in instruments:
            told = codec.execution(event, instruments[event["s"]])
            if told is not None:
                yield told


def subscription(
    api_key: str, api_secret: str, clock: Clock, recv_window_ms: int
) -> Callable[[Callable[[bytes], Awaitable[None]], Receive], Awaitable[None]]:
    """Return the greeting that subscribes a fresh connection to the account's user data."""

    async def greet(send: Callable[[bytes], Awaitable[None]], receive: Receive) -> None:
        parameters: dict[str, str | int] = {
            "apiKey": api_key,
            "recvWindow": recv_window_ms,
            "timestamp": to_ms(clock.now_ns()),
        }
        request = {
            "id": "user-data",
            "method": "userDataStream.subscribe.signature",
            "params": ws_parameters(parameters, api_secret),
        }
        await send(msgspec.json.encode(request))
        answer: Any = codec.decoded(await receive())
        if answer.get("status") != 200:
            error = answer.get("error", {})
            raise AuthenticationFailed(f"the user data stream was refused: {error.get('code')} {error.get('msg')}")

    return greet
