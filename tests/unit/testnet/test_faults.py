"""The weather: each fault does what it says, and no more."""

import pytest
from tests.factories import make_bar
from tests.unit.testnet.desk import Desk, fails
from tests.unit.testnet.worlds import make_config

from trading_system.errors import ConfigurationError
from trading_system.testnet.faults import (
    KINDS,
    DelayRequest,
    DropConnection,
    Fault,
    HoldAnswer,
    Late,
    LoseAnswer,
    LoseRequest,
    On,
    Outage,
    Refuse,
    Weather,
    weather,
)
from trading_system.testnet.orders import Status
from trading_system.testnet.server import Testnet


def orders_of(desk: Desk) -> list[str]:
    """Return the client order ids in the venue's books."""
    orders = desk.testnet.ledger()["orders"]
    assert isinstance(orders, list)
    return [order["client_order_id"] for order in orders]


async def test_a_lost_request_never_reached_the_exchange(desk: Desk) -> None:
    """No answer, no order, no report; the ledger counts the request and marks it lost."""
    await desk.log_in("u1")
    desk.testnet.schedule(LoseRequest(2))
    await desk.order(newClientOrderId="one")
    assert await fails(desk.order(newClientOrderId="two"))
    assert orders_of(desk) == ["one"]
    assert desk.testnet.ledger()["requests"] == {"one": {"seen": 1, "lost": 0}, "two": {"seen": 1, "lost": 1}}
    assert (await desk.step())["connections"]["u1"] == 4


async def test_a_lost_answer_is_an_order_all_the_same(desk: Desk) -> None:
    """No answer, but the order is filled and its reports arrive."""
    await desk.log_in("u1")
    desk.testnet.schedule(LoseAnswer(1))
    assert await fails(desk.order(newClientOrderId="one"))
    assert orders_of(desk) == ["one"]
    assert [event.get("X") for event in await desk.events("u1", 3)] == ["NEW", "FILLED", None]
    status, found = await desk.signed("GET", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="one")
    assert (status, found["status"]) == (200, "FILLED")


async def test_an_order_sent_again_after_a_lost_answer_executes_twice(desk: Desk) -> None:
    """Why nobody may resend: the id is free again once its order has filled."""
    desk.testnet.schedule(LoseAnswer(1))
    assert await fails(desk.order(newClientOrderId="one"))
    status, _ = await desk.order(newClientOrderId="one")
    assert status == 200
    assert orders_of(desk) == ["one", "one"]
    assert desk.testnet.ledger()["requests"] == {"one": {"seen": 2, "lost": 0}}


async def test_a_dropped_connection_takes_the_reports_with_it(desk: Desk) -> None:
    """The answer arrives, the stream is closed, and after reconnecting nothing is repeated."""
    await desk.log_in("u1")
    desk.testnet.schedule(DropConnection(1))
    status, answer = await desk.order()
    assert (status, answer["status"]) == (200, "FILLED")
    assert await desk.ended("u1")
    await desk.log_in("u1")
    assert (await desk.step())["connections"]["u1"] == 1
    _, trades = await desk.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT")
    assert len(trades) == 1


async def test_a_held_answer_waits_for_its_hook(desk: Desk) -> None:
    """Matched, unreported and unanswered while the hook runs: the moment in which a demo kills its client."""
    seen: list[tuple[list[str], int]] = []

    async def hook() -> None:
        seen.append((orders_of(desk), len(desk.told["u1"])))

    await desk.log_in("u1")
    desk.testnet.schedule(HoldAnswer(1, hook=hook))
    assert await fails(desk.order(newClientOrderId="one"))
    assert seen == [(["one"], 1)]
    assert (await desk.step())["connections"]["u1"] == 1


async def test_a_fault_may_meet_a_cancel(desk: Desk) -> None:
    """The first DELETE loses its answer; aiohttp asks again by itself, as for all but POST, and the order is gone."""
    await desk.limit("39000")
    desk.testnet.schedule(LoseAnswer(1, On.CANCEL))
    status, answer = await desk.signed("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=1)
    assert (status, answer["code"]) == (400, -2011)
    assert desk.testnet.floor.weather.seen[On.CANCEL] == 2
    assert desk.testnet.exchange.orders[1].status is Status.CANCELED


async def test_weather_is_planned_over_http(desk: Desk) -> None:
    """By number since the start, or counted from now."""
    await desk.order()
    body = b'{"faults":[{"kind":"LoseAnswer","nth":5},{"kind":"LoseRequest","after":1}]}'
    status, answer = await desk.post("/testnet/weather", body)
    assert (status, answer["seen"]) == (200, {"order": 1, "cancel": 0, "query": 0, "data": 0, "news": 0, "bar": 0})
    assert answer["faults"] == [
        {"kind": "LoseRequest", "on": "order", "nth": 2},
        {"kind": "LoseAnswer", "on": "order", "nth": 5},
    ]
    assert await fails(desk.order())
    status, answer = await desk.post("/testnet/weather", b'{"faults":[{"kind":"LoseAnswer","nth":2}]}')
    assert (status, answer["msg"]) == (400, "order 2 has come already; 2 were seen")


@pytest.mark.parametrize(
    ("kind", "on", "answer"),
    [
        ("Refuse", "query", {"kind": "Refuse", "on": "query", "nth": 1}),
        ("Late", "cancel", {"kind": "Late", "on": "cancel", "nth": 1}),
        ("LoseAnswer", "data", {"kind": "LoseAnswer", "on": "data", "nth": 1}),
        ("DelayRequest", None, {"kind": "DelayRequest", "on": "order", "nth": 1}),
        ("Outage", None, {"kind": "Outage", "on": "news", "nth": 1}),
    ],
)
async def test_every_fault_can_be_planned_over_http(desk: Desk, kind: str, on: str | None, answer: object) -> None:
    """What a fault befalls by itself need not be said."""
    said = "" if on is None else f',"on":"{on}"'
    status, told = await desk.post("/testnet/weather", f'{{"faults":[{{"kind":"{kind}","after":1{said}}}]}}'.encode())
    assert (status, told["faults"]) == (200, [answer])


async def test_one_turned_away_for_asking_too_much_has_done_nothing(desk: Desk) -> None:
    """HTTP 429, -1003 and the seconds to wait; the order is not at the venue, and may be sent again."""
    desk.testnet.schedule(Refuse(1, retry_after_s=1))
    status, answer = await desk.order(newClientOrderId="one")
    assert (status, answer["code"]) == (429, -1003)
    assert orders_of(desk) == []
    status, _ = await desk.order(newClientOrderId="one")
    assert (status, orders_of(desk)) == (200, ["one"])
    assert desk.testnet.ledger()["requests"] == {"one": {"seen": 1, "lost": 0}}


@pytest.mark.parametrize("wait_s", [0, 1])
async def test_one_turned_away_is_told_when_to_come_back(desk: Desk, wait_s: int) -> None:
    """Retry-After, in seconds."""
    desk.testnet.schedule(Refuse(1, On.DATA, retry_after_s=wait_s))
    async with desk.http.get(f"{desk.testnet.url}/api/v3/klines?symbol=BTCUSDT&interval=15m") as response:
        assert (response.status, response.headers["Retry-After"]) == (429, str(wait_s))


async def test_one_who_comes_late_has_done_nothing(desk: Desk) -> None:
    """-1021, whatever its time says: a cancel leaves the order open, a question stays unanswered."""
    await desk.limit("39000", newClientOrderId="one")
    desk.testnet.schedule(Late(1, On.CANCEL))
    desk.testnet.schedule(Late(1, On.QUERY))
    for method in ("DELETE", "GET"):
        status, answer = await desk.signed(method, "/api/v3/order", symbol="BTCUSDT", orderId=1)
        assert (status, answer["code"]) == (400, -1021)
    assert desk.testnet.exchange.orders[1].status is Status.NEW


async def test_a_question_is_lost_twice_where_its_client_repeats_it(desk: Desk) -> None:
    """On a connection that was used before, aiohttp asks again by itself: two faults in a row meet both."""
    await desk.order()
    for nth in (1, 2):
        desk.testnet.schedule(LoseAnswer(nth, On.QUERY))
    assert await fails(desk.signed("GET", "/api/v3/account"))
    assert desk.testnet.floor.weather.seen[On.QUERY] == 2


@pytest.mark.parametrize(
    ("path", "on"),
    [
        ("/api/v3/order?orderId=1&", On.QUERY),
        ("/api/v3/openOrders?", On.QUERY),
        ("/api/v3/account?", On.QUERY),
        ("/api/v3/myTrades?", On.QUERY),
        ("/api/v3/klines?interval=15m&", On.DATA),
    ],
)
async def test_questions_are_counted_apart_from_orders(desk: Desk, path: str, on: On) -> None:
    """Signed GETs are one count, klines another; neither moves that of the orders."""
    await desk.ask("GET", f"{path}symbol=BTCUSDT")
    assert desk.testnet.floor.weather.seen == {**dict.fromkeys(On, 0), on: 1}


async def test_a_delayed_order_appears_after_it_was_given_up(desk: Desk) -> None:
    """No answer and no such order; three seconds later it fills, and its reports come."""
    await desk.log_in("u1")
    desk.testnet.schedule(DelayRequest(1))
    assert await fails(desk.order(newClientOrderId="one"))
    begun_ms = desk.testnet.now_ns // 10**6
    answer = await desk.step(wake_ms=begun_ms + 2_999)
    status, refusal = await desk.signed("GET", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="one")
    assert (answer["now_ms"], status, refusal["code"]) == (begun_ms + 2_999, 400, -2013)
    answer = await desk.step()
    assert answer["now_ms"] == begun_ms + 3_000
    assert [told["event"].get("X") for told in desk.told["u1"][1:]] == ["NEW", "FILLED", None]
    assert desk.testnet.ledger()["requests"] == {"one": {"seen": 1, "lost": 0}}


async def test_an_order_delayed_beyond_its_window_is_refused_unheard(desk: Desk) -> None:
    """Its timestamp is held against the clock when it gets there."""
    desk.testnet.schedule(DelayRequest(1, delay_ms=5_001))
    assert await fails(desk.order(recvWindow=5_000))
    desk.testnet.schedule(DelayRequest(2, delay_ms=5_000))
    assert await fails(desk.order(recvWindow=5_000, newClientOrderId="two"))
    await desk.step()
    assert orders_of(desk) == ["two"]


async def test_an_outage_takes_the_stream_and_the_news() -> None:
    """A resting bid fills: whoever listened is cut off just before, time stops there, and nothing is told later."""
    bars = [make_bar(index=0), make_bar(index=1, low=3_900_000), make_bar(index=2)]
    async with Testnet(make_config(bars, history=1, faults=(Outage(1),))) as testnet, Desk.at(testnet) as desk:
        await desk.listen("m1", "btcusdt@kline_15m")
        await desk.log_in("u1")
        await desk.limit("39500")
        await desk.events("u1", 2)
        answer = await desk.step()
        assert await desk.ended("u1")
        assert answer["advanced"]
        assert "u1" not in answer["connections"]
        assert bars[1].open_ns < answer["now_ns"] < bars[1].close_ns
        assert testnet.exchange.orders[1].status is Status.FILLED
        del desk.told["u1"]
        await desk.log_in("u2")
        assert (await desk.step())["now_ns"] == bars[1].close_ns
        assert len(desk.told["u2"]) == 1  # the answer to its own request


async def test_what_the_weather_did_is_written_down(desk: Desk) -> None:
    """When, what, and to which request; one that lasts is told twice."""
    begun_ns = desk.testnet.now_ns
    desk.testnet.schedule(DelayRequest(2))
    desk.testnet.schedule(Refuse(1))
    await desk.order()
    assert await fails(desk.order())
    await desk.step(wake_ms=begun_ns // 10**6 + 5_000)
    assert desk.testnet.ledger()["faults"] == [
        {"ns": begun_ns, "kind": "Refuse", "on": "order", "nth": 1},
        {"ns": begun_ns, "kind": "DelayRequest", "on": "order", "nth": 2},
        {"ns": begun_ns + 3 * 10**9, "kind": "DelayRequest", "on": "order", "nth": 2},
    ]


@pytest.mark.parametrize("kind", [LoseRequest, LoseAnswer])
async def test_orders_over_the_socket_meet_the_same_weather(kind: type[Fault]) -> None:
    """order.place counts with POST; its connection closes without an answer."""
    async with Testnet(make_config(faults=(kind(1),))) as testnet, Desk.at(testnet) as desk:
        await desk._open("u1", "/ws-api/v3?conn=u1")
        params = desk.ws_signed(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01", newClientOrderId="one")
        await desk.sockets["u1"].send_json({"id": 1, "method": "order.place", "params": params})
        assert await desk.ended("u1")
        assert orders_of(desk) == (["one"] if kind is LoseAnswer else [])


def test_a_seed_is_a_weather() -> None:
    """The same seed plans the same faults; the rate is about right; all are within the orders asked for."""
    plan = weather(seed=3, orders=1_000, kinds=tuple(KINDS.values()), rate=0.1)
    assert plan == weather(seed=3, orders=1_000, kinds=tuple(KINDS.values()), rate=0.1)
    assert plan != weather(seed=4, orders=1_000, kinds=tuple(KINDS.values()), rate=0.1)
    assert 60 < len(plan) < 140
    assert {type(fault) for fault in plan} == set(KINDS.values())
    assert weather(seed=3, orders=10, kinds=(LoseRequest,), rate=1.0) == tuple(LoseRequest(n) for n in range(1, 11))


def test_a_fault_that_cannot_happen_any_more_is_refused() -> None:
    """Requests are counted from 1, and what has come has come."""
    with pytest.raises(ConfigurationError):
        LoseRequest(0)
    for kind, on in ((DelayRequest, On.CANCEL), (Outage, On.ORDER), (Late, On.DATA), (LoseRequest, On.NEWS)):
        with pytest.raises(ConfigurationError, match=f"{kind.__name__} befalls"):
            kind(1, on)
    sky = Weather()
    sky.meet(On.ORDER)
    with pytest.raises(ConfigurationError):
        sky.schedule(LoseRequest(1))
