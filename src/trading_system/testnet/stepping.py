"""Time that waits for the desk: a step is made when every desk has heard all that was sent to it."""

import asyncio
from typing import Final

import msgspec

from trading_system.market.timestamps import from_ms
from trading_system.testnet.binance.connections import Switchboard
from trading_system.testnet.faults import On
from trading_system.testnet.floor import ACCOUNT, Floor


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A desk's wish for time to pass: `POST /testnet/step`.

    Attributes:
        desk: Its name; a new ask takes the place of an older one of the same name.
        connections: For each of its connections, how many messages it has heard on it.
        wake_ms: The latest time to stop at, ms; None where only the market matters.
    """

    desk: str
    connections: dict[str, int] = {}
    wake_ms: int | None = None


class Stepper:
    """Moves the floor from one moment that concerns a desk to the next: a close, a user event, a wake-up."""

    def __init__(self, floor: Floor, switchboard: Switchboard, *, desks: int) -> None:
        self._floor: Final = floor
        self._switchboard: Final = switchboard
        self._desks: Final = desks
        self._waiting: dict[str, tuple[Ask, asyncio.Future[bool]]] = {}

    async def step(self, ask: Ask) -> dict[str, object]:
        """Answer when time has passed, or at once when the desk has something to hear first."""
        older = self._waiting.pop(ask.desk, None)
        if older is not None:
            older[1].set_result(False)
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting[ask.desk] = (ask, future)
        self.look()
        advanced = await future
        return {
            "now_ms": self._floor.clock.now_ms,
            "now_ns": self._floor.clock.now_ns,
            "connections": self._switchboard.named(),
            "advanced": advanced,
            "done": self._floor.bars_left == 0,
            "bars_left": self._floor.bars_left,
        }

    def look(self) -> None:
        """See who must hear something first, and make the step once nobody must and all have asked."""
        sent = self._switchboard.named()
        for desk, (ask, _) in list(self._waiting.items()):
            if any(name not in sent or sent[name] > heard for name, heard in ask.connections.items()):
                self._release(desk, advanced=False)
        if len(self._waiting) < self._desks:
            return
        known = {name for ask, _ in self._waiting.values() for name in ask.connections}
        unheard = any(count and name not in known for name, count in sent.items())
        advanced = not unheard and self._advance()
        for desk in list(self._waiting):
            self._release(desk, advanced=advanced)

    def elapse(self, moments: int) -> None:
        """Let the next `moments` happen without a stop, whoever listens; a bar has eight, its close the last."""
        for _ in range(moments):
            self._floor.advance()
            self._publish()

    def _publish(self) -> bool:
        """Send out what has happened, but for news that the weather keeps back; say whether there was any."""
        fault = self._floor.meet(On.NEWS) if self._floor.exchange.outbox else None
        if fault is not None and fault.cuts:
            self._switchboard.hang_up_users(ACCOUNT)
        return self._switchboard.publish(tell_users=fault is None or fault.tells)

    def _release(self, desk: str, *, advanced: bool) -> None:
        self._waiting.pop(desk)[1].set_result(advanced)

    def _advance(self) -> bool:
        floor = self._floor
        before_ns = floor.clock.now_ns
        wakes = [from_ms(ask.wake_ms) for ask, _ in self._waiting.values() if ask.wake_ms is not None]
        wake_ns = min(wakes, default=None)
        advanced = False
        while (next_ns := floor.next_ns) is not None and (wake_ns is None or next_ns <= wake_ns):
            closed = floor.advance()
            advanced = True
            if self._publish() or closed:
                return True
        if wake_ns is not None:
            floor.clock.move_to(wake_ns)
        return advanced or floor.clock.now_ns > before_ns
