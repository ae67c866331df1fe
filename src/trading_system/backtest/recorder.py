"""What a replay came to: the facts of its journal as the arrays that a compiled run leaves."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from trading_system.backtest.run import Outcome
from trading_system.backtest.tape import (
    CROSS,
    ENTER,
    EXIT,
    FILL_COLUMNS,
    ORDER_COLUMNS,
    PROTECT,
    Tape,
)
from trading_system.blotter import events as e
from trading_system.blotter.portfolio import Portfolio, SleeveKey, account_row
from trading_system.blotter.state import Account
from trading_system.blotter.tickets import Intent, OrderTicket, Side
from trading_system.execution_engine.simulator.venue import SimulatedVenue
from trading_system.market.columns import Ints

INTENTS: Final = {Intent.ENTER: ENTER, Intent.EXIT: EXIT, Intent.PROTECT: PROTECT}


class Recorder:
    """Observes a replay.

    Args:
        tape: What is told.
        sleeves: Strategy and symbol of each.
        portfolio: The desk's books.
        venue: Knows what a report does not say: the price before spread and slippage, and who was the maker.
    """

    def __init__(self, tape: Tape, sleeves: Sequence[SleeveKey], portfolio: Portfolio, venue: SimulatedVenue) -> None:
        self._tape = tape
        self._portfolio = portfolio
        self._venue = venue
        self._places: Final = {key: k for k, key in enumerate(sleeves)}
        self._slice_at: Final = {close_ns: s for s, close_ns in enumerate(tape.close_ns.tolist())}
        self._marked: dict[int, Account] = {}
        self._decided: list[tuple[int, int, int, int, int]] = []
        self._orders: list[tuple[int, ...]] = []
        self._rows: dict[str, int] = {}
        self._fills: list[tuple[int, ...]] = []
        self._denials: dict[int, int] = {}

    def mark(self, s: int) -> None:
        """Take note of what is owned in slice `s`, in which there is nothing to decide on."""
        self._marked[s] = account_row(self._portfolio, self._venue.quote, {}, 0)

    def notice(self, fact: e.Fact) -> None:
        """Take note of `fact`."""
        match fact:
            case e.BarClosed():
                pass  # most facts are bars
            case e.Decided(step=step):
                s, place = self._slice_at[fact.bar.close_ns], self._places[fact.strategy, fact.symbol]
                self._marked.setdefault(s, fact.account)
                self._decided.append((s, place, step.sleeve.target_lots, step.sleeve.stop_ticks, step.objections))
                if step.denied:
                    self._denials[step.denied] = self._denials.get(step.denied, 0) + 1
            case e.OrderQueued(ticket=ticket):
                self._rows[ticket.client_order_id] = len(self._orders)
                self._orders.append(self._order(ticket))
            case e.OrderFilled():
                self._fills.append(self._fill(fact))
            case e.LotsCrossed():
                self._cross(fact, fact.buyer, 1)
                self._cross(fact, fact.seller, -1)
            case _:
                pass

    def outcome(self) -> Outcome:
        """Return what came of it all."""
        accounts = [self._marked[s] for s in range(len(self._tape.close_ns))]
        return Outcome(
            close_ns=self._tape.close_ns,
            cash_atoms=np.array([account.cash_atoms for account in accounts], dtype=np.int64),
            holdings_atoms=np.array([account.holdings_atoms for account in accounts], dtype=np.int64),
            short_atoms=np.array([account.short_atoms for account in accounts], dtype=np.int64),
            decided=self._decisions(),
            orders=np.array(self._orders, dtype=np.int64).reshape(-1, ORDER_COLUMNS),
            fills=np.array(self._fills, dtype=np.int64).reshape(-1, FILL_COLUMNS),
            position_atoms=np.array([book.position_atoms for book in self._portfolio.sleeves.values()], dtype=np.int64),
            denials=dict(sorted(self._denials.items())),
            rejected=self._venue.rejected_total,
            ambiguous=self._venue.ambiguous_total,
            decisions=len(self._decided),
        )

    def _decisions(self) -> Ints:
        """Return target, stop and objections by slice and sleeve; without a decision the last ones stand, and -1."""
        shape = len(self._tape.close_ns), len(self._places), 3
        decided, told = np.zeros(shape, dtype=np.int64), np.array(self._decided, dtype=np.int64).reshape(-1, 5)
        decided[:, :, 2] = -1
        decided[told[:, 0], told[:, 1]] = told[:, 2:]
        for k in range(shape[1]):
            last = np.maximum.accumulate(np.where(decided[:, k, 2] >= 0, np.arange(shape[0]), 0))
            decided[:, k, :2] = decided[last, k, :2]
        return decided

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

    def _cross(self, fact: e.LotsCrossed, strategy: str, side: int) -> None:
        key = strategy, fact.symbol
        decided = self._slice_at[self._portfolio.sleeves[key].decided_ns]
        order, price = len(self._orders), fact.price_ticks
        self._orders.append((decided, self._places[key], CROSS, 0, side, fact.lots, 0, 0, 0, 0))
        self._fills.append((self._venue.slice, order, fact.lots, price, price, 0, 0, 0, 0))

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
