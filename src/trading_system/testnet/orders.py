"""Orders, fills and reports as the venue's engine keeps them: ticks, lots and atoms."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from trading_system.testnet.order_book import Side


class OrderType(StrEnum):
    """The order types that the testnet speaks."""

    LIMIT = "LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"
    MARKET = "MARKET"
    STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"


class TimeInForce(StrEnum):
    """How long an order lives."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class Status(StrEnum):
    """Where an order is in its life."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"


OPEN: Final = frozenset({Status.NEW, Status.PARTIALLY_FILLED})


class Execution(StrEnum):
    """What a report tells."""

    NEW = "NEW"
    TRADE = "TRADE"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """What a client asks for, after the filters: prices in ticks, quantity in lots.

    Attributes:
        lots: > 0; None for a market order that is given in quote.
        price: Limit, ticks; None for a market order.
        stop: Trigger, ticks, compared with the last trade; None where there is none.
        quote_atoms: Most to pay or least lots' worth to sell, quote atoms; market orders only.
        client_order_id: The client's name for it; None lets the venue choose.
    """

    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce = TimeInForce.GTC
    lots: int | None = None
    price: int | None = None
    stop: int | None = None
    quote_atoms: int | None = None
    client_order_id: str | None = None


@dataclass(slots=True, kw_only=True)
class Order:
    """An order's life at the venue. Mutable: it belongs to the engine, which hands out copies in reports.

    Attributes:
        executed_quote: Paid or received so far, quote atoms, before fees.
        reserved: Still locked for it, atoms of what it spends.
        working_ns: When it came on the book; None while a stop waits.
    """

    order_id: int
    client_order_id: str
    account: str
    request: OrderRequest
    lots: int
    created_ns: int
    updated_ns: int
    status: Status = Status.NEW
    executed: int = 0
    executed_quote: int = 0
    reserved: int = 0
    working_ns: int | None = None

    @property
    def left(self) -> int:
        """Lots not yet executed."""
        return self.lots - self.executed

    @property
    def is_open(self) -> bool:
        """Whether it can still trade."""
        return self.status in OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution of one order.

    Attributes:
        quote_atoms: price x quantity, quote atoms.
        fee_atoms, fee_currency: The commission, out of what was received.
    """

    trade_id: int
    order_id: int
    account: str
    symbol: str
    side: Side
    price: int
    lots: int
    quote_atoms: int
    fee_atoms: int
    fee_currency: str
    maker: bool
    ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What happened to an order: told to its owner's user data streams.

    Attributes:
        order: A copy, as it was right after.
        cancel_id: The client order id of the cancel request, for CANCELED.
    """

    execution_id: int
    execution: Execution
    order: Order
    fill: Fill | None
    cancel_id: str | None
    ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Positions:
    """The balances that an event has touched: (currency, free atoms, locked atoms)."""

    account: str
    balances: tuple[tuple[str, int, int], ...]
    ns: int


UserEvent = Report | Positions
