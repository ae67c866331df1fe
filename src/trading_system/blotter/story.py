"""The life of one order, gathered from all that was told: why it was asked for, and what became of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from trading_system.blotter import events as e
from trading_system.blotter.orders import Order
from trading_system.blotter.portfolio import Portfolio
from trading_system.blotter.tickets import Intent, OrderKind, OrderTicket, Side
from trading_system.market.instruments import Instrument
from trading_system.market.money import Money


class Told(Protocol):
    """A fact with its place in a journal, and when it was written down, UTC ns."""

    @property
    def seq(self) -> int:
        """Its number in the journal, from 1."""
        ...

    @property
    def recorded_ns(self) -> int:
        """When it was written down, UTC ns."""
        ...

    @property
    def fact(self) -> e.Fact:
        """What it says."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One order, from the decision behind it to its end.

    Attributes:
        order: What it has become.
        instrument: Its steps as they were when it was asked for.
        decision: The decision that asked for it; None where the journal holds none.
        life: What was told of it, in order, and each start of an engine while it was not over; before all that, what
            other strategies of the account gave of the lots that its decision wanted to trade.
        fills: Its executions, each once.
    """

    order: Order
    instrument: Instrument
    decision: Told | None
    life: tuple[Told, ...]
    fills: tuple[e.OrderFilled, ...]

    @property
    def decided(self) -> e.Decided | None:
        """The decision that asked for it."""
        fact = self.decision.fact if self.decision else None
        return fact if isinstance(fact, e.Decided) else None

    @property
    def average_price(self) -> Decimal | None:
        """The mean price of its executions, quote per base, rounded to 8 decimals; None before the first."""
        if not self.order.filled:
            return None
        paid = sum(fill.price_ticks * fill.lots for fill in self.fills)
        return (self.instrument.tick * paid / self.order.filled).quantize(Decimal("1e-8"))

    @property
    def fees(self) -> tuple[Money, ...]:
        """What its executions cost in fees, one sum a currency."""
        sums: dict[str, int] = {}
        for fill in self.fills:
            sums[fill.fee.currency] = sums.get(fill.fee.currency, 0) + fill.fee.atoms
        return tuple(Money(atoms=atoms, currency=currency) for currency, atoms in sums.items())

    def slippage_atoms(self, ticks: int) -> int:
        """Return what its executions cost against a price of `ticks`, quote atoms; > 0 costs us. Fees come on top."""
        sign = 1 if self.order.ticket.side is Side.BUY else -1
        worse = sum(sign * (fill.price_ticks - ticks) * fill.lots for fill in self.fills)
        return worse * self.instrument.notional_atoms

    def slippage_bps(self, ticks: int) -> float:
        """Return the same as basis points of what was executed, at that price; 0.0 where nothing was."""
        worth = ticks * self.order.filled * self.instrument.notional_atoms
        return 10_000 * self.slippage_atoms(ticks) / worth if worth else 0.0


@dataclass(slots=True)
class _Draft:
    instrument: Instrument
    decision: Told | None
    life: list[Told] = field(default_factory=list)
    fills: dict[str, e.OrderFilled] = field(default_factory=dict)


def stories(told: Iterable[Told]) -> dict[str, Story]:
    """Return the story of every order in a journal, by client order id, the first asked first.

    Raises:
        InvariantBroken: The facts cannot follow one another.
    """
    portfolio = Portfolio()
    decisions: dict[tuple[str, str, int], Told] = {}
    drafts: dict[str, _Draft] = {}
    given: dict[tuple[str, str, Side], list[Told]] = {}
    for one in told:
        fact = one.fact
        portfolio.apply(fact)
        match fact:
            case e.Decided():
                decisions[fact.strategy, fact.symbol, fact.bar.close_ns] = one
                given[fact.strategy, fact.symbol, Side.BUY] = given[fact.strategy, fact.symbol, Side.SELL] = []
            case e.EntryHeld(ticket=ticket):
                given[ticket.strategy, ticket.symbol, ticket.side] = [one]
            case e.LotsCrossed():
                for key in ((fact.buyer, fact.symbol, Side.BUY), (fact.seller, fact.symbol, Side.SELL)):
                    given[key] = [*given.get(key, []), one]
            case e.OrderQueued(ticket=ticket):
                instrument = portfolio.sleeves[ticket.strategy, ticket.symbol].instrument
                decision = decisions.get((ticket.strategy, ticket.symbol, ticket.decided_ns))
                before = given.get((ticket.strategy, ticket.symbol, ticket.side), []) if _trades(ticket) else []
                drafts[ticket.client_order_id] = _Draft(instrument, decision, [*before, one])
            case e.EngineStarted():
                for name in portfolio.live:
                    drafts[name].life.append(one)
            case e.OrderEvent():
                draft = drafts[fact.client_order_id]
                draft.life.append(one)
                if isinstance(fact, e.OrderFilled):
                    draft.fills.setdefault(fact.trade_id, fact)
            case _:
                pass
    return {
        name: Story(
            order=portfolio.orders[name],
            instrument=draft.instrument,
            decision=draft.decision,
            life=tuple(draft.life),
            fills=tuple(draft.fills.values()),
        )
        for name, draft in drafts.items()
    }


def _trades(ticket: OrderTicket) -> bool:
    """Return whether it trades at market, so that others of the account may have given some of its lots."""
    return ticket.kind is OrderKind.MARKET and ticket.intent is not Intent.PROTECT
