"""What we ask of a venue, and the name under which we ask it."""

import base64
import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

PREFIX: Final = "ts-"
"""Every client order id of ours begins with this, so that an order of ours is known at the venue."""


class Side(StrEnum):
    """Which way base currency goes."""

    BUY = "buy"
    SELL = "sell"


class Intent(StrEnum):
    """Why an order is sent; the queue's priority hangs on it."""

    ENTER = "enter"
    """Opens or adds: new risk."""
    EXIT = "exit"
    """Reduces or closes at market."""
    PROTECT = "protect"
    """The stop that rests at the venue."""


class OrderKind(StrEnum):
    """How an order meets the market."""

    MARKET = "market"
    LIMIT = "limit"
    POST_ONLY = "post_only"
    """A limit order that the venue refuses rather than let it take."""
    STOP_LIMIT = "stop_limit"
    """Rests unseen until the price touches `stop_ticks`, then becomes a limit at `limit_ticks`."""
    BRACKET = "bracket"
    """A stop-limit, where there is one, and a limit order at `take_ticks`, of which one fills."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTicket:
    """One order, complete before its first byte leaves.

    Attributes:
        client_order_id: Our name for it, see `client_order_id`.
        strategy, symbol: The sleeve that asks.
        lots: Quantity, >= 1.
        limit_ticks: Limit price; None for a market order.
        stop_ticks: Trigger price; None unless a stop.
        take_ticks: Price of the target; None unless a bracket.
        reserve_atoms: Quote currency promised to it at worst, atoms; 0 for a sale.
        decided_ns: Close of the bar that it was decided at, UTC ns.
        attempt: How many tickets this bar and intent have had, this one included, >= 1.
        share: Part of the free cash at the fill that replaces `lots` there; 0.0 where they stand. Simulators only.
        reason: Why an exit leaves, a reason of `blotter.state`.
    """

    client_order_id: str
    strategy: str
    symbol: str
    side: Side
    intent: Intent
    kind: OrderKind
    lots: int
    limit_ticks: int | None = None
    stop_ticks: int | None = None
    take_ticks: int | None = None
    reserve_atoms: int = 0
    decided_ns: int
    attempt: int = 1
    share: float = 0.0
    reason: int = 0


def client_order_id(account: str, strategy: str, symbol: str, decided_ns: int, intent: Intent, attempt: int) -> str:
    """Return the name of an order: the same decision makes the same name, before and after a crash.

    At most 36 characters of `A-Za-z0-9-_`, as Binance asks ("New order", `newClientOrderId`).

    >>> client_order_id("main", "lstm", "BTCUSDT", 1_700_000_000_000_000_000, Intent.ENTER, 1)
    'ts-gidnxgpy6qgo6ejsardedoomuoc5du7c'
    """
    told = "\x1f".join((account, strategy, symbol, str(decided_ns), intent, str(attempt)))
    digest = hashlib.sha256(told.encode()).digest()[:20]
    return PREFIX + base64.b32encode(digest).decode().lower()
