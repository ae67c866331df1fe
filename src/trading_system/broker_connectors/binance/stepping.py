"""The pace of a stepped exchange: the local testnet's clock moves when the desk is ready, and not before.

`POST /testnet/step` is the testnet's own; no real venue has it. Waiting for every frame before going on is
what makes a run over real sockets come out the same each time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import aiohttp
import msgspec

from trading_system.broker_connectors.http import send
from trading_system.broker_connectors.websocket import Connection
from trading_system.errors import VenueUnavailable
from trading_system.market.timestamps import NS_PER_S, to_ms

LAST_WORDS_NS: Final = 120 * NS_PER_S
"""How long after the last bar what is still in doubt may be asked about: longer than any doubt can last."""


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """What the exchange answers to a step: its time, the frames sent on each open connection, whether bars remain."""

    now_ns: int
    connections: dict[str, int]
    done: bool


class SteppedPacer:
    """Moves the exchange on once everything it told has been dealt with.

    Args:
        idle: Waits until no errand is under way.
        pending: Whether the inbox holds anything.
        move: Moves our clock to the exchange's time, UTC ns.
        change: Set whenever a connection opened, closed, or heard a frame.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        host: str,
        desk: str,
        connections: Sequence[Connection],
        idle: Callable[[], Awaitable[None]],
        pending: Callable[[], bool],
        move: Callable[[int], None],
        change: asyncio.Event,
    ) -> None:
        self._session = session
        self._url = f"{host}/testnet/step"
        self._desk = desk
        self._connections = connections
        self._idle = idle
        self._pending = pending
        self._move = move
        self._sent: dict[str, int] = {}
        self._over_ns = 0
        self._change = change
        self._quit = False

    def quit(self) -> None:
        """Wait no more, whatever the exchange still has."""
        self._quit = True
        self._change.set()

    async def settle(self) -> None:
        """Wait until every errand has been answered: what follows does not depend on who was faster."""
        await self._idle()

    async def wait(self, wake_ns: int | None) -> bool:
        """Move the exchange on until something was heard or `wake_ns` has come; False when it is over."""
        while True:
            await self._all_heard()
            if self._quit:
                return False
            if self._pending():
                return True
            moment = await self._step(wake_ns)
            self._move(moment.now_ns)
            self._sent = moment.connections
            await self._all_heard()
            if self._pending():
                return True
            if moment.done:
                self._over_ns = self._over_ns or moment.now_ns
                if wake_ns is None or wake_ns > self._over_ns + LAST_WORDS_NS:
                    return False
            if wake_ns is not None and moment.now_ns >= wake_ns:
                return True

    async def _all_heard(self) -> None:
        while not self._quit and not all(c.ready and c.heard >= self._sent.get(c.name, 0) for c in self._connections):
            self._change.clear()
            await self._change.wait()

    async def _step(self, wake_ns: int | None) -> Moment:
        told = {
            "desk": self._desk,
            "connections": {c.name: c.heard for c in self._connections},
            "wake_ms": None if wake_ns is None else -to_ms(-wake_ns),  # rounded up: not before it
        }
        headers = {"Content-Type": "application/json"}
        response = await send(self._session, "POST", self._url, headers=headers, body=msgspec.json.encode(told))
        if response.status != 200:
            raise VenueUnavailable(f"the exchange cannot be stepped: HTTP {response.status} {response.body[:200]!r}")
        return msgspec.json.decode(response.body, type=Moment)
