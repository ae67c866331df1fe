"""Time that waits for the desk, and what is told over sockets on the way."""

import asyncio

import pytest
from tests.factories import START_NS, make_bar
from tests.unit.testnet.desk import Desk
from tests.unit.testnet.worlds import make_config

from trading_system.market.bars import interval_ns
from trading_system.testnet.server import Testnet
from trading_system.testnet.stepping import Ask

QUARTER_MS = interval_ns("15m") // 10**6
BEGIN_MS = START_NS // 10**6 + 2 * QUARTER_MS


async def test_a_step_goes_to_the_next_close(desk: Desk) -> None:
    """Four live bars: four steps to their closes, then nothing is left and time stands."""
    for left in (3, 2, 1, 0):
        answer = await desk.step()
        assert answer["now_ms"] == BEGIN_MS + (4 - left) * QUARTER_MS
        assert (answer["advanced"], answer["done"], answer["bars_left"]) == (True, left == 0, left)
    assert answer["now_ns"] == answer["now_ms"] * 10**6
    answer = await desk.step()
    assert (answer["advanced"], answer["done"]) == (False, True)


async def test_a_step_stops_at_the_wake_up(desk: Desk) -> None:
    """A desk may ask to be woken between closes, and after the last bar too; a time gone by moves nothing."""
    answer = await desk.step(wake_ms=BEGIN_MS + 1)
    assert (answer["now_ms"], answer["advanced"]) == (BEGIN_MS + 1, True)
    answer = await desk.step(wake_ms=BEGIN_MS)
    assert (answer["now_ms"], answer["advanced"]) == (BEGIN_MS + 1, False)
    for _ in range(4):
        await desk.step(wake_ms=BEGIN_MS + 99 * QUARTER_MS)
    answer = await desk.step(wake_ms=BEGIN_MS + 99 * QUARTER_MS)
    assert (answer["now_ms"], answer["advanced"], answer["done"]) == (BEGIN_MS + 99 * QUARTER_MS, True, True)


async def test_time_waits_for_who_has_not_heard(desk: Desk) -> None:
    """As long as one message of an open connection is unheard, a step is answered at once and nothing moves."""
    await desk.listen("m1", "btcusdt@kline_15m")
    first = await desk.step(deaf=True)
    assert first["advanced"]
    assert first["connections"] == {"m1": 8}  # seven updates along the path, and the close
    again = await desk.step(deaf=True)
    assert (again["advanced"], again["now_ms"]) == (False, first["now_ms"])
    while len(desk.told["m1"]) < 8:
        await desk.hear("m1")
    assert (await desk.step())["advanced"]


async def test_time_waits_for_a_connection_that_its_desk_does_not_know_of(desk: Desk) -> None:
    """A named connection that was told something and that no desk counts holds the clock too."""
    await desk.listen("m1", "btcusdt@kline_15m")
    await desk.step()
    told = desk.told.pop("m1")
    assert (await desk.step())["advanced"] is False
    desk.told["m1"] = told
    assert (await desk.step())["advanced"] is True


async def test_time_waits_for_a_desk_that_names_a_closed_connection(desk: Desk) -> None:
    """A desk that has not noticed the loss of its stream must not lose what happens meanwhile."""
    await desk.log_in("u1")
    await desk.sockets["u1"].close()
    answer = await desk.step()
    while "u1" in answer["connections"]:  # the venue hears of the closing a moment later
        answer = await desk.step()
    answer = await desk.step()
    assert (answer["advanced"], answer["connections"]) == (False, {})
    del desk.told["u1"]
    assert (await desk.step())["advanced"]


async def test_the_bar_is_told_along_its_path_and_at_its_close(desk: Desk) -> None:
    """Updates with x false, then one with x true that equals the bar; trades sum up to the volume."""
    await desk.listen("m1", "btcusdt@kline_15m", "btcusdt@trade")
    await desk.step()
    klines = [m["data"] for m in desk.told["m1"] if m["stream"] == "btcusdt@kline_15m"]
    trades = [m["data"] for m in desk.told["m1"] if m["stream"] == "btcusdt@trade"]
    assert [kline["k"]["x"] for kline in klines] == [False] * 7 + [True]
    last = klines[-1]["k"]
    assert (last["t"], last["T"], last["v"], last["n"]) == (BEGIN_MS, BEGIN_MS + QUARTER_MS - 1, "1.00000000", 7)
    assert klines[-1]["E"] == BEGIN_MS + QUARTER_MS
    assert (last["f"], last["L"]) == (trades[0]["t"], trades[-1]["t"])
    assert round(sum(float(trade["q"]) for trade in trades), 8) == 1.0
    _, rows = await desk.ask("GET", "/api/v3/klines", "symbol=BTCUSDT&interval=15m&limit=1")
    assert [rows[0][field] for field in (1, 2, 3, 4, 5, 7)] == [last[field] for field in "ohlcvq"]


async def test_a_step_stops_where_an_order_fills() -> None:
    """The market falls through a resting bid in the middle of a bar: the desk hears of it first."""
    bars = [make_bar(index=0), make_bar(index=1, low=3_900_000), make_bar(index=2)]
    async with Testnet(make_config(bars, history=1)) as testnet, Desk.at(testnet) as desk:
        await desk.listen("m1", "btcusdt@kline_15m")
        await desk.log_in("u1")
        await desk.limit("39500")
        assert [event["e"] for event in await desk.events("u1", 2)] == ["executionReport", "outboundAccountPosition"]
        answer = await desk.step()
        assert bars[1].open_ns < answer["now_ns"] < bars[1].close_ns
        report, position = (message["event"] for message in desk.told["u1"][-2:])
        assert (report["x"], report["X"], report["L"], report["m"]) == ("TRADE", "FILLED", "39500.00000000", True)
        assert report["T"] == answer["now_ms"]
        assert position["B"][0] == {"a": "USDT", "f": "99605.00000000", "l": "0.00000000"}
        assert (await desk.step())["now_ns"] == bars[1].close_ns


async def test_an_own_fill_is_not_in_the_kline(desk: Desk) -> None:
    """What we trade changes neither the published bar nor the public trades."""
    await desk.listen("m1", "btcusdt@kline_15m", "btcusdt@trade")
    await desk.order(quantity="0.1")
    await desk.step()
    last = desk.told["m1"][-1]["data"]["k"]
    assert (last["c"], last["v"]) == ("40000.00000000", "1.00000000")
    assert all(message["data"].get("t") != 1 for message in desk.told["m1"])


async def test_user_events_come_in_order_with_all_their_fields(desk: Desk) -> None:
    """NEW, TRADE, then the balances, wrapped with the subscription's number."""
    await desk.log_in("u1")
    await desk.order(quantity="0.1", newClientOrderId="mine")
    new, trade, position = await desk.events("u1", 3)
    assert desk.told["u1"][-1]["subscriptionId"] == 0
    assert (new["x"], new["X"], new["l"], new["t"], new["N"]) == ("NEW", "NEW", "0.00000000", -1, None)
    assert trade == {
        "e": "executionReport",
        "E": BEGIN_MS,
        "s": "BTCUSDT",
        "c": "mine",
        "S": "BUY",
        "o": "MARKET",
        "f": "GTC",
        "q": "0.10000000",
        "p": "0.00000000",
        "P": "0.00000000",
        "F": "0.00000000",
        "g": -1,
        "C": "",
        "x": "TRADE",
        "X": "FILLED",
        "r": "NONE",
        "i": 1,
        "l": "0.10000000",
        "z": "0.10000000",
        "L": "40100.00000000",
        "n": "0.00010000",
        "N": "BTC",
        "T": BEGIN_MS,
        "t": 1,
        "I": 2,
        "w": False,
        "m": False,
        "M": True,
        "O": BEGIN_MS,
        "Z": "4010.00000000",
        "Y": "4010.00000000",
        "Q": "0.00000000",
        "W": BEGIN_MS,
        "V": "NONE",
    }
    assert [(each["a"], each["f"]) for each in position["B"]] == [("USDT", "95990.00000000"), ("BTC", "0.09990000")]


async def test_a_cancel_is_told_under_both_names(desk: Desk) -> None:
    """On CANCELED `c` is the cancel's id and `C` is ours: the trap that loses orders."""
    await desk.log_in("u1")
    await desk.limit("39000", newClientOrderId="mine")
    await desk.signed("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="mine", newClientOrderId="bye")
    *_, canceled, _ = await desk.events("u1", 4)
    assert (canceled["x"], canceled["X"], canceled["c"], canceled["C"]) == ("CANCELED", "CANCELED", "bye", "mine")


async def test_what_happens_while_nobody_listens_is_not_told_later(desk: Desk) -> None:
    """A new subscription starts now; the past must be asked for over REST."""
    await desk.order()
    await desk.log_in("u1")
    answer = await desk.step()
    assert answer["connections"] == {"u1": 1}  # the answer to its own request


async def test_two_desks_step_together() -> None:
    """With --desks 2 time moves when both have asked, and both get the same answer; the first to ask waits."""
    async with Testnet(make_config(desks=2)) as testnet, Desk.at(testnet) as one, Desk.at(testnet) as two:
        await one.listen("m1", "btcusdt@kline_15m")
        waiting = asyncio.create_task(testnet.step(Ask("one", {"m1": 0})))
        await asyncio.sleep(0)
        assert not waiting.done()
        assert testnet.now_ns == BEGIN_MS * 10**6
        answers = [await two.step(desk="two"), await waiting]
        assert [answer["now_ms"] for answer in answers] == [BEGIN_MS + QUARTER_MS] * 2
        assert all(answer["advanced"] for answer in answers)


async def test_a_waiting_desk_is_woken_by_what_another_causes() -> None:
    """One desk waits; the other's order makes a report for it: its ask is answered, not advanced, so that it hears."""
    async with Testnet(make_config(desks=2)) as testnet, Desk.at(testnet) as one, Desk.at(testnet) as two:
        await one.log_in("u1")
        waiting = asyncio.create_task(testnet.step(Ask("one", {"u1": 1})))
        await asyncio.sleep(0)
        await two.order()
        answer = await waiting
        assert (answer["advanced"], answer["now_ms"]) == (False, BEGIN_MS)
        assert answer["connections"] == {"u1": 4}


@pytest.mark.parametrize("speed", ["max", 100_000])
async def test_other_speeds_run_by_themselves(speed: str | int) -> None:
    """Without steps every bar is told in order, and a step is refused."""
    bars = [make_bar(index=index) for index in range(40)]
    async with Testnet(make_config(bars, speed=speed)) as testnet, Desk.at(testnet) as desk:
        status, answer = await desk.post("/testnet/step", b'{"desk":"desk"}')
        assert (status, answer["code"]) == (400, -1130)
        await desk.listen("m1", "btcusdt@kline_15m")
        closes = []
        while not closes or closes[-1] < bars[-1].close_ns // 10**6 - 1:
            kline = (await desk.hear("m1"))["data"]["k"]
            closes += [kline["T"]] if kline["x"] else []
        assert closes == sorted(closes)
        assert speed != "max" or len(closes) == 38
