"""The shapes of Binance's messages, as far as we read them; fields that we do not name are passed over.

A message that lacks what we need, or has it in another type, is a DataError: nothing is guessed.

Source: binance-spot-api-docs, rest-api.md, web-socket-streams.md, web-socket-api.md, user-data-stream.md.
"""

from typing import Final, TypeVar

import msgspec

from trading_system.broker_connectors.binance.failures import Told
from trading_system.errors import DataError

T = TypeVar("T")
NOTHING: Final = msgspec.Raw(b"{}")


def decoded(body: bytes, shape: type[T]) -> T:
    """Return the JSON in `body` as `shape`.

    Raises:
        DataError: It is no JSON, or not of this shape.
    """
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, RecursionError) as error:
        raise DataError(f"the venue's message cannot be read ({error}): {bytes(body)[:200]!r}") from error


class ServerTime(msgspec.Struct, frozen=True, rename="camel"):
    """ "Check server time": milliseconds."""

    server_time: int


class Filter(msgspec.Struct, frozen=True, rename="camel"):
    """One rule of a symbol (filters.md); each kind has fields of its own."""

    filter_type: str
    tick_size: str = ""
    step_size: str = ""
    min_qty: str = "0"
    min_notional: str = "0"


class Symbol(msgspec.Struct, frozen=True, rename="camel"):
    """One symbol of "Exchange information"."""

    symbol: str
    base_asset: str
    quote_asset: str
    filters: list[Filter]


class ExchangeInfo(msgspec.Struct, frozen=True):
    """ "Exchange information"."""

    symbols: list[Symbol]


class Kline(msgspec.Struct, frozen=True, array_like=True):
    """One row of "Kline/Candlestick data": a list, of which we read the beginning."""

    open_ms: int
    open: str
    high: str
    low: str
    close: str
    volume: str


class NewOrder(msgspec.Struct, frozen=True, rename="camel"):
    """ "New order", response ACK."""

    order_id: int
    transact_time: int


class CanceledOrder(msgspec.Struct, frozen=True, rename="camel"):
    """ "Cancel order"."""

    executed_qty: str


class OrderRow(msgspec.Struct, frozen=True, rename="camel"):
    """ "Query order"."""

    order_id: int
    status: str
    executed_qty: str
    expiry_reason: str | int = ""


class OpenOrder(msgspec.Struct, frozen=True, rename="camel"):
    """One row of "Current open orders"."""

    client_order_id: str


class Trade(msgspec.Struct, frozen=True, rename="camel"):
    """One row of "Account trade list"."""

    id: int
    order_id: int
    price: str
    qty: str
    commission: str
    commission_asset: str
    time: int


class Balance(msgspec.Struct, frozen=True):
    """What the account has of one currency."""

    asset: str
    free: str
    locked: str


class Account(msgspec.Struct, frozen=True):
    """ "Account information"."""

    balances: list[Balance]


class Frame(msgspec.Struct, frozen=True):
    """A message of a combined market stream (`data`) or of the WebSocket API (`event`)."""

    data: msgspec.Raw = NOTHING
    event: msgspec.Raw = NOTHING


class Kind(msgspec.Struct, frozen=True):
    """What every event begins with: its type, and the symbol where it is about one."""

    e: str = ""
    s: str = ""


class KlineOfStream(msgspec.Struct, frozen=True):
    """`k` of a `kline` event: start in ms, prices, volume, and whether it is closed."""

    t: int
    o: str
    h: str
    l: str  # noqa: E741 - the venue's name for the low
    c: str
    v: str
    x: bool


class KlineEvent(msgspec.Struct, frozen=True):
    """ "Kline/Candlestick Streams for UTC"."""

    k: KlineOfStream


class ExecutionReport(msgspec.Struct, frozen=True):
    """ "Order Update" of user-data-stream.md, under the venue's letters.

    Attributes:
        c, C: Client order id; on a cancel `c` is the cancel's own and `C` the order's, otherwise `C` is empty.
        x, X: What happened, and the order's status after it.
        i, t: Order id; trade id, -1 where nothing was traded.
        T: When, epoch ms.
        l, L, z: Last executed quantity and its price; executed in all.
        n, N: Commission and its currency.
        r, eR: Why it was rejected; why it expired.
    """

    c: str
    x: str
    X: str
    i: int
    T: int
    t: int
    l: str  # noqa: E741 - the venue's letter
    L: str
    z: str
    n: str
    N: str | None
    C: str = ""
    r: str | int = ""
    eR: str | int = ""


class Reply(msgspec.Struct, frozen=True):
    """The WebSocket API's answer to the request named `id`."""

    id: str | int | None
    status: int
    error: Told = Told()
