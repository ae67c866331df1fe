"""The one loop: an event is heard, what follows from it is decided, all of it is written down, then acted on."""

from collections.abc import Sequence
from typing import Final

from trading_system.blotter import events as e
from trading_system.desk.engine import Desk
from trading_system.desk.inbox import Inbox
from trading_system.ports import Checkpoint, Clock, Journal, Observer, OrderQueue, Pacer


def no_checkpoint(step: str) -> None:
    """Pass every step by."""


class Runner:
    """Ties one desk to its journal, queue and observers.

    Args:
        reached: Called as `NAME.before` and `NAME.durable` around the writing of each fact; NAME is the
            fact's kind, after the order's intent where it is about one: "enter.OrderSubmitted.durable".
    """

    def __init__(
        self,
        *,
        desk: Desk,
        journal: Journal,
        clock: Clock,
        queue: OrderQueue,
        observers: Sequence[Observer] = (),
        reached: Checkpoint = no_checkpoint,
    ) -> None:
        self._desk = desk
        self._journal = journal
        self._clock = clock
        self._queue = queue
        self._observers = observers
        self._reached = reached

    def tell(self, event: e.Fact) -> None:
        """Handle `event`, write it and all that follows from it down in one piece, then act on it.

        Raises:
            JournalBroken: Nothing could be written: nothing was sent.
            InvariantBroken: The event contradicts what is known.
        """
        event = self._desk.admit(event)
        facts = (event, *self._desk.handle(event))
        names = [] if self._reached is no_checkpoint else [self._name(fact) for fact in facts]
        for name in names:
            self._reached(f"{name}.before")
        self._journal.append(facts, self._clock.now_ns())
        for name in names:
            self._reached(f"{name}.durable")
        for fact in facts:
            for observer in self._observers:
                observer.notice(fact)
            if isinstance(fact, e.ERRANDS):
                self._queue.put(fact)

    async def run(self, inbox: Inbox, pacer: Pacer) -> None:
        """Tell every event of `inbox` until it hands out no more."""
        async for event in inbox.events(pacer):
            self.tell(event)

    def _name(self, fact: e.Fact) -> str:
        kind: Final = type(fact).__name__
        if isinstance(fact, e.OrderQueued):
            return f"{fact.ticket.intent}.{kind}"
        if isinstance(fact, e.OrderEvent):
            return f"{self._desk.portfolio.orders[fact.client_order_id].ticket.intent}.{kind}"
        return kind
