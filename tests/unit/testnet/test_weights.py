"""Request weight, and the weather of the streams of bars: what a collector must live with."""

import aiohttp
import pytest
from tests.factories import make_bar
from tests.unit.testnet.desk import Desk
from tests.unit.testnet.worlds import make_config

from trading_system.errors import ConfigurationError
from trading_system.testnet.binance.scales import BAN_MS, FORBEARANCE
from trading_system.testnet.faults import DropStream, Fault, GarbleBar, LoseBar, On, RepeatBar, Unavailable
from trading_system.testnet.server import Testnet

MINUTE_NS = 60_000_000_000
STREAM = "btcusdt@kline_15m"


async def klines(desk: Desk) -> tuple[int, dict[str, str]]:
    """Ask for klines, which weighs 2, and return status and headers."""
    async with desk.http.get(f"{desk.testnet.url}/api/v3/klines?symbol=BTCUSDT&interval=15m") as response:
        return response.status, dict(response.headers)


async def test_past_the_weight_of_a_minute_there_is_no_answer_until_the_next() -> None:
    """Ten allowed, five times two used; the sixth is refused with the seconds left, here all sixty."""
    async with Testnet(make_config(weight_limit=10)) as testnet, Desk.at(testnet) as desk:
        for used in range(2, 12, 2):
            status, headers = await klines(desk)
            assert (status, headers["X-MBX-USED-WEIGHT-1M"]) == (200, str(used))
        status, headers = await klines(desk)
        assert (status, headers["Retry-After"], headers["X-MBX-USED-WEIGHT-1M"]) == (429, "60", "12")
        testnet.floor.clock.move_to(testnet.now_ns + MINUTE_NS)
        assert (await klines(desk))[0] == 200
        assert (testnet.scales.refused, testnet.scales.banned) == (1, 0)


async def test_who_does_not_stop_is_banned() -> None:
    """418 after five refusals too many, for two minutes, whatever the next minute's weight."""
    async with Testnet(make_config(weight_limit=1)) as testnet, Desk.at(testnet) as desk:
        codes = [(await klines(desk))[0] for _ in range(FORBEARANCE + 2)]
        assert codes == [429] * (FORBEARANCE + 1) + [418]
        testnet.floor.clock.move_to(testnet.now_ns + MINUTE_NS)
        status, headers = await klines(desk)
        assert (status, headers["Retry-After"]) == (418, str(BAN_MS // 1_000 - 60))
        assert (testnet.scales.refused, testnet.scales.banned) == (FORBEARANCE + 1, 2)


async def test_exchange_info_tells_the_limit() -> None:
    """So that a client need not be told."""
    async with Testnet(make_config(weight_limit=123)) as testnet, Desk.at(testnet) as desk:
        _, told = await desk.ask("GET", "/api/v3/exchangeInfo")
        assert told["rateLimits"][0]["limit"] == 123
    with pytest.raises(ConfigurationError, match="1 or more"):
        make_config(weight_limit=0)


async def test_a_venue_in_trouble_says_so_and_does_nothing(desk: Desk) -> None:
    """HTTP 503, code -1008."""
    desk.testnet.schedule(Unavailable(1))
    status, answer = await desk.order(newClientOrderId="one")
    assert (status, answer["code"]) == (503, -1008)
    assert desk.testnet.exchange.orders == {}


@pytest.mark.parametrize(
    ("fault", "closes"),
    [(LoseBar(2), [0, 2]), (RepeatBar(2), [0, 1, 1, 2]), (GarbleBar(2), [0, None, 2])],
    ids=lambda value: type(value).__name__,
)
async def test_a_close_is_lost_doubled_or_garbled(fault: Fault, closes: list[int | None]) -> None:
    """The second of three closes meets the weather; the others are told once each."""
    bars = [make_bar(index=index, open=4_000_000 + index) for index in range(4)]
    async with Testnet(make_config(bars, history=1, faults=(fault,))) as testnet, Desk.at(testnet) as desk:
        await desk.listen("m1", STREAM)
        for _ in range(3):
            await desk.step()
        told = [message["data"]["k"] for message in desk.told["m1"]]
        opens = [
            None if k == "-" else (k["t"] - bars[1].open_ns // 10**6) // 900_000 for k in told if k == "-" or k["x"]
        ]
        assert opens == closes
        assert testnet.floor.weather.seen[On.BAR] == 3


async def test_a_stream_is_dropped_before_it_tells() -> None:
    """Who listened is hung up on, and must ask history what closed."""
    bars = [make_bar(index=index) for index in range(3)]
    async with Testnet(make_config(bars, history=1, faults=(DropStream(1),))) as testnet, Desk.at(testnet) as desk:
        await desk.listen("m1", STREAM)
        await desk.step(deaf=True)
        kinds = set()
        while (message := await desk.sockets["m1"].receive(timeout=5)).type is aiohttp.WSMsgType.TEXT:
            kinds.add(message.json()["data"]["k"]["x"])
        assert kinds == {False}
        assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
