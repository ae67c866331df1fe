"""Bars, venue reports, timers and answers as one ordered stream.

What is pending is handed out by the time it tells of; at the same moment the venue's reports come
before bars, so that a decision knows of every fill at or before its bar's close.
"""

import heapq
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final

from trading_system.blotter import events as e
from trading_system.ports import Clock, Pacer

LAST: Final = 9
RANK: Final[dict[type[e.Fact], int]] = {e.FeedInterrupted: 1, e.FeedRestored: 2, e.BarClosed: LAST}
"""Order among things of the same moment; what is not named here comes first."""


class Inbox:
    """The desk's one ear.

    Args:
        wake_ns: Returns when the desk wants to hear a timer, UTC ns; None for no wish.
    """

    def __init__(self, *, clock: Clock, wake_ns: Callable[[], int | None]) -> None:
        self._clock = clock
        self._wake_ns = wake_ns
        self._answers: deque[e.Fact] = deque()
        self._heard: list[tuple[int, int, int, e.Fact]] = []
        self._count = 0
        self._at_rest: Callable[[], bool] | None = None
        self.on_arrival: Callable[[], None] = lambda: None

    def answer(self, fact: e.Fact) -> None:
        """Add what a worker answered; answers keep their order and come before what streams tell."""
        self._answers.append(fact)
        self.on_arrival()

    def hear(self, fact: e.Fact) -> None:
        """Add what a stream told."""
        heapq.heappush(self._heard, (fact.ts_ns, RANK.get(type(fact), 0), self._count, fact))
        self._count += 1
        self.on_arrival()

    def stop(self, at_rest: Callable[[], bool]) -> None:
        """Hand out what comes until `at_rest` and nothing is pending, then nothing more."""
        self._at_rest = at_rest
        self.on_arrival()

    @property
    def pending(self) -> bool:
        """Whether something waits to be handed out."""
        return bool(self._answers or self._heard)

    async def events(self, pacer: Pacer) -> AsyncIterator[e.Fact]:
        """Hand out one event after the other until stopped and at rest, or until nothing will ever come."""
        while True:
            await pacer.settle()
            if self._answers:
                yield self._answers.popleft()
            elif self._heard:
                yield heapq.heappop(self._heard)[3]
            elif (self._at_rest is not None and self._at_rest()) or not await pacer.wait(self._wake_ns()):
                return
            # Only now a timer that is due: what was told before it, and not heard yet, comes first.
            elif not self.pending and self._due():
                yield e.TimerFired(ts_ns=self._clock.now_ns())

    def _due(self) -> bool:
        wake = self._wake_ns()
        return wake is not None and wake <= self._clock.now_ns()
