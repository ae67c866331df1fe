"""Pages of klines: what they tell of, and what is done with what cannot be read."""

import json
from collections.abc import Callable, Sequence

import aiohttp
import pytest
from tests.factories import START_NS, make_instrument
from tests.unit.broker_connectors.peers import NOW_NS, Heard, Peer, Said, refused, rest_of, told
from tests.unit.broker_connectors.test_binance_codec import kline

from trading_system.broker_connectors.binance.klines import BinanceBars, closed, rows
from trading_system.broker_connectors.rate_limit import WeightBudget
from trading_system.desk.clock import SimulatedClock
from trading_system.errors import ConfigurationError, OutcomeUnknown, RateLimited
from trading_system.ports import BarPage

MINUTE = 60_000_000_000
OURS = make_instrument()


def row(number: int, close: str = "40001.00") -> list[object]:
    """Return a row of "Kline/Candlestick data", rest-api.md."""
    opened = START_NS // 10**6 + number * 60_000
    return [opened, "40000.00", "40002.00", "39999.00", close, "1.5", opened + 59_999, "60000.0", 3, "1", "1", "0"]


async def asked(
    answer: Callable[[Heard], Said | None], *, page: int = 3, minutes: int = 10
) -> tuple[BarPage, Sequence[Heard]]:
    """Return what the source makes of an answer, and what was asked."""
    async with Peer(answer) as peer, aiohttp.ClientSession() as session:
        source = BinanceBars(rest_of(session, peer.url, SimulatedClock(NOW_NS)), page=page)
        return await source.page(OURS, "1m", START_NS, START_NS + minutes * MINUTE), peer.heard


async def test_a_full_page_may_have_more_behind_it() -> None:
    """The question names the first and the last moment of an open, in ms."""
    page, (heard,) = await asked(lambda heard: told([row(0), row(1), row(4)]))
    assert (page.until_ns, page.whole) == (START_NS + 10 * MINUTE, False)
    assert [each.bar.open_ns for each in page.records if each.bar] == [START_NS + n * MINUTE for n in (0, 1, 4)]
    assert heard.path == "/api/v3/klines"
    assert heard.parameters == {
        "symbol": "BTCUSDT",
        "interval": "1m",
        "startTime": str(START_NS // 10**6),
        "endTime": str(START_NS // 10**6 + 600_000 - 1),
        "limit": "3",
    }


async def test_a_page_that_is_not_full_tells_of_all_that_was_asked() -> None:
    """What is not in it does not exist."""
    page, _ = await asked(lambda heard: told([row(0), row(7)]))
    assert (page.until_ns, page.whole) == (START_NS + 10 * MINUTE, True)
    page, _ = await asked(lambda heard: told([]))
    assert (page.records, page.until_ns, page.whole) == ([], START_NS + 10 * MINUTE, True)


async def test_a_row_that_cannot_be_read_is_told_with_its_own_words() -> None:
    """The others are read all the same."""
    page, _ = await asked(lambda heard: told([row(0), row(1, close="40001.001"), ["?"]]), page=9)
    good, odd, short = page.records
    assert good.bar is not None
    assert good.wrong == ""
    assert (odd.bar, json.loads(odd.raw)) == (None, row(1, close="40001.001"))
    assert "40001.001" in odd.wrong
    assert (short.bar, short.raw) == (None, b'["?"]')
    assert odd.columns[:2] == ("timestamp", "open")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refused(-1120), ConfigurationError),
        (refused(-1003, status=429), RateLimited),
        (refused(-1003, status=418), RateLimited),
        (refused(-1008, status=503), OutcomeUnknown),
        (Said(body=b"<html>"), OutcomeUnknown),
        (None, OutcomeUnknown),
    ],
)
async def test_what_is_not_answered_is_named_for_what_to_do_next(answer: Said | None, error: type[Exception]) -> None:
    """Wrong question; too many; ask again."""
    with pytest.raises(error):
        await asked(lambda heard: answer)


async def test_after_a_refusal_nobody_who_shares_the_budget_asks_before_the_venue_allows_it() -> None:
    """429 with seven seconds to wait: the next question, of whoever, comes seven seconds later."""
    no = Said(status=429, body=b'{"code":-1003,"msg":"No."}', headers={"Retry-After": "7"})
    waits, now_s = list[float](), [0.0]

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        now_s[0] += seconds

    budget = WeightBudget(limit=6_000, now_s=lambda: now_s[0], sleep=sleep)
    async with (
        Peer(lambda heard: no if heard.path == "/api/v3/time" else told([row(0)])) as peer,
        aiohttp.ClientSession() as session,
    ):
        one, other = (
            BinanceBars(rest_of(session, peer.url, SimulatedClock(NOW_NS), budget=budget), page=9) for _ in range(2)
        )
        with pytest.raises(RateLimited):
            await one.now_ns()
        await other.page(OURS, "1m", START_NS, START_NS + MINUTE)
        assert waits == [7.0]


async def test_the_symbol_is_looked_up_and_the_limit_is_told() -> None:
    """`rateLimits` of exchangeInfo, by the minute; an unknown symbol is -1121."""
    limits = [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 2, "limit": 5_000},
        {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 3},
    ]
    async with Peer(lambda heard: told({"rateLimits": limits})) as peer, aiohttp.ClientSession() as session:
        source = BinanceBars(rest_of(session, peer.url, SimulatedClock(NOW_NS)))
        assert await source.weight_limit("BTCUSDT", "1m") == 2_500
        with pytest.raises(ConfigurationError, match="it has 1s, 1m"):
            await source.weight_limit("BTCUSDT", "2m")
        assert len(peer.heard) == 1  # an interval that it has not is not even asked for
    async with Peer(lambda heard: refused(-1121)) as peer, aiohttp.ClientSession() as session:
        with pytest.raises(ConfigurationError, match="does not list"):
            await BinanceBars(rest_of(session, peer.url, SimulatedClock(NOW_NS))).weight_limit("NOPE", "1m")


def test_a_frame_is_a_bar_or_other_news_or_words_that_nobody_understands() -> None:
    """Only what cannot be read is told without a bar."""
    record = closed(kline(), OURS, "1m")
    assert record is not None
    assert record.bar is not None
    assert record.columns[0] == "timestamp=data.k.t"
    assert closed(kline(x=False), OURS, "1m") is None
    for frame in (kline(h="0.01"), b"\xff", b"[]"):
        odd = closed(frame, OURS, "1m")
        assert odd is not None
        assert (odd.bar, odd.raw) == (None, frame)
        assert odd.wrong


def test_an_answer_that_is_no_list_is_no_page() -> None:
    """It says nothing about bars at all."""
    assert rows(b"[]", OURS, MINUTE) == []
