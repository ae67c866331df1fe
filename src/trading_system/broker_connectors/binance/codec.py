"""Binance's JSON to our types and back; pure.

Unknown fields are passed over; what we need and cannot read is a DataError, and an unknown word where money hangs
on it is an error with a name.

Source: binance-spot-api-docs, rest-api.md, web-socket-streams.md, user-data-stream.md, filters.md, enums.md.
"""

import math
from collections.abc import Callable, Mapping
from typing import Final

from trading_system.blotter import events as e
from trading_system.blotter.orders import OrderStatus
from trading_system.blotter.tickets import PREFIX, OrderKind, OrderTicket
from trading_system.broker_connectors.binance import messages as m
from trading_system.broker_connectors.binance.messages import decoded
from trading_system.errors import DataError, OrderRejected, OutcomeUnknown
from trading_system.market.bars import Bar
from trading_system.market.instruments import Instrument
from trading_system.market.money import Money, number, to_atoms
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

NOT_SENT: Final = 0
"""Code of a refusal that is ours: nothing was sent."""
TYPES: Final = {OrderKind.MARKET: "MARKET", OrderKind.LIMIT: "LIMIT", OrderKind.STOP_LIMIT: "STOP_LOSS_LIMIT"}


def new_order(ticket: OrderTicket, instrument: Instrument) -> dict[str, str]:
    """Return the parameters of `POST /api/v3/order` for `ticket` ("New order").

    Raises:
        OrderRejected: One such order cannot say what `ticket` asks: a bracket, a share of the cash.
    """
    kind = TYPES.get(ticket.kind)
    if kind is None or ticket.share:
        asked = ticket.kind.value if kind is None else "an order for a share of the cash"
        raise OrderRejected(f"{ticket.client_order_id}: not sent: Binance is not asked for {asked} here", code=NOT_SENT)
    parameters = {
        "symbol": ticket.symbol,
        "side": ticket.side.upper(),
        "type": kind,
        "quantity": f"{instrument.quantity(ticket.lots):f}",
        "newClientOrderId": ticket.client_order_id,
        "newOrderRespType": "ACK",
    }
    if ticket.limit_ticks is not None:
        parameters |= {"timeInForce": "GTC", "price": f"{instrument.price(ticket.limit_ticks):f}"}
    if ticket.stop_ticks is not None:
        parameters["stopPrice"] = f"{instrument.price(ticket.stop_ticks):f}"
    return parameters


def server_time(body: bytes) -> int:
    """Return the time of `GET /api/v3/time`, UTC ns ("Check server time")."""
    return from_ms(decoded(body, m.ServerTime).server_time)


def instruments(body: bytes) -> list[Instrument]:
    """Return the instruments of an `exchangeInfo` answer ("Exchange information"; filters.md).

    Raises:
        DataError: A symbol lacks its price or quantity step.
        ConfigurationError: A symbol cannot be accounted for exactly.
    """
    return [_instrument(symbol) for symbol in decoded(body, m.ExchangeInfo).symbols]


def _instrument(symbol: m.Symbol) -> Instrument:
    rules = {rule.filter_type: rule for rule in symbol.filters}
    missing = {"LOT_SIZE", "PRICE_FILTER"} - rules.keys()
    if missing:
        raise DataError(f"{symbol.symbol}: the venue names no {sorted(missing)}")
    lot = rules["LOT_SIZE"]
    notional = rules.get("NOTIONAL") or rules.get("MIN_NOTIONAL")
    step, least = number(lot.step_size, "stepSize"), number(lot.min_qty, "minQty")
    return Instrument(
        venue="binance",
        symbol=symbol.symbol,
        base=symbol.base_asset,
        quote=symbol.quote_asset,
        tick=number(rules["PRICE_FILTER"].tick_size, "tickSize").normalize(),
        lot=step.normalize(),
        min_lots=max(1, math.ceil(least / step)) if step else 1,
        min_notional=number(notional.min_notional if notional else "0", "minNotional").normalize(),
    )


def bar(row: m.Kline, instrument: Instrument, interval_ns: int) -> Bar:
    """Return one row of `GET /api/v3/klines`; a DataError where it cannot be a bar of `instrument`."""
    return _bar(row.open_ms, (row.open, row.high, row.low, row.close), row.volume, instrument, interval_ns)


def closed_bar(frame: bytes, instruments: Mapping[str, Instrument], interval_ns: int) -> Bar | None:
    """Return the bar that a message of the market stream closes; None for other news, or an open bar (`k.x`)."""
    event = decoded(frame, m.Frame).data
    kind = decoded(event, m.Kind)
    if kind.e != "kline" or kind.s not in instruments:
        return None
    k = decoded(event, m.KlineEvent).k
    return _bar(k.t, (k.o, k.h, k.l, k.c), k.v, instruments[kind.s], interval_ns) if k.x else None


def _bar(open_ms: int, prices: tuple[str, str, str, str], volume: str, instrument: Instrument, interval_ns: int) -> Bar:
    opened, (first, high, low, last) = from_ms(open_ms), map(instrument.ticks, prices)
    return Bar(
        symbol=instrument.symbol,
        open_ns=opened,
        close_ns=opened + interval_ns,
        open=first,
        high=high,
        low=low,
        close=last,
        volume_atoms=to_atoms(volume),
    )


def acknowledgement(body: bytes, client_order_id: str) -> e.OrderAccepted:
    """Return what `POST /api/v3/order` answers ("New order", ACK)."""
    row = decoded(body, m.NewOrder)
    return e.OrderAccepted(
        ts_ns=from_ms(row.transact_time), client_order_id=client_order_id, venue_order_id=str(row.order_id)
    )


def canceled(body: bytes, instrument: Instrument) -> int:
    """Return the lots that an order had executed when it was canceled ("Cancel order")."""
    return instrument.lots(decoded(body, m.CanceledOrder).executed_qty)


def report(body: bytes, client_order_id: str, instrument: Instrument) -> OrderReport:
    """Return what `GET /api/v3/order` says ("Query order"), without its executions.

    Raises:
        OutcomeUnknown: The venue speaks of a status that we do not know.
    """
    row = decoded(body, m.OrderRow)
    status = STATUS.get(row.status)
    if status is None:
        raise OutcomeUnknown(f"{client_order_id}: the venue reports the unknown status {row.status!r}")
    return OrderReport(
        client_order_id=client_order_id,
        venue_order_id=str(row.order_id),
        status=status,
        filled=instrument.lots(row.executed_qty),
        fills=(),
        reason=str(row.expiry_reason or row.status).lower(),
    )


def fills(body: bytes, of: OrderReport, instrument: Instrument) -> list[e.OrderFilled]:
    """Return a page of `GET /api/v3/myTrades`, asked for the order that `of` reports ("Account trade list").

    Raises:
        DataError: An execution among them belongs to another order.
    """
    rows = decoded(body, list[m.Trade])
    foreign = [row.id for row in rows if str(row.order_id) != of.venue_order_id]
    if foreign:
        raise DataError(f"{of.client_order_id}: the venue lists executions of other orders with it: {foreign[:5]}")
    return [
        e.OrderFilled(
            ts_ns=from_ms(row.time),
            client_order_id=of.client_order_id,
            trade_id=str(row.id),
            lots=instrument.lots(row.qty),
            price_ticks=instrument.ticks(row.price),
            fee=Money(atoms=to_atoms(row.commission), currency=row.commission_asset),
        )
        for row in rows
    ]


def open_order_ids(body: bytes) -> set[str]:
    """Return the client order ids of `GET /api/v3/openOrders` ("Current open orders")."""
    return {row.client_order_id for row in decoded(body, list[m.OpenOrder])}


def balances(body: bytes) -> dict[str, int]:
    """Return free and locked together, atoms by currency ("Account information"); zeros are left out."""
    rows = decoded(body, m.Account).balances
    totals = {row.asset: to_atoms(row.free) + to_atoms(row.locked) for row in rows}
    return {currency: atoms for currency, atoms in totals.items() if atoms}


def kind_of(frame: bytes) -> str:
    """Return the type of the event in a message of the WebSocket API, "" where there is none."""
    return decoded(decoded(frame, m.Frame).event, m.Kind).e


def execution(frame: bytes, instruments: Mapping[str, Instrument]) -> e.OrderEvent | None:
    """Return what an `executionReport` tells of an order of ours; None for others' orders and other news."""
    event = decoded(frame, m.Frame).event
    kind = decoded(event, m.Kind)
    if kind.e != "executionReport" or kind.s not in instruments:
        return None
    told = decoded(event, m.ExecutionReport)
    name, build = told.C or told.c, EXECUTIONS.get(told.x)
    goes_on = told.x == "TRADE_PREVENTION" and told.X != "EXPIRED_IN_MATCH"
    if build is None or goes_on or not name.startswith(PREFIX):
        return None
    return build(told.T * NS_PER_MS, name, told, instruments[kind.s])


def _accepted(ts_ns: int, name: str, told: m.ExecutionReport, instrument: Instrument) -> e.OrderEvent:
    return e.OrderAccepted(ts_ns=ts_ns, client_order_id=name, venue_order_id=str(told.i))


def _filled(ts_ns: int, name: str, told: m.ExecutionReport, instrument: Instrument) -> e.OrderEvent:
    return e.OrderFilled(
        ts_ns=ts_ns,
        client_order_id=name,
        trade_id=str(told.t),
        lots=instrument.lots(told.l),
        price_ticks=instrument.ticks(told.L),
        fee=Money(atoms=to_atoms(told.n), currency=told.N or instrument.quote),
    )


def _canceled(ts_ns: int, name: str, told: m.ExecutionReport, instrument: Instrument) -> e.OrderEvent:
    filled = instrument.lots(told.z)
    return e.OrderCanceled(ts_ns=ts_ns, client_order_id=name, reason="the venue reports it canceled", filled=filled)


def _expired(ts_ns: int, name: str, told: m.ExecutionReport, instrument: Instrument) -> e.OrderEvent:
    reason, filled = str(told.eR or told.r or "expired").lower(), instrument.lots(told.z)
    return e.OrderExpired(ts_ns=ts_ns, client_order_id=name, reason=reason, filled=filled)


def _rejected(ts_ns: int, name: str, told: m.ExecutionReport, instrument: Instrument) -> e.OrderEvent:
    return e.OrderRejected(ts_ns=ts_ns, client_order_id=name, code=0, reason=str(told.r))


EXECUTIONS: Final[dict[str, Callable[[int, str, m.ExecutionReport, Instrument], e.OrderEvent]]] = {
    "NEW": _accepted,
    "TRADE": _filled,
    "CANCELED": _canceled,
    "EXPIRED": _expired,
    "TRADE_PREVENTION": _expired,
    "REJECTED": _rejected,
}
"""enums.md, "Execution types"."""
