"""Small worlds for the testnet's tests: an exchange without I/O, and the order requests that go in."""

from collections.abc import Mapping
from typing import Final

from tests.factories import START_NS, make_bar, make_instrument

from trading_system.market.bars import Bar
from trading_system.market.money import ATOMS
from trading_system.testnet.clock import VirtualClock
from trading_system.testnet.config import Listing, TestnetConfig
from trading_system.testnet.exchange import Exchange
from trading_system.testnet.house import House
from trading_system.testnet.order_book import Side
from trading_system.testnet.orders import OrderRequest, OrderType, TimeInForce

PRICE: Final = 4_000_000
"""Ticks: 40,000.00."""

THIN: Final = House(half_spread_bps=25, levels=1, level_notional=40_000)
"""One level on each side, 100.00 away, of 0.5 to 1.5 units."""

RICH: Final = {"USDT": 1_000_000 * ATOMS, "BTC": 100 * ATOMS}


def make_exchange(*, balances: Mapping[str, int] = RICH, house: House = THIN, fee: int = 100_000) -> Exchange:
    """Return an exchange with BTCUSDT at 40,000.00, and one account, "desk"."""
    exchange = Exchange(VirtualClock(START_NS), maker_fee=fee, taker_fee=fee)
    exchange.list_instrument(make_instrument(), house, seed=1, price=PRICE)
    exchange.deposit("desk", balances)
    return exchange


def make_request(
    *,
    side: Side = Side.BUY,
    type: OrderType = OrderType.LIMIT,
    lots: int | None = 1_000,
    price: int | None = PRICE - 100,
    stop: int | None = None,
    time_in_force: TimeInForce = TimeInForce.GTC,
    quote_atoms: int | None = None,
    client_order_id: str | None = None,
) -> OrderRequest:
    """Return a request for 0.01 BTC at 39,999.00, unless told otherwise."""
    return OrderRequest(
        symbol="BTCUSDT",
        side=side,
        type=type,
        time_in_force=time_in_force,
        lots=lots,
        price=None if type is OrderType.MARKET else price,
        stop=stop,
        quote_atoms=quote_atoms,
        client_order_id=client_order_id,
    )


def make_config(bars: list[Bar] | None = None, *, history: int = 2, **more: object) -> TestnetConfig:
    """Return a stepped testnet of BTCUSDT with a few flat 15-minute bars at 40,000.00."""
    bars = bars if bars is not None else [make_bar(index=index) for index in range(6)]
    listing = Listing(instrument=make_instrument(), interval="15m", bars=tuple(bars), history=history)
    return TestnetConfig(**{"listings": (listing,), "house": THIN, **more})  # type: ignore[arg-type]
