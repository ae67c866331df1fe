"""What the account's owner may ask: orders, fills, balances."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from trading_system.market.timestamps import from_ms
from trading_system.testnet.binance import messages
from trading_system.testnet.binance.market_data import place_of
from trading_system.testnet.binance.messages import Json
from trading_system.testnet.binance.parameters import CLIENT_ID, Params
from trading_system.testnet.filters import order_request
from trading_system.testnet.floor import ACCOUNT, Floor
from trading_system.testnet.order_book import Side
from trading_system.testnet.orders import Fill, Order, OrderRequest, OrderType, TimeInForce
from trading_system.testnet.refusals import Reason, Refusal
from trading_system.testnet.wire import amount

DAY_MS: Final = 86_400_000

REQUIRED: Final = {
    OrderType.LIMIT: ("timeInForce", "quantity", "price"),
    OrderType.LIMIT_MAKER: ("quantity", "price"),
    OrderType.MARKET: (),
    OrderType.STOP_LOSS_LIMIT: ("timeInForce", "quantity", "price", "stopPrice"),
}
NOT_REQUIRED: Final = {
    OrderType.LIMIT: ("stopPrice", "quoteOrderQty"),
    OrderType.LIMIT_MAKER: ("stopPrice", "quoteOrderQty", "timeInForce"),
    OrderType.MARKET: ("price", "stopPrice", "timeInForce"),
    OrderType.STOP_LOSS_LIMIT: ("quoteOrderQty",),
}


class Response(StrEnum):
    """How much a new order's answer tells."""

    ACK = "ACK"
    RESULT = "RESULT"
    FULL = "FULL"


def new_order(floor: Floor, params: Params) -> Json:
    """Place an order and tell what became of it at once."""
    request = _request(floor, params)
    usual = Response.ACK if request.type is OrderType.STOP_LOSS_LIMIT else Response.FULL
    response = params.word("newOrderRespType", Response, Reason.BAD_RESPONSE_TYPE, usual)
    seen = len(floor.exchange.fills)
    order = floor.exchange.submit(ACCOUNT, request)
    fills = [fill for fill in floor.exchange.fills[seen:] if fill.order_id == order.order_id]
    return messages.new_order(floor.exchange.places[request.symbol].instrument, order, fills, response.value)


def check_order(floor: Floor, params: Params) -> Json:
    """Check an order as if it were placed, and forget it."""
    floor.exchange.check(ACCOUNT, _request(floor, params))
    return {}


def query_order(floor: Floor, params: Params) -> Json:
    """Return one order, open or over."""
    return messages.order_status(place_of(floor, params).instrument, _named(floor, params, Reason.NO_SUCH_ORDER))


def cancel_order(floor: Floor, params: Params) -> Json:
    """Cancel one open order."""
    instrument = place_of(floor, params).instrument
    order = _named(floor, params, Reason.UNKNOWN_ORDER)
    cancel_id = params.text("newClientOrderId", CLIENT_ID) or f"testnet-cancel-{order.order_id:07d}"
    return messages.canceled(instrument, floor.exchange.cancel(order, cancel_id=cancel_id), cancel_id)


def open_orders(floor: Floor, params: Params) -> list[Json]:
    """Return the open orders of `symbol`, or of all symbols, oldest first."""
    symbol = place_of(floor, params).instrument.symbol if params.text("symbol") else None
    return _statuses(floor, floor.exchange.open_orders(ACCOUNT, symbol))


def cancel_open_orders(floor: Floor, params: Params) -> list[Json]:
    """Cancel all open orders of `symbol`."""
    instrument = place_of(floor, params).instrument
    orders = floor.exchange.open_orders(ACCOUNT, instrument.symbol)
    if not orders:
        raise Refusal(Reason.UNKNOWN_ORDER)
    answers: list[Json] = []
    for order in orders:
        cancel_id = f"testnet-cancel-{order.order_id:07d}"
        answers.append(messages.canceled(instrument, floor.exchange.cancel(order, cancel_id=cancel_id), cancel_id))
    return answers


def all_orders(floor: Floor, params: Params) -> list[Json]:
    """Return orders of `symbol`, open or over: from `orderId` or `startTime` on, else the latest."""
    symbol = place_of(floor, params).instrument.symbol
    start_ns, end_ns = _window(params)
    first_id = params.integer("orderId")
    chosen = [
        order
        for order in floor.exchange.orders.values()
        if order.request.symbol == symbol
        and order.order_id >= (first_id or 0)
        and start_ns <= order.created_ns < end_ns
    ]
    from_start = first_id is not None or params.integer("startTime") is not None
    limit = params.limit(500, 1_000)
    return _statuses(floor, chosen[:limit] if from_start else chosen[-limit:])


def my_trades(floor: Floor, params: Params) -> list[Json]:
    """Return fills of `symbol`: from `fromId` or `startTime` on, else the latest; of one order where it is named."""
    instrument = place_of(floor, params).instrument
    start_ns, end_ns = _window(params)
    order_id, from_id = params.integer("orderId"), params.integer("fromId")
    if from_id is not None and (params.text("startTime") or params.text("endTime")):
        raise Refusal(Reason.BAD_COMBINATION)
    chosen: list[Fill] = [
        fill
        for fill in floor.exchange.fills
        if fill.symbol == instrument.symbol
        and order_id in (None, fill.order_id)
        and fill.trade_id >= (from_id or 0)
        and start_ns <= fill.ns < end_ns
    ]
    from_start = from_id is not None or params.integer("startTime") is not None
    limit = params.limit(500, 1_000)
    return [messages.my_trade(instrument, fill) for fill in (chosen[:limit] if from_start else chosen[-limit:])]


def account(floor: Floor, params: Params) -> Json:
    """Return balances and commissions."""
    omit_zero = params.text("omitZeroBalances") == "true"
    maker, taker = floor.exchange.fees
    balances = floor.exchange.ledger.balances(ACCOUNT)
    return {
        "makerCommission": maker // 10_000,
        "takerCommission": taker // 10_000,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {"maker": amount(maker), "taker": amount(taker), "buyer": amount(0), "seller": amount(0)},
        "canTrade": True,
        "canWithdraw": False,
        "canDeposit": False,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": floor.clock.now_ms,
        "accountType": "SPOT",
        "balances": [
            {"asset": name, "free": amount(balance.free), "locked": amount(balance.locked)}
            for name, balance in balances.items()
            if not omit_zero or balance.free or balance.locked
        ],
        "permissions": ["SPOT"],
        "uid": 1,
    }


def trade_fee(floor: Floor, params: Params) -> list[Json]:
    """Return the commission of each symbol (`/sapi/v1/asset/tradeFee`)."""
    maker, taker = floor.exchange.fees
    wanted = params.text("symbol")
    return [
        {"symbol": symbol, "makerCommission": amount(maker), "takerCommission": amount(taker)}
        for symbol in floor.exchange.places
        if wanted in (None, symbol)
    ]


def nothing(floor: Floor, params: Params) -> list[Json]:
    """Return an empty list: what real clients ask on their way and do not need."""
    return []


def _request(floor: Floor, params: Params) -> OrderRequest:
    """Read a new order's parameters and put them through the filters."""
    place = place_of(floor, params)
    side = params.word("side", Side, Reason.BAD_SIDE)
    order_type = params.word("type", OrderType, Reason.BAD_TYPE)
    for name in REQUIRED[order_type]:
        params.required(name)
    for name in NOT_REQUIRED[order_type]:
        if params.text(name) is not None:
            raise Refusal(Reason.NOT_REQUIRED, name)
    quantity, quote_quantity = params.atoms("quantity"), params.atoms("quoteOrderQty")
    if quantity is None and quote_quantity is None:
        raise Refusal(Reason.MISSING_BOTH, "quantity", "quoteOrderQty")
    if quantity is not None and quote_quantity is not None:
        raise Refusal(Reason.BAD_COMBINATION)
    if params.text("selfTradePreventionMode") not in (None, messages.STP):
        raise Refusal(Reason.BAD_STP)
    return order_request(
        place.instrument,
        last=place.last,
        side=side,
        order_type=order_type,
        time_in_force=params.word("timeInForce", TimeInForce, Reason.BAD_TIME_IN_FORCE, TimeInForce.GTC),
        quantity=quantity,
        quote_quantity=quote_quantity,
        price=params.atoms("price"),
        stop_price=params.atoms("stopPrice"),
        client_order_id=params.text("newClientOrderId", CLIENT_ID),
    )


def _named(floor: Floor, params: Params, refusal: Reason) -> Order:
    """Return the order that `orderId` or `origClientOrderId` names."""
    symbol = place_of(floor, params).instrument.symbol
    order_id, client_id = params.integer("orderId"), params.text("origClientOrderId", CLIENT_ID)
    if order_id is None and client_id is None:
        raise Refusal(Reason.MISSING_BOTH, "origClientOrderId", "orderId")
    order = floor.exchange.find(ACCOUNT, symbol, order_id=order_id, client_order_id=client_id)
    if order is None:
        raise Refusal(refusal)
    return order


def _statuses(floor: Floor, orders: Iterable[Order]) -> list[Json]:
    places = floor.exchange.places
    return [messages.order_status(places[order.request.symbol].instrument, order) for order in orders]


def _window(params: Params) -> tuple[int, int]:
    """Return [start, end) in ns of `startTime` and `endTime`, which lie within a day of each other."""
    start_ms, end_ms = params.integer("startTime"), params.integer("endTime")
    if start_ms is not None and end_ms is not None and end_ms - start_ms > DAY_MS:
        raise Refusal(Reason.MORE_THAN_A_DAY)
    return from_ms(start_ms or 0), from_ms((2**63 if end_ms is None else end_ms) + 1)
