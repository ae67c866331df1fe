"""One connection: heartbeat, reconnection with backoff, and word of what may have been missed."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

import aiohttp

from trading_system.errors import DataError, VenueUnavailable

HEARTBEAT_S: Final = 20.0
"""A connection that answers no ping for this long is taken for dead, seconds."""

T = TypeVar("T")
Receive = Callable[[], Awaitable[bytes]]
Greet = Callable[[Callable[[bytes], Awaitable[None]], Receive], Awaitable[None]]
"""Says hello on a fresh connection: gets a way to send and a way to receive.

ConnectionLost, or an answer that cannot be read, lets the connection try again; any other error ends it.
"""


async def no_greeting(send: Callable[[bytes], Awaitable[None]], receive: Receive) -> None:
    """Say nothing."""


class ConnectionLost(Exception):
    """The peer is gone, or of no use any more: connect again. Never leaves `Connection.frames`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a connection waits for what, seconds.

    Attributes:
        greeting_s: For the whole greeting, from the open connection to its answer.
        steady_s: A connection that lived this long was a good one: the next pause is the first one again.
        first_pause_s: Before the second try; each pause is twice the one before.
        longest_pause_s: What no pause exceeds.
    """

    greeting_s: float = 10.0
    steady_s: float = 10.0
    first_pause_s: float = 0.05
    longest_pause_s: float = 30.0

    def pause_s(self, failures: int) -> float:
        """Return the pause after so many failures in a row, >= 1, without jitter.

        >>> [Patience().pause_s(failures) for failures in (1, 2, 3, 1000)]
        [0.05, 0.1, 0.2, 30.0]
        """
        return min(self.longest_pause_s, self.first_pause_s * 2.0 ** min(failures - 1, 30))


class Connection:
    """A named WebSocket that comes back by itself.

    The heartbeat finds a peer that is gone: one that answers no ping. It does not find one that answers and says
    nothing, because a subscription was dropped or what feeds it stands still. Of the market that shows when a bar
    fails to come in time; of the account only when the venue's books are compared with ours.

    A connection that breaks before it has done any good (a frame dealt with beyond the greeting, or `steady_s`
    lived through) is a failure, and the pauses grow: a venue that accepts and hangs up is not hammered.

    Attributes:
        name: Name of the present connection: the prefix and a running number.
        ready: Whether it is open and greeted.
        heard: Frames of the present connection that are fully dealt with.
        trouble: Why the last connection, or the last try of one, broke; "" before the first did.

    Args:
        url: Called with the connection's name.
        lost: Told why the connection broke.
        restored: Told when it is open and greeted again; not the first time.
        changed: Told whenever `ready` or `heard` changed.
        sleep: Waits so many seconds between two tries.
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
        patience: Patience = Patience(),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._session = session
        self._prefix = prefix
        self._url = url
        self._greet = greet
        self._lost = lost
        self._restored = restored
        self._changed = changed
        self._patience = patience
        self._sleep = sleep
        self._numbers = itertools.count(1)
        self.name = ""
        self.ready = False
        self.heard = 0
        self.trouble = ""

    async def frames(self, read: Callable[[bytes], T]) -> AsyncIterator[T]:
        """Yield what `read` makes of every frame; one counts as heard when the next is asked for.

        Ends only when canceled, or by an error of the greeting. A frame that `read` finds to be a DataError, or a
        ConnectionLost, breaks the connection: what it would have told is asked for when the connection is back.
        """
        failures, been_here, since_s = 0, False, 0.0
        while True:
            self.name = f"{self._prefix}{next(self._numbers)}"
            try:
                async with self._session.ws_connect(self._url(self.name), heartbeat=HEARTBEAT_S, max_msg_size=0) as ws:
                    self.heard = 0
                    await self._say_hello(ws)
                    self.ready, since_s = True, asyncio.get_running_loop().time()
                    if been_here:
                        self._restored()
                    been_here = True
                    self._changed()
                    while True:
                        told = read(await _next_frame(ws))
                        yield told
                        self.heard, failures = self.heard + 1, 0
                        self._changed()
            except (aiohttp.ClientError, ConnectionLost, DataError, TimeoutError, OSError) as error:
                was_ready, self.ready = self.ready, False
                self.trouble = str(error) or type(error).__name__
                if was_ready:
                    if asyncio.get_running_loop().time() - since_s >= self._patience.steady_s:
                        failures = 0
                    self._lost(self.trouble)
                self._changed()
            failures += 1
            jitter = random.uniform(0.5, 1.0)  # many clients must not return as one
            await self._sleep(self._patience.pause_s(failures) * jitter)

    async def _say_hello(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        try:
            async with asyncio.timeout(self._patience.greeting_s):
                await self._greet(_text_of(ws), partial(self._receive, ws))
        except TimeoutError:
            raise ConnectionLost(f"no answer to the greeting within {self._patience.greeting_s:g} s") from None

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


async def all_ready(connections: Sequence[Connection], changed: asyncio.Event, within_s: float) -> None:
    """Wait until every connection is open and greeted; `changed` is set whenever one changes.

    Raises:
        VenueUnavailable: Not all were within `within_s` seconds.
    """
    try:
        async with asyncio.timeout(within_s):
            while not all(connection.ready for connection in connections):
                changed.clear()
                await changed.wait()
    except TimeoutError:
        missing = "; ".join(f"{c.name}: {c.trouble or 'no answer'}" for c in connections if not c.ready)
        raise VenueUnavailable(f"no stream could be opened within {within_s:.0f} s: {missing}") from None
