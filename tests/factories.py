"""Values with sensible defaults; a test names only what it is about."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from trading_system.blotter.events import OrderFilled
from trading_system.blotter.state import Policy
from trading_system.blotter.tickets import Intent, OrderKind, OrderTicket, Side, client_order_id
from trading_system.market.bars import Bar, interval_ns
from trading_system.market.instruments import Instrument
from trading_system.market.money import Money

START_NS: Final = 1_700_006_400_000_000_000
"""2023-11-15T00:00:00Z: a whole day, so that bars of every interval may open here."""


def make_instrument(
    *,
    symbol: str = "BTCUSDT",
    base: str = "BTC",
    quote: str = "USDT",
    tick: str = "0.01",
    lot: str = "0.00001",
    min_lots: int = 1,
    min_notional: str = "5",
    shortable: bool = False,
) -> Instrument:
    """Return an instrument with the steps that Binance gives BTCUSDT."""
    return Instrument(
        venue="binance",
        symbol=symbol,
        base=base,
        quote=quote,
        tick=Decimal(tick),
        lot=Decimal(lot),
        min_lots=min_lots,
        min_notional=Decimal(min_notional),
        shortable=shortable,
    )


def make_bar(
    *,
    symbol: str = "BTCUSDT",
    index: int = 0,
    interval: str = "15m",
    open: int = 4_000_000,
    high: int | None = None,
    low: int | None = None,
    close: int | None = None,
    volume_atoms: int = 100_000_000,
) -> Bar:
    """Return bar number `index` after `START_NS`; prices in ticks, and flat where they are not named."""
    last = open if close is None else close
    opens_ns = START_NS + index * interval_ns(interval)
    return Bar(
        symbol=symbol,
        open_ns=opens_ns,
        close_ns=opens_ns + interval_ns(interval),
        open=open,
        high=max(open, last) if high is None else high,
        low=min(open, last) if low is None else low,
        close=last,
        volume_atoms=volume_atoms,
    )


def make_bars(closes: Sequence[int], *, symbol: str = "BTCUSDT", interval: str = "15m") -> list[Bar]:
    """Return bars in a row, each opening where the one before closed."""
    opens = [closes[0], *closes[:-1]]
    return [
        make_bar(symbol=symbol, index=index, interval=interval, open=first, close=last)
        for index, (first, last) in enumerate(zip(opens, closes, strict=True))
    ]


def make_ticket(
    *,
    intent: Intent = Intent.ENTER,
    lots: int = 100,
    strategy: str = "lstm",
    symbol: str = "BTCUSDT",
    decided_ns: int = START_NS,
    attempt: int = 1,
    stop_ticks: int = 3_900_000,
    reserve_atoms: int = 4_040_000_000,
    share: float = 0.0,
    side: Side | None = None,
) -> OrderTicket:
    """Return a ticket of that intent, of a long position unless `side` says otherwise.

    Its numbers fit `make_instrument` at 40,000.00.
    """
    protects = intent is Intent.PROTECT
    return OrderTicket(
        client_order_id=client_order_id("main", strategy, symbol, decided_ns, intent, attempt),
        strategy=strategy,
        symbol=symbol,
        side=side or (Side.BUY if intent is Intent.ENTER else Side.SELL),
        intent=intent,
        kind=OrderKind.STOP_LIMIT if protects else OrderKind.MARKET,
        lots=lots,
        limit_ticks=stop_ticks - 1_000 if protects else None,
        stop_ticks=stop_ticks if protects else None,
        reserve_atoms=reserve_atoms if intent is Intent.ENTER else 0,
        decided_ns=decided_ns,
        attempt=attempt,
        share=share,
    )


def make_fill(
    ticket: OrderTicket, *, trade: int = 1, lots: int | None = None, price_ticks: int = 4_000_000, fee_atoms: int = 0
) -> OrderFilled:
    """Return an execution of `ticket`, of all of it unless `lots` says otherwise; the fee is in base currency."""
    return OrderFilled(
        ts_ns=ticket.decided_ns + trade,
        client_order_id=ticket.client_order_id,
        trade_id=str(trade),
        lots=ticket.lots if lots is None else lots,
        price_ticks=price_ticks,
        fee=Money(atoms=fee_atoms, currency="BTC"),
    )


def make_policy(**changes: float) -> Policy:
    """Return a policy that enters gladly; `changes` replace single numbers."""
    numbers = {
        "kelly_share": 0.5,
        "kelly_cap": 0.02,
        "max_exposure": 0.5,
        "enter_above": 0.55,
        "leave_below": 0.45,
        "round_trip_cost": 0.002,
        "atr_stop": 2.0,
        "stop_step": 0.5,
        "stop_slack": 0.005,
        "cash_buffer": 0.01,
        "max_drawdown": 0.2,
    }
    return Policy(**(numbers | changes))
