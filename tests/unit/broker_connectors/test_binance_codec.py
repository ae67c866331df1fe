"""Binance's JSON to our types, on the shapes of its own documentation; and its signatures."""

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories import make_instrument, make_ticket

from trading_system.blotter import events as e
from trading_system.blotter.orders import OrderStatus
from trading_system.blotter.tickets import Intent, OrderKind, OrderTicket
from trading_system.broker_connectors.binance import codec
from trading_system.broker_connectors.binance.hosts import hosts_of
from trading_system.broker_connectors.binance.signing import rest_payload, ws_parameters
from trading_system.errors import ConfigurationError, DataError, OrderRejected, OutcomeUnknown
from trading_system.market.bars import interval_ns
from trading_system.market.money import Money

KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
"""The pair that Binance prints "for illustrative purposes" (rest-api.md, "SIGNED Endpoint Examples")."""


OURS: Final = {"BTCUSDT": make_instrument()}
"""What we trade."""
MINUTE: Final = interval_ns("1m")


def report(**changes: Any) -> bytes:
    """Return an executionReport as user-data-stream.md shows it, for an order of ours."""
    return json.dumps({"subscriptionId": 0, "event": REPORT | changes}).encode()


REPORT: Final[dict[str, Any]] = {
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


def test_an_execution_is_exact() -> None:
    """0.002 BTC at 40,000.01 with a fee of 0.000002 BTC: 200 lots, 4,000,001 ticks, 200 atoms."""
    assert codec.execution(report(), OURS) == e.OrderFilled(
        ts_ns=1499405658657000000,
        client_order_id="ts-abc",
        trade_id="77",
        lots=200,
        price_ticks=4_000_001,
        fee=Money(atoms=200, currency="BTC"),
    )


def test_a_cancel_is_told_under_the_name_of_the_order_and_not_of_the_cancel() -> None:
    """On a cancel `c` is the cancel's own id and `C` the order's."""
    told = codec.execution(report(x="CANCELED", X="CANCELED", c="web_1", C="ts-abc"), OURS)
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
    assert type(codec.execution(report(**changes), OURS)) is kind


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


@pytest.mark.parametrize(
    "ticket",
    [
        replace(make_ticket(intent=Intent.PROTECT), kind=OrderKind.BRACKET, take_ticks=4_100_000),
        replace(make_ticket(), kind=OrderKind.POST_ONLY, limit_ticks=3_990_000),
        make_ticket(share=0.5),
    ],
)
def test_what_one_order_cannot_say_is_refused_before_it_is_sent(ticket: OrderTicket) -> None:
    """As if the venue had said no: the desk then leaves what it cannot protect, instead of ending with it open."""
    with pytest.raises(OrderRejected, match="not sent"):
        codec.new_order(ticket, make_instrument())


@pytest.mark.parametrize(
    "frame",
    [
        b'{"subscriptionId":0,"event":{"e":"outboundAccountPosition","E":1,"u":1,"B":[]}}',
        b'{"id":"user-data","status":200,"result":{"subscriptionId":0}}',
        b"{}",
        report(s="ETHUSDT", l="finer than our lots"),
    ],
)
def test_other_news_is_passed_over(frame: bytes) -> None:
    """What is not an execution report of a symbol that we trade is not read any further."""
    assert codec.execution(frame, OURS) is None


@pytest.mark.parametrize("field", ["c", "x", "X", "i", "T", "t", "l", "L", "z", "n", "N"])
def test_a_report_that_lacks_what_we_need_is_not_guessed(field: str) -> None:
    """A report without its quantity is no report of nothing: it is a message that cannot be trusted."""
    lacking = {name: value for name, value in REPORT.items() if name != field}
    with pytest.raises(DataError):
        codec.execution(json.dumps({"event": lacking}).encode(), OURS)


@given(cut=st.integers(0, 150))
def test_a_frame_that_is_cut_off_is_an_error_with_a_name(cut: int) -> None:
    """One error, which breaks the connection and not the engine."""
    for read in (lambda: codec.execution(report()[:cut], OURS), lambda: codec.closed_bar(kline()[:cut], OURS, MINUTE)):
        with pytest.raises(DataError):
            read()


@given(frame=st.binary(max_size=80))
def test_noise_is_no_news_or_an_error_with_a_name(frame: bytes) -> None:
    """No bytes raise anything but DataError, and none become a fact."""
    with suppress(DataError):
        assert codec.execution(frame, OURS) is None
        assert codec.closed_bar(frame, OURS, MINUTE) is None


@given(field=st.sampled_from(sorted(REPORT)), value=st.none() | st.integers() | st.text() | st.lists(st.integers()))
def test_a_report_with_one_wrong_field_is_told_or_named(field: str, value: object) -> None:
    """Whatever stands in one field, it is read, passed over, or a DataError: nothing else is raised."""
    with suppress(DataError):
        codec.execution(report(**{field: value}), OURS)


KLINE: Final[dict[str, Any]] = {
    "t": 1499404860000,
    "o": "1.00",
    "c": "2.00",
    "h": "3.00",
    "l": "0.50",
    "v": "0.00000001",
    "x": True,
}


def kline(**changes: Any) -> bytes:
    """Return a message of the combined stream with a bar of one minute, as web-socket-streams.md shows it."""
    data = {"e": "kline", "E": 1499404907056, "s": "BTCUSDT", "k": KLINE | changes}
    return json.dumps({"stream": "btcusdt@kline_1m", "data": data}).encode()


def test_an_open_bar_is_not_told() -> None:
    """`k.x` is false until the bar closes (web-socket-streams.md, "Kline/Candlestick Streams for UTC")."""
    assert codec.closed_bar(kline(x=False), OURS, MINUTE) is None
    bar = codec.closed_bar(kline(), OURS, MINUTE)
    assert bar is not None
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume_atoms) == (100, 300, 50, 200, 1)
    assert bar.close_ns - bar.open_ns == 60_000_000_000


@pytest.mark.parametrize("changes", [{"h": "0.01"}, {"o": "1.001"}, {"o": 1.0}, {"x": None}, {"t": "now"}])
def test_a_bar_that_cannot_be_is_an_error_with_a_name(changes: dict[str, Any]) -> None:
    """A high below the low, a price between two ticks, a number where a string should be."""
    with pytest.raises(DataError):
        codec.closed_bar(kline(**changes), OURS, MINUTE)


def test_an_unknown_order_status_is_a_doubt() -> None:
    """Money hangs on it: it is not guessed."""

    def row(status: str) -> bytes:
        return json.dumps({"orderId": 1, "status": status, "executedQty": "0.00000000"}).encode()

    with pytest.raises(OutcomeUnknown, match="A_WORD_OF_TOMORROW"):
        codec.report(row("A_WORD_OF_TOMORROW"), "ts-abc", make_instrument())
    known = codec.report(row("EXPIRED_IN_MATCH"), "ts-abc", make_instrument())
    assert known.status is OrderStatus.EXPIRED


def listed(*filters: dict[str, str]) -> bytes:
    """Return an exchangeInfo answer with one symbol under `filters`."""
    symbol = {"symbol": "BTCUSDT", "baseAsset": "BTC", "quoteAsset": "USDT", "filters": filters}
    return json.dumps({"timezone": "UTC", "symbols": [symbol]}).encode()


def test_the_smallest_order_is_rounded_up_to_whole_lots() -> None:
    """A minimum of 0.00025 in steps of 0.0001 is three lots; the older MIN_NOTIONAL serves where NOTIONAL is absent."""
    price = {"filterType": "PRICE_FILTER", "tickSize": "0.01000000"}
    lot = {"filterType": "LOT_SIZE", "minQty": "0.00025000", "stepSize": "0.00010000"}
    (found,) = codec.instruments(listed(price, lot, {"filterType": "MIN_NOTIONAL", "minNotional": "10.00000000"}))
    assert (found.min_lots, found.min_notional) == (3, 10)
    with pytest.raises(DataError, match="LOT_SIZE"):
        codec.instruments(listed(price))
    with pytest.raises(ConfigurationError):
        codec.instruments(listed(price, lot | {"stepSize": "0.00000000"}))


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
