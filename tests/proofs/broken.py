"""The engine with one flaw, as others write it, to show that the crash proof can fail.

Run as `python tests/proofs/broken.py VARIANT --set ... --journal ...`; everything but the named flaw is the
real engine, put together by the real bootstrap.
"""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from typing import Final

from trading_system.blotter import events as e
from trading_system.blotter.orders import Cancel, OrderStatus
from trading_system.blotter.tickets import OrderTicket
from trading_system.bootstrap import Parts, trade
from trading_system.desk.engine import Desk
from trading_system.errors import OrderRejected, OutcomeUnknown
from trading_system.market.instruments import Instrument
from trading_system.ports import Entry, Journal, OrderReport, Venue
from trading_system.settings import load

ANSWERS: Final = (e.OrderAccepted, e.OrderFilled, e.OrderRejected, e.OrderInDoubt, e.OrderCanceled, e.OrderExpired)


class CommitsAfterSending:
    """A journal that writes an order down only once the venue has answered for it."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._held: list[e.Fact] = []

    def append(self, facts: Sequence[e.Fact], recorded_ns: int) -> None:
        """Hold everything back from the first intent on, until an answer comes."""
        self._held += facts
        waiting = any(isinstance(fact, e.OrderQueued | e.OrderSubmitted) for fact in self._held)
        if not waiting or any(isinstance(fact, ANSWERS) for fact in facts):
            held, self._held = self._held, []
            self._journal.append(held, recorded_ns)

    def read(self) -> Iterator[Entry]:
        """Read what was written."""
        return self._journal.read()


class _OverVenue:
    """A venue over another; passes on what it does not change."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    async def instruments(self, symbols: Sequence[str]) -> list[Instrument]:
        return await self._venue.instruments(symbols)

    async def submit(self, ticket: OrderTicket, instrument: Instrument) -> e.OrderAccepted:
        return await self._venue.submit(ticket, instrument)

    async def cancel(self, ticket: OrderTicket, instrument: Instrument) -> int:
        return await self._venue.cancel(ticket, instrument)

    async def find_order(self, ticket: OrderTicket, instrument: Instrument) -> OrderReport | None:
        return await self._venue.find_order(ticket, instrument)

    async def open_order_ids(self, symbols: Sequence[str]) -> set[str]:
        return await self._venue.open_order_ids(symbols)

    async def balances(self) -> dict[str, int]:
        return await self._venue.balances()


class ResendsOnTimeout(_OverVenue):
    """Sends an order again when nobody answered."""

    async def submit(self, ticket: OrderTicket, instrument: Instrument) -> e.OrderAccepted:
        """Send, and send again."""
        try:
            return await self._venue.submit(ticket, instrument)
        except OutcomeUnknown:
            return await self._venue.submit(ticket, instrument)


class TakesTimeoutForRejection(_OverVenue):
    """Believes that an order nobody answered for was refused."""

    async def submit(self, ticket: OrderTicket, instrument: Instrument) -> e.OrderAccepted:
        """Send; no answer is a no."""
        try:
            return await self._venue.submit(ticket, instrument)
        except OutcomeUnknown as error:
            raise OrderRejected(str(error), code=0) from error


class TakesNotFoundForFinal(_OverVenue):
    """Believes at once that an order which the venue does not know was never placed."""

    async def find_order(self, ticket: OrderTicket, instrument: Instrument) -> OrderReport | None:
        """Ask; not known now is not known ever."""
        report = await self._venue.find_order(ticket, instrument)
        return report or OrderReport(
            client_order_id=ticket.client_order_id,
            venue_order_id="",
            status=OrderStatus.CANCELED,
            filled=0,
            fills=(),
            reason="the venue does not know it",
        )


class RecoversWithoutAsking(Desk):
    """Starts again without a question about any order; only the books are compared."""

    __slots__ = ()

    def _recover(self, ts_ns: int) -> list[e.Fact]:
        facts: list[e.Fact] = []
        for order in self.portfolio.live_orders():
            name, reason = order.ticket.client_order_id, "the process ended"
            if order.status is OrderStatus.QUEUED:
                facts.append(self._take(e.OrderCanceled(ts_ns=ts_ns, client_order_id=name, reason=reason, filled=0)))
            if order.status is OrderStatus.SUBMITTED:
                facts.append(self._take(e.OrderInDoubt(ts_ns=ts_ns, client_order_id=name, reason=reason)))
            if order.cancel is Cancel.REQUESTED:
                facts.append(self._take(e.CancelInDoubt(ts_ns=ts_ns, client_order_id=name, reason=reason)))
        facts.append(self._take(e.ReconcileRequested(ts_ns=ts_ns, reason="the process was started")))
        for book in self.portfolio.sleeves.values():
            facts += self._ask_again(book, ts_ns)
        return facts


class ReconnectsWithoutAsking(Desk):
    """Listens again without a question about any order; only the books are compared."""

    __slots__ = ()

    def _what_was_missed(self, event: e.FeedRestored) -> list[e.Fact]:
        return [self._take(e.ReconcileRequested(ts_ns=event.ts_ns, reason="the user stream had broken"))]


VARIANTS: Final[dict[str, Parts]] = {
    "commits-after-sending": Parts(journal=CommitsAfterSending),
    "resends-on-timeout": Parts(venue=ResendsOnTimeout),
    "takes-timeout-for-rejection": Parts(venue=TakesTimeoutForRejection),
    "takes-not-found-for-final": Parts(venue=TakesNotFoundForFinal),
    "recovers-without-asking": Parts(desk=RecoversWithoutAsking),
    "reconnects-without-asking": Parts(desk=ReconnectsWithoutAsking),
}


def main(arguments: Sequence[str]) -> None:
    """Trade as `trading-system paper` does, with the flaw named first."""
    variant, *rest = arguments
    options: dict[str, list[str]] = {"--set": [], "--journal": [], "--log": [], "--kill-at": [""]}
    for name, value in zip(rest[::2], rest[1::2], strict=True):
        options[name].append(value)
    paths = [f"journal.path={options['--journal'][-1]}", f"telemetry.log_path={options['--log'][-1]}"]
    settings = load([*options["--set"], *paths])
    asyncio.run(trade(settings, kill_at=options["--kill-at"][-1], parts=VARIANTS[variant]))


if __name__ == "__main__":
    main(sys.argv[1:])
