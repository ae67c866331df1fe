"""Binance's JSON to our types, on the shapes of its own documentation; and its signatures."""

from typing import Any

import pytest
from tests.factories import make_instrument, make_ticket

from trading_system.blotter import events as e
from trading_system.blotter.orders import OrderStatus
from trading_system.blotter.tickets import Intent
from trading_system.broker_connectors.binance import codec
from trading_system.broker_connectors.binance.hosts import hosts_of
from trading_system.broker_connectors.binance.signing import rest_payload, ws_parameters
from trading_system.errors import (
    AuthenticationFailed,
    ConfigurationError,
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
)
from trading_system.market.bars import interval_ns
from trading_system.market.money import Money

KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
"""The pair that Binance prints "for illustrative purposes" (rest-api.md, "SIGNED Endpoint Examples")."""


def report(**changes: Any) -> dict[str, Any]:
    """Return an executionReport as user-data-stream.md shows it, for an order of ours."""
    plain = {
        "e": "executionReport",
        "E": 1499405658658,
        "s": "BTCUSDT",
        "c": "ts-abc",
        "S": "BUY",
        "o": "MARKET",
        "f": "GTC",
        "q": "1.00000000",
        "p": "0.00000000",
        "P": "0.00000000",
        "F": "0.00000000",
        "g": -1,
        "C": "",
        "x": "TRADE",
        "X": "PARTIALLY_FILLED",
        "r": "NONE",
        "i": 4293153,
        "l": "0.00200000",
        "z": "0.00200000",
        "L": "40000.01000000",
        "n": "0.00000200",
        "N": "BTC",
        "T": 1499405658657,
        "t": 77,
        "I": 8641984,
        "w": False,
        "m": False,
        "M": False,
        "O": 1499405658657,
        "Z": "80.00002000",
        "Y": "80.00002000",
        "Q": "0.00000000",
        "V": "NONE",
        "aFieldOfTomorrow": {"x": 1},
    }
    return plain | changes


def test_an_execution_is_exact() -> None:
    """0.002 BTC at 40,000.01 with a fee of 0.000002 BTC: 200 lots, 4,000,001 ticks, 200 atoms."""
    assert codec.execution(report(), make_instrument()) == e.OrderFilled(
        ts_ns=1499405658657000000,
        client_order_id="ts-abc",
        trade_id="77",
        lots=200,
        price_ticks=4_000_001,
        fee=Money(atoms=200, currency="BTC"),
    )


def test_a_cancel_is_told_under_the_name_of_the_order_and_not_of_the_cancel() -> None:
    """On a cancel `c` is the cancel's own id and `C` the order's."""
    told = codec.execution(report(x="CANCELED", X="CANCELED", c="web_1", C="ts-abc"), make_instrument())
    assert isinstance(told, e.OrderCanceled)
    assert (told.client_order_id, told.filled) == ("ts-abc", 200)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"x": "NEW", "X": "NEW"}, e.OrderAccepted),
        ({"x": "EXPIRED", "X": "EXPIRED"}, e.OrderExpired),
        ({"x": "REJECTED", "X": "REJECTED"}, e.OrderRejected),
        ({"x": "TRADE_PREVENTION", "X": "EXPIRED_IN_MATCH"}, e.OrderExpired),
        ({"x": "TRADE_PREVENTION", "X": "NEW"}, type(None)),
        ({"x": "REPLACED"}, type(None)),
        ({"x": "A_WORD_OF_TOMORROW"}, type(None)),
        ({"c": "somebody-elses"}, type(None)),
    ],
)
def test_each_execution_type_is_told_as_what_it_is(changes: dict[str, Any], kind: type) -> None:
    """What is not about an order of ours, or not about its life, is passed over."""
    assert type(codec.execution(report(**changes), make_instrument())) is kind


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, b'{"code":-2010,"msg":"Account has insufficient balance for requested action."}', OrderRejected),
        (400, b'{"code":-1013,"msg":"Filter failure: LOT_SIZE"}', OrderRejected),
        (400, b'{"code":-2013,"msg":"Order does not exist."}', OrderRejected),
        (400, b'{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}', AuthenticationFailed),
        (401, b'{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}', AuthenticationFailed),
        (429, b'{"code":-1003,"msg":"Too many requests."}', RateLimited),
        (418, b"banned", RateLimited),
        (400, b'{"code":-1015,"msg":"Too many new orders."}', RateLimited),
        (500, b"", OutcomeUnknown),
        (503, b'{"code":-1008,"msg":"Server is currently overloaded."}', OutcomeUnknown),
        (504, b"gateway", OutcomeUnknown),
        (400, b'{"code":-1006,"msg":"Execution status unknown."}', OutcomeUnknown),
        (400, b'{"code":-1007,"msg":"Timeout waiting for response."}', OutcomeUnknown),
        (400, b'{"code":-9999,"msg":"A code of tomorrow."}', OutcomeUnknown),
        (400, b"no json", OutcomeUnknown),
        (400, b"[1]", OutcomeUnknown),
    ],
)
def test_a_failure_is_named_by_whether_something_may_have_happened(status: int, body: bytes, error: type) -> None:
    """Only a code that is known for certain to have done nothing is a rejection; the rest is asked about."""
    assert type(codec.failure(status, {"retry-after": "7"}, body)) is error


def test_the_wait_that_the_venue_asks_for_is_kept() -> None:
    """Retry-After is in seconds."""
    error = codec.failure(429, {"retry-after": "7"}, b"{}")
    assert isinstance(error, RateLimited)
    assert error.retry_after_s == 7.0


def test_a_protective_stop_is_sent_as_a_stop_limit_that_rests() -> None:
    """Quantity and prices are exact decimals, not floats."""
    ticket = make_ticket(intent=Intent.PROTECT, lots=123, stop_ticks=3_900_050)
    assert codec.new_order(ticket, make_instrument()) == {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "type": "STOP_LOSS_LIMIT",
        "quantity": "0.00123",
        "newClientOrderId": ticket.client_order_id,
        "newOrderRespType": "ACK",
        "timeInForce": "GTC",
        "price": "38990.50",
        "stopPrice": "39000.50",
    }


def test_an_open_bar_is_not_told() -> None:
    """`k.x` is false until the bar closes (web-socket-streams.md, "Kline/Candlestick Streams for UTC")."""
    kline = {"t": 1499404860000, "o": "1.00", "c": "2.00", "h": "3.00", "l": "0.50", "v": "0.00000001", "x": False}
    assert codec.closed_bar({"k": kline}, make_instrument(), interval_ns("1m")) is None
    bar = codec.closed_bar({"k": kline | {"x": True}}, make_instrument(), interval_ns("1m"))
    assert bar is not None
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume_atoms) == (100, 300, 50, 200, 1)
    assert bar.close_ns - bar.open_ns == 60_000_000_000


def test_an_unknown_order_status_is_a_doubt() -> None:
    """Money hangs on it: it is not guessed."""
    row = {"orderId": 1, "status": "A_WORD_OF_TOMORROW", "executedQty": "0.00000000"}
    with pytest.raises(OutcomeUnknown, match="A_WORD_OF_TOMORROW"):
        codec.report(row, (), "ts-abc", make_instrument())
    known = codec.report(row | {"status": "EXPIRED_IN_MATCH"}, (), "ts-abc", make_instrument())
    assert known.status is OrderStatus.EXPIRED


def test_rest_signatures_are_those_of_the_documentation() -> None:
    """rest-api.md, "SIGNED Endpoint Examples for POST /api/v3/order", HMAC keys: plain, and percent-encoded."""
    parameters = {
        "symbol": "LTCBTC",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "1",
        "price": "0.1",
        "recvWindow": "5000",
        "timestamp": "1499827319559",
    }
    plain = rest_payload(parameters, SECRET)
    wide = rest_payload(parameters | {"symbol": "１２３４５６"}, SECRET)
    assert plain.endswith("signature=c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71")
    assert wide.endswith("signature=e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3")


def test_websocket_signatures_are_those_of_the_documentation() -> None:
    """web-socket-api.md, "SIGNED request example (HMAC)": sorted by name, not percent-encoded."""
    logon = ws_parameters({"timestamp": 1649729878532, "apiKey": KEY}, SECRET)
    assert logon["signature"] == "1cf54395b336b0a9727ef27d5d98987962bc47aca6e13fe978612d0adee066ed"


def test_the_local_exchange_must_be_named() -> None:
    """There is no address to guess; the others are in the one table."""
    with pytest.raises(ConfigurationError, match="testnet serve"):
        hosts_of("local", None, None, None)
    local = hosts_of("local", "http://127.0.0.1:8080/", None, None)
    assert (local.rest, local.stream) == ("http://127.0.0.1:8080", "ws://127.0.0.1:8080")
    assert local.ws_api == "ws://127.0.0.1:8080/ws-api/v3"
    assert hosts_of("testnet", None, None, None).rest == "https://testnet.binance.vision"
