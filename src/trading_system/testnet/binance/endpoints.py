"""The table of what can be asked, over REST and over the WebSocket API alike."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from trading_system.testnet.binance import market_data, trading
from trading_system.testnet.binance.parameters import Params
from trading_system.testnet.floor import Floor


class Security(StrEnum):
    """What a request must show."""

    NONE = "none"
    KEY = "key"
    SIGNED = "signed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One thing that can be asked.

    Attributes:
        rest: HTTP method and path.
        ws: Method of the WebSocket API; None where there is none.
        weight: What it costs of the minute's request weight.
        answer: Reads the parameters and answers, or refuses.
    """

    rest: tuple[str, str]
    ws: str | None
    weight: int
    security: Security
    answer: Callable[[Floor, Params], object]


def _public(path: str, ws: str | None, weight: int, answer: Callable[[Floor, Params], object]) -> Endpoint:
    return Endpoint(rest=("GET", path), ws=ws, weight=weight, security=Security.NONE, answer=answer)


def _signed(method: str, path: str, ws: str | None, weight: int, answer: Callable[[Floor, Params], object]) -> Endpoint:
    return Endpoint(rest=(method, path), ws=ws, weight=weight, security=Security.SIGNED, answer=answer)


NEW_ORDER: Final = _signed("POST", "/api/v3/order", "order.place", 1, trading.new_order)
CANCEL_ORDER: Final = _signed("DELETE", "/api/v3/order", "order.cancel", 1, trading.cancel_order)

ENDPOINTS: Final = (
    _public("/api/v3/ping", "ping", 1, market_data.ping),
    _public("/api/v3/time", "time", 1, market_data.time),
    _public("/api/v3/exchangeInfo", "exchangeInfo", 20, market_data.exchange_info),
    _public("/api/v3/klines", "klines", 2, market_data.klines),
    _public("/api/v3/uiKlines", "uiKlines", 2, market_data.klines),
    _public("/api/v3/depth", "depth", 5, market_data.depth),
    _public("/api/v3/trades", "trades.recent", 25, market_data.trades),
    _public("/api/v3/ticker/price", "ticker.price", 2, market_data.ticker_price),
    _public("/api/v3/ticker/bookTicker", "ticker.book", 2, market_data.book_ticker),
    _public("/api/v3/ticker/24hr", "ticker.24hr", 2, market_data.ticker_day),
    NEW_ORDER,
    CANCEL_ORDER,
    _signed("POST", "/api/v3/order/test", "order.test", 1, trading.check_order),
    _signed("GET", "/api/v3/order", "order.status", 4, trading.query_order),
    _signed("GET", "/api/v3/openOrders", "openOrders.status", 6, trading.open_orders),
    _signed("DELETE", "/api/v3/openOrders", "openOrders.cancelAll", 1, trading.cancel_open_orders),
    _signed("GET", "/api/v3/allOrders", "allOrders", 20, trading.all_orders),
    _signed("GET", "/api/v3/myTrades", "myTrades", 20, trading.my_trades),
    _signed("GET", "/api/v3/account", "account.status", 20, trading.account),
    _signed("GET", "/sapi/v1/asset/tradeFee", None, 1, trading.trade_fee),
    _signed("GET", "/sapi/v1/capital/config/getall", None, 10, trading.nothing),
    Endpoint(
        rest=("GET", "/sapi/v1/margin/allPairs"), ws=None, weight=1, security=Security.KEY, answer=trading.nothing
    ),
    _signed("GET", "/sapi/v1/margin/isolated/allPairs", None, 10, trading.nothing),
)
"""Source of the weights: Binance Spot REST API; those of `depth` and `openOrders` vary there."""

REST: Final = {endpoint.rest: endpoint for endpoint in ENDPOINTS}
WS: Final = {endpoint.ws: endpoint for endpoint in ENDPOINTS if endpoint.ws is not None}
