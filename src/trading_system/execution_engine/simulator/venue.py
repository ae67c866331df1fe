"""A venue made of bars: it keeps orders and balances of its own, and lets each bar meet what lives there.

A slice of bars is told in three moments: its open, the way to its close, its close. What happens is told as facts, one
by one; between two of them the desk may answer, so that what a fill calls for stands before the venue goes on. Between
a close and the next open there is neither time nor price: without latency an order or a cancel is answered at once.

It is the second opinion on the compiled loop: the same rules of matching and costs, and none of its book-keeping.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum, auto
from typing import Final

from trading_system.blotter import events as e
from trading_system.blotter.portfolio import SleeveKey
from trading_system.blotter.state import BarRow
from trading_system.blotter.tickets import Intent, OrderKind, OrderTicket, Side
from trading_system.errors import InvariantBroken
from trading_system.execution_engine.simulator.costs import fee_of, fraction_of, payable, share_lots
from trading_system.execution_engine.simulator.matching import (
    LIMIT,
    Market,
    Met,
    arrive,
    meet,
    taken,
    wait,
)
from trading_system.execution_engine.simulator.rules import Rules
from trading_system.execution_engine.simulator.venue_book import Listing, VenueOrder, row_of, touched, working_of
from trading_system.market.bars import Bar
from trading_system.market.money import Money
from trading_system.ports import Clock
from trading_system.risk_management.exposure import worth

REFUSED: Final = -2010
"""The code of an order that the venue does not want. Source: Binance, "Error codes", NEW_ORDER_REJECTED."""


class Moment(Enum):
    """Where in a slice the venue stands."""

    OPEN = auto()
    WAY = auto()
    CLOSE = auto()


class SimulatedVenue:
    """One account at a venue that is known by its bars only.

    Args:
        listings: What is traded there.
        sleeves: Strategy and symbol of all that trade, in the order in which they are served.
        rules: How the market takes orders.
        quote: The currency of the account.
        cash_atoms: How much of it there is at first, atoms.
        clock: What time it is.
    """

    def __init__(
        self,
        *,
        listings: Sequence[Listing],
        sleeves: Sequence[SleeveKey],
        rules: Rules,
        quote: str,
        cash_atoms: int,
        clock: Clock,
    ) -> None:
        self._listed: Final = {listing.instrument.symbol: listing for listing in listings}
        self._places: Final = {key: place for place, key in enumerate(sleeves)}
        self._traded: Final = [self._listed[symbol] for _, symbol in sleeves]
        self._rules = rules
        self.quote: Final = quote
        """The currency of the account."""
        self.slice = -1
        """The slice that is told, from 0; -1 before the first."""
        self._clock = clock
        self._moment = Moment.CLOSE
        self._balances: dict[str, int] = {quote: cash_atoms}
        self._positions = [0] * len(sleeves)
        self._orders: dict[str, VenueOrder] = {}
        self._shelves: Final = [{intent: dict[str, VenueOrder]() for intent in Intent} for _ in sleeves]
        self._accepted_total = 0
        self.met: list[Met] = []
        """Each execution, in the order in which they happened: its place here is its trade id."""
        self.rejected_total = 0
        """Entries that did not come to be."""
        self.ambiguous_total = 0
        """Bars in which stop and target both lay."""

    # --- what a desk may ask ------------------------------------------------------------------------

    def submit(self, ticket: OrderTicket) -> list[e.Fact]:
        """Take `ticket` and return the answer; with latency there is none yet."""
        if ticket.client_order_id in self._orders:
            raise InvariantBroken(f"{ticket.client_order_id} was sent twice")
        rests = ticket.intent is Intent.PROTECT
        order = VenueOrder(
            ticket=ticket,
            listing=self._listed[ticket.symbol],
            place=self._places[ticket.strategy, ticket.symbol],
            side=1 if ticket.side is Side.BUY else -1,
            due=self._resting_from() if rests else self._taking_from(),
            working=working_of(ticket),
            counted=not ticket.share,
        )
        self._orders[order.name] = self._shelf(order)[order.name] = order
        return [] if self._rules.latency_bars else [self._admitted(order)]

    def cancel(self, ticket: OrderTicket) -> list[e.Fact]:
        """End a resting order and return that it ended; with latency later. An order that is over has said so."""
        order = self._orders.get(ticket.client_order_id)
        if order is None:
            return []
        if not self._rules.latency_bars:
            return [self._canceled(order)]
        order.cancel_due = self._resting_from()
        return []

    def crossed(self, buyer: SleeveKey, seller: SleeveKey, lots: int) -> None:
        """Take note that lots went from one sleeve to another; what the account owns stays as it is."""
        atoms = lots * self._listed[buyer[1]].terms.lot_atoms
        self._positions[self._places[buyer]] += atoms
        self._positions[self._places[seller]] -= atoms

    def open_order_ids(self) -> set[str]:
        """Return the client order ids of all orders that live here or are on their way."""
        return set(self._orders)

    def balances(self) -> dict[str, int]:
        """Return the total of each currency, atoms; below zero where it is owed."""
        return dict(self._balances)

    # --- what a slice of bars does ------------------------------------------------------------------

    def opens(self, bars: Mapping[str, Bar]) -> Iterator[e.Fact]:
        """Begin the next slice, of these bars by symbol: what was under way arrives, then the open is traded."""
        self.slice += 1
        self._moment = Moment.OPEN
        for symbol, listing in self._listed.items():
            listing.bar = bar = bars.get(symbol)
            listing.last_ticks = bar.open if bar else listing.last_ticks
            if self._rules.volume_share:
                volume = bar.volume_atoms if bar else 0
                listing.available = fraction_of(volume, self._rules.volume_share) // listing.terms.lot_atoms
        if self._orders and self._rules.latency_bars:
            yield from self._arrivals()
        if not self._rules.at_close and self._coming():
            yield from self._trades()

    def passes(self) -> Iterator[e.Fact]:
        """Go the way from open to close: what rests is met."""
        self._moment = Moment.WAY
        if self._orders:
            for place, listing in enumerate(self._traded):
                if listing.bar is not None and self._reaches(place, listing.bar):
                    yield from self._way(place, row_of(listing.bar))
        self._moment = Moment.CLOSE
        for listing in self._listed.values():
            if listing.bar is not None:
                listing.last_ticks = listing.mark_ticks = listing.bar.close

    def closes(self) -> Iterator[e.Fact]:
        """Trade at the close what was just decided there, if the rules allow it."""
        if self._rules.at_close and self._coming():
            yield from self._trades()

    def _arrivals(self) -> Iterator[e.Fact]:
        for place, listing in enumerate(self._traded):
            if listing.bar is None:
                continue
            for intent in (Intent.ENTER, Intent.PROTECT):
                for order in self._of(place, intent):
                    if order.cancel_due is not None and order.cancel_due <= self.slice:
                        yield self._canceled(order)
            for intent in (Intent.PROTECT, Intent.EXIT, Intent.ENTER):
                for order in self._of(place, intent):
                    if not order.accepted and order.due <= self.slice:
                        yield self._admitted(order)

    def _trades(self) -> Iterator[e.Fact]:
        """Fill what comes to the market at this moment, exits first: they bring the cash. Then what that calls for."""
        again = True
        while again:
            again = False
            for intent in (Intent.EXIT, Intent.ENTER):
                for place in range(len(self._traded)):
                    for fact in self._come(place, intent):
                        again = True
                        yield fact

    def _come(self, place: int, intent: Intent) -> Iterator[e.Fact]:
        """Bring the sleeve's orders that are due to the market: they take, rest, or are not let in."""
        listing = self._traded[place]
        if listing.bar is None:
            return
        bar = row_of(listing.bar)
        at = bar.open if self._moment is Moment.OPEN else bar.close
        for order in self._of(place, intent):
            if order.name not in self._orders or order.due > self.slice or order.working.resting:
                continue
            listing.last_ticks = at
            if order.ticket.kind is OrderKind.POST_ONLY and order.side * (order.working.limit_ticks - at) >= 0:
                yield self._refused(order, "it would have taken")
                continue
            if not order.counted:
                yield self._count(order, at, bar)
                if order.name not in self._orders:
                    continue
            met = arrive(order.working, at, bar, self._market(listing))
            if met.lots and intent is Intent.ENTER and not self._pays(order, met):
                yield self._refused(order, "the cash does not pay it")
                continue
            order.working = met.left._replace(resting=int(met.left.kind == LIMIT))
            if met.lots:
                yield self._filled(order, met)

    def _reaches(self, place: int, bar: Bar) -> bool:
        """Return whether the way of `bar` may touch any order of the sleeve; most do not."""
        shelves = self._shelves[place]
        for order in shelves[Intent.PROTECT].values():
            if touched(order.working, bar):
                return True
        return bool(shelves[Intent.ENTER])

    def _way(self, place: int, bar: BarRow) -> Iterator[e.Fact]:
        listing = self._traded[place]
        for order in self._of(place, Intent.PROTECT):
            if touched(order.working, bar):
                yield from self._meets(order, bar, target=True)
        entered = False
        for order in self._of(place, Intent.ENTER):
            if order.name not in self._orders or not order.working.resting:
                continue
            met = wait(order.working, bar, self._market(listing))
            if not met.lots:
                continue
            listing.last_ticks = met.price_ticks
            if not self._pays(order, met):
                yield self._refused(order, "the cash does not pay it")
                continue
            order.working, entered = met.left, True
            yield self._filled(order, met)
        if entered:  # the target may have been passed before we entered
            for order in self._of(place, Intent.PROTECT):
                yield from self._meets(order, bar, target=False)

    def _meets(self, order: VenueOrder, bar: BarRow, *, target: bool) -> Iterator[e.Fact]:
        if not order.accepted:
            return
        before, market = order.working, self._market(order.listing)
        shown = before if target else before._replace(take_ticks=0)
        triggered = before.kind == LIMIT and not before.resting  # a bar's volume left it over
        met = meet(shown, bar, market) if triggered else wait(shown, bar, market)
        self.ambiguous_total += met.ambiguous
        order.working = met.left if met.left.kind == LIMIT else before._replace(lots=met.left.lots)
        if met.lots:
            order.listing.last_ticks = met.price_ticks
            yield self._filled(order, met)

    # --- what becomes of an order -------------------------------------------------------------------

    def _admitted(self, order: VenueOrder) -> e.OrderEvent:
        stop, take, last = order.working.stop_ticks, order.working.take_ticks, order.listing.last_ticks
        if (stop and -order.side * (last - stop) <= 0) or (take and -order.side * (last - take) >= 0):
            self._forget(order)
            reason = "it would trade at once"
            return e.OrderRejected(ts_ns=self._now(), client_order_id=order.name, code=REFUSED, reason=reason)
        order.accepted = True
        self._accepted_total += 1
        return self._confirmed(order)

    def _confirmed(self, order: VenueOrder, lots: int = 0) -> e.OrderAccepted:
        return e.OrderAccepted(
            ts_ns=self._now(), client_order_id=order.name, venue_order_id=str(self._accepted_total), lots=lots
        )

    def _canceled(self, order: VenueOrder) -> e.OrderCanceled:
        self._forget(order)
        return e.OrderCanceled(
            ts_ns=self._now(), client_order_id=order.name, reason="at our request", filled=order.filled
        )

    def _refused(self, order: VenueOrder, reason: str) -> e.OrderExpired:
        """End an entry that was accepted before its price was known."""
        self._forget(order)
        self.rejected_total += 1
        return e.OrderExpired(ts_ns=self._now(), client_order_id=order.name, reason=reason, filled=order.filled)

    def _count(self, order: VenueOrder, at_ticks: int, bar: BarRow) -> e.OrderEvent:
        """Count an entry anew at the price it fills at: as many lots as its share of the free cash pays."""
        listing = order.listing
        price = taken(order.working, at_ticks, bar, self._market(listing), 0).price_ticks
        free = self._balances[self.quote] - self._promised(order)
        for position, traded in zip(self._positions, self._traded, strict=True):
            free += 2 * min(0, worth(position, traded.mark_ticks, traded.terms))
        lots = share_lots(free, order.ticket.share, price, order.side, listing.costs, listing.terms)
        if lots < listing.terms.min_lots:
            return self._refused(order, "its share of the cash is too small")
        order.counted, order.working = True, order.working._replace(lots=lots)
        return self._confirmed(order, lots)

    def _promised(self, but: VenueOrder) -> int:
        others = (order for order in self._orders.values() if order is not but and order.ticket.reserve_atoms)
        return sum(-(-o.ticket.reserve_atoms * o.working.lots // o.ticket.lots) for o in others)

    def _pays(self, order: VenueOrder, met: Met) -> bool:
        cash, listing = self._balances[self.quote], order.listing
        return payable(cash, met.lots, met.price_ticks, order.side, met.maker, listing.costs, listing.terms)

    def _filled(self, order: VenueOrder, met: Met) -> e.OrderFilled:
        listing, side = order.listing, order.side
        instrument, terms = listing.instrument, listing.terms
        fee = fee_of(met.lots, met.price_ticks, side, met.maker, listing.costs, terms)
        currency = instrument.base if fee.in_base else instrument.quote
        self._move(instrument.base, side * met.lots * terms.lot_atoms)
        self._move(instrument.quote, -side * met.lots * met.price_ticks * terms.notional_atoms)
        self._move(currency, -fee.atoms)
        self._positions[order.place] += side * met.lots * terms.lot_atoms - (fee.atoms if fee.in_base else 0)
        listing.available -= met.lots if self._rules.volume_share else 0
        order.filled += met.lots
        if not met.left.lots:
            self._forget(order)
        self.met.append(met)
        return e.OrderFilled(
            ts_ns=self._now(),
            client_order_id=order.name,
            trade_id=str(len(self.met)),
            lots=met.lots,
            price_ticks=met.price_ticks,
            fee=Money(atoms=fee.atoms, currency=currency),
        )

    # --- the small things ---------------------------------------------------------------------------

    def _coming(self) -> bool:
        """Whether any order may come to the market; at most bars there is none."""
        if self._orders:
            for shelves in self._shelves:
                if shelves[Intent.EXIT] or shelves[Intent.ENTER]:
                    return True
        return False

    def _of(self, place: int, intent: Intent) -> list[VenueOrder]:
        return list(self._shelves[place][intent].values())

    def _shelf(self, order: VenueOrder) -> dict[str, VenueOrder]:
        return self._shelves[order.place][order.ticket.intent]

    def _forget(self, order: VenueOrder) -> None:
        del self._orders[order.name], self._shelf(order)[order.name]

    def _market(self, listing: Listing) -> Market:
        return Market(
            costs=listing.costs,
            lot_atoms=listing.terms.lot_atoms,
            available=listing.available,
            touch=self._rules.touch,
        )

    def _resting_from(self) -> int:
        """The first slice that an order which rests, or a cancel, has reached."""
        return self.slice + self._rules.latency_bars + (self._moment is Moment.CLOSE)

    def _taking_from(self) -> int:
        """The first slice whose market an order meets that takes."""
        at_once = self._moment is Moment.OPEN or self._rules.at_close
        return self.slice + self._rules.latency_bars + (not at_once)

    def _move(self, currency: str, atoms: int) -> None:
        self._balances[currency] = self._balances.get(currency, 0) + atoms

    def _now(self) -> int:
        return self._clock.now_ns()
