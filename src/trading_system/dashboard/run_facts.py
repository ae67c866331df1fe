"""What a journal says about a run, as series and numbers to draw: pure functions, floats only for the eye.

Exact amounts are summed in atoms and become floats (in units of their currency) in the last step.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from trading_system.blotter import events as e
from trading_system.blotter.objections import words
from trading_system.blotter.portfolio import Portfolio, SleeveBook, SleeveKey, terms_of
from trading_system.blotter.tickets import Intent, OrderTicket, Side
from trading_system.errors import DataError
from trading_system.market.instruments import Instrument
from trading_system.market.money import ATOMS
from trading_system.ports import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The account at the close of a bar.

    Attributes:
        equity: Cash and positions at their closes, quote units.
        holdings: The part of it in positions.
    """

    ns: int
    equity: float
    holdings: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PricePoint:
    """A decided bar of one instrument, prices in quote per base; `ns` is its close."""

    ns: int
    open: float
    high: float
    low: float
    close: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One fill, priced for the eye.

    Attributes:
        quantity: Base units.
        price, expected: Quote per base; expected is the decided bar's close, for a stop its trigger.
        fee: Quote units, at the fill's price where it was taken in base; 0 where taken in a third currency.
        slippage: Quote units, > 0 costs us.
    """

    ns: int
    client_order_id: str
    intent: Intent
    side: Side
    quantity: float
    price: float
    expected: float
    fee: float
    slippage: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """From flat to flat: what one position brought, after fees, quote units."""

    entered_ns: int
    left_ns: int
    profit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRest:
    """A protective stop that rested at the venue over a span, at `price` quote per base."""

    from_ns: int
    to_ns: int
    price: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SleeveRun:
    """One strategy on one instrument."""

    strategy: str
    instrument: Instrument
    prices: tuple[PricePoint, ...]
    executions: tuple[Execution, ...]
    trips: tuple[Trip, ...]
    stops: tuple[StopRest, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A whole run: the account over time, and each sleeve.

    Attributes:
        marks: One for each slice of bars decided, oldest first, and a last one for the books' end.
        portfolio: The fold of the whole journal.
        entries: How many facts the journal holds.
        starts: How many processes it took.
        brakes: When a brake latched, UTC ns, and which, in words.
    """

    marks: tuple[Mark, ...]
    sleeves: tuple[SleeveRun, ...]
    portfolio: Portfolio
    entries: int
    starts: int
    brakes: tuple[tuple[int, str], ...]


@dataclass(slots=True, kw_only=True)
class _Sleeve:
    """A sleeve while the journal is read: amounts exact, in atoms."""

    instrument: Instrument
    prices: list[PricePoint] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    trips: list[Trip] = field(default_factory=list)
    rests: list[StopRest] = field(default_factory=list)
    closes: dict[int, int] = field(default_factory=dict)
    opened_ns: int = 0
    flow_atoms: int = 0
    dust_atoms: int = 0


def run_of(entries: Iterable[Entry]) -> Run:
    """Return the run that a journal tells.

    Raises:
        DataError: It holds no decision: there is nothing to draw.
        InvariantBroken: Its facts cannot follow one another.
    """
    reader = _Reader()
    for entry in entries:
        reader.read(entry)
    return reader.run()


class _Reader:
    """Reads facts one by one."""

    def __init__(self) -> None:
        self.portfolio = Portfolio()
        self.sleeves: dict[SleeveKey, _Sleeve] = {}
        self.marks: dict[int, Mark] = {}
        self.rested: dict[str, int] = {}
        self.brakes: list[tuple[int, str]] = []
        self.entries = self.starts = self.last_ns = 0

    def read(self, entry: Entry) -> None:
        """Take the next entry into account."""
        fact = entry.fact
        match fact:
            case e.EngineStarted():
                self.starts += 1
            case e.BreakerTripped():
                self.brakes.append((fact.ts_ns, ", ".join(words(fact.objections))))
            case e.Decided():
                self._decided(fact)
            case e.OrderFilled() if not self.portfolio.orders[fact.client_order_id].knows(fact):
                self._filled(fact)
        self.portfolio.apply(fact)
        match fact:
            case e.SleeveOpened():
                key = (fact.strategy, fact.instrument.symbol)
                self.sleeves.setdefault(key, _Sleeve(instrument=fact.instrument))
            case e.OrderFilled():
                self._flat_again(fact)
        if isinstance(fact, e.OrderEvent):
            self._stop_rests(fact)
        self.entries += 1
        self.last_ns = max(self.last_ns, fact.ts_ns)

    def run(self) -> Run:
        """Return all that was read; stops that still rest do so until the last fact.

        Raises:
            DataError: No decision was read.
        """
        if not self.marks:
            raise DataError("this journal holds no decision yet: there is nothing to show")
        for name in list(self.rested):
            self._end_rest(name, self.last_ns)
        quote = next(iter(self.sleeves.values())).instrument.quote
        holdings = sum(self.portfolio.worths_atoms({}))
        end = Mark(
            ns=self.last_ns,
            equity=(self.portfolio.balances.get(quote, 0) + holdings) / ATOMS,
            holdings=holdings / ATOMS,
        )
        return Run(
            marks=(*self.marks.values(), end),
            sleeves=tuple(
                SleeveRun(
                    strategy=strategy,
                    instrument=sleeve.instrument,
                    prices=tuple(sleeve.prices),
                    executions=tuple(sleeve.executions),
                    trips=tuple(sleeve.trips),
                    stops=tuple(sleeve.rests),
                )
                for (strategy, _), sleeve in self.sleeves.items()
            ),
            portfolio=self.portfolio,
            entries=self.entries,
            starts=self.starts,
            brakes=tuple(self.brakes),
        )

    def _decided(self, fact: e.Decided) -> None:
        sleeve, bar = self.sleeves[fact.strategy, fact.symbol], fact.bar
        step = float(sleeve.instrument.tick)
        sleeve.closes[bar.close_ns] = bar.close
        sleeve.prices.append(
            PricePoint(
                ns=bar.close_ns,
                open=bar.open * step,
                high=bar.high * step,
                low=bar.low * step,
                close=bar.close * step,
            )
        )
        account = fact.account
        self.marks[bar.close_ns] = Mark(
            ns=bar.close_ns,
            equity=(account.cash_atoms + account.holdings_atoms) / ATOMS,
            holdings=account.holdings_atoms / ATOMS,
        )

    def _filled(self, fill: e.OrderFilled) -> None:
        ticket = self.portfolio.orders[fill.client_order_id].ticket
        sleeve = self.sleeves[ticket.strategy, ticket.symbol]
        instrument, sign = sleeve.instrument, 1 if ticket.side is Side.BUY else -1
        if not sleeve.opened_ns:
            book = self.portfolio.sleeves[ticket.strategy, ticket.symbol]
            sleeve.opened_ns, sleeve.flow_atoms, sleeve.dust_atoms = fill.ts_ns, 0, book.position_atoms
        in_quote = fill.fee.currency == instrument.quote
        sleeve.flow_atoms -= sign * fill.lots * fill.price_ticks * instrument.notional_atoms
        sleeve.flow_atoms -= fill.fee.atoms if in_quote else 0
        expected = _expected(ticket, sleeve.closes)
        slipped = 0 if expected is None else sign * (fill.price_ticks - expected) * fill.lots
        sleeve.executions.append(
            Execution(
                ns=fill.ts_ns,
                client_order_id=fill.client_order_id,
                intent=ticket.intent,
                side=ticket.side,
                quantity=float(instrument.quantity(fill.lots)),
                price=float(instrument.price(fill.price_ticks)),
                expected=float(instrument.price(fill.price_ticks if expected is None else expected)),
                fee=_in_quote(fill, instrument) / ATOMS,
                slippage=slipped * instrument.notional_atoms / ATOMS,
            )
        )

    def _flat_again(self, fill: e.OrderFilled) -> None:
        ticket = self.portfolio.orders[fill.client_order_id].ticket
        book = self.portfolio.sleeves[ticket.strategy, ticket.symbol]
        sleeve = self.sleeves[ticket.strategy, ticket.symbol]
        if ticket.intent is not Intent.ENTER and _flat(book, fill.price_ticks) and sleeve.opened_ns:
            dust = book.position_atoms - sleeve.dust_atoms
            worth = dust * fill.price_ticks * book.instrument.notional_atoms // book.instrument.lot_atoms
            profit = (sleeve.flow_atoms + worth) / ATOMS
            sleeve.trips.append(Trip(entered_ns=sleeve.opened_ns, left_ns=fill.ts_ns, profit=profit))
            sleeve.opened_ns = 0

    def _stop_rests(self, event: e.OrderEvent) -> None:
        order = self.portfolio.orders[event.client_order_id]
        if order.ticket.intent is not Intent.PROTECT:
            return
        if order.over:
            self._end_rest(event.client_order_id, event.ts_ns)
        elif isinstance(event, e.OrderAccepted):
            self.rested.setdefault(event.client_order_id, event.ts_ns)

    def _end_rest(self, name: str, ns: int) -> None:
        ticket = self.portfolio.orders[name].ticket
        begun = self.rested.pop(name, None)
        if begun is not None and ticket.stop_ticks is not None:
            sleeve = self.sleeves[ticket.strategy, ticket.symbol]
            price = float(sleeve.instrument.price(ticket.stop_ticks))
            sleeve.rests.append(StopRest(from_ns=begun, to_ns=ns, price=price))


def _flat(book: SleeveBook, price_ticks: int) -> bool:
    """Return whether what is owned, or owed, is too little for the venue to take."""
    terms, size = terms_of(book.instrument), abs(book.held_lots)
    return size < terms.min_lots or size * price_ticks * terms.notional_atoms < terms.min_notional_atoms


def _expected(ticket: OrderTicket, closes: dict[int, int]) -> int | None:
    """Return the price, ticks, that the decision reckoned with; None where its bar is not in the journal."""
    return ticket.stop_ticks if ticket.stop_ticks is not None else closes.get(ticket.decided_ns)


def _in_quote(fill: e.OrderFilled, instrument: Instrument) -> int:
    """Return the fee in quote atoms, rounded down; 0 for a third currency, whose price is not known here."""
    if fill.fee.currency == instrument.base:
        return fill.fee.atoms * fill.price_ticks * instrument.notional_atoms // instrument.lot_atoms
    return fill.fee.atoms if fill.fee.currency == instrument.quote else 0
