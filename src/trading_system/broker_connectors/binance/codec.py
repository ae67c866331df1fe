"""Binance's JSON to our types and back; pure.

Source: binance-spot-api-docs, rest-api.md, web-socket-streams.md, user-data-stream.md, filters.md, errors.md.
Unknown fields are passed over; an unknown word where money hangs on it is an error with a name.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import msgspec

from trading_system.blotter import events as e
from trading_system.blotter.orders import OrderStatus
from trading_system.blotter.tickets import PREFIX, OrderKind, OrderTicket
from trading_system.errors import (
    AuthenticationFailed,
    DataError,
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
    VenueError,
)
from trading_system.market.bars import Bar
from trading_system.market.instruments import Instrument
from trading_system.market.money import Money, to_atoms
from trading_system.market.timestamps import NS_PER_MS, from_ms
from trading_system.ports import OrderReport

STATUS: Final[dict[str, OrderStatus]] = {
    "NEW": OrderStatus.WORKING,
    "PENDING_NEW": OrderStatus.WORKING,
    "PARTIALLY_FILLED": OrderStatus.WORKING,
    "PENDING_CANCEL": OrderStatus.WORKING,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELED,
    "REJECTED": OrderStatus.REJECTED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
}
"""rest-api.md, enums.md "Order status"."""

TYPES: Final = {OrderKind.MARKET: "MARKET", OrderKind.LIMIT: "LIMIT", OrderKind.STOP_LIMIT: "STOP_LOSS_LIMIT"}

REFUSED: Final = frozenset(
    {-1013, -1014, -1020, -1111, -1112, -1114, -1115, -1116, -1117, -1118, -1119, -1121, -1128, -1130, -1131, -1145}
    | set(range(-1109, -1099))
    | {-2010, -2011, -2013, -2026, -2038, -2039}
)
"""Codes that say for certain that nothing was done (errors.md)."""
NOT_US: Final = frozenset({-1002, -1021, -1022, -2008, -2014, -2015})
"""Codes that say that our key, our signature or our clock is not accepted."""
TOO_MUCH: Final = frozenset({-1003, -1015, -1034})
"""Codes that say that we ask too often; nothing was done."""
NO_SUCH_ORDER: Final = -2013


def decoded(body: bytes) -> Any:
    """Return the JSON in `body`, numbers in it as written.

    Raises:
        DataError: It is no JSON.
    """
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise DataError(f"the venue sent no JSON: {body[:200]!r}") from error


def failure(status: int, headers: dict[str, str], body: bytes) -> VenueError:
    """Return the error that a response other than 200 means.

    What is not known for certain to have done nothing is OutcomeUnknown: asking is always safe.
    """
    try:
        told = msgspec.json.decode(body, type=dict[str, Any])
        code, text = int(told.get("code", 0)), str(told.get("msg", ""))
    except (msgspec.DecodeError, ValueError, TypeError):
        code, text = 0, body[:200].decode(errors="replace")
    message = f"HTTP {status}, code {code}: {text}"
    if status in (418, 429) or code in TOO_MUCH:
        return RateLimited(message, retry_after_s=float(headers.get("retry-after", "1") or 1))
    if code in NOT_US:
        return AuthenticationFailed(f"{message}; check the key, its permissions and this machine's clock")
    if 400 <= status < 500 and code in REFUSED:
        return OrderRejected(message, code=code)
    return OutcomeUnknown(message)


def new_order(ticket: OrderTicket, instrument: Instrument) -> dict[str, str]:
    """Return the parameters of `POST /api/v3/order` for `ticket` ("New order")."""
    parameters = {
        "symbol": ticket.symbol,
        "side": ticket.side.upper(),
        "type": TYPES[ticket.kind],
        "quantity": f"{instrument.quantity(ticket.lots):f}",
        "newClientOrderId": ticket.client_order_id,
        "newOrderRespType": "ACK",
    }
    if ticket.limit_ticks is not None:
        parameters |= {"timeInForce": "GTC", "price": f"{instrument.price(ticket.limit_ticks):f}"}
    if ticket.stop_ticks is not None:
        parameters["stopPrice"] = f"{instrument.price(ticket.stop_ticks):f}"
    return parameters


def instruments(info: Any) -> list[Instrument]:
    """Return the instruments of an `exchangeInfo` answer ("Exchange information"; filters.md)."""
    found = []
    for symbol in info["symbols"]:
        rules = {rule["filterType"]: rule for rule in symbol["filters"]}
        lot, least = rules["LOT_SIZE"], rules.get("NOTIONAL") or rules.get("MIN_NOTIONAL") or {}
        step = Decimal(lot["stepSize"])
        found.append(
            Instrument(
                venue="binance",
                symbol=symbol["symbol"],
                base=symbol["baseAsset"],
                quote=symbol["quoteAsset"],
                tick=Decimal(rules["PRICE_FILTER"]["tickSize"]).normalize(),
                lot=step.normalize(),
                min_lots=max(1, -int(-Decimal(lot["minQty"]) // step)),
                min_notional=Decimal(least.get("minNotional", "0")).normalize(),
            )
        )
    return found


def bar(row: list[Any], instrument: Instrument, interval_ns: int) -> Bar:
    """Return one row of `GET /api/v3/klines`: open time, open, high, low, close, volume, close time, ..."""
    return _bar(int(row[0]), row[1:6], instrument, interval_ns)


def closed_bar(event: Any, instrument: Instrument, interval_ns: int) -> Bar | None:
    """Return the bar of a `kline` event, or None while it is still open (`k.x` is false)."""
    kline = event["k"]
    if not kline["x"]:
        return None
    return _bar(int(kline["t"]), [kline[key] for key in "ohlcv"], instrument, interval_ns)


def _bar(open_ms: int, ohlcv: list[str], instrument: Instrument, interval_ns: int) -> Bar:
    opened = from_ms(open_ms)
    prices = [instrument.ticks(price) for price in ohlcv[:4]]
    return Bar(
        symbol=instrument.symbol,
        open_ns=opened,
        close_ns=opened + interval_ns,
        open=prices[0],
        high=prices[1],
        low=prices[2],
        close=prices[3],
        volume_atoms=to_atoms(ohlcv[4]),
    )


def fill(row: Any, client_order_id: str, instrument: Instrument) -> e.OrderFilled:
    """Return one row of `GET /api/v3/myTrades` ("Account trade list")."""
    return e.OrderFilled(
        ts_ns=from_ms(int(row["time"])),
        client_order_id=client_order_id,
        trade_id=str(row["id"]),
        lots=instrument.lots(row["qty"]),
        price_ticks=instrument.ticks(row["price"]),
        fee=Money(atoms=to_atoms(row["commission"]), currency=row["commissionAsset"]),
    )


def report(row: Any, fills: tuple[e.OrderFilled, ...], client_order_id: str, instrument: Instrument) -> OrderReport:
    """Return what `GET /api/v3/order` says ("Query order").

    Raises:
        OutcomeUnknown: The venue speaks of a status that we do not know.
    """
    status = STATUS.get(row["status"])
    if status is None:
        raise OutcomeUnknown(f"{client_order_id}: the venue reports the unknown status {row['status']!r}")
    return OrderReport(
        client_order_id=client_order_id,
        venue_order_id=str(row["orderId"]),
        status=status,
        filled=instrument.lots(row["executedQty"]),
        fills=fills,
        reason=str(row.get("expiryReason") or row["status"]).lower(),
    )


def balances(account: Any) -> dict[str, int]:
    """Return free and locked together, atoms by currency ("Account information"); zeros are left out."""
    totals = {row["asset"]: to_atoms(row["free"]) + to_atoms(row["locked"]) for row in account["balances"]}
    return {currency: atoms for currency, atoms in totals.items() if atoms}


def execution(event: Any, instrument: Instrument) -> e.OrderEvent | None:
    """Return what an `executionReport` tells of an order of ours; None for others' orders and other news.

    On a cancel `c` is the cancel's own id and `C` the order's; otherwise `C` is empty (user-data-stream.md, "Order
    Update").
    """
    name = event.get("C") or event["c"]
    build = EXECUTIONS.get(event["x"])
    goes_on = event["x"] == "TRADE_PREVENTION" and event["X"] != "EXPIRED_IN_MATCH"
    if build is None or goes_on or not name.startswith(PREFIX):
        return None
    return build(int(event["T"]) * NS_PER_MS, name, event, instrument)


def _accepted(ts_ns: int, name: str, event: Any, instrument: Instrument) -> e.OrderEvent:
    return e.OrderAccepted(ts_ns=ts_ns, client_order_id=name, venue_order_id=str(event["i"]))


def _filled(ts_ns: int, name: str, event: Any, instrument: Instrument) -> e.OrderEvent:
    return e.OrderFilled(
        ts_ns=ts_ns,
        client_order_id=name,
        trade_id=str(event["t"]),
        lots=instrument.lots(event["l"]),
        price_ticks=instrument.ticks(event["L"]),
        fee=Money(atoms=to_atoms(event["n"]), currency=event["N"] or instrument.quote),
    )


def _canceled(ts_ns: int, name: str, event: Any, instrument: Instrument) -> e.OrderEvent:
    filled = instrument.lots(event["z"])
    return e.OrderCanceled(ts_ns=ts_ns, client_order_id=name, reason="the venue reports it canceled", filled=filled)


def _expired(ts_ns: int, name: str, event: Any, instrument: Instrument) -> e.OrderEvent:
    reason, filled = str(event.get("eR") or event.get("r") or "expired").lower(), instrument.lots(event["z"])
    return e.OrderExpired(ts_ns=ts_ns, client_order_id=name, reason=reason, filled=filled)


def _rejected(ts_ns: int, name: str, event: Any, instrument: Instrument) -> e.OrderEvent:
    return e.OrderRejected(ts_ns=ts_ns, client_order_id=name, code=0, reason=str(event.get("r", "")))


EXECUTIONS: Final[dict[str, Callable[[int, str, Any, Instrument], e.OrderEvent]]] = {
    "NEW": _accepted,
    "TRADE": _filled,
    "CANCELED": _canceled,
    "EXPIRED": _expired,
    "TRADE_PREVENTION": _expired,
    "REJECTED": _rejected,
}
"""enums.md, "Execution types"."""
