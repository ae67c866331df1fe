"""Carries one errand to the venue and answers with facts.

The claim (`OrderSubmitted`) is durable before the first byte leaves: an order without a claim was never
sent, an order with one may have been, and is asked about, never sent again.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from trading_system.blotter import events as e
from trading_system.blotter.orders import Order, OrderStatus
from trading_system.blotter.portfolio import Portfolio
from trading_system.blotter.tickets import Intent
from trading_system.errors import (
    AuthenticationFailed,
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
    VenueError,
    VenueUnavailable,
)
from trading_system.market.instruments import Instrument
from trading_system.market.timestamps import NS_PER_S
from trading_system.ports import Clock, OrderReport, Tell, Venue

TRIES: Final = 4
"""How often what was provably not done is tried in all."""
FIRST_PAUSE_S: Final = 0.1
"""Pause after the first failed try, seconds; doubled each time."""
LONGEST_PAUSE_S: Final = 2.0
"""A venue that wants a longer pause is left alone, and the errand goes back to the desk, seconds."""
SURE_TO_SHOW_S: Final = 10.0
"""After `recvWindow` has passed, the longest a request may still be under way inside the venue, seconds.

Source: Binance Spot REST API, "General API Information": the back end answers -1007 after 10 s.
"""

Compare = Callable[[set[str], Mapping[str, int]], tuple[str, ...]]
"""Open order ids and balances of the venue -> differences to our books, in words."""


class Worker:
    """The one who talks to the venue.

    Args:
        portfolio: Read only: what is known of an order at the moment.
        tell: Writes a fact down at once; the claim goes this way.
        hear: Puts a fact into the inbox; answers go this way.
        compare: Compares the venue's books with ours.
        recv_window_ms: How long a request stays valid at the venue.
        stale_ns: An entry not sent this long after its decision is dropped.
    """

    def __init__(
        self,
        *,
        venue: Venue,
        portfolio: Portfolio,
        instruments: Mapping[str, Instrument],
        tell: Tell,
        hear: Tell,
        compare: Compare,
        clock: Clock,
        recv_window_ms: int,
        stale_ns: int,
    ) -> None:
        self._venue = venue
        self._portfolio = portfolio
        self._instruments = instruments
        self._tell = tell
        self._hear = hear
        self._compare = compare
        self._clock = clock
        self._appear_ns = int((recv_window_ms / 1000 + SURE_TO_SHOW_S) * NS_PER_S)
        self._stale_ns = stale_ns
        self._closed_until_ns = 0

    async def carry(self, errand: e.Errand) -> None:
        """Do what `errand` asks; whatever the venue says becomes a fact.

        Raises:
            AuthenticationFailed: The venue does not accept our key or signature; nothing can be done here.
        """
        match errand:
            case e.OrderQueued():
                await self.submit(self._portfolio.orders[errand.client_order_id])
            case e.CancelRequested():
                await self.cancel(self._portfolio.orders[errand.client_order_id])
            case e.InquiryRequested():
                await self.ask(self._portfolio.orders[errand.client_order_id])
            case e.ReconcileRequested():
                await self.count()

    async def submit(self, order: Order) -> None:
        """Claim `order` and send it, once; one that is claimed already is asked about instead."""
        ticket, name = order.ticket, order.ticket.client_order_id
        if order.status is not OrderStatus.QUEUED:
            await self.ask(order)
            return
        enters = ticket.intent is Intent.ENTER
        if enters and self._now() > ticket.decided_ns + self._stale_ns:
            self._not_sent(name, "the decision has grown old")
            return
        if self._closed():
            self._not_sent(name, "the venue wants to be left alone")
            return
        self._tell(e.OrderSubmitted(ts_ns=self._now(), client_order_id=name))
        try:
            await self._send(order, tries=1 if enters else TRIES)
        except OrderRejected as error:
            self._hear(e.OrderRejected(ts_ns=self._now(), client_order_id=name, code=error.code, reason=str(error)))
        except OutcomeUnknown as error:
            self._hear(e.OrderInDoubt(ts_ns=self._now(), client_order_id=name, reason=str(error)))

    async def cancel(self, order: Order) -> None:
        """Ask the venue to end `order`. Saying so twice does no harm, so every failure is simply asked about."""
        if order.over:
            return
        name = order.ticket.client_order_id
        try:
            self._open()
            filled = await self._venue.cancel(order.ticket, self._instruments[order.ticket.symbol])
        except OrderRejected as error:
            self._hear(e.CancelRefused(ts_ns=self._now(), client_order_id=name, reason=str(error)))
        except (OutcomeUnknown, VenueUnavailable, RateLimited) as error:
            self._note(error)
            self._hear(e.CancelInDoubt(ts_ns=self._now(), client_order_id=name, reason=str(error)))
        else:
            self._hear(e.OrderCanceled(ts_ns=self._now(), client_order_id=name, reason="at our request", filled=filled))

    async def ask(self, order: Order) -> None:
        """Ask the venue what became of `order`. No answer changes nothing: the desk asks again."""
        name = order.ticket.client_order_id
        if order.over:
            return
        asked_ns = self._now()
        try:
            self._open()
            report = await self._venue.find_order(order.ticket, self._instruments[order.ticket.symbol])
        except AuthenticationFailed:
            raise
        except VenueError as error:
            self._note(error)
            return
        order = self._portfolio.orders[name]  # the stream may have told more meanwhile
        if report is not None:
            self._report(order, report)
        elif order.status is OrderStatus.IN_DOUBT and asked_ns > order.doubted_ns + self._appear_ns:
            self._hear(e.OrderNotFound(ts_ns=self._now(), client_order_id=name))

    async def count(self) -> None:
        """Compare the venue's open orders and balances with our books."""
        try:
            self._open()
            open_ids = await self._venue.open_order_ids(sorted(self._instruments))
            balances = await self._venue.balances()
        except AuthenticationFailed:
            raise
        except VenueError as error:
            self._note(error)
            self._hear(e.Reconciled(ts_ns=self._now(), balances={}, differences=(f"no answer: {error}",)))
            return
        differences = self._compare(open_ids, balances)
        self._hear(e.Reconciled(ts_ns=self._now(), balances=balances, differences=differences))

    async def _send(self, order: Order, *, tries: int) -> None:
        """Send `order`; what was provably not placed is tried again, up to `tries` times in all."""
        ticket = order.ticket
        for attempt in range(1, tries + 1):
            try:
                self._hear(await self._venue.submit(ticket, self._instruments[ticket.symbol]))
            except (VenueUnavailable, RateLimited) as error:
                self._note(error)
                if attempt == tries or self._closed():
                    self._not_sent(ticket.client_order_id, str(error))
                    return
                await asyncio.sleep(_pause_s(error, attempt))
            else:
                return

    def _report(self, order: Order, report: OrderReport) -> None:
        name = order.ticket.client_order_id
        for fill in report.fills:
            if not order.knows(fill):
                self._hear(fill)
        if sum(fill.lots for fill in report.fills) != report.filled:
            return  # the venue counts executions that it does not list yet: asked again
        now = self._now()
        match report.status:
            case OrderStatus.CANCELED:
                self._hear(e.OrderCanceled(ts_ns=now, client_order_id=name, reason=report.reason or "said when asked"))
            case OrderStatus.EXPIRED:
                self._hear(e.OrderExpired(ts_ns=now, client_order_id=name, reason=report.reason or "said when asked"))
            case OrderStatus.REJECTED:
                self._hear(e.OrderRejected(ts_ns=now, client_order_id=name, code=0, reason=report.reason))
            case _:
                self._hear(e.OrderAccepted(ts_ns=now, client_order_id=name, venue_order_id=report.venue_order_id))
        self._hear(e.InquiryAnswered(ts_ns=now, client_order_id=name))

    def _not_sent(self, name: str, why: str) -> None:
        reason = f"never left this machine: {why}"
        self._hear(e.OrderCanceled(ts_ns=self._now(), client_order_id=name, reason=reason, filled=0))

    def _note(self, error: VenueError) -> None:
        """Remember how long the venue wants to be left alone: asking on would turn a pause into a ban."""
        if isinstance(error, RateLimited) and error.retry_after_s > LONGEST_PAUSE_S:
            self._closed_until_ns = self._now() + int(error.retry_after_s * NS_PER_S)

    def _closed(self) -> bool:
        return self._now() < self._closed_until_ns

    def _open(self) -> None:
        """Raise RateLimited while the venue wants to be left alone."""
        if self._closed():
            wait_s = (self._closed_until_ns - self._now()) / NS_PER_S
            raise RateLimited(f"the venue wants to be left alone for {wait_s:.1f} s more", retry_after_s=0.0)

    def _now(self) -> int:
        return self._clock.now_ns()


def _pause_s(error: VenueError, attempt: int) -> float:
    return error.retry_after_s if isinstance(error, RateLimited) else FIRST_PAUSE_S * 2 ** (attempt - 1)
