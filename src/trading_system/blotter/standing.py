"""How an account stands: positions, open orders, equity and brakes in human units, from facts alone."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from trading_system.blotter import events as e
from trading_system.blotter import objections
from trading_system.blotter.orders import Order
from trading_system.blotter.portfolio import Portfolio, SleeveBook, SleeveKey
from trading_system.blotter.telling import asked_for, price, quantity, worth
from trading_system.market.money import ATOMS, from_atoms
from trading_system.market.timestamps import iso


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One strategy on one instrument; a value that does not exist yet is "".

    Attributes:
        position: Base currency owned.
        wanted: The position that the last decision wants.
        mark, worth: Close of the last bar decided on, and the position's worth at it.
        stop: Level of the protective stop.
        decided: Close of the last bar decided on.
        objections: Why the last decision took no new risk, in words.
    """

    strategy: str
    symbol: str
    position: str
    wanted: str
    mark: str
    worth: str
    stop: str
    decided: str
    objections: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrder:
    """An order that is not over, and since when; `in_doubt` says that only the venue knows how it stands."""

    client_order_id: str
    intent: str
    asked: str
    executed: str
    status: str
    cancel: str
    in_doubt: bool
    since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One account; times are ISO 8601 in UTC, "" for never.

    Attributes:
        started, starts: When an engine last started, and how often one did.
        balances: Total of each currency by our own books, in its units.
        equity: Cash and positions at their last marks, by quote currency.
        peak_equity: Highest equity that a decision saw, quote units.
        drawdown: Fall of the equity that the last decision saw from that peak, 0..1.
        latched: Brakes that stay, the daily loss until the next UTC day, the others until a person releases them.
        compared: When the books were last compared with the venue's.
        agreed: When they last agreed.
        differences: Why they are not known to agree now; none where they do.
        last_bar: Close of the last bar heard.
    """

    account: str
    started: str
    starts: int
    balances: dict[str, str]
    equity: dict[str, str]
    peak_equity: float
    drawdown: float
    latched: tuple[str, ...]
    compared: str
    agreed: str
    differences: tuple[str, ...]
    last_bar: str
    holdings: tuple[Holding, ...]
    orders: tuple[OpenOrder, ...]

    @property
    def in_doubt(self) -> tuple[OpenOrder, ...]:
        """The orders that only the venue knows about."""
        return tuple(order for order in self.orders if order.in_doubt)


@dataclass(slots=True)
class _Seen:
    """What the portfolio does not keep."""

    started_ns: int = 0
    starts: int = 0
    compared_ns: int = 0
    bar_ns: int = 0
    queued_ns: dict[str, int] = field(default_factory=dict)
    decisions: dict[SleeveKey, e.Decided] = field(default_factory=dict)
    latest: e.Decided | None = None

    def see(self, fact: e.Fact) -> None:
        match fact:
            case e.EngineStarted():
                self.started_ns, self.starts = fact.ts_ns, self.starts + 1
            case e.Reconciled():
                self.compared_ns = fact.ts_ns
            case e.BarClosed():
                self.bar_ns = max(self.bar_ns, fact.bar.close_ns)
            case e.Decided():
                self.latest = self.decisions[fact.strategy, fact.symbol] = fact
            case e.OrderQueued():
                self.queued_ns[fact.client_order_id] = fact.ts_ns
            case _:
                pass


def standing(facts: Iterable[e.Fact]) -> Standing:
    """Return how the account stands after `facts`, a whole journal in order.

    Raises:
        InvariantBroken: The facts cannot follow one another.
    """
    portfolio, seen = Portfolio(), _Seen()
    for fact in facts:
        portfolio.apply(fact)
        seen.see(fact)
    return Standing(
        account=portfolio.account,
        started=_time(seen.started_ns),
        starts=seen.starts,
        balances={currency: f"{from_atoms(atoms):f}" for currency, atoms in sorted(portfolio.balances.items())},
        equity=_equity(portfolio),
        peak_equity=portfolio.carried.peak_equity / ATOMS,
        drawdown=fallen(seen.latest),
        latched=objections.words(portfolio.carried.latched),
        compared=_time(seen.compared_ns),
        agreed=_time(portfolio.reconciled_ns),
        differences=portfolio.differences,
        last_bar=_time(seen.bar_ns),
        holdings=tuple(_holding(book, seen.decisions.get(key)) for key, book in portfolio.sleeves.items()),
        orders=tuple(_open(order, portfolio, seen) for order in portfolio.live_orders()),
    )


def fallen(decision: e.Decided | None) -> float:
    """Return the drawdown that `decision` saw, 0..1; 0.0 before the first."""
    if decision is None or not decision.step.account.peak_equity > 0:
        return 0.0
    equity = decision.account.cash_atoms + decision.account.holdings_atoms
    return max(0.0, 1.0 - equity / decision.step.account.peak_equity)


def _equity(portfolio: Portfolio) -> dict[str, str]:
    sums: dict[str, int] = {}
    for book in portfolio.sleeves.values():
        quote = book.instrument.quote
        sums[quote] = sums.get(quote, portfolio.balances.get(quote, 0)) + book.worth_atoms(book.marked_ticks)
    return {quote: f"{from_atoms(atoms):f}" for quote, atoms in sums.items()}


def _holding(book: SleeveBook, decision: e.Decided | None) -> Holding:
    i, carried = book.instrument, book.carried
    return Holding(
        strategy=book.strategy,
        symbol=i.symbol,
        position=worth(book.position_atoms, i.base),
        wanted=quantity(i, carried.target_lots),
        mark=price(i, book.marked_ticks) if book.marked_ticks else "",
        worth=worth(book.worth_atoms(book.marked_ticks), i.quote) if book.marked_ticks else "",
        stop=price(i, carried.stop_ticks) if carried.stop_ticks else "",
        decided=_time(book.decided_ns),
        objections=objections.words(decision.step.objections) if decision else (),
    )


def _open(order: Order, portfolio: Portfolio, seen: _Seen) -> OpenOrder:
    ticket = order.ticket
    instrument = portfolio.sleeves[ticket.strategy, ticket.symbol].instrument
    return OpenOrder(
        client_order_id=ticket.client_order_id,
        intent=ticket.intent.value,
        asked=asked_for(ticket, instrument),
        executed=quantity(instrument, order.filled),
        status=order.status.value,
        cancel=order.cancel.value,
        in_doubt=order.doubtful,
        since=_time(seen.queued_ns[ticket.client_order_id]),
    )


def _time(ns: int) -> str:
    return iso(ns) if ns else ""
