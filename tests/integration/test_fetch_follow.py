"""`data fetch --follow`: what closes is kept, whatever becomes of the stream."""

import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Final

import pytest
from tests.integration.fetch_worlds import MINUTE_NS, exchange, minutes, rows, same, stored, until

from trading_system.broker_connectors.sources import open_source
from trading_system.data_pipeline.bar_store import BarStore
from trading_system.data_pipeline.collectors.fetching import go_on
from trading_system.data_pipeline.collectors.keeping import Keeper, in_atoms
from trading_system.data_pipeline.collectors.pages import PatientSource
from trading_system.data_pipeline.collectors.spans import Span
from trading_system.desk.clock import SystemClock
from trading_system.market.bars import Bar
from trading_system.testnet.faults import (
    DropStream,
    Fault,
    FutureBar,
    GarbleBar,
    GarbleStamp,
    LateHistory,
    LoseAnswer,
    LoseBar,
    LoseRequest,
    On,
    Refuse,
    RepeatBar,
    Unavailable,
)
from trading_system.testnet.server import Testnet
from trading_system.utils.error_handling.quarantine import Quarantine

pytestmark = pytest.mark.slow

MOMENTS: Final = 8
"""Trades of a bar, and its close."""


async def followed(testnet: Testnet, folder: Path, bars: Sequence[Bar], *, history: int) -> tuple[Keeper, list[str]]:
    """Follow an exchange whose clock stands at the end of `history` bars until all of `bars` closed and are kept."""
    keeper = Keeper(
        store=BarStore(folder / "bars"),
        quarantine=Quarantine(folder / "quarantine.jsonl"),
        instrument=in_atoms("binance", "BTCUSDT"),
        interval="1m",
        source="test",
    )
    kept, said = asyncio.Event(), list[str]()
    async with (
        open_source(
            "binance",
            "BTCUSDT",
            "1m",
            environment="local",
            rest=testnet.url,
            stream=None,
            clock=SystemClock(),
            lost=said.append,
        ) as opened,
        asyncio.timeout(60),
    ):
        assert opened.news is not None
        source = PatientSource(opened.source, said.append)
        news = opened.news(keeper.instrument)
        work = asyncio.create_task(go_on(source, news, keeper, start_ns=bars[0].open_ns, kept=lambda part: kept.set()))
        for _ in bars[history:]:
            await until(lambda: testnet.connections > 0)
            testnet.elapse(MOMENTS)
        whole = Span(bars[0].open_ns, bars[-1].close_ns)
        while not any(span.end_ns == whole.end_ns for span in keeper.stored(whole)):
            kept.clear()
            assert not work.done(), work.exception()
            await kept.wait()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
    return keeper, said


@pytest.mark.parametrize(
    "faults",
    [
        (),
        (LoseBar(3), LoseBar(4), LoseBar(7)),
        (RepeatBar(1), RepeatBar(6)),
        (DropStream(2), DropStream(3), DropStream(8)),
        (DropStream(2), Unavailable(2, On.DATA), LoseRequest(4, On.DATA), LoseBar(6)),
        (LateHistory(1), LoseBar(3), LateHistory(2)),
    ],
    ids=["calm", "lost", "twice", "dropped", "all at once", "late"],
)
async def test_every_bar_that_closes_is_kept_once(tmp_path: Path, faults: tuple[Fault, ...]) -> None:
    """Thirty bars of history, ten that close while we listen, more or less: forty in the store."""
    bars = minutes(40)
    async with exchange(bars, history=30, faults=faults) as testnet:
        keeper, said = await followed(testnet, tmp_path, bars, history=30)
        assert testnet.floor.weather.forecast() == []
    assert same(stored(tmp_path / "bars"), rows(bars))
    assert (keeper.tally.new, keeper.tally.quarantined) == (40, 0)
    assert bool(said) == any(isinstance(fault, DropStream | Unavailable) for fault in faults)


@pytest.mark.parametrize("seed", range(6))
async def test_no_weather_loses_or_doubles_a_bar(tmp_path: Path, seed: int) -> None:
    """Two in five closes and one in four questions meet something, drawn from the seed."""
    chance, bars = Random(f"follow {seed}"), minutes(60, seed=seed)
    faults: list[Fault] = []
    for nth in range(1, 40):  # the last close is told: nothing would follow it
        if nth < 30 and chance.random() < 0.4:
            faults.append(chance.choice((LoseBar, RepeatBar, DropStream, GarbleBar, FutureBar))(nth))
        if chance.random() < 0.25:
            faults.append(chance.choice((LoseRequest, LoseAnswer, Unavailable, Refuse))(nth, On.DATA))
        elif nth < 15 and chance.random() < 0.5:  # later ones would meet the last question: nothing follows it
            faults.append(chance.choice((LateHistory, GarbleStamp))(nth))
    async with exchange(bars, history=30, faults=tuple(faults)) as testnet:
        keeper, _ = await followed(testnet, tmp_path, bars, history=30)
    assert same(stored(tmp_path / "bars"), rows(bars)), f"seed {seed}"
    assert keeper.tally.contradicting == 0
    told_wrong = sum(isinstance(fault, GarbleBar | FutureBar) for fault in faults)
    assert told_wrong <= keeper.tally.unreadable <= told_wrong + sum(isinstance(f, GarbleStamp) for f in faults)


async def test_a_bar_that_cannot_be_read_is_set_aside_with_its_words_and_healed_from_history(tmp_path: Path) -> None:
    """What the codec refuses is no reason to end; the series is whole."""
    bars = minutes(20)
    async with exchange(bars, history=10, faults=(GarbleBar(4),)) as testnet:
        keeper, _ = await followed(testnet, tmp_path, bars, history=10)
    assert same(stored(tmp_path / "bars"), rows(bars))
    assert keeper.tally.unreadable == 1
    (row,) = keeper.quarantine.contents().rows.values()
    assert b'"k":"-"' in row.record.raw
    assert row.record.series is not None
    assert str(row.record.series) == "binance/BTCUSDT/1m"


async def test_what_happened_while_nobody_listened_is_fetched_first(tmp_path: Path) -> None:
    """Followed, ended, followed again an hour later: nothing is missing."""
    bars = minutes(100)
    async with exchange(bars, history=10) as testnet:
        await followed(testnet, tmp_path, bars[:20], history=10)
        testnet.elapse(MOMENTS * 60)
        await followed(testnet, tmp_path, bars, history=80)
    assert same(stored(tmp_path / "bars"), rows(bars))


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_is_how_following_ends(tmp_path: Path, sign: int) -> None:
    """Exit code 0, and one line that says what is stored."""
    bars = minutes(600)
    async with exchange(bars, history=100, speed=600) as testnet:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "trading_system", "data", "fetch", "--url", testnet.url, "--follow", "--json"),
            *("--store", str(tmp_path / "bars"), "--since", "2024-01-01"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            await until(lambda: testnet.connections > 0)
            begun_ns = testnet.now_ns
            await until(lambda: testnet.now_ns > begun_ns + 10 * MINUTE_NS)
            process.send_signal(sign)
            out, err = await process.communicate()
    assert process.returncode == 0, err
    ended = json.loads(out)
    assert ended["interrupted"]
    found = stored(tmp_path / "bars")
    assert ended["stored"] == len(found.open_ns) >= 105
    assert same(found, rows(bars[: len(found.open_ns)]))
