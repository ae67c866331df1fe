"""Bars by ccxt: the same port, the same digits, another road to the same exchange."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.integration.fetch_worlds import MINUTE_NS, exchange, fetched, minutes, rows, same, stored
from tests.unit.broker_connectors.peers import Heard, Peer, Said, told

from trading_system.broker_connectors.ccxt_adapter.bars import opened
from trading_system.data_pipeline.collectors.keeping import in_atoms
from trading_system.errors import ConfigurationError, OutcomeUnknown, RateLimited
from trading_system.market.money import to_atoms
from trading_system.testnet.binance.messages import symbol_info
from trading_system.testnet.config import BTCUSDT
from trading_system.testnet.faults import Fault, LoseAnswer, On, Refuse, Unavailable

pytest.importorskip("ccxt", reason="ccxt is not installed (extra ccxt)")
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("symbol", ["BTC/USDT", "BTCUSDT"])
async def test_ccxt_brings_the_same_bars_into_the_same_series(tmp_path: Path, symbol: str) -> None:
    """By its own name or the venue's; with an outage longer than a page, and one at the end of a page."""
    bars = minutes(1_500)
    there = [*bars[:90], *bars[100:300], *bars[650:]]
    async with exchange(there) as testnet:
        ended = await fetched(testnet, tmp_path, bars, venue="ccxt:binance", symbol=symbol, page=100)
        assert (ended.told()["new"], ended.told()["absent"]) == (1_139, 360)
        assert same(stored(tmp_path), rows(there[:-1]))
        direct = await fetched(testnet, tmp_path, bars, again=True)
        assert (direct.told()["new"], direct.told()["known"], direct.told()["contradicting"]) == (0, 1_139, 0)


async def test_no_digit_is_lost() -> None:
    """A volume of nineteen digits, which no float holds: 12345678901.23456789 of the base currency."""
    bars = minutes(10)
    many = replace(bars[3], volume_atoms=1_234_567_890_123_456_789)
    assert to_atoms(str(float("12345678901.23456789")) + "00") != many.volume_atoms
    async with (
        exchange([*bars[:3], many, *bars[4:]]) as testnet,
        opened("binance", "BTCUSDT", "1m", rest=testnet.url, page=100) as (source, name),
    ):
        assert name == "BTCUSDT"
        assert await source.now_ns() == testnet.now_ns
        page = await source.page(in_atoms("binance", name), "1m", bars[0].open_ns, bars[9].close_ns)
    found = [record.bar for record in page.records if record.bar is not None]
    assert found[3].volume_atoms == many.volume_atoms
    assert [bar.close for bar in found] == [bar.close * 1_000_000 for bar in bars]


async def test_digits_of_json_numbers_are_kept_as_they_stand() -> None:
    """Some venues send numbers and no strings; the last digits of this volume and price no float holds."""
    rules = {"timezone": "UTC", "serverTime": 1, "rateLimits": [], "symbols": [symbol_info(BTCUSDT)]}
    row = b"[[1704067200000, 40000.10, 40000.123456789012345, 39999, 4E4, 12345678901.23456789, 1, 1, 1, 1, 1, 0]]"

    def answer(heard: Heard) -> Said:
        return told(rules) if heard.path == "/api/v3/exchangeInfo" else Said(body=row)

    async with (
        Peer(answer) as peer,
        opened("binance", "BTCUSDT", "1m", rest=peer.url, page=9) as (source, name),
    ):
        start = 1_704_067_200_000_000_000
        (record,) = (await source.page(in_atoms("binance", name), "1m", start, start + MINUTE_NS)).records
    assert "40000.123456789012345" in record.wrong  # finer than an atom: refused, and not rounded by a float
    assert b'"12345678901.23456789"' in record.raw
    assert b'"40000.10"' in record.raw


@pytest.mark.parametrize(
    ("faults", "error"),
    [
        ((Refuse(1, On.DATA, retry_after_s=7),), RateLimited),
        ((Unavailable(1, On.DATA),), OutcomeUnknown),
        ((LoseAnswer(1, On.DATA), LoseAnswer(2, On.DATA)), OutcomeUnknown),  # aiohttp asks once more by itself
    ],
)
async def test_its_errors_are_named_for_what_to_do_next(faults: tuple[Fault, ...], error: type[Exception]) -> None:
    """429 with how long to wait; 503 and a connection that breaks: ask again."""
    bars = minutes(10)
    async with (
        exchange(bars, faults=faults) as testnet,
        opened("binance", "BTCUSDT", "1m", rest=testnet.url, page=100) as (source, name),
    ):
        with pytest.raises(error) as raised:
            await source.page(in_atoms("binance", name), "1m", bars[0].open_ns, bars[9].close_ns)
        if isinstance(raised.value, RateLimited):
            assert raised.value.retry_after_s == 7.0


@pytest.mark.parametrize(
    ("venue", "symbol", "interval", "words"),
    [
        ("nowhere", "BTC/USDT", "1m", "ccxt knows no venue"),
        ("binance", "NOPE/USDT", "1m", "does not have market symbol"),
        ("binance", "BTC/USDT", "7m", "no bars of '7m'"),
        ("kraken", "BTC/USDT", "1m", "for binance only"),
    ],
)
async def test_what_ccxt_does_not_have_is_refused(venue: str, symbol: str, interval: str, words: str) -> None:
    """In a sentence, before anything is asked for."""
    async with exchange(minutes(5)) as testnet:
        with pytest.raises(ConfigurationError, match=words):
            await opened(venue, symbol, interval, rest=testnet.url, page=100).__aenter__()
