"""The venue's filters: what it refuses before the engine sees it, in the order it checks."""

from decimal import Decimal
from typing import Final

from trading_system.market.instruments import Instrument
from trading_system.market.money import ATOMS
from trading_system.testnet.order_book import Side
from trading_system.testnet.orders import OrderRequest, OrderType, TimeInForce
from trading_system.testnet.refusals import Reason, Refusal

MAX_TICKS: Final = 100_000_000
MAX_LOTS: Final = 900_000_000
MAX_MARKET_LOTS: Final = MAX_LOTS // 100
MAX_NOTIONAL: Final = 9_000_000
"""Largest notional of a limit order, quote units."""


def price_atoms(instrument: Instrument) -> int:
    """Return one tick as atoms of quote per base unit: the venue writes prices to eight decimals."""
    return int(instrument.tick * ATOMS)


def ticks_of(instrument: Instrument, atoms: int) -> int:
    """Return a price in `atoms` as ticks.

    Raises:
        Refusal: PRICE_FILTER: not above zero, too high or between two ticks.
    """
    ticks, between = divmod(atoms, price_atoms(instrument))
    if between or not 1 <= ticks <= MAX_TICKS:
        raise Refusal(Reason.FILTER, "PRICE_FILTER")
    return ticks


def lots_of(instrument: Instrument, atoms: int, *, market: bool) -> int:
    """Return a quantity in `atoms` as lots.

    Raises:
        Refusal: LOT_SIZE, or MARKET_LOT_SIZE for a market order that is only too large for one.
    """
    lots, between = divmod(atoms, instrument.lot_atoms)
    if between or not instrument.min_lots <= lots <= MAX_LOTS:
        raise Refusal(Reason.FILTER, "LOT_SIZE")
    if market and lots > MAX_MARKET_LOTS:
        raise Refusal(Reason.FILTER, "MARKET_LOT_SIZE")
    return lots


def order_request(
    instrument: Instrument,
    *,
    last: int,
    side: Side,
    order_type: OrderType,
    time_in_force: TimeInForce,
    quantity: int | None,
    quote_quantity: int | None,
    price: int | None,
    stop_price: int | None,
    client_order_id: str | None,
) -> OrderRequest:
    """Return the request in ticks and lots, once it has passed every filter.

    Args:
        last: The last price, ticks: what a market order's notional is estimated by.
        quantity, quote_quantity, price, stop_price: Atoms.

    Raises:
        Refusal: -1013 with the filter's name.

    Source: Binance Spot, "Filters".
    """
    limit = ticks_of(instrument, price) if price is not None else None
    stop = ticks_of(instrument, stop_price) if stop_price is not None else None
    market = order_type is OrderType.MARKET
    lots = lots_of(instrument, quantity, market=market) if quantity is not None else None
    worth = quote_quantity or 0
    if lots is not None:
        worth = lots * (limit if limit is not None else last) * instrument.notional_atoms
    too_large = not market and worth > MAX_NOTIONAL * ATOMS
    if Decimal(worth) < instrument.min_notional * ATOMS or too_large:
        raise Refusal(Reason.FILTER, "NOTIONAL")
    return OrderRequest(
        symbol=instrument.symbol, side=side, type=order_type, time_in_force=time_in_force, lots=lots, price=limit,
        stop=stop, quote_atoms=quote_quantity, client_order_id=client_order_id,
    )  # fmt: skip
