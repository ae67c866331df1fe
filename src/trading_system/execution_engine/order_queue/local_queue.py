"""The in-process queue: deterministic, the urgent first, equals in the order they came.

It need not be durable: every errand in it is a fact in the journal, and a start goes by the journal.
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable

from trading_system.blotter.events import Errand
from trading_system.execution_engine.order_queue.priority import urgency


class Errands:
    """What waits to be carried: the urgent first, equals in the order they came."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Errand]] = []
        self._count = 0

    def put(self, errand: Errand) -> None:
        """Add an errand; returns at once."""
        heapq.heappush(self._heap, (urgency(errand), self._count, errand))
        self._count += 1

    def take(self) -> Errand | None:
        """Hand out the next errand; None where there is none."""
        return heapq.heappop(self._heap)[2] if self._heap else None


class LocalQueue:
    """Hands errands one at a time to `carry`."""

    def __init__(self, carry: Callable[[Errand], Awaitable[None]]) -> None:
        self._carry = carry
        self._errands = Errands()
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def put(self, errand: Errand) -> None:
        """Add an errand; returns at once."""
        self._errands.put(errand)
        self._idle.clear()
        self._work.set()

    @property
    def busy(self) -> bool:
        """Whether an errand waits or is being carried."""
        return not self._idle.is_set()

    async def idle(self) -> None:
        """Wait until every errand put so far, and any put meanwhile, has been carried."""
        await self._idle.wait()

    async def run(self) -> None:
        """Carry errands until canceled. What `carry` raises ends the queue, and with it the engine."""
        while True:
            await self._work.wait()
            while errand := self._errands.take():
                await self._carry(errand)
            self._work.clear()
            self._idle.set()
