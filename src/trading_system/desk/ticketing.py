"""From what a decision asks to complete tickets, named so that the same decision makes the same order."""

from functools import partial

from trading_system.blotter.portfolio import SleeveBook, terms_of
from trading_system.blotter.state import Asks
from trading_system.blotter.tickets import Intent, OrderKind, OrderTicket, Side, client_order_id
from trading_system.desk.decide import entry_reserve, stop_limit


def tickets_for(account: str, book: SleeveBook, asks: Asks) -> list[OrderTicket]:
    """Return the orders that `asks` wants of the sleeve `book`, the urgent first."""
    tickets = []
    if asks.protect_lots:
        ticket = _ticket(account, book, Intent.PROTECT)
        limit = stop_limit(asks.protect_ticks, book.policy)
        tickets.append(ticket(lots=asks.protect_lots, limit_ticks=limit, stop_ticks=asks.protect_ticks))
    if asks.exit_lots:
        tickets.append(_ticket(account, book, Intent.EXIT)(lots=asks.exit_lots))
    if asks.entry_lots:
        reserve = entry_reserve(asks.entry_lots, book.marked_ticks, terms_of(book.instrument), book.policy)
        tickets.append(_ticket(account, book, Intent.ENTER)(lots=asks.entry_lots, reserve_atoms=reserve))
    return tickets


def _ticket(account: str, book: SleeveBook, intent: Intent) -> partial[OrderTicket]:
    symbol, attempt = book.instrument.symbol, book.tickets.get(intent, 0) + 1
    return partial(
        OrderTicket,
        client_order_id=client_order_id(account, book.strategy, symbol, book.decided_ns, intent, attempt),
        strategy=book.strategy,
        symbol=symbol,
        side=Side.BUY if intent is Intent.ENTER else Side.SELL,
        intent=intent,
        kind=OrderKind.STOP_LIMIT if intent is Intent.PROTECT else OrderKind.MARKET,
        decided_ns=book.decided_ns,
        attempt=attempt,
    )
