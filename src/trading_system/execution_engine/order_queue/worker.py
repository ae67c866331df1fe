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
from trading_system.errors import OrderRejected, OutcomeUnknown, RateLimited, VenueError, VenueUnavailable
from trading_system.market.instruments import Instrument
from trading_system.market.timestamps import NS_PER_S
from trading_system.ports import Clock, OrderReport, Tell, Venue

TRIES: Final = 4
"""How often what was provably not done is tried in all."""
FIRST_PAUSE_S: Final = 0.1
"""Pause after the first failed try, seconds; doubled each time."""
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
        appear_ns: How long after its claim an unknown order may still appear at the venue.
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
    ) -> None:
        self._venue = venue
        self._portfolio = portfolio
        self._instruments = instruments
        self._tell = tell
        self._hear = hear
        self._compare = compare
        self._clock = clock
        self._appear_ns = int((recv_window_ms / 1000 + SURE_TO_SHOW_S) * NS_PER_S)

    async def carry(self, errand: e.Errand) -> None:
        """Do what `errand` asks; whatever the venue says becomes a fact.

        Raises:
            AuthenticationFailed: The venue does not accept our key or clock; nothing can be done here.
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
        self._tell(e.OrderSubmitted(ts_ns=self._now(), client_order_id=name))
        instrument = self._instruments[ticket.symbol]
        try:
            for attempt in range(1, TRIES + 1):
                try:
                    self._hear(await self._venue.submit(ticket, instrument))
                except (VenueUnavailable, RateLimited) as error:  # provably nothing was placed
                    if attempt == TRIES:
                        reason = f"never left this machine: {error}"
                        self._hear(e.OrderCanceled(ts_ns=self._now(), client_order_id=name, reason=reason, filled=0))
                        return
                    await _pause(error, attempt)
                else:
                    return
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
            filled = await self._venue.cancel(order.ticket, self._instruments[order.ticket.symbol])
        except OrderRejected as error:
            self._hear(e.CancelRefused(ts_ns=self._now(), client_order_id=name, reason=str(error)))
        except (OutcomeUnknown, VenueUnavailable, RateLimited) as error:
            self._hear(e.CancelInDoubt(ts_ns=self._now(), client_order_id=name, reason=str(error)))
        else:
            self._hear(e.OrderCanceled(ts_ns=self._now(), client_order_id=name, reason="at our request", filled=filled))

    async def ask(self, order: Order) -> None:
        """Ask the venue what became of `order`. No answer changes nothing: the desk asks again."""
        if order.over:
            return
        asked_ns = self._now()
        try:
            report = await self._venue.find_order(order.ticket, self._instruments[order.ticket.symbol])
        except (OutcomeUnknown, VenueUnavailable, RateLimited):
            return
        if report is not None:
            self._report(order, report)
        elif order.status is OrderStatus.IN_DOUBT and asked_ns > order.submitted_ns + self._appear_ns:
            self._hear(e.OrderNotFound(ts_ns=self._now(), client_order_id=order.ticket.client_order_id))

    async def count(self) -> None:
        """Compare the venue's open orders and balances with our books."""
        try:
            open_ids = await self._venue.open_order_ids(sorted(self._instruments))
            balances = await self._venue.balances()
        except (OutcomeUnknown, VenueUnavailable, RateLimited) as error:
            self._hear(e.Reconciled(ts_ns=self._now(), balances={}, differences=(f"no answer: {error}",)))
            return
        differences = self._compare(open_ids, balances)
        self._hear(e.Reconciled(ts_ns=self._now(), balances=balances, differences=differences))

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

    def _now(self) -> int:
        return self._clock.now_ns()


async def _pause(error: VenueError, attempt: int) -> None:
    await asyncio.sleep(error.retry_after_s if isinstance(error, RateLimited) else FIRST_PAUSE_S * 2 ** (attempt - 1))
