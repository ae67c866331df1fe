"""From what a decision asks to complete tickets, named so that the same decision makes the same order."""

from dataclasses import dataclass
from typing import TypedDict

from trading_system.blotter.portfolio import SleeveBook
from trading_system.blotter.state import Asks
from trading_system.blotter.tickets import Intent, OrderKind, OrderTicket, Side, client_order_id
from trading_system.desk.decide import entry_reserve, leaving_for, stop_limit


def tickets_for(account: str, book: SleeveBook, asks: Asks) -> list[OrderTicket]:
    """Return the orders that `asks` wants of the sleeve `book`, the urgent first."""
    held = 1 if book.position_atoms > 0 else -1
    away, tickets = (Side.SELL if held > 0 else Side.BUY), []
    if asks.protect_lots:
        limit = stop_limit(asks.protect_ticks, book.policy, held) or asks.take_ticks
        named = _Named(account=account, book=book, intent=Intent.PROTECT)
        tickets.append(
            OrderTicket(
                **named.fields(0),
                side=away,
                kind=OrderKind.BRACKET if asks.take_ticks else OrderKind.STOP_LIMIT,
                lots=asks.protect_lots,
                limit_ticks=limit,
                stop_ticks=asks.protect_ticks or None,
                take_ticks=asks.take_ticks or None,
            )
        )
    if asks.exit_lots:
        reason = leaving_for(book.carried.reason, book.carried.take_ticks, book.known_ticks, held)
        named = _Named(account=account, book=book, intent=Intent.EXIT)
        tickets.append(
            OrderTicket(**named.fields(0), side=away, kind=OrderKind.MARKET, lots=asks.exit_lots, reason=reason)
        )
    if asks.entry_lots:
        tickets += _entries(_Named(account=account, book=book, intent=Intent.ENTER), book, asks)
    return tickets


def _entries(named: "_Named", book: SleeveBook, asks: Asks) -> list[OrderTicket]:
    limit, lots = asks.entry_limit_ticks, abs(asks.entry_lots)
    part = lots // asks.entry_parts
    first = lots - part * (asks.entry_parts - 1)
    at_limit = OrderKind.POST_ONLY if asks.entry_post_only else OrderKind.LIMIT
    return [
        OrderTicket(
            **named.fields(n),
            side=Side.BUY if asks.entry_lots > 0 else Side.SELL,
            kind=at_limit if limit else OrderKind.MARKET,
            lots=some,
            limit_ticks=limit or None,
            reserve_atoms=entry_reserve(some, limit or book.known_ticks, book.terms, book.policy),
            share=asks.entry_share,
        )
        for n, some in enumerate([first] + [part] * (asks.entry_parts - 1))
    ]


class _Naming(TypedDict):
    client_order_id: str
    strategy: str
    symbol: str
    intent: Intent
    decided_ns: int
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """What names the orders of one decision and intent."""

    account: str
    book: SleeveBook
    intent: Intent

    def fields(self, later: int) -> _Naming:
        """Return the name of the order that is the `later`-th, from 0, of those asked for now."""
        book, symbol = self.book, self.book.instrument.symbol
        attempt = book.tickets.get(self.intent, 0) + 1 + later
        return {
            "client_order_id": client_order_id(
                self.account, book.strategy, symbol, book.decided_ns, self.intent, attempt
            ),
            "strategy": book.strategy,
            "symbol": symbol,
            "intent": self.intent,
            "decided_ns": book.decided_ns,
            "attempt": attempt,
        }
