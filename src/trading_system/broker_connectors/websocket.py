"""One connection: heartbeat, reconnection with backoff, and word of what may have been missed."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Final

import aiohttp

HEARTBEAT_S: Final = 20.0
"""A connection that answers no ping for this long is taken for dead, seconds."""
FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 30.0

Receive = Callable[[], Awaitable[bytes]]
Greet = Callable[[Callable[[bytes], Awaitable[None]], Receive], Awaitable[None]]
"""Says hello on a fresh connection: gets a way to send and a way to receive."""


async def no_greeting(send: Callable[[bytes], Awaitable[None]], receive: Receive) -> None:
    """Say nothing."""


class ConnectionLost(Exception):
    """The peer is gone; never leaves this module."""


class Connection:
    """A named WebSocket that comes back by itself.

    Attributes:
        name: Name of the present connection: the prefix and a running number.
        ready: Whether it is open and greeted.
        heard: Frames of the present connection that are fully dealt with.

    Args:
        url: Called with the connection's name.
        lost: Told why the connection broke.
        restored: Told when it is open and greeted again; not the first time.
        changed: Told whenever `ready` or `heard` changed.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        prefix: str,
        url: Callable[[str], str],
        greet: Greet = no_greeting,
        lost: Callable[[str], None],
        restored: Callable[[], None],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._session = session
        self._prefix = prefix
        self._url = url
        self._greet = greet
        self._lost = lost
        self._restored = restored
        self._changed = changed
        self._numbers = itertools.count(1)
        self.name = ""
        self.ready = False
        self.heard = 0

    async def frames(self) -> AsyncIterator[bytes]:
        """Yield every frame; one counts as heard when the next is asked for. Ends only when canceled."""
        failures, been_here = 0, False
        while True:
            self.name = f"{self._prefix}{next(self._numbers)}"
            try:
                async with self._session.ws_connect(self._url(self.name), heartbeat=HEARTBEAT_S, max_msg_size=0) as ws:
                    self.heard = 0
                    await self._greet(_text_of(ws), partial(self._receive, ws))
                    self.ready, failures = True, 0
                    if been_here:
                        self._restored()
                    been_here = True
                    self._changed()
                    while True:
                        frame = await _next_frame(ws)
                        yield frame
                        self.heard += 1
                        self._changed()
            except (aiohttp.ClientError, ConnectionLost, TimeoutError, OSError) as error:
                was_ready, self.ready = self.ready, False
                if was_ready:
                    self._lost(str(error) or type(error).__name__)
                self._changed()
            failures += 1
            pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(failures - 1, 10))
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # jitter: many clients must not return as one

    async def _receive(self, ws: aiohttp.ClientWebSocketResponse) -> bytes:
        frame = await _next_frame(ws)
        self.heard += 1
        return frame


def _text_of(ws: aiohttp.ClientWebSocketResponse) -> Callable[[bytes], Awaitable[None]]:
    async def send(message: bytes) -> None:
        await ws.send_str(message.decode())

    return send


async def _next_frame(ws: aiohttp.ClientWebSocketResponse) -> bytes:
    message = await ws.receive()
    if message.type is aiohttp.WSMsgType.TEXT:
        return str(message.data).encode()
    if message.type is aiohttp.WSMsgType.BINARY:
        return bytes(message.data)
    raise ConnectionLost(f"closed with code {ws.close_code}")
