"""Sleeves of one account on one instrument that want opposite things: who gives lots to whom, and who waits for that.

The rule: sellers in the configured order, each with the buyers in the configured order, as many whole lots as both
want, at the price that both heard last. See docs/decisions/0010. Every function returns facts that the portfolio has
taken in already: what comes next hangs on them.
"""

from collections.abc import Collection, Iterator

from trading_system.blotter import events as e
from trading_system.blotter.orders import Cancel
from trading_system.blotter.portfolio import Portfolio, SleeveBook, SleeveKey, sleeve_row
from trading_system.blotter.state import Asks
from trading_system.blotter.tickets import Intent, OrderTicket, Side
from trading_system.desk.crossing import crossed_lots, may_cross, waiting_lots
from trading_system.desk.ticketing import tickets_for
from trading_system.risk_management.exposure import big_enough

Exits = dict[SleeveKey, int]
"""Lots that sleeves want to leave with at market now, >= 0."""


def hold_back(portfolio: Portfolio, book: SleeveBook, asks: Asks, ts_ns: int) -> tuple[list[e.Fact], Asks]:
    """Hold the entry in `asks` back if others may give lots to it, else ask for it; return what else is asked.

    Either way its cash is promised before the next sleeve decides. While the books differ nothing is held back: what a
    decision asks in spite of that is asked at once.
    """
    tickets = tickets_for(portfolio.account, book, asks._replace(exit_lots=0, protect_lots=0))
    rest = asks._replace(entry_lots=0)
    if portfolio.differences or not may_cross(asks, sleeve_row(portfolio, book, book.decided_ns)):
        return [_taken(portfolio, e.OrderQueued(ts_ns=ts_ns, ticket=ticket)) for ticket in tickets], rest
    return [_taken(portfolio, e.EntryHeld(ts_ns=ts_ns, ticket=ticket)) for ticket in tickets], rest


def cross(portfolio: Portfolio, symbol: str, exits: Exits, ts_ns: int) -> Iterator[e.LotsCrossed]:
    """Yield what changes hands between the sleeves on `symbol`; what exits give or get is taken off `exits`."""
    books = [book for book in portfolio.sleeves.values() if book.instrument.symbol == symbol]
    for seller in books:
        for buyer in books:
            selling, buying = -_wish(seller, exits), _wish(buyer, exits)
            price = seller.known_ticks
            if selling <= 0 or buying <= 0 or price != buyer.known_ticks or price <= 0:
                continue
            lots = crossed_lots(selling, seller.key in exits, buying, buyer.key in exits, price, seller.terms)
            if lots == 0:
                continue
            for key in exits.keys() & {seller.key, buyer.key}:
                exits[key] -= lots
            crossed = e.LotsCrossed(
                ts_ns=ts_ns,
                symbol=symbol,
                buyer=buyer.strategy,
                seller=seller.strategy,
                lots=lots,
                price_ticks=price,
            )
            portfolio.apply(crossed)
            yield crossed


def release(portfolio: Portfolio, ts_ns: int) -> list[e.Fact]:
    """Ask for the entries held back that need not wait any more; while the books differ all are dropped."""
    if portfolio.differences:
        return drop(portfolio, "the books differ", ts_ns)
    facts: list[e.Fact] = []
    for book in portfolio.sleeves.values():
        ticket = book.held_back
        if ticket is None or _is_awaited(portfolio, book, ticket):
            continue
        if big_enough(ticket.lots, book.known_ticks, book.terms):
            facts.append(_taken(portfolio, e.OrderQueued(ts_ns=ts_ns, ticket=ticket)))
        else:
            facts.append(_dropped(portfolio, book, "the rest is smaller than the venue accepts", ts_ns))
    return facts


def drop(portfolio: Portfolio, reason: str, ts_ns: int, symbols: Collection[str] | None = None) -> list[e.Fact]:
    """Let go of the entries held back on `symbols`, or of all."""
    return [
        _dropped(portfolio, book, reason, ts_ns)
        for book in portfolio.sleeves.values()
        if book.held_back and (symbols is None or book.instrument.symbol in symbols)
    ]


def _wish(book: SleeveBook, exits: Exits) -> int:
    """Return what the sleeve would trade at market now, signed lots."""
    if book.key in exits:
        return -exits[book.key] if book.position_atoms > 0 else exits[book.key]
    ticket = book.held_back
    if ticket is None:
        return 0
    return ticket.lots if ticket.side is Side.BUY else -ticket.lots


def _is_awaited(portfolio: Portfolio, book: SleeveBook, ticket: OrderTicket) -> bool:
    """Return whether the held back `ticket` of `book` waits for lots: another sleeve will want the opposite.

    That one has asked the venue to cancel its protective order, which locks them, and has not been answered. A cancel
    in doubt is not waited for.
    """
    wanted = -1 if ticket.side is Side.BUY else 1
    return any(
        other is not book
        and other.instrument.symbol == ticket.symbol
        and other.known_ticks == book.known_ticks
        and wanted * _waiting(portfolio, other) > 0
        for other in portfolio.sleeves.values()
    )


def _waiting(portfolio: Portfolio, book: SleeveBook) -> int:
    """Return the signed lots that the sleeve will leave with once the cancel on its way is answered; 0 for none."""
    stops = [order for order in portfolio.live_orders(book.key) if order.ticket.intent is Intent.PROTECT]
    if not stops or any(order.cancel is not Cancel.REQUESTED or order.doubtful for order in stops):
        return 0
    return waiting_lots(sleeve_row(portfolio, book, book.decided_ns), book.known_ticks)


def _dropped(portfolio: Portfolio, book: SleeveBook, reason: str, ts_ns: int) -> e.Fact:
    strategy, symbol = book.key
    return _taken(portfolio, e.EntryDropped(ts_ns=ts_ns, strategy=strategy, symbol=symbol, reason=reason))


def _taken(portfolio: Portfolio, fact: e.Fact) -> e.Fact:
    portfolio.apply(fact)
    return fact
