"""What the testnet answers over HTTP, in the venue's words."""

from collections.abc import AsyncIterator
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.factories import START_NS, make_bar
from tests.unit.testnet.desk import Desk, sign
from tests.unit.testnet.worlds import make_config
from yarl import URL

from trading_system.market.bars import interval_ns
from trading_system.testnet.server import Testnet

START_MS = START_NS // 10**6
QUARTER_MS = interval_ns("15m") // 10**6


async def test_klines_are_the_bars(desk: Desk) -> None:
    """History is there from the start, as twelve fields a row, with the close time a millisecond before the next."""
    status, rows = await desk.ask("GET", "/api/v3/klines", "symbol=BTCUSDT&interval=15m")
    assert (status, len(rows)) == (200, 2)
    assert rows[1][:7] == [
        START_MS + QUARTER_MS,
        *["40000.00000000"] * 4,
        "1.00000000",
        START_MS + 2 * QUARTER_MS - 1,
    ]
    assert rows[1][7] == "40000.00000000"
    assert (rows[1][8], rows[1][11], len(rows[1])) == (7, "0", 12)


@pytest.fixture
async def months() -> AsyncIterator[Desk]:
    """A testnet with 3,000 bars of history, of which 100 in the middle are missing, and a live bar under way."""
    bars = [make_bar(index=index, open=4_000_000 + index, volume_atoms=index * 1_000) for index in range(3_200)]
    del bars[1_000:1_100]
    async with Testnet(make_config(bars, history=3_000)) as testnet, Desk.at(testnet) as desk:
        await desk.step(wake_ms=desk.testnet.floor.clock.now_ms + QUARTER_MS // 2)
        yield desk


@pytest.mark.parametrize(
    ("query", "first", "last", "count"),
    [
        ("", 2_601, 3_100, 500),  # the bar under way is the last row
        ("&limit=1000", 2_101, 3_100, 1_000),
        ("&limit=5000", 2_101, 3_100, 1_000),
        (f"&startTime={START_MS}&limit=3", 0, 2, 3),
        (f"&startTime={START_MS + 1}&limit=3", 1, 3, 3),
        (f"&startTime={START_MS + 998 * QUARTER_MS}&limit=4", 998, 1_101, 4),  # a gap stays a gap
        (f"&endTime={START_MS + 5 * QUARTER_MS}", 0, 5, 6),
        (f"&endTime={START_MS + 5 * QUARTER_MS - 1}&limit=2", 3, 4, 2),
        (f"&startTime={START_MS + 2 * QUARTER_MS}&endTime={START_MS + 4 * QUARTER_MS}", 2, 4, 3),
        (f"&startTime={START_MS + 3_099 * QUARTER_MS}", 3_099, 3_100, 2),
    ],
)
async def test_klines_are_cut_by_time_and_number(months: Desk, query: str, first: int, last: int, count: int) -> None:
    """From startTime on, else the last; open times from startTime to endTime, both included."""
    status, rows = await months.ask("GET", "/api/v3/klines", f"symbol=BTCUSDT&interval=15m{query}")
    assert (status, len(rows)) == (200, count)
    assert [(row[0] - START_MS) // QUARTER_MS for row in (rows[0], rows[-1])] == [first, last]


@pytest.mark.parametrize("query", ["", f"&startTime={START_MS + QUARTER_MS}", f"&endTime={START_MS + 80 * QUARTER_MS}"])
@pytest.mark.parametrize(("interval", "per"), [("1h", 4), ("1d", 96)])
async def test_longer_klines_are_made_of_whole_bars(months: Desk, interval: str, per: int, query: str) -> None:
    """An hour's row is the sum of its quarters, wherever the cut falls."""
    _, rows = await months.ask("GET", "/api/v3/klines", f"symbol=BTCUSDT&interval={interval}&limit=20{query}")
    assert rows
    assert all(later[0] - earlier[0] >= per * QUARTER_MS for earlier, later in pairwise(rows))
    for row in rows:
        span = f"&startTime={row[0]}&endTime={row[6]}"
        _, parts = await months.ask("GET", "/api/v3/klines", f"symbol=BTCUSDT&interval=15m{span}")
        assert row[0] % (per * QUARTER_MS) == 0
        assert (row[1], row[4]) == (parts[0][1], parts[-1][4])
        for field in (5, 7, 8, 9, 10):
            assert Decimal(row[field]) == sum(Decimal(part[field]) for part in parts)


@pytest.mark.parametrize("interval", ["1m", "7m", "1w", "", "1M", "15M"])
async def test_an_interval_that_cannot_be_served_is_refused(desk: Desk, interval: str) -> None:
    """A 15-minute market has no minutes."""
    status, answer = await desk.ask("GET", "/api/v3/klines", f"symbol=BTCUSDT&interval={interval}")
    assert (status, answer["code"]) == (400, -1120 if interval else -1102)


async def test_the_rules_of_a_symbol_are_its_instrument(desk: Desk) -> None:
    """A client learns tick, lot and least notional from exchangeInfo."""
    _, info = await desk.ask("GET", "/api/v3/exchangeInfo", "symbol=BTCUSDT")
    [symbol] = info["symbols"]
    filters = {each["filterType"]: each for each in symbol["filters"]}
    assert (symbol["baseAsset"], symbol["quoteAsset"], symbol["status"]) == ("BTC", "USDT", "TRADING")
    assert filters["PRICE_FILTER"]["tickSize"] == "0.01000000"
    assert filters["LOT_SIZE"]["stepSize"] == "0.00001000"
    assert filters["NOTIONAL"]["minNotional"] == "5.00000000"


async def test_the_book_and_its_best_prices_agree(desk: Desk) -> None:
    """depth, ticker/bookTicker and ticker/price look at one book."""
    _, depth = await desk.ask("GET", "/api/v3/depth", "symbol=BTCUSDT")
    _, best = await desk.ask("GET", "/api/v3/ticker/bookTicker", "symbol=BTCUSDT")
    _, last = await desk.ask("GET", "/api/v3/ticker/price", "symbol=BTCUSDT")
    assert [depth["bids"][0], depth["asks"][0]] == [
        [best["bidPrice"], best["bidQty"]],
        [best["askPrice"], best["askQty"]],
    ]
    assert (best["bidPrice"], best["askPrice"]) == ("39900.00000000", "40100.00000000")
    assert last == {"symbol": "BTCUSDT", "price": "40000.00000000"}


async def test_a_market_order_is_answered_with_its_fills(desk: Desk) -> None:
    """FULL is the default for market orders; amounts are strings of eight decimals."""
    status, order = await desk.order(quantity="0.1", newClientOrderId="mine")
    assert status == 200
    assert order == {
        "symbol": "BTCUSDT",
        "orderId": 1,
        "orderListId": -1,
        "clientOrderId": "mine",
        "transactTime": START_MS + 2 * QUARTER_MS,
        "price": "0.00000000",
        "origQty": "0.10000000",
        "executedQty": "0.10000000",
        "origQuoteOrderQty": "0.00000000",
        "cummulativeQuoteQty": "4010.00000000",
        "status": "FILLED",
        "timeInForce": "GTC",
        "type": "MARKET",
        "side": "BUY",
        "workingTime": START_MS + 2 * QUARTER_MS,
        "selfTradePreventionMode": "NONE",
        "fills": [
            {
                "price": "40100.00000000",
                "qty": "0.10000000",
                "commission": "0.00010000",
                "commissionAsset": "BTC",
                "tradeId": 1,
            }
        ],
    }


async def test_an_order_is_found_by_either_name_and_gone_from_the_open_ones_once_canceled(desk: Desk) -> None:
    """Place, find, list, cancel, find again."""
    _, placed = await desk.limit("39000", newClientOrderId="mine", newOrderRespType="ACK")
    assert set(placed) == {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
    _, by_id = await desk.signed("GET", "/api/v3/order", symbol="BTCUSDT", orderId=placed["orderId"])
    _, by_name = await desk.signed("GET", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="mine")
    _, still_open = await desk.signed("GET", "/api/v3/openOrders", symbol="BTCUSDT")
    assert by_id == by_name == still_open[0]
    assert (by_id["status"], by_id["isWorking"], by_id["origQty"]) == ("NEW", True, "0.01000000")
    _, gone = await desk.signed(
        "DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="mine", newClientOrderId="cancel-1"
    )
    assert (gone["status"], gone["origClientOrderId"], gone["clientOrderId"]) == ("CANCELED", "mine", "cancel-1")
    assert await desk.signed("GET", "/api/v3/openOrders") == (200, [])
    _, over = await desk.signed("GET", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="mine")
    assert over["status"] == "CANCELED"


async def test_all_open_orders_are_canceled_together(desk: Desk) -> None:
    """DELETE openOrders answers for each; with none open it is an unknown order."""
    for price in ("39000", "38000"):
        await desk.limit(price)
    status, gone = await desk.signed("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")
    assert (status, [order["status"] for order in gone]) == (200, ["CANCELED", "CANCELED"])
    status, answer = await desk.signed("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")
    assert (status, answer) == (400, {"code": -2011, "msg": "Unknown order sent."})


async def test_fills_are_listed_by_order_by_id_and_by_time(desk: Desk) -> None:
    """myTrades in its supported combinations."""
    for _ in range(3):
        await desk.order()
    now_ms = desk.testnet.floor.clock.now_ms

    async def ids(**params: object) -> list[int]:
        status, rows = await desk.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT", **params)
        assert status == 200
        return [row["id"] for row in rows]

    assert await ids() == [1, 2, 3]
    assert await ids(limit=2) == [2, 3]
    assert await ids(fromId=2) == [2, 3]
    assert await ids(fromId=2, limit=1) == [2]
    assert await ids(orderId=2) == [2]
    assert await ids(startTime=now_ms) == [1, 2, 3]
    assert await ids(startTime=now_ms + 1) == []
    assert await ids(startTime=0, endTime=86_400_000) == []
    status, answer = await desk.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT", startTime=0, endTime=86_400_001)
    assert (status, answer["code"]) == (400, -1127)


async def test_all_orders_are_listed_open_or_over(desk: Desk) -> None:
    """allOrders from an id on, else the latest."""
    for price in ("39000", "38000"):
        await desk.limit(price)
    await desk.order()
    _, rows = await desk.signed("GET", "/api/v3/allOrders", symbol="BTCUSDT")
    assert [row["status"] for row in rows] == ["NEW", "NEW", "FILLED"]
    _, rows = await desk.signed("GET", "/api/v3/allOrders", symbol="BTCUSDT", orderId=2, limit=1)
    assert [row["orderId"] for row in rows] == [2]


async def test_the_account_shows_what_is_free_and_what_is_locked(desk: Desk) -> None:
    """0.01 BTC bid at 39,000.00 lock 390 of 100,000 USDT."""
    await desk.limit("39000")
    _, account = await desk.signed("GET", "/api/v3/account")
    assert account["balances"] == [{"asset": "USDT", "free": "99610.00000000", "locked": "390.00000000"}]
    assert account["commissionRates"]["taker"] == "0.00100000"


async def test_a_test_order_is_checked_and_forgotten(desk: Desk) -> None:
    """order/test refuses what order refuses, and places nothing."""
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET"}
    assert await desk.signed("POST", "/api/v3/order/test", **order, quantity="0.01") == (200, {})
    status, answer = await desk.signed("POST", "/api/v3/order/test", **(order | {"side": "SELL"}), quantity="0.01")
    assert (status, answer["code"]) == (400, -2010)
    assert desk.testnet.ledger()["orders"] == []


@pytest.mark.parametrize(
    ("params", "code", "text"),
    [
        ({"quantity": "0.000001"}, -1013, "Filter failure: LOT_SIZE"),
        ({"quantity": "0"}, -1013, "Filter failure: LOT_SIZE"),
        ({"quantity": "99"}, -1013, "Filter failure: MARKET_LOT_SIZE"),
        ({"quantity": "0.0001"}, -1013, "Filter failure: NOTIONAL"),
        ({"type": "LIMIT", "timeInForce": "GTC", "price": "39000.001"}, -1013, "Filter failure: PRICE_FILTER"),
        ({"type": "LIMIT", "timeInForce": "GTC", "price": "0"}, -1013, "Filter failure: PRICE_FILTER"),
        ({"type": "LIMIT", "timeInForce": "GTC", "price": "9000000"}, -1013, "Filter failure: PRICE_FILTER"),
        ({"quantity": "0.000000001"}, -1111, "Parameter 'quantity' has too much precision."),
        ({"quantity": "1e-3"}, -1100, "Illegal characters found in parameter 'quantity'"),
        ({"quantity": "-1"}, -1100, "Illegal characters found in parameter 'quantity'"),
        ({"quantity": "0.1", "quoteOrderQty": "5"}, -1128, "Combination of optional parameters invalid."),
        ({"type": "LIMIT"}, -1102, "Mandatory parameter 'timeInForce' was not sent, was empty/null, or malformed."),
        ({"type": "LIMIT", "timeInForce": "DAY", "price": "1"}, -1115, "Invalid timeInForce."),
        ({"price": "40000"}, -1106, "Parameter 'price' sent when not required."),
        ({"side": "LONG"}, -1117, "Invalid side."),
        ({"type": "ICEBERG"}, -1116, "Invalid orderType."),
        ({"symbol": "ETHUSDT"}, -1121, "Invalid symbol."),
        ({"symbol": "BTC USDT"}, -1100, "Illegal characters found in parameter 'symbol'"),
        ({"newClientOrderId": "a b"}, -1100, "Illegal characters found in parameter 'newClientOrderId'"),
        ({"newClientOrderId": "a" * 37}, -1100, "Illegal characters found in parameter 'newClientOrderId'"),
        ({"side": "SELL"}, -2010, "Account has insufficient balance for requested action."),
        (
            {"type": "STOP_LOSS_LIMIT", "timeInForce": "GTC", "price": "41000", "stopPrice": "40000"},
            -2010,
            "Stop price would trigger immediately.",
        ),
    ],
)
async def test_an_order_is_refused_in_the_venues_words(
    desk: Desk, params: dict[str, str], code: int, text: str
) -> None:
    """Code and text as the venue documents them; nothing is placed."""
    status, answer = await desk.order(**params)
    assert (status, answer["code"]) == (400, code)
    assert answer["msg"].startswith(text)
    assert desk.testnet.ledger()["orders"] == []


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("GET", {"orderId": 7}, -2013),
        ("GET", {"origClientOrderId": "nobody"}, -2013),
        ("DELETE", {"orderId": 7}, -2011),
        ("DELETE", {"origClientOrderId": "nobody"}, -2011),
        ("GET", {}, -1102),
        ("DELETE", {"orderId": "x"}, -1100),
        ("DELETE", {"orderId": 2**63}, -1108),
    ],
)
async def test_an_order_that_is_not_there_is_told_from_a_bad_question(
    desk: Desk, method: str, params: dict[str, object], code: int
) -> None:
    """-2013 for a query, -2011 for a cancel, -11xx for what is malformed."""
    status, answer = await desk.signed(method, "/api/v3/order", symbol="BTCUSDT", **params)
    assert (status, answer["code"]) == (400, code)


async def test_query_and_body_count_alike(desk: Desk) -> None:
    """Clients send parameters in the query, in a form body, or in both; the signature covers the bytes of both."""
    now_ms = desk.testnet.floor.clock.now_ms
    query, body = "symbol=BTCUSDT&side=BUY&type=MARKET", f"quantity=0.01&timestamp={now_ms}"
    signature = sign(query + body)
    for ask in (
        desk.ask("POST", "/api/v3/order", query, f"{body}&signature={signature}"),
        desk.ask("POST", "/api/v3/order", f"{query}&signature={signature}", body),
        desk.ask("POST", "/api/v3/order", body=f"{query}&{body}&signature={sign(f'{query}&{body}')}"),
    ):
        status, answer = await ask
        assert (status, answer["status"]) == (200, "FILLED")


async def test_a_wrong_bit_in_the_body_is_refused(desk: Desk) -> None:
    """The same request with one digit changed is -1022 and does nothing."""
    body = f"symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01&timestamp={desk.testnet.floor.clock.now_ms}"
    signed = f"{body}&signature={sign(body)}"
    status, answer = await desk.ask("POST", "/api/v3/order", body=signed.replace("0.01", "0.11"))
    assert (status, answer["code"]) == (400, -1022)
    assert desk.testnet.ledger()["orders"] == []


async def test_used_weight_is_told(desk: Desk) -> None:
    """Clients pace themselves by the header; it starts again with each minute of the venue's clock."""

    async def used() -> str:
        async with desk.http.get(desk.testnet.url + "/api/v3/exchangeInfo") as response:
            return response.headers["X-MBX-USED-WEIGHT-1M"]

    assert [await used(), await used()] == ["20", "40"]
    await desk.step()
    assert await used() == "20"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_listen_keys_are_refused(desk: Desk, method: str) -> None:
    """The venue closed this way to user data on 2026-02-20; a client that still uses it must learn so here."""
    status, answer = await desk.ask(method, "/api/v3/userDataStream")
    assert (status, answer["code"]) == (400, -1020)


PATHS = [
    "/api/v3/klines",
    "/api/v3/depth",
    "/api/v3/order",
    "/api/v3/myTrades",
    "/api/v3/account",
    "/api/v3/openOrders",
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_nothing_that_is_sent_breaks_the_server(desk: Desk, data: st.DataObject) -> None:
    """Any method, path, query and body gets the venue's error or an answer: JSON, never a 5XX."""
    names = st.sampled_from(
        ["symbol", "interval", "limit", "orderId", "timestamp", "signature", "quantity", "price", "side"]
    )
    words = st.sampled_from(
        ["BTCUSDT", "15m", "0", "9" * 25, "-1", "1e5", "NaN", "%", "%ff", "%00", "'", "&", "=", "", "BUY"]
    )
    pairs = data.draw(st.lists(st.tuples(names, words), max_size=6))
    query = "&".join(f"{name}={word}" for name, word in pairs)
    body = data.draw(st.binary(max_size=40))
    method = data.draw(st.sampled_from(["GET", "POST", "DELETE", "PUT", "PATCH"]))
    path = data.draw(st.sampled_from([*PATHS, "/", "/api/v3/", "/api/v3/nothing", "/sapi/v1/asset/tradeFee"]))
    if data.draw(st.booleans()):  # signed well, so that the parameters themselves are looked at
        query = f"{query}&timestamp={desk.testnet.floor.clock.now_ms}"
        query = f"{query}&signature={sign(query)}"
        body = b""
    url = f"{desk.testnet.url}{path}?{query}"
    async with desk.http.request(
        method, URL(url, encoded=True), data=body, headers={"X-MBX-APIKEY": "testnet-key"}
    ) as response:
        answer = await response.json()
        assert response.status < 500
        assert response.status == 200 or set(answer) == {"code", "msg"}


@pytest.mark.parametrize("path", ["/testnet/step", "/testnet/weather"])
@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"\xff", b'{"desk":1}', b'{"faults":[{"kind":"Rain","nth":1}]}', b"null"]
)
async def test_the_testnets_own_routes_refuse_nonsense_too(desk: Desk, path: str, body: bytes) -> None:
    """Malformed JSON and wrong types are a 400 that says what was expected."""
    status, answer = await desk.post(path, body)
    assert (status, answer["code"]) == (400, -1130)
    assert answer["msg"]
