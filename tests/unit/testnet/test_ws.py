"""Requests over WebSockets: the market streams' subscriptions and the WebSocket API."""

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.testnet.desk import Desk, sign

from trading_system.testnet.binance.connections import TOO_SLOW, Connection
from trading_system.testnet.binance.endpoints import WS
from trading_system.testnet.binance.ws_api import SESSION
from trading_system.testnet.config import API_KEY


async def test_streams_are_subscribed_to_and_left_while_connected(desk: Desk) -> None:
    """SUBSCRIBE, LIST_SUBSCRIPTIONS and UNSUBSCRIBE, each answered under its id."""
    await desk.listen("m1")
    socket = desk.sockets["m1"]
    for request, result in (
        ({"method": "SUBSCRIBE", "params": ["btcusdt@trade", "btcusdt@bookTicker"], "id": 1}, None),
        ({"method": "LIST_SUBSCRIPTIONS", "id": "two"}, ["btcusdt@trade", "btcusdt@bookTicker"]),
        ({"method": "UNSUBSCRIBE", "params": ["btcusdt@trade"], "id": 3}, None),
        ({"method": "LIST_SUBSCRIPTIONS", "id": None}, ["btcusdt@bookTicker"]),
        ({"method": "SET_PROPERTY", "params": ["combined", False], "id": 5}, None),
    ):
        await socket.send_json(request)
        assert await desk.hear("m1") == {"result": result, "id": request["id"]}
    await desk.step()
    ticker = desk.told["m1"][-1]  # no longer wrapped
    assert {name: ticker[name] for name in "sba"} == {"s": "BTCUSDT", "b": "39900.00000000", "a": "40100.00000000"}


@pytest.mark.parametrize(
    ("path", "count"), [("/ws/btcusdt@trade", 7), ("/ws/btcusdt@trade/btcusdt@kline_15m", 15), ("/ws/7", 0)]
)
async def test_raw_streams_are_not_wrapped(desk: Desk, path: str, count: int) -> None:
    """/ws/<stream> sends bare messages; an unknown tail is taken and says nothing."""
    await desk._open("raw", f"{path}?conn=raw")
    await desk.step()
    assert len(desk.told["raw"]) == count
    assert all("stream" not in message for message in desk.told["raw"])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", 3),
        ("{", 3),
        ("[" * 100_000, 3),
        ("[]", 2),
        ('{"method":"SHOUT","id":1}', 2),
        ('{"method":"SUBSCRIBE","params":"btcusdt@trade","id":1}', 2),
        ('{"method":"SUBSCRIBE","params":[1],"id":1}', 2),
        ('{"method":"SUBSCRIBE","params":[],"id":{}}', 2),
        ('{"method":"SET_PROPERTY","params":["combined","yes"],"id":1}', 1),
        ('{"method":"GET_PROPERTY","params":["color"],"id":1}', 0),
    ],
)
async def test_nonsense_on_a_stream_is_answered_with_an_error(desk: Desk, text: str, code: int) -> None:
    """The connection survives whatever is sent over it."""
    await desk.listen("m1")
    await desk.sockets["m1"].send_str(text)
    assert (await desk.hear("m1"))["error"]["code"] == code
    await desk.sockets["m1"].send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
    assert (await desk.hear("m1"))["result"] == []


async def test_orders_are_placed_found_and_canceled_over_the_socket(desk: Desk) -> None:
    """The same table as REST; the reply and the reports come over one connection, reports first."""
    await desk.log_in("u1")
    params = desk.ws_signed(
        symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", price="39000"
    )
    await desk.sockets["u1"].send_json({"id": "place", "method": "order.place", "params": params})
    told = [await desk.hear("u1") for _ in range(3)]
    assert [message.get("id") for message in told] == [None, None, "place"]
    assert told[2]["status"] == 200
    assert told[2]["rateLimits"][0]["rateLimitType"] == "REQUEST_WEIGHT"
    found = await desk.request("u1", "order.status", desk.ws_signed(symbol="BTCUSDT", orderId=1))
    assert found["result"]["status"] == "NEW"
    await desk.sockets["u1"].send_json(
        {"id": 9, "method": "v3/order.cancel", "params": desk.ws_signed(symbol="BTCUSDT", orderId=1)}
    )
    told = [await desk.hear("u1") for _ in range(3)]
    assert (told[2]["id"], told[2]["result"]["status"]) == (9, "CANCELED")


async def test_numbers_and_booleans_are_signed_as_they_were_written(desk: Desk) -> None:
    """1.50 is not 1.5 and true is not True: the payload is rebuilt from the digits received."""
    await desk.log_in("u1")
    now_ms = desk.testnet.floor.clock.now_ms
    payload = f"apiKey={API_KEY}&recvWindow=5000.50&returnRateLimits=false&timestamp={now_ms}"
    text = (
        f'{{"id":1,"method":"account.status","params":{{"returnRateLimits":false,"recvWindow":5000.50,'
        f'"timestamp":{now_ms},"apiKey":"{API_KEY}","signature":"{sign(payload)}"}}}}'
    )
    await desk.sockets["u1"].send_str(text)
    answer = await desk.hear("u1")
    assert (answer["status"], "rateLimits" in answer) == (200, False)


async def test_a_session_that_has_logged_on_need_not_sign(desk: Desk) -> None:
    """session.logon, then userDataStream.subscribe without a signature; once only."""
    await desk._open("u1", "/ws-api/v3?conn=u1")
    refused = await desk.request("u1", "userDataStream.subscribe")
    assert (refused["status"], refused["error"]["code"]) == (401, -2015)
    assert (await desk.request("u1", "session.logon", desk.ws_signed()))["result"]["apiKey"] == API_KEY
    assert (await desk.request("u1", "userDataStream.subscribe"))["result"] == {"subscriptionId": 0}
    assert (await desk.request("u1", "userDataStream.subscribe"))["error"]["code"] == -2035
    status = await desk.request("u1", "account.status", {"timestamp": desk.testnet.floor.clock.now_ms})
    assert status["status"] == 200
    assert (await desk.request("u1", "userDataStream.unsubscribe", {"subscriptionId": 0}))["result"] == {}
    assert (await desk.request("u1", "userDataStream.unsubscribe", {"subscriptionId": 0}))["error"]["code"] == -2036
    assert (await desk.request("u1", "userDataStream.subscribe"))["result"] == {"subscriptionId": 1}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", -1135),
        ("nonsense", -1135),
        ("[" * 100_000, -1135),
        ("[1]", -1135),
        ('{"id":1,"method":"ping","params":[]}', 0),
        ('{"id":1,"method":"ping","params":7}', -1135),
        ('{"id":{},"method":"ping"}', -1135),
        ('{"id":1.5,"method":"ping"}', -1135),
        ('{"id":18446744073709551616,"method":"ping"}', -1135),
        ('{"id":"\\ud800","method":"ping"}', -1135),
        ('{"id":1,"method":"order.invent"}', -1020),
        ('{"id":1}', -1020),
        ('{"id":1,"method":"order.place","params":{"symbol":NaN}}', -1135),
        ('{"id":1,"method":"order.place","params":{"symbol":{"a":[1,null]}}}', -2014),
        ('{"id":1,"method":"klines","params":{"symbol":"BTCUSDT"}}', -1102),
        ('{"id":1,"method":"klines","params":{"symbol":"BTCUSDT","interval":"15m","limit":2e3}}', -1100),
    ],
)
async def test_nonsense_on_the_api_is_answered_with_an_error(desk: Desk, text: str, code: int) -> None:
    """Error code and text as over REST; the connection lives on."""
    await desk._open("u1", "/ws-api/v3?conn=u1")
    await desk.sockets["u1"].send_str(text)
    assert (await desk.hear("u1")).get("error", {"code": 0})["code"] == code
    assert (await desk.request("u1", "ping"))["result"] == {}


words = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.just("\ud800"),
    st.just(2**70),
    st.just("BTCUSDT"),
    st.just("BUY"),
)
anything = st.recursive(
    words, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2)
)
methods = st.sampled_from([*WS, *SESSION, "SUBSCRIBE", "UNSUBSCRIBE", "", "x"])
names = st.sampled_from(
    ["symbol", "side", "type", "quantity", "price", "limit", "orderId", "subscriptionId", "recvWindow"]
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=methods, params=st.dictionaries(names, anything, max_size=5) | anything, number=anything, well=st.booleans()
)
async def test_nothing_that_is_sent_breaks_a_connection(
    desk: Desk, method: str, params: object, number: object, well: bool
) -> None:
    """Any method with any parameters, signed well or not, gets one answer, and the next ping gets its own."""
    if "u1" not in desk.sockets:
        await desk._open("u1", "/ws-api/v3")
        await desk._open("m1", "/stream")
    if well and isinstance(params, dict):
        params = {name: value if isinstance(value, str) else "1" for name, value in params.items()}
        params = desk.ws_signed(**params)
    for name in ("u1", "m1"):
        await desk.sockets[name].send_json({"id": number, "method": method, "params": params})
        answer = await desk.hear(name)
        while "event" in answer:
            answer = await desk.hear(name)
        assert {"id"} < set(answer)
    assert (await desk.request("u1", "ping"))["result"] == {}
    assert desk.testnet.ledger()["hash"]


class Line:
    """A line that remembers whether it was cut."""

    cut = False

    def abort(self) -> None:
        """Cut it."""
        self.cut = True


def test_a_listener_that_never_reads_is_hung_up_on() -> None:
    """The venue does not pile up messages for ever."""
    line = Line()
    connection = Connection(web.WebSocketResponse(), line, name=None, wrapped=False)
    for _ in range(TOO_SLOW):
        connection.send(b"{}")
    assert (connection.open, line.cut) == (True, False)
    connection.send(b"{}")
    assert (connection.open, line.cut) == (False, True)
