"""The desk: what it has heard becomes what is asked. No I/O, no clock, no chance.

`Desk.handle` takes one event and answers with the facts that follow from it. Everything it knows is in
the portfolio (a fold of facts) and in the forecasters (a function of the bars pushed).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from trading_system.blotter import events as e
from trading_system.blotter import objections
from trading_system.blotter.orders import Cancel, Order, OrderStatus
from trading_system.blotter.portfolio import Portfolio, SleeveBook, SleeveKey, account_row, sleeve_row
from trading_system.blotter.signals import Forecast
from trading_system.blotter.state import NO_ENTRY, NO_VIEW, NOTHING, Account, Asks, BarRow, Policy, Sleeve, Step, View
from trading_system.blotter.tickets import Intent
from trading_system.desk import netting
from trading_system.desk.decide import asked, decide
from trading_system.desk.patience import Due
from trading_system.desk.ticketing import tickets_for
from trading_system.market.bars import Bar
from trading_system.market.timestamps import NS_PER_S
from trading_system.ports import Forecaster

Decide = Callable[[Account, Sleeve, BarRow, View, Policy], Step]
FREELY: Final = 3
"""Exits, protective orders, or cancels of one order, that a sleeve may ask for between two decisions without a pause.
"""
ROUTINE_NS: Final = 3_600 * NS_PER_S
"""Books that agree are compared again after this long."""


@dataclass(slots=True, kw_only=True)
class Desk:
    """One account's desk.

    Attributes:
        portfolio: The books; changed only by facts.
        forecasters: Who forms the view of each sleeve.
        interval_ns: Length of a bar.
        stale_ns: A bar heard later than this after its close is too old for new risk.
        quote: The currency that all sleeves are paid in.
        decide: The decision; ours, unless a user's own policy takes its place.
    """

    portfolio: Portfolio
    forecasters: Mapping[SleeveKey, Forecaster]
    interval_ns: int
    stale_ns: int
    quote: str
    decide: Decide = decide
    _slice: dict[str, Bar] = field(default_factory=dict)
    _forecasts: dict[SleeveKey, Forecast] = field(default_factory=dict)
    _slice_ns: int = 0
    _due: dict[str, Due] = field(default_factory=dict)
    _again: dict[SleeveKey, Due] = field(default_factory=dict)
    _closing: bool = False
    _compared_ns: int = 0
    _crossed: set[SleeveKey] = field(default_factory=set)
    _shared: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        traders = Counter(symbol for _, symbol in self.forecasters)
        self._shared = frozenset(symbol for symbol, count in traders.items() if count > 1)

    def warm(self, bar: Bar) -> None:
        """Show `bar`, which closed before this process began, to the forecasters; nothing is decided on it."""
        for key, forecaster in self.forecasters.items():
            if key[1] == bar.symbol:
                forecaster.push(bar)

    def admit(self, event: e.Fact) -> e.Fact:
        """Return the fact that `event` amounts to, given what is known; told before anything else.

        An order of ours that we do not know means that our journal has lost something: the books are
        compared. An end that counts executions we have not heard of is asked about before it is believed.
        """
        if not isinstance(event, e.OrderEvent):
            return event
        order = self.portfolio.orders.get(event.client_order_id)
        if order is None:
            reason = f"the venue tells of {event.client_order_id}, which our journal does not know"
            return e.ReconcileRequested(ts_ns=event.ts_ns, reason=reason)
        if (
            isinstance(event, e.OrderCanceled | e.OrderExpired)
            and not order.over
            and (event.filled or 0) > order.filled
        ):
            return e.InquiryRequested(
                ts_ns=event.ts_ns,
                client_order_id=event.client_order_id,
                reason=f"it ended with {event.filled} lots executed, and we have heard of {order.filled}",
            )
        return event

    def handle(self, event: e.Fact) -> list[e.Fact]:
        """Return what follows from `event`, which `admit` has seen; the portfolio has taken in all of it."""
        doubtful = self._doubts() if isinstance(event, e.OrderEvent) else []  # nothing else clears a doubt up
        self.portfolio.apply(event)
        match event:
            case e.BarClosed():
                facts = self._bar(event)
            case e.SliceClosed():
                facts = self._decide(event.ts_ns)
            case e.OrderEvent():
                facts = self._after(event)
            case e.TimerFired():
                facts = self._timer(event.ts_ns)
            case e.StopRequested():
                self._closing, facts = True, netting.drop(self.portfolio, "the process is to end", event.ts_ns)
            case e.FeedRestored(feed="user"):
                facts = self._what_was_missed(event)
            case e.EngineStarted():
                facts = self._recover(event.ts_ns)
            case _:
                facts = []
        if doubtful and not self._doubts():
            facts.append(self._take(e.ReconcileRequested(ts_ns=event.ts_ns, reason="an order in doubt was cleared up")))
        return facts + self._conclude(event.ts_ns) if self._shared else facts

    def wake_ns(self) -> int | None:
        """Return when something is to be asked again or decided, UTC ns; None while nothing waits."""
        self._wait_for()
        moments = [due.at_ns for due in (*self._due.values(), *self._again.values())]
        if self._slice:
            moments.append(self._slice_ns)
        if not self.portfolio.differences:
            moments.append(self._routine_ns())
        return min(moments, default=None)

    def at_rest(self) -> bool:
        """Return whether nothing is under way: every live order rests at the venue, as its owner wishes."""
        return all(
            order.status is OrderStatus.WORKING
            and order.cancel is Cancel.NONE
            and order.ticket.limit_ticks is not None
            and not order.doubtful
            for order in self.portfolio.live_orders()
        )

    # --- bars ---------------------------------------------------------------------------------------

    def _bar(self, event: e.BarClosed) -> list[e.Fact]:
        bar = event.bar
        facts: list[e.Fact] = []
        if self._slice and next(iter(self._slice.values())).close_ns != bar.close_ns:
            facts += self._decide(event.ts_ns)  # an instrument is missing in the older slice: decide without it
        if not self._slice:
            self._slice_ns = event.ts_ns + self.stale_ns // 2  # who is missing by then is decided without
        self._slice[bar.symbol] = bar
        for key, forecaster in self.forecasters.items():
            if key[1] == bar.symbol:
                self._forecasts[key] = forecaster.push(bar)
        if self._slice.keys() == {symbol for _, symbol in self.forecasters}:
            facts += self._decide(event.ts_ns)
        return facts

    def _decide(self, ts_ns: int) -> list[e.Fact]:
        bars, self._slice = self._slice, {}
        marks = {symbol: bar.close for symbol, bar in bars.items()}
        facts = netting.drop(self.portfolio, "it is decided anew", ts_ns, bars) if self._shared else []
        together: list[tuple[SleeveBook, Asks]] = []
        for key, book in self.portfolio.sleeves.items():
            if key in self.forecasters and key[1] in bars:
                decided, asks = self._decide_one(book, bars[key[1]], self._forecasts[key], marks, ts_ns)
                facts += decided
                if key[1] in self._shared:
                    held, asks = netting.hold_back(self.portfolio, book, asks, ts_ns)
                    facts += held
                    together.append((book, asks))
                elif asks != NOTHING:
                    facts += self._ask([(book, asks)], ts_ns)
        return facts + self._ask(together, ts_ns) if together else facts

    def _decide_one(
        self, book: SleeveBook, bar: Bar, forecast: Forecast, marks: dict[str, int], ts_ns: int
    ) -> tuple[list[e.Fact], Asks]:
        gates = objections.UNRECONCILED if self.portfolio.differences else objections.NONE
        if ts_ns - bar.close_ns > self.stale_ns:
            gates |= objections.STALE_FEED
        if self._closing:
            gates |= objections.HALTED
        account = account_row(self.portfolio, self.quote, marks, gates)
        sleeve, row = sleeve_row(self.portfolio, book, bar.close_ns), _row(bar, forecast)
        view = _view(forecast, bar, self.interval_ns)
        step = self.decide(account, sleeve, row, view, book.policy)
        facts: list[e.Fact] = [
            e.Decided(
                ts_ns=ts_ns,
                strategy=book.strategy,
                symbol=bar.symbol,
                account=account,
                sleeve=sleeve,
                bar=row,
                view=view,
                policy=book.policy,
                step=step,
                model=forecast.model,
                features=forecast.features,
                why="" if forecast.known else forecast.reason.value,
            )
        ]
        if new := step.account.latched & ~account.carried.latched:
            facts.append(e.BreakerTripped(ts_ns=ts_ns, objections=new))
        for fact in facts:
            self.portfolio.apply(fact)
        self._again.pop(book.key, None)
        return facts, step.asks

    # --- orders -------------------------------------------------------------------------------------

    def _after(self, event: e.OrderEvent) -> list[e.Fact]:
        ts_ns, order = event.ts_ns, self.portfolio.orders[event.client_order_id]
        book = self.portfolio.sleeves[order.ticket.strategy, order.ticket.symbol]
        match event:
            case e.OrderInDoubt() | e.CancelInDoubt() | e.CancelRefused():
                about = "our order" if order.cancel is Cancel.NONE else "our cancel"
                return [self._inquire(order, ts_ns, f"the venue did not confirm {about}")]
            case e.OrderSubmitted() | e.CancelRequested() | e.InquiryRequested():
                return []
            case e.OrderAccepted() if order.status in (OrderStatus.ABSENT, OrderStatus.REJECTED):
                reason = f"{event.client_order_id} lives at the venue and is {order.status.value} in our books"
                return [self._take(e.ReconcileRequested(ts_ns=ts_ns, reason=reason))]
            case _:
                return self._ask_again(book, ts_ns)

    def _ask_again(self, book: SleeveBook, ts_ns: int, *, freely: bool = False) -> list[e.Fact]:
        """Between bars nothing new is wanted, but what is wanted may have become possible.

        While the venue refuses to let us leave, the stop is put back. What has been asked for several times since the
        last decision is asked for again only after a pause.
        """
        if not book.decided_ns:
            return []
        want = book.carried
        if book.exit_refused:
            want = want._replace(target_lots=max(want.target_lots, book.held_lots, key=abs))
        asks = asked(sleeve_row(self.portfolio, book, book.decided_ns), want, book.known_ticks, NO_ENTRY)
        if asks == NOTHING:
            self._again.pop(book.key, None)
            return []
        often = max(book.tickets.get(Intent.EXIT, 0), book.tickets.get(Intent.PROTECT, 0), *book.cancels.values())
        if not freely and often >= FREELY:
            if book.key not in self._again:
                self._again[book.key] = due = Due(ts_ns)
                due.again(ts_ns)
            return []
        return self._ask([(book, asks)], ts_ns)

    def _ask(self, asked: Sequence[tuple[SleeveBook, Asks]], ts_ns: int) -> list[e.Fact]:
        """Ask the venue for what sleeves cannot give each other at this moment."""
        facts = [fact for book, asks in asked for fact in self._cancel(book, asks, ts_ns)]
        exits = {book.key: asks.exit_lots for book, asks in asked if asks.exit_lots}
        for symbol in dict.fromkeys(book.instrument.symbol for book, _ in asked):
            if symbol in self._shared:
                for crossed in netting.cross(self.portfolio, symbol, exits, ts_ns):
                    facts.append(crossed)
                    self._crossed |= {(crossed.buyer, symbol), (crossed.seller, symbol)}
        for book, asks in asked:
            rest = asks._replace(exit_lots=exits[book.key]) if asks.exit_lots else asks
            tickets = tickets_for(self.portfolio.account, book, rest)
            facts += [self._take(e.OrderQueued(ts_ns=ts_ns, ticket=ticket)) for ticket in tickets]
        return facts

    def _cancel(self, book: SleeveBook, asks: Asks, ts_ns: int) -> list[e.Fact]:
        facts: list[e.Fact] = []
        if not asks.cancel_stop and not asks.cancel_entry:
            return facts
        for order in self.portfolio.live_orders(book.key):
            wanted = {Intent.PROTECT: asks.cancel_stop, Intent.ENTER: asks.cancel_entry}.get(order.ticket.intent, 0)
            if wanted and order.status is OrderStatus.WORKING and order.cancel is Cancel.NONE:
                name = order.ticket.client_order_id
                facts.append(self._take(e.CancelRequested(ts_ns=ts_ns, client_order_id=name)))
        return facts

    def _conclude(self, ts_ns: int) -> list[e.Fact]:
        """Ask for what nobody is left to give, and let who got or gave lots follow as after a fill."""
        facts: list[e.Fact] = []
        while True:
            facts += netting.release(self.portfolio, ts_ns)
            book = next((book for key, book in self.portfolio.sleeves.items() if key in self._crossed), None)
            if book is None:
                return facts
            self._crossed.discard(book.key)
            facts += self._ask_again(book, ts_ns)

    # --- questions ----------------------------------------------------------------------------------

    def _doubts(self) -> list[Order]:
        return [order for order in self.portfolio.live_orders() if order.doubtful]

    def _wait_for(self) -> None:
        """Bring the list of what waits for an answer up to date; everything in it is asked about again."""
        waiting = {
            o.ticket.client_order_id: o.submitted_ns
            for o in self.portfolio.live_orders()
            if o.doubtful or (o.ticket.limit_ticks is None and o.status is not OrderStatus.QUEUED)
        }
        if self.portfolio.differences and not self._doubts():
            waiting[""] = max(self.portfolio.reconciled_ns, self._compared_ns)
        for name in self._due.keys() - waiting.keys():
            del self._due[name]
        for name in waiting.keys() - self._due.keys():
            due = self._due[name] = Due(waiting[name])
            due.again(waiting[name])

    def _timer(self, now_ns: int) -> list[e.Fact]:
        facts = self._questions(now_ns)
        for key, due in list(self._again.items()):
            if due.at_ns <= now_ns:
                due.again(now_ns)
                facts += self._ask_again(self.portfolio.sleeves[key], now_ns, freely=True)
        if self._slice and self._slice_ns <= now_ns:
            facts += self._decide(now_ns)
        if not self.portfolio.differences and self._routine_ns() <= now_ns:
            facts.append(self._take(e.ReconcileRequested(ts_ns=now_ns, reason="it was time", routine=True)))
        return facts

    def _routine_ns(self) -> int:
        return max(self._compared_ns, self.portfolio.reconciled_ns) + ROUTINE_NS

    def _questions(self, now_ns: int) -> list[e.Fact]:
        self._wait_for()
        facts: list[e.Fact] = []
        for name, due in self._due.items():
            if due.at_ns <= now_ns:
                due.again(now_ns)
                if name:
                    facts.append(self._inquire(self.portfolio.orders[name], now_ns, "still no answer"))
                else:
                    facts.append(self._take(e.ReconcileRequested(ts_ns=now_ns, reason="the books differed")))
        return facts

    def _inquire(self, order: Order, ts_ns: int, reason: str) -> e.Fact:
        name = order.ticket.client_order_id
        return self._take(e.InquiryRequested(ts_ns=ts_ns, client_order_id=name, reason=reason))

    def _what_was_missed(self, event: e.FeedRestored) -> list[e.Fact]:
        facts = [
            self._inquire(order, event.ts_ns, "its reports may have been missed")
            for order in self.portfolio.live_orders()
            if order.status is not OrderStatus.QUEUED
        ]
        return [*facts, self._take(e.ReconcileRequested(ts_ns=event.ts_ns, reason="the user stream had broken"))]

    def _recover(self, ts_ns: int) -> list[e.Fact]:
        """What a process that ended anywhere left open: never sent, perhaps sent, or resting."""
        facts = netting.drop(self.portfolio, "the process was started again", ts_ns)
        for order in self.portfolio.live_orders():
            name = order.ticket.client_order_id
            if order.status is OrderStatus.QUEUED:
                reason = "never sent: the process ended before a worker claimed it"
                facts.append(self._take(e.OrderCanceled(ts_ns=ts_ns, client_order_id=name, reason=reason, filled=0)))
                continue
            if order.status is OrderStatus.SUBMITTED:
                reason = "the process ended before the answer was written down"
                facts.append(self._take(e.OrderInDoubt(ts_ns=ts_ns, client_order_id=name, reason=reason)))
            if order.cancel is Cancel.REQUESTED:
                reason = "the process ended before the answer to our cancel was written down"
                facts.append(self._take(e.CancelInDoubt(ts_ns=ts_ns, client_order_id=name, reason=reason)))
            facts.append(self._inquire(order, ts_ns, "the process was started again"))
        facts.append(self._take(e.ReconcileRequested(ts_ns=ts_ns, reason="the process was started")))
        for book in self.portfolio.sleeves.values():
            facts += self._ask_again(book, ts_ns)
        return facts

    def _take(self, fact: e.Fact) -> e.Fact:
        self.portfolio.apply(fact)
        if isinstance(fact, e.ReconcileRequested):
            self._compared_ns = fact.ts_ns
        return fact


def _row(bar: Bar, forecast: Forecast) -> BarRow:
    return BarRow(
        close_ns=bar.close_ns,
        open=bar.open,
        high=bar.high,
        low=bar.low,
        close=bar.close,
        volume_atoms=bar.volume_atoms,
        atr=forecast.atr,
    )


def _view(forecast: Forecast, bar: Bar, interval_ns: int) -> View:
    if not forecast.known:
        return NO_VIEW
    return View(
        probability=forecast.probability,
        gain=forecast.gain,
        loss=forecast.loss,
        expires_ns=bar.close_ns + forecast.horizon * interval_ns,
    )
