"""The venue's own books, as one document: what every other account of events is held against."""

import hashlib

import msgspec

from trading_system.market.instruments import Instrument
from trading_system.testnet.exchange import Exchange
from trading_system.testnet.floor import Floor, Holding
from trading_system.testnet.orders import Fill, Order
from trading_system.testnet.wire import amount, price_of, quantity_of


def ledger(floor: Floor) -> dict[str, object]:
    """Return orders, fills, balances and what went on around them, and `hash`: SHA-256 of the first three.

    Amounts are decimal strings, times UTC ns. `requests` counts, by client order id, the order requests
    that reached the venue and, of these, the ones lost before the exchange saw them; `received_ns` says when the
    first one came. `at_close` and `holdings` say what the account held, and what of it sell orders offered, at each
    close at which it held anything and now. `faults` lists what the weather did, see `Met`.
    """
    exchange = floor.exchange
    books: dict[str, object] = {
        "orders": [_order(exchange, order) for order in exchange.orders.values()],
        "fills": [_fill(exchange, fill) for fill in exchange.fills],
        "balances": _balances(exchange),
    }
    digest = hashlib.sha256(msgspec.json.encode(books, order="sorted")).hexdigest()
    requests = {name: {"seen": seen, "lost": lost} for name, (seen, lost) in sorted(floor.requests.items())}
    return {
        **books,
        "requests": requests,
        "received_ns": dict(sorted(floor.received_ns.items())),
        "at_close": [_holding(exchange, holding) for holding in floor.at_close],
        "holdings": [_holding(exchange, floor.holding(symbol)) for symbol in exchange.places],
        "faults": [
            {"ns": met.ns, "kind": type(met.fault).__name__, "on": met.fault.on.value, "nth": met.fault.nth}
            for met in floor.met
        ],
        "hash": digest,
        "now_ns": floor.clock.now_ns,
        "bars_left": floor.bars_left,
    }


def _holding(exchange: Exchange, holding: Holding) -> dict[str, object]:
    instrument = _instrument(exchange, holding.symbol)
    return {
        "ns": holding.ns,
        "symbol": holding.symbol,
        "price": price_of(instrument, holding.price),
        "held": amount(holding.atoms),
        "resting": quantity_of(instrument, holding.resting_lots),
    }


def _instrument(exchange: Exchange, symbol: str) -> Instrument:
    return exchange.places[symbol].instrument


def _order(exchange: Exchange, order: Order) -> dict[str, object]:
    request = order.request
    instrument = _instrument(exchange, request.symbol)
    return {
        "order_id": order.order_id,
        "client_order_id": order.client_order_id,
        "account": order.account,
        "symbol": request.symbol,
        "side": request.side.value,
        "type": request.type.value,
        "time_in_force": request.time_in_force.value,
        "quantity": quantity_of(instrument, order.lots),
        "executed": quantity_of(instrument, order.executed),
        "executed_quote": amount(order.executed_quote),
        "limit_price": price_of(instrument, request.price or 0),
        "stop_price": price_of(instrument, request.stop or 0),
        "status": order.status.value,
        "created_ns": order.created_ns,
        "updated_ns": order.updated_ns,
        "working_ns": order.working_ns,
    }


def _fill(exchange: Exchange, fill: Fill) -> dict[str, object]:
    instrument = _instrument(exchange, fill.symbol)
    client_order_id = exchange.orders[fill.order_id].client_order_id
    return {
        "trade_id": fill.trade_id,
        "order_id": fill.order_id,
        "client_order_id": client_order_id,
        "account": fill.account,
        "symbol": fill.symbol,
        "side": fill.side.value,
        "price": price_of(instrument, fill.price),
        "quantity": quantity_of(instrument, fill.lots),
        "quote": amount(fill.quote_atoms),
        "commission": amount(fill.fee_atoms),
        "commission_asset": fill.fee_currency,
        "maker": fill.maker,
        "ns": fill.ns,
    }


def _balances(exchange: Exchange) -> dict[str, dict[str, dict[str, str]]]:
    return {
        account: {
            currency: {"free": amount(balance.free), "locked": amount(balance.locked)}
            for currency, balance in exchange.ledger.balances(account).items()
        }
        for account in exchange.ledger.accounts()
    }
