"""The weather: each fault does what it says, and no more."""

import pytest
from tests.unit.testnet.desk import Desk, fails
from tests.unit.testnet.worlds import make_config

from trading_system.errors import ConfigurationError
from trading_system.testnet.faults import (
    KINDS,
    DropConnection,
    Fault,
    HoldAnswer,
    LoseAnswer,
    LoseRequest,
    On,
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
    assert (status, answer["seen"]) == (200, {"order": 1, "cancel": 0})
    assert answer["faults"] == [
        {"kind": "LoseRequest", "on": "order", "nth": 2},
        {"kind": "LoseAnswer", "on": "order", "nth": 5},
    ]
    assert await fails(desk.order())
    status, answer = await desk.post("/testnet/weather", b'{"faults":[{"kind":"LoseAnswer","nth":2}]}')
    assert (status, answer["msg"]) == (400, "order 2 has come already; 2 were seen")


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
    sky = Weather()
    sky.meet(On.ORDER)
    with pytest.raises(ConfigurationError):
        sky.schedule(LoseRequest(1))
