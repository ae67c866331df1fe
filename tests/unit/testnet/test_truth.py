"""What the venue remembers beside its books: what was held when, and who asked first."""

import pytest
from tests.factories import make_bar
from tests.unit.testnet.desk import Desk
from tests.unit.testnet.worlds import make_config

from trading_system.errors import ConfigurationError
from trading_system.market.bars import interval_ns
from trading_system.testnet.faults import On, Refuse
from trading_system.testnet.server import Testnet

QUARTER_NS = interval_ns("15m")


async def test_each_close_tells_what_was_held_and_what_of_it_was_offered(desk: Desk) -> None:
    """0.1 bought less 0.1 % fee; then a stop for 0.05 rests; then a limit of 0.02 too. A flat close is not listed."""
    begun_ns = desk.testnet.now_ns
    await desk.step()
    await desk.order(quantity="0.1")
    await desk.step()
    stop = {"type": "STOP_LOSS_LIMIT", "stopPrice": "39000", "price": "38900", "timeInForce": "GTC"}
    await desk.order(side="SELL", quantity="0.05", **stop)
    await desk.step()
    await desk.limit("41000", side="SELL", quantity="0.02")
    books = desk.testnet.ledger()
    row = {"symbol": "BTCUSDT", "price": "40000.00000000", "held": "0.09990000"}
    assert books["at_close"] == [
        {"ns": begun_ns + 2 * QUARTER_NS, **row, "resting": "0.00000000"},
        {"ns": begun_ns + 3 * QUARTER_NS, **row, "resting": "0.05000000"},
    ]
    assert books["holdings"] == [{"ns": begun_ns + 3 * QUARTER_NS, **row, "resting": "0.07000000"}]


async def test_the_first_request_to_place_an_order_is_remembered(desk: Desk) -> None:
    """One that was turned away counts; one that came again does not move it."""
    begun_ns = desk.testnet.now_ns
    desk.testnet.schedule(Refuse(1))
    await desk.order(newClientOrderId="one")
    await desk.step()
    await desk.order(newClientOrderId="one")
    await desk.order(newClientOrderId="two")
    assert desk.testnet.ledger()["received_ns"] == {"one": begun_ns, "two": begun_ns + QUARTER_NS}


async def test_who_runs_the_testnet_is_told_of_each_request_before_it_is_served() -> None:
    """What it counts, and which order it names; the order is not in the books yet."""
    heard: list[tuple[On, str, int]] = []

    def hear(on: On, name: str) -> None:
        heard.append((on, name, len(testnet.exchange.orders)))

    testnet = Testnet(make_config(), on_request=hear)
    async with testnet, Desk.at(testnet) as desk:
        await desk.order(newClientOrderId="one")
        await desk.signed("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="one")
        await desk.signed("GET", "/api/v3/account")
        await desk.ask("GET", "/api/v3/ping")
    assert heard == [(On.ORDER, "one", 0), (On.CANCEL, "one", 1), (On.QUERY, "", 1)]


async def test_time_passes_while_nobody_is_there() -> None:
    """Eight moments are a bar; a resting stop triggers and fills in them, and later listeners hear nothing of it."""
    bars = [make_bar(index=0), make_bar(index=1, low=3_900_000), make_bar(index=2)]
    async with Testnet(make_config(bars, history=1)) as testnet, Desk.at(testnet) as desk:
        await desk.order(quantity="0.1")
        stop = {"type": "STOP_LOSS_LIMIT", "stopPrice": "39500", "price": "39000", "timeInForce": "GTC"}
        await desk.order(side="SELL", quantity="0.09", **stop)
        testnet.elapse(7)
        assert (testnet.bars_left, testnet.exchange.orders[2].left) == (2, 0)
        testnet.elapse(1)
        assert (testnet.bars_left, testnet.now_ns) == (1, bars[1].close_ns)
        testnet.elapse(99)
        assert (testnet.bars_left, testnet.now_ns) == (0, bars[2].close_ns)
        await desk.log_in("u1")
        assert (await desk.step())["connections"] == {"u1": 1}


async def test_a_clock_that_runs_by_itself_is_not_moved() -> None:
    """Only a stepped testnet waits."""
    with pytest.raises(ConfigurationError, match="runs by itself"):
        Testnet(make_config(speed="max")).elapse(1)
