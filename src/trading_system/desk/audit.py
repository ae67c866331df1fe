"""Our books against the venue's: every order, every execution, every balance.

Both sides are written as the same plain rows, so that comparing is looking for rows that differ. The journal is
folded anew; nothing that a running engine believes is trusted.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from trading_system.blotter import events as e
from trading_system.blotter.orders import Order, OrderStatus
from trading_system.blotter.portfolio import Portfolio, SleeveBook, terms_of
from trading_system.blotter.tickets import Intent
from trading_system.market.instruments import Instrument
from trading_system.market.money import to_atoms
from trading_system.ports import Entry

VENUE_STATUS: Final[Mapping[str, OrderStatus]] = {
    "NEW": OrderStatus.WORKING,
    "PARTIALLY_FILLED": OrderStatus.WORKING,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELED,
    "EXPIRED": OrderStatus.EXPIRED,
}
"""The venue's words for how far an order lived, in ours."""

TRACELESS: Final = frozenset({OrderStatus.REJECTED, OrderStatus.ABSENT, OrderStatus.CANCELED})
"""How an order may end without a trace at the venue: refused, proven absent, or provably never sent."""


class OrderRow(NamedTuple):
    """One order: quantities in lots, prices in ticks, None where it has none."""

    symbol: str
    side: str
    lots: int
    limit: int | None
    stop: int | None
    status: str
    filled: int


class FillRow(NamedTuple):
    """One execution: lots, ticks, and the fee in atoms of its currency."""

    client_order_id: str
    lots: int
    price: int
    fee_atoms: int
    fee_currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What one side says: orders by client order id, fills by `symbol/trade_id`, totals in atoms by currency."""

    orders: Mapping[str, OrderRow]
    fills: Mapping[str, FillRow]
    balances: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something that is not as it must be.

    Attributes:
        kind: "order", "fill", "balance", "double post" or "unprotected".
        subject: Which one.
        ours, theirs: What the journal and what the venue say.
    """

    kind: str
    subject: str
    ours: str
    theirs: str

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}: ours {self.ours}, theirs {self.theirs}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many rows of one kind each side has, and a hash of all of them: equal hashes, equal rows."""

    kind: str
    ours: int
    theirs: int
    our_hash: str
    their_hash: str

    @property
    def equal(self) -> bool:
        """Whether both sides hold the same rows."""
        return self.our_hash == self.their_hash


def compare(entries: Iterable[Entry], ledger: Mapping[str, Any], *, account: str = "desk") -> list[Difference]:
    """Return all that is not as it must be; nothing where journal and venue agree.

    Beyond equal rows it holds that no order was sent twice, and that every position which the venue would take
    from us has a stop of its size resting there.

    Args:
        entries: A whole journal, in order.
        ledger: What the local exchange answers to GET /testnet/ledger.
        account: Our account in it.

    Raises:
        InvariantBroken: The journal's facts cannot follow one another.
    """
    portfolio, fills = _folded(entries)
    theirs = venue_books(ledger, portfolio, account)
    ours = _our_books(portfolio, fills, theirs)
    return [
        *_differing("order", ours.orders, theirs.orders),
        *_differing("fill", ours.fills, theirs.fills),
        *_differing("balance", ours.balances, theirs.balances),
        *_sent_twice(ledger),
        *_unprotected(portfolio, theirs),
    ]


def tallies(entries: Iterable[Entry], ledger: Mapping[str, Any], *, account: str = "desk") -> tuple[Tally, ...]:
    """Return counts and hashes of orders, fills and balances on both sides; arguments as for `compare`."""
    portfolio, fills = _folded(entries)
    theirs = venue_books(ledger, portfolio, account)
    ours = _our_books(portfolio, fills, theirs)
    return tuple(
        Tally(kind=kind, ours=len(a), theirs=len(b), our_hash=_hash(a), their_hash=_hash(b))
        for kind, a, b in (
            ("orders", ours.orders, theirs.orders),
            ("fills", ours.fills, theirs.fills),
            ("balances", ours.balances, theirs.balances),
        )
    )


def venue_books(ledger: Mapping[str, Any], portfolio: Portfolio, account: str = "desk") -> Books:
    """Return what the venue says of `account`, in the steps of the instruments that `portfolio` knows.

    Raises:
        KeyError: The ledger lacks a field, or has an order for an instrument that we never traded.
    """
    instruments = {book.instrument.symbol: book.instrument for book in portfolio.sleeves.values()}
    orders: dict[str, OrderRow] = {}
    for order in ledger["orders"]:
        if order["account"] == account:
            name = order["client_order_id"]  # the venue takes a name again once its order is over; we never do
            key = name if name not in orders else f"{name} again, as {order['order_id']}"
            orders[key] = _their_order(order, instruments[order["symbol"]])
    fills = {
        f"{fill['symbol']}/{fill['trade_id']}": _their_fill(fill, instruments[fill["symbol"]])
        for fill in ledger["fills"]
        if fill["account"] == account
    }
    held = {
        currency: to_atoms(balance["free"]) + to_atoms(balance["locked"])
        for currency, balance in ledger["balances"].get(account, {}).items()
    }
    return Books(orders=orders, fills=fills, balances={currency: atoms for currency, atoms in held.items() if atoms})


def _folded(entries: Iterable[Entry]) -> tuple[Portfolio, dict[str, FillRow]]:
    """Return the fold of the journal, and each execution that it counted."""
    portfolio = Portfolio()
    fills: dict[str, FillRow] = {}
    for entry in entries:
        fact = entry.fact
        if isinstance(fact, e.OrderFilled) and not portfolio.orders[fact.client_order_id].knows(fact):
            symbol = portfolio.orders[fact.client_order_id].ticket.symbol
            fills[f"{symbol}/{fact.trade_id}"] = FillRow(
                fact.client_order_id, fact.lots, fact.price_ticks, fact.fee.atoms, fact.fee.currency
            )
        portfolio.apply(fact)
    return portfolio, fills


def _our_books(portfolio: Portfolio, fills: Mapping[str, FillRow], theirs: Books) -> Books:
    """Return our rows; an order that may have left no trace has one only if it did leave one."""
    return Books(
        orders={
            name: _our_order(order)
            for name, order in portfolio.orders.items()
            if name in theirs.orders or order.filled or order.status not in TRACELESS
        },
        fills=fills,
        balances={currency: atoms for currency, atoms in portfolio.balances.items() if atoms},
    )


def _our_order(order: Order) -> OrderRow:
    ticket = order.ticket
    return OrderRow(
        symbol=ticket.symbol,
        side=ticket.side.value,
        lots=ticket.lots,
        limit=ticket.limit_ticks,
        stop=ticket.stop_ticks,
        status=order.status.value,
        filled=order.filled,
    )


def _their_order(order: Mapping[str, Any], instrument: Instrument) -> OrderRow:
    status = VENUE_STATUS.get(order["status"])
    return OrderRow(
        symbol=instrument.symbol,
        side=order["side"].lower(),
        lots=instrument.lots(order["quantity"]),
        limit=instrument.ticks(order["limit_price"]) or None,
        stop=instrument.ticks(order["stop_price"]) or None,
        status=status.value if status else order["status"],
        filled=instrument.lots(order["executed"]),
    )


def _their_fill(fill: Mapping[str, Any], instrument: Instrument) -> FillRow:
    return FillRow(
        client_order_id=fill["client_order_id"],
        lots=instrument.lots(fill["quantity"]),
        price=instrument.ticks(fill["price"]),
        fee_atoms=to_atoms(fill["commission"]),
        fee_currency=fill["commission_asset"],
    )


def _differing(kind: str, ours: Mapping[str, object], theirs: Mapping[str, object]) -> Iterator[Difference]:
    for subject in [*ours, *(subject for subject in theirs if subject not in ours)]:
        mine, other = ours.get(subject, "nothing"), theirs.get(subject, "nothing")
        if mine != other:
            yield Difference(kind=kind, subject=subject, ours=str(mine), theirs=str(other))


def _sent_twice(ledger: Mapping[str, Any]) -> Iterator[Difference]:
    for name, request in ledger["requests"].items():
        if request["seen"] > 1:
            yield Difference(kind="double post", subject=name, ours="sent once", theirs=f"seen {request['seen']} times")


def _unprotected(portfolio: Portfolio, theirs: Books) -> Iterator[Difference]:
    """Find positions without a stop of their size; what the venue would not take is dust and needs none."""
    for book in portfolio.sleeves.values():
        stops = [
            theirs.orders[name]
            for name, order in portfolio.orders.items()
            if order.ticket.intent is Intent.PROTECT and (order.ticket.strategy, order.ticket.symbol) == book.key
            if name in theirs.orders and theirs.orders[name].status == OrderStatus.WORKING
        ]
        resting = sum(stop.lots - stop.filled for stop in stops)
        if not _is_dust(book) and resting != abs(book.held_lots):
            yield Difference(
                kind="unprotected",
                subject=f"{book.strategy} {book.instrument.symbol}",
                ours=f"{book.held_lots} lots held",
                theirs=f"stops for {resting} lots rest",
            )


def _is_dust(book: SleeveBook) -> bool:
    terms = terms_of(book.instrument)
    size = abs(book.held_lots)
    return size < terms.min_lots or size * book.marked_ticks * terms.notional_atoms < terms.min_notional_atoms


def _hash(rows: Mapping[str, object]) -> str:
    """Return the SHA-256 of `rows`, whatever order they come in."""
    lines = "\n".join(f"{key}\t{rows[key]}" for key in sorted(rows))
    return hashlib.sha256(lines.encode()).hexdigest()
