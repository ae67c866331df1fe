"""The venue's messages: our engine's facts in Binance's field names. Pure; no I/O.

Source: Binance Spot REST API, "New order", "Query order"; "User Data Streams"; "WebSocket Streams".
"""

from collections.abc import Iterable
from typing import Final

from trading_system.market.instruments import Instrument
from trading_system.market.timestamps import to_ms
from trading_system.testnet.filters import MAX_LOTS, MAX_MARKET_LOTS, MAX_NOTIONAL, MAX_TICKS
from trading_system.testnet.market_place import MarketPlace
from trading_system.testnet.order_book import Side
from trading_system.testnet.orders import Execution, Fill, Order, OrderType, Positions, Report, TimeInForce
from trading_system.testnet.tape import Kline, PublicTrade
from trading_system.testnet.wire import amount, price_of, quantity_of

Json = dict[str, object]

STP: Final = "NONE"
RATE_LIMITS: Final = (
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6_000},
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
    {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200_000},
    {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 300_000},
)


def rate_limits(weight: int | None) -> list[Json]:
    """Return what `exchangeInfo` says of limits; `weight` is the request weight of a minute, where it is another."""
    first, *others = RATE_LIMITS
    return [{**first, "limit": weight or first["limit"]}, *others]


def symbol_info(instrument: Instrument) -> Json:
    """Return one symbol of `exchangeInfo`."""
    quantity = {"minQty": quantity_of(instrument, instrument.min_lots), "maxQty": quantity_of(instrument, MAX_LOTS)}
    return {
        "symbol": instrument.symbol,
        "status": "TRADING",
        "baseAsset": instrument.base,
        "baseAssetPrecision": 8,
        "quoteAsset": instrument.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": [kind.value for kind in OrderType],
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": False,
        "amendAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": price_of(instrument, 1),
                "maxPrice": price_of(instrument, MAX_TICKS),
                "tickSize": price_of(instrument, 1),
            },
            {"filterType": "LOT_SIZE", **quantity, "stepSize": quantity_of(instrument, 1)},
            {
                "filterType": "MARKET_LOT_SIZE",
                "minQty": amount(0),
                "maxQty": quantity_of(instrument, MAX_MARKET_LOTS),
                "stepSize": amount(0),
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": amount(int(instrument.min_notional * 100_000_000)),
                "applyMinToMarket": True,
                "maxNotional": amount(MAX_NOTIONAL * 100_000_000),
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": STP,
        "allowedSelfTradePreventionModes": [STP],
    }


def kline_row(instrument: Instrument, kline: Kline) -> list[object]:
    """Return one row of `klines`."""
    bar = kline.bar
    return [
        to_ms(bar.open_ns),
        price_of(instrument, bar.open),
        price_of(instrument, bar.high),
        price_of(instrument, bar.low),
        price_of(instrument, bar.close),
        amount(bar.volume_atoms),
        to_ms(bar.close_ns) - 1,
        amount(kline.quote_atoms),
        kline.trades,
        amount(kline.taker_atoms),
        amount(kline.taker_quote_atoms),
        "0",
    ]


def kline_event(instrument: Instrument, interval: str, kline: Kline, ns: int) -> Json:
    """Return the message of a `<symbol>@kline_<interval>` stream."""
    bar = kline.bar
    return {
        "e": "kline",
        "E": to_ms(ns),
        "s": bar.symbol,
        "k": {
            "t": to_ms(bar.open_ns),
            "T": to_ms(bar.close_ns) - 1,
            "s": bar.symbol,
            "i": interval,
            "f": kline.first_id,
            "L": kline.last_id,
            "o": price_of(instrument, bar.open),
            "c": price_of(instrument, bar.close),
            "h": price_of(instrument, bar.high),
            "l": price_of(instrument, bar.low),
            "v": amount(bar.volume_atoms),
            "n": kline.trades,
            "x": kline.closed,
            "q": amount(kline.quote_atoms),
            "V": amount(kline.taker_atoms),
            "Q": amount(kline.taker_quote_atoms),
            "B": "0",
        },
    }


def trade_event(instrument: Instrument, public: PublicTrade) -> Json:
    """Return the message of a `<symbol>@trade` stream."""
    trade = public.trade
    return {
        "e": "trade",
        "E": to_ms(trade.ns),
        "s": trade.symbol,
        "t": public.trade_id,
        "p": price_of(instrument, trade.price),
        "q": amount(trade.atoms),
        "T": to_ms(trade.ns),
        "m": trade.buyer_is_maker,
        "M": True,
    }


def best_quotes(place: MarketPlace) -> Json:
    """Return a book's best bid and ask; zeros for a side where nobody rests."""
    (bid, bid_lots), (ask, ask_lots) = (next(iter(place.book.levels(side)), (0, 0)) for side in Side)
    instrument = place.instrument
    return {
        "bidPrice": price_of(instrument, bid),
        "bidQty": quantity_of(instrument, bid_lots),
        "askPrice": price_of(instrument, ask),
        "askQty": quantity_of(instrument, ask_lots),
    }


def book_ticker_event(place: MarketPlace) -> Json:
    """Return the message of a `<symbol>@bookTicker` stream, which has no time."""
    place.show_quotes()
    bid, bid_lots, ask, ask_lots = best_quotes(place).values()
    return {
        "u": place.book.update_id,
        "s": place.instrument.symbol,
        "b": bid,
        "B": bid_lots,
        "a": ask,
        "A": ask_lots,
    }


def trade_row(instrument: Instrument, public: PublicTrade) -> Json:
    """Return one trade of `trades`."""
    trade = public.trade
    worth = trade.price * instrument.notional_atoms * trade.atoms // instrument.lot_atoms
    return {
        "id": public.trade_id,
        "price": price_of(instrument, trade.price),
        "qty": amount(trade.atoms),
        "quoteQty": amount(worth),
        "time": to_ms(trade.ns),
        "isBuyerMaker": trade.buyer_is_maker,
        "isBestMatch": True,
    }


def _core(instrument: Instrument, order: Order) -> Json:
    request = order.request
    core: Json = {
        "price": price_of(instrument, request.price or 0),
        "origQty": quantity_of(instrument, order.lots),
        "executedQty": quantity_of(instrument, order.executed),
        "origQuoteOrderQty": amount(request.quote_atoms or 0),
        "cummulativeQuoteQty": amount(order.executed_quote),
        "status": order.status.value,
        "timeInForce": request.time_in_force.value,
        "type": request.type.value,
        "side": request.side.value,
    }
    return core if request.stop is None else {**core, "stopPrice": price_of(instrument, request.stop)}


def _working_ms(order: Order) -> int:
    return -1 if order.working_ns is None else to_ms(order.working_ns)


def new_order(instrument: Instrument, order: Order, fills: Iterable[Fill], response: str) -> Json:
    """Return the answer to a new order: `response` is ACK, RESULT or FULL."""
    answer: Json = {
        "symbol": instrument.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
        "transactTime": to_ms(order.updated_ns),
    }
    if response == "ACK":
        return answer
    answer |= _core(instrument, order)
    answer |= {"workingTime": _working_ms(order), "selfTradePreventionMode": STP}
    if response == "FULL":
        answer["fills"] = [
            {
                "price": price_of(instrument, fill.price),
                "qty": quantity_of(instrument, fill.lots),
                "commission": amount(fill.fee_atoms),
                "commissionAsset": fill.fee_currency,
                "tradeId": fill.trade_id,
            }
            for fill in fills
        ]
    return answer


def order_status(instrument: Instrument, order: Order) -> Json:
    """Return an order as `GET /api/v3/order` shows it."""
    return {
        "symbol": instrument.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
        "stopPrice": price_of(instrument, order.request.stop or 0),
        **_core(instrument, order),
        "icebergQty": amount(0),
        "time": to_ms(order.created_ns),
        "updateTime": to_ms(order.updated_ns),
        "isWorking": order.working_ns is not None,
        "workingTime": _working_ms(order),
        "selfTradePreventionMode": STP,
    }


def canceled(instrument: Instrument, order: Order, cancel_id: str) -> Json:
    """Return the answer to a cancel; `clientOrderId` is the cancel's own name."""
    return {
        "symbol": instrument.symbol,
        "origClientOrderId": order.client_order_id,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": cancel_id,
        "transactTime": to_ms(order.updated_ns),
        **_core(instrument, order),
        "selfTradePreventionMode": STP,
    }


def my_trade(instrument: Instrument, fill: Fill) -> Json:
    """Return one fill as `GET /api/v3/myTrades` shows it."""
    return {
        "symbol": instrument.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "orderListId": -1,
        "price": price_of(instrument, fill.price),
        "qty": quantity_of(instrument, fill.lots),
        "quoteQty": amount(fill.quote_atoms),
        "commission": amount(fill.fee_atoms),
        "commissionAsset": fill.fee_currency,
        "time": to_ms(fill.ns),
        "isBuyer": fill.side.value == "BUY",
        "isMaker": fill.maker,
        "isBestMatch": True,
    }


def execution_report(instrument: Instrument, report: Report) -> Json:
    """Return an order's event for the user data stream."""
    order, fill = report.order, report.fill
    request = order.request
    over = report.execution in (Execution.CANCELED, Execution.EXPIRED)
    on_book = order.is_open and order.working_ns is not None
    rests = request.type is not OrderType.MARKET and request.time_in_force is TimeInForce.GTC
    event: Json = {
        "e": "executionReport",
        "E": to_ms(report.ns),
        "s": instrument.symbol,
        "c": report.cancel_id or order.client_order_id,
        "S": request.side.value,
        "o": request.type.value,
        "f": request.time_in_force.value,
        "q": quantity_of(instrument, order.lots),
        "p": price_of(instrument, request.price or 0),
        "P": price_of(instrument, request.stop or 0),
        "F": amount(0),
        "g": -1,
        "C": order.client_order_id if report.cancel_id else "",
        "x": report.execution.value,
        "X": order.status.value,
        "r": "NONE",
        "i": order.order_id,
        "l": quantity_of(instrument, fill.lots if fill else 0),
        "z": quantity_of(instrument, order.executed),
        "L": price_of(instrument, fill.price if fill else 0),
        "n": amount(fill.fee_atoms) if fill else "0",
        "N": fill.fee_currency if fill else None,
        "T": to_ms(report.ns),
        "t": fill.trade_id if fill else -1,
        "I": report.execution_id,
        "w": on_book and not over and (rests or report.execution is Execution.NEW),
        "m": bool(fill and fill.maker),
        "M": bool(fill),
        "O": to_ms(order.created_ns),
        "Z": amount(order.executed_quote),
        "Y": amount(fill.quote_atoms if fill else 0),
        "Q": amount(request.quote_atoms or 0),
    }
    if order.working_ns is not None:
        event["W"] = to_ms(order.working_ns)
    event["V"] = STP
    return event


def account_position(positions: Positions) -> Json:
    """Return the event that tells the balances an account now has of what was touched."""
    return {
        "e": "outboundAccountPosition",
        "E": to_ms(positions.ns),
        "u": to_ms(positions.ns),
        "B": [{"a": name, "f": amount(free), "l": amount(locked)} for name, free, locked in positions.balances],
    }
