"""Cash, positions, orders and latches of one account: a fold of facts, nothing else.

`Portfolio.apply` takes facts one by one, live and when a journal is read again; the two must agree.
It never predicts: a fill counts when the venue has told of it, a promise of cash when a ticket is queued.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from trading_system.blotter import events as e
from trading_system.blotter import state
from trading_system.blotter.orders import Cancel, Order, OrderStatus
from trading_system.blotter.tickets import Intent, OrderTicket, Side
from trading_system.errors import InvariantBroken
from trading_system.market.instruments import Instrument
from trading_system.market.money import to_atoms

SleeveKey = tuple[str, str]
"""Strategy and symbol."""


@dataclass(slots=True, kw_only=True)
class SleeveBook:
    """What one strategy on one instrument owns and carries.

    Attributes:
        terms: The instrument in a decision's numbers.
        position_atoms: Base currency owned, atoms, < 0 when short.
        stop_refused: The venue refused the last protective stop and no fill has come since.
        exit_refused: The venue refused an exit since the last decision, and no fill has come since.
        decided_ns: Close of the last bar decided on, UTC ns; 0 before.
        marked_ticks: Close of that bar, ticks; what the position is marked at.
        known_ticks: Last price heard: that close, or a fill's since, ticks.
        tickets: Tickets of the bar decided last, by intent.
        cancels: How often each order was to be canceled since that decision, by client order id.
        held_back: An entry that the venue is not asked for yet; its lots are those that nobody has given so far.
    """

    strategy: str
    instrument: Instrument
    terms: state.Terms
    policy: state.Policy
    position_atoms: int = 0
    stop_refused: bool = False
    exit_refused: bool = False
    carried: state.SleeveCarried = state.FLAT
    decided_ns: int = 0
    marked_ticks: int = 0
    known_ticks: int = 0
    tickets: dict[Intent, int] = field(default_factory=dict)
    cancels: dict[str, int] = field(default_factory=dict)
    held_back: OrderTicket | None = None

    @property
    def key(self) -> SleeveKey:
        """Strategy and symbol."""
        return (self.strategy, self.instrument.symbol)

    @property
    def held_lots(self) -> int:
        """Whole lots owned, < 0 when short; what is left of fees paid in base currency is dust."""
        size = abs(self.position_atoms) // self.terms.lot_atoms
        return size if self.position_atoms > 0 else -size

    def worth_atoms(self, price_ticks: int) -> int:
        """Return the position's worth at `price_ticks`, quote atoms, cut to the atom; below zero when short."""
        if self.position_atoms == 0:
            return 0
        size = abs(self.position_atoms) * price_ticks * self.terms.notional_atoms // self.terms.lot_atoms
        return size if self.position_atoms > 0 else -size


@dataclass(slots=True, kw_only=True)
class Portfolio:
    """All that the account owns, asks and remembers.

    Attributes:
        balances: Every currency's total by our own books, atoms; empty before the first reconciliation.
        sleeves: By strategy and symbol, in the configured order.
        orders: Every order ever asked, by client order id.
        live: Those that are not over, in the order they were asked.
        carried: What the decision remembers of the account.
        differences: What the last comparison with the venue could not explain.
        reconciled_ns: When books and venue last agreed, UTC ns; 0 for never.
        paid: Currencies that fees were paid in.
    """

    account: str = ""
    balances: dict[str, int] = field(default_factory=dict)
    sleeves: dict[SleeveKey, SleeveBook] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    live: dict[str, None] = field(default_factory=dict)
    carried: state.AccountCarried = state.FRESH
    differences: tuple[str, ...] = ("never compared with the venue",)
    reconciled_ns: int = 0
    paid: set[str] = field(default_factory=set)

    def apply(self, fact: e.Fact) -> None:
        """Take one fact into account.

        Raises:
            InvariantBroken: The fact cannot follow what was told before.
        """
        match fact:
            case e.BarClosed():
                pass  # most facts are bars
            case e.OrderQueued():
                self._queue(fact.ticket)
            case e.OrderEvent():
                self._tell(fact)
            case e.Decided():
                book = self.sleeves[fact.strategy, fact.symbol]
                book.carried, self.carried = fact.step.sleeve, fact.step.account
                book.decided_ns, book.marked_ticks = fact.bar.close_ns, fact.bar.close
                book.known_ticks = fact.bar.close
                book.tickets, book.cancels, book.exit_refused = {}, {}, False
            case e.EntryHeld(ticket=ticket):
                self.sleeves[ticket.strategy, ticket.symbol].held_back = ticket
            case e.EntryDropped():
                self.sleeves[fact.strategy, fact.symbol].held_back = None
            case e.LotsCrossed():
                self._cross(self.sleeves[fact.buyer, fact.symbol], Side.BUY, fact.lots)
                self._cross(self.sleeves[fact.seller, fact.symbol], Side.SELL, fact.lots)
            case e.Reconciled():
                if not self.balances:
                    self.balances = dict(fact.balances)
                self.differences = fact.differences
                if not fact.differences:
                    self.reconciled_ns = fact.ts_ns
            case e.ReconcileRequested(routine=False):
                self.differences = (f"not compared since: {fact.reason}",)
            case e.SleeveOpened():
                self._open(fact)
            case e.EngineStarted():
                self.account = fact.account
            case _:
                pass

    def live_orders(self, key: SleeveKey | None = None) -> list[Order]:
        """Return the orders that are not over, oldest first; of one sleeve, or of all."""
        if not self.live:
            return []
        orders = [self.orders[name] for name in self.live]
        return orders if key is None else [o for o in orders if (o.ticket.strategy, o.ticket.symbol) == key]

    def currencies(self) -> set[str]:
        """Return the currencies of our instruments, and those that fees were paid in."""
        traded = {c for book in self.sleeves.values() for c in (book.instrument.base, book.instrument.quote)}
        return traded | self.paid

    def worths_atoms(self, marks: Mapping[str, int]) -> list[int]:
        """Return the worth of each position in quote atoms, at `marks` (ticks by symbol) or its last mark."""
        return [
            book.worth_atoms(marks.get(book.instrument.symbol, book.marked_ticks)) for book in self.sleeves.values()
        ]

    def reserved_atoms(self) -> int:
        """Return the quote currency promised to entries, live or held back, at their worst, atoms, rounded up."""
        promising = [o for o in self.live_orders() if o.ticket.reserve_atoms]
        promised = sum(-(-o.ticket.reserve_atoms * o.open_lots // o.ticket.lots) for o in promising)
        for book in self.sleeves.values():
            promised += book.held_back.reserve_atoms if book.held_back else 0
        return promised

    def _open(self, fact: e.SleeveOpened) -> None:
        key = (fact.strategy, fact.instrument.symbol)
        book = self.sleeves.get(key)
        if book is None:
            self.sleeves[key] = SleeveBook(
                strategy=fact.strategy,
                instrument=fact.instrument,
                terms=terms_of(fact.instrument),
                policy=fact.policy,
            )
            return
        before, now = book.instrument, fact.instrument
        if (before.tick, before.lot) != (now.tick, now.lot):  # what is carried was counted in other steps
            if book.held_lots or self.live_orders(key):
                raise InvariantBroken(f"{key}: the venue changed its steps from {before} to {now} under a position")
            book.carried, book.marked_ticks, book.known_ticks = state.FLAT, 0, 0
        book.instrument, book.terms, book.policy = now, terms_of(now), fact.policy

    def _queue(self, ticket: OrderTicket) -> None:
        if ticket.client_order_id in self.orders:
            raise InvariantBroken(f"{ticket.client_order_id} was asked for twice")
        self.orders[ticket.client_order_id] = Order(ticket=ticket)
        self.live[ticket.client_order_id] = None
        book = self.sleeves[ticket.strategy, ticket.symbol]
        book.tickets[ticket.intent] = book.tickets.get(ticket.intent, 0) + 1
        if ticket.intent is Intent.ENTER:
            book.held_back = None

    def _tell(self, event: e.OrderEvent) -> None:
        order = self.orders.get(event.client_order_id)
        if order is None:
            raise InvariantBroken(f"{type(event).__name__} for {event.client_order_id}, which was never asked for")
        told = order.apply(event)
        self.orders[event.client_order_id] = told
        if told.over:
            self.live.pop(event.client_order_id, None)
        book = self.sleeves[told.ticket.strategy, told.ticket.symbol]
        if isinstance(event, e.OrderFilled) and not order.knows(event):
            self._book(told.ticket, event, book)
        if isinstance(event, e.OrderRejected):
            book.stop_refused |= told.ticket.intent is Intent.PROTECT
            book.exit_refused |= told.ticket.intent is Intent.EXIT
        if isinstance(event, e.CancelRequested):
            book.cancels[event.client_order_id] = book.cancels.get(event.client_order_id, 0) + 1

    def _book(self, ticket: OrderTicket, fill: e.OrderFilled, book: SleeveBook) -> None:
        instrument, terms = book.instrument, book.terms
        sign = 1 if ticket.side is Side.BUY else -1
        base_atoms = sign * fill.lots * terms.lot_atoms
        self._move(instrument.base, base_atoms)
        self._move(instrument.quote, -sign * fill.lots * fill.price_ticks * terms.notional_atoms)
        self._move(fill.fee.currency, -fill.fee.atoms)
        self.paid.add(fill.fee.currency)
        book.position_atoms += base_atoms
        if fill.fee.currency == instrument.base:  # of a sale, other coins of the account pay what the sleeve lacks
            owned = fill.fee.atoms if sign > 0 else max(0, book.position_atoms)
            book.position_atoms -= min(fill.fee.atoms, owned)
        book.stop_refused = book.exit_refused = False
        book.known_ticks = fill.price_ticks

    def _cross(self, book: SleeveBook, side: Side, lots: int) -> None:
        """Let `book` buy from or sell to another sleeve: the account as a whole neither pays nor owns anything else."""
        book.position_atoms += (lots if side is Side.BUY else -lots) * book.terms.lot_atoms
        book.stop_refused = book.exit_refused = False
        ticket = book.held_back
        if ticket is not None and ticket.side is side:
            rest = ticket.lots - lots
            reserve = -(-ticket.reserve_atoms * rest // ticket.lots)
            book.held_back = replace(ticket, lots=rest, reserve_atoms=reserve) if rest > 0 else None

    def _move(self, currency: str, atoms: int) -> None:
        self.balances[currency] = self.balances.get(currency, 0) + atoms


def fold(facts: Iterable[e.Fact]) -> Portfolio:
    """Return the portfolio that `facts`, in the order of the journal, make."""
    portfolio = Portfolio()
    for fact in facts:
        portfolio.apply(fact)
    return portfolio


def terms_of(instrument: Instrument) -> state.Terms:
    """Return `instrument` in a decision's numbers."""
    return state.Terms(
        lot_atoms=instrument.lot_atoms,
        notional_atoms=instrument.notional_atoms,
        min_lots=instrument.min_lots,
        min_notional_atoms=to_atoms(instrument.min_notional),
        shortable=int(instrument.shortable),
    )


def sleeve_row(portfolio: Portfolio, book: SleeveBook, decided_ns: int) -> state.Sleeve:
    """Return what a decision may know of one sleeve: booked from its live orders, carried from its last decision.

    Args:
        portfolio: The books.
        book: The sleeve's.
        decided_ns: Close of the bar that is decided, or was last, UTC ns: entries of older bars no longer count as
            about to fill.
    """
    coming = taking = going = stop_lots = trigger = limit = take = 0
    stops: list[Order] = []
    for order in portfolio.live_orders(book.key):
        ticket, lots = order.ticket, order.open_lots
        if ticket.intent is Intent.PROTECT:
            stops.append(order)
            stop_lots += lots
            trigger = max(trigger, ticket.stop_ticks or 0)
            limit = max(limit, ticket.limit_ticks or 0)
            take = max(take, ticket.take_ticks or 0)
        elif ticket.intent is Intent.EXIT:
            going += lots
        else:
            coming += lots if ticket.side is Side.BUY else -lots
            if ticket.limit_ticks is None and ticket.decided_ns == decided_ns and not order.doubtful:
                taking = 1
    return state.Sleeve(
        terms=book.terms,
        position_atoms=book.position_atoms,
        entry_lots=coming,
        entry_taking=taking,
        exit_lots=going,
        stop_lots=stop_lots,
        stop_resting_ticks=trigger,
        stop_limit_ticks=limit,
        stop_status=_stop_status(stops, refused=book.stop_refused),
        carried=book.carried,
        stop_take_ticks=take,
    )


def account_row(portfolio: Portfolio, quote: str, marks: Mapping[str, int], gates: int) -> state.Account:
    """Return what a decision may know of the account, in the currency `quote`."""
    holdings = short = 0
    for worth in portfolio.worths_atoms(marks):
        holdings += worth
        short -= min(worth, 0)
    return state.Account(
        cash_atoms=portfolio.balances.get(quote, 0),
        reserved_atoms=portfolio.reserved_atoms(),
        holdings_atoms=holdings,
        gates=gates,
        carried=portfolio.carried,
        short_atoms=short,
    )


def _stop_status(stops: list[Order], *, refused: bool) -> int:
    if not stops:
        return state.STOP_REFUSED if refused else state.STOP_NONE
    resting = True
    for order in stops:
        if order.cancel is not Cancel.NONE:
            return state.STOP_CANCELING
        resting = resting and order.status is OrderStatus.WORKING
    return state.STOP_RESTING if resting else state.STOP_PENDING
