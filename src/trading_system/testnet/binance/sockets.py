"""One WebSocket connection from its opening to its end, whatever is spoken over it."""

import asyncio
import re
from collections.abc import Callable
from typing import TypeGuard

from aiohttp import WSMsgType, web

from trading_system.testnet.binance.connections import Connection, Switchboard

CLOSING_S = 1.0
"""Real seconds that the other side has to answer our close."""


def is_id(value: object) -> TypeGuard[int | str | None]:
    """Say whether `value` may name a request: null, a 64-bit integer, or up to 36 letters, digits, - and _."""
    if isinstance(value, str):
        return re.fullmatch(r"[A-Za-z0-9_-]{0,36}", value) is not None
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63)


async def converse(
    request: web.Request,
    switchboard: Switchboard,
    *,
    wrapped: bool,
    streams: list[str],
    heard: Callable[[Connection, str], None],
) -> web.WebSocketResponse:
    """Accept a connection and hand `heard` each text that comes in, until one side closes.

    Args:
        wrapped: Whether market messages carry the name of their stream.
        streams: Market streams that it is subscribed to from the start.
    """
    socket = web.WebSocketResponse(timeout=CLOSING_S, compress=False, max_msg_size=1 << 20)
    await socket.prepare(request)
    connection = Connection(socket, request.transport, name=request.query.get("conn"), wrapped=wrapped)
    connection.streams.update(dict.fromkeys(streams))
    number = switchboard.add(connection)
    writer = asyncio.create_task(connection.write())
    try:
        async for message in socket:
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY) and connection.open:
                heard(
                    connection,
                    message.data if isinstance(message.data, str) else message.data.decode("utf-8", "replace"),
                )
    finally:
        switchboard.remove(number)
        await writer
    return socket
