"""What a replay came to: the facts of its journal as the arrays that a compiled run leaves."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from trading_system.backtest.run import Outcome
from trading_system.backtest.tape import (
    ENTER,
    EXIT,
    FILL_COLUMNS,
    ORDER_COLUMNS,
    PROTECT,
    Setup,
    Tape,
)
from trading_system.blotter import events as e
from trading_system.blotter.portfolio import Portfolio, SleeveKey
from trading_system.blotter.tickets import Intent, OrderTicket, Side
from trading_system.execution_engine.simulator.venue import SimulatedVenue
from trading_system.market.bars import Bar

INTENTS: Final = {Intent.ENTER: ENTER, Intent.EXIT: EXIT, Intent.PROTECT: PROTECT}


class Recorder:
    """Observes a replay.

    Args:
        tape: What is told.
        setup: Of the run.
        sleeves: Strategy and symbol of each.
        portfolio: The desk's books.
        venue: Knows what a report does not say: the price before spread and slippage, and who was the maker.
    """

    def __init__(
        self, tape: Tape, setup: Setup, sleeves: Sequence[SleeveKey], portfolio: Portfolio, venue: SimulatedVenue
    ) -> None:
        self._tape = tape
        self._setup = setup
        self._portfolio = portfolio
        self._venue = venue
        self._places: Final = {key: k for k, key in enumerate(sleeves)}
        self._slice_at: Final = {close_ns: s for s, close_ns in enumerate(tape.close_ns.tolist())}
        self._slice = -1
        self._marks: dict[str, int] = {}
        self._marked: list[tuple[int, int, int]] = []
        self._decided: list[list[tuple[int, int, int]]] = []
        self._standing = [(0, 0, -1)] * len(sleeves)
        self._orders: list[tuple[int, ...]] = []
        self._rows: dict[str, int] = {}
        self._fills: list[tuple[int, ...]] = []
        self._denials: dict[int, int] = {}
        self._decisions = 0

    def mark(self, bars: Mapping[str, Bar]) -> None:
        """Begin the decisions of the next slice: mark what is owned at its closes."""
        self._slice += 1
        self._marks.update((symbol, bar.close) for symbol, bar in bars.items())
        worths = self._portfolio.worths_atoms(self._marks)
        quote = self._venue.quote
        cash = self._portfolio.balances[quote]
        self._marked.append((cash, sum(worths), -sum(min(worth, 0) for worth in worths)))
        self._decided.append([(target, stop, -1) for target, stop, _ in self._standing])

    def notice(self, fact: e.Fact) -> None:
        """Take note of `fact`."""
        match fact:
            case e.Decided(step=step):
                place = self._places[fact.strategy, fact.symbol]
                row = (step.sleeve.target_lots, step.sleeve.stop_ticks, step.objections)
                self._standing[place] = self._decided[-1][place] = row
                self._decisions += 1
                if step.denied:
                    self._denials[step.denied] = self._denials.get(step.denied, 0) + 1
            case e.OrderQueued(ticket=ticket):
                self._rows[ticket.client_order_id] = len(self._orders)
                self._orders.append(self._order(ticket))
            case e.OrderFilled():
                self._fills.append(self._fill(fact))
            case _:
                pass

    def outcome(self) -> Outcome:
        """Return what came of it all."""
        marked = np.array(self._marked, dtype=np.int64).reshape(-1, 3)
        return Outcome(
            close_ns=self._tape.close_ns,
            cash_atoms=marked[:, 0],
            holdings_atoms=marked[:, 1],
            short_atoms=marked[:, 2],
            decided=np.array(self._decided, dtype=np.int64).reshape(len(marked), -1, 3),
            orders=np.array(self._orders, dtype=np.int64).reshape(-1, ORDER_COLUMNS),
            fills=np.array(self._fills, dtype=np.int64).reshape(-1, FILL_COLUMNS),
            position_atoms=np.array([book.position_atoms for book in self._portfolio.sleeves.values()], dtype=np.int64),
            denials=dict(sorted(self._denials.items())),
            rejected=self._venue.rejected_total,
            ambiguous=self._venue.ambiguous_total,
            decisions=self._decisions,
        )

    def _order(self, ticket: OrderTicket) -> tuple[int, ...]:
        return (
            self._slice_at[ticket.decided_ns],
            self._places[ticket.strategy, ticket.symbol],
            INTENTS[ticket.intent],
            ticket.attempt,
            1 if ticket.side is Side.BUY else -1,
            ticket.lots,
            ticket.limit_ticks or 0,
            ticket.stop_ticks or 0,
            ticket.take_ticks or 0,
            ticket.reason,
        )

    def _fill(self, fill: e.OrderFilled) -> tuple[int, ...]:
        met = self._venue.met[int(fill.trade_id) - 1]
        in_base = fill.fee.currency != self._venue.quote
        return (
            self._venue.slice,
            self._rows[fill.client_order_id],
            fill.lots,
            fill.price_ticks,
            met.reference_ticks,
            met.spread_ticks,
            fill.fee.atoms,
            int(in_base),
            met.maker,
        )
