"""`data fetch` against the local exchange, over real sockets: whole, resumable, in calm and in foul weather."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

import aiohttp
import pytest
from tests.integration.fetch_worlds import MINUTE_NS, budget_of, exchange, fetched, minutes, rows, same, stored
from tests.unit.broker_connectors.peers import rest_of

from trading_system.broker_connectors.binance.klines import BinanceBars
from trading_system.cli.data.fetching import Run, run
from trading_system.data_pipeline.bar_store import BarStore
from trading_system.data_pipeline.collectors.asked import SETTLED_NS, Asked
from trading_system.data_pipeline.collectors.fetching import Wanted
from trading_system.data_pipeline.collectors.keeping import in_atoms
from trading_system.data_pipeline.collectors.pages import told
from trading_system.desk.clock import SimulatedClock
from trading_system.errors import ConfigurationError, RateLimited
from trading_system.testnet.config import BTCUSDT
from trading_system.testnet.faults import GarbleStamp, LoseAnswer, LoseRequest, On, Refuse, Unavailable
from trading_system.testnet.server import Testnet
from trading_system.utils.error_handling.quarantine import Quarantine

pytestmark = pytest.mark.slow

BTCUSDT_AT_BINANCE: Final = replace(BTCUSDT, venue="binance")


def asked(testnet: Testnet) -> int:
    """Return how often the exchange was asked for klines."""
    return testnet.floor.weather.seen[On.DATA]


async def test_all_closed_bars_are_stored_page_by_page_and_a_second_run_asks_for_nothing(tmp_path: Path) -> None:
    """2,500 minutes are three pages of a thousand; what is stored is not asked for again."""
    bars = minutes(2_500)
    async with exchange(bars) as testnet:
        first = await fetched(testnet, tmp_path / "bars", bars)
        assert same(stored(tmp_path / "bars"), rows(bars[:-1]))  # the last has just closed: left alone for two seconds
        assert (first.told()["new"], first.told()["stored"], asked(testnet)) == (2_499, 2_499, 3)
        second = await fetched(testnet, tmp_path / "bars", bars)
        assert (second.told()["new"], second.told()["stored"], asked(testnet)) == (0, 2_499, 3)


async def test_only_what_is_missing_is_asked_for(tmp_path: Path) -> None:
    """Two holes inside what is stored and one behind it: three requests, and the series is whole."""
    bars = minutes(1_000)
    there = [*bars[:100], *bars[110:500], *bars[700:900]]
    BarStore(tmp_path).write(there, BTCUSDT_AT_BINANCE, "1m")
    async with exchange(bars) as testnet:
        ended = await fetched(testnet, tmp_path, bars, until_ns=bars[990].open_ns)
        assert (ended.told()["new"], asked(testnet)) == (300, 3)
    assert same(stored(tmp_path), rows(bars[:990]))


async def test_an_outage_is_asked_for_once_and_then_remembered(tmp_path: Path) -> None:
    """Bars 50..69 never were. The exchange says so two hours later; from then on nobody asks."""
    bars = minutes(200)
    async with exchange([*bars[:50], *bars[70:]]) as testnet:
        first = await fetched(testnet, tmp_path, bars)
        assert (first.told()["absent"], asked(testnet)) == (20, 1)
        folder = BarStore(tmp_path).folder(in_atoms("binance", "BTCUSDT"), "1m")
        (empty,) = Asked(folder).empty()
        assert (empty.start_ns, empty.end_ns) == (bars[50].open_ns, bars[70].open_ns)
        assert testnet.now_ns - empty.asked_ns < MINUTE_NS
        await fetched(testnet, tmp_path, bars)
        assert asked(testnet) == 1
        again = await fetched(testnet, tmp_path, bars, again=True)
        assert (again.told()["absent"], asked(testnet)) == (20, 2)


async def test_bars_that_were_absent_less_than_an_hour_ago_are_asked_for_again(tmp_path: Path) -> None:
    """A venue may be late with them: bars 50..69 of a hundred, of which some come later."""
    bars = minutes(100)
    assert 80 * MINUTE_NS > SETTLED_NS > 20 * MINUTE_NS
    async with exchange([*bars[:70], *bars[80:]]) as testnet:
        await fetched(testnet, tmp_path, bars)
    async with exchange(bars) as testnet:
        ended = await fetched(testnet, tmp_path, bars)
        assert (ended.told()["new"], asked(testnet)) == (10, 1)
    assert same(stored(tmp_path), rows(bars[:-1]))


async def test_what_contradicts_a_stored_bar_is_set_aside_and_told(tmp_path: Path) -> None:
    """The stored bar stays; the venue's words go to the quarantine; the run is done all the same."""
    bars = minutes(100)
    other = replace(bars[40], volume_atoms=bars[40].volume_atoms + 1)
    mine = [*bars[:40], other, *bars[41:60]]
    store = tmp_path / "bars"
    BarStore(store).write(mine, BTCUSDT_AT_BINANCE, "1m")
    async with exchange(bars) as testnet:
        ended = await fetched(testnet, store, bars, again=True)
        quiet = await fetched(testnet, store, bars)
    assert same(stored(store), rows([*mine, *bars[60:-1]]))
    assert (ended.told()["contradicting"], ended.told()["known"], ended.told()["new"]) == (1, 59, 39)
    assert quiet.told()["contradicting"] == 0
    (row,) = Quarantine(tmp_path / "quarantine.jsonl").contents().rows.values()
    assert row.record.kind == "contradiction"
    assert row.record.open_ns == other.open_ns
    assert json.loads(row.record.raw)[0] == other.open_ns // 10**6
    assert "1 that contradict" in ended.words()


async def test_lost_questions_lost_answers_refusals_and_a_venue_in_trouble_change_nothing(tmp_path: Path) -> None:
    """Each page meets another misfortune; every bar is stored once."""
    bars = minutes(600)
    faults = (
        *(LoseRequest(nth, On.DATA) for nth in (1, 2, 3)),
        *(LoseAnswer(nth, On.DATA) for nth in (5, 6)),
        *(Unavailable(nth, On.DATA) for nth in (8, 9)),
        Refuse(11, On.DATA, retry_after_s=0),
    )
    async with exchange(bars, faults=faults) as testnet:
        ended = await fetched(testnet, tmp_path, bars, page=100)
        assert asked(testnet) > 11
        assert testnet.floor.weather.forecast() == []
    assert same(stored(tmp_path), rows(bars[:-1]))
    assert ended.told()["new"] == 599


async def test_the_weight_of_a_minute_is_never_passed() -> None:
    """Fifty pages weigh a hundred, and a minute allows forty: we wait for the next before the venue has to say so."""
    bars, waits = minutes(500), list[float]()
    async with exchange(bars, weight_limit=40) as testnet, aiohttp.ClientSession() as session:
        rest = rest_of(session, testnet.url, SimulatedClock(), budget=budget_of(testnet, waits))
        found = [
            record.bar
            async for part in told(BinanceBars(rest, page=10), BTCUSDT, "1m", bars[0].open_ns, bars[-1].close_ns)
            for record in part.records
        ]
        assert found == bars
        assert (testnet.scales.refused, testnet.scales.banned) == (0, 0)
        assert len(waits) == 3  # 16 pages a minute: 32 of 40 is our share
        assert max(waits) <= 60.5


async def test_who_was_refused_waits_as_long_as_the_venue_says_and_is_not_banned() -> None:
    """Somebody else at our address has used up the minute: one refusal, one wait, no ban."""
    bars, waits = minutes(50), list[float]()
    async with exchange(bars, weight_limit=40) as testnet, aiohttp.ClientSession() as session:
        other = rest_of(session, testnet.url, SimulatedClock())
        for _ in range(40):
            await other.public("/api/v3/ping", len)
        rest = rest_of(session, testnet.url, SimulatedClock(), budget=budget_of(testnet, waits))
        with pytest.raises(RateLimited):
            await BinanceBars(rest).now_ns()
        (part,) = [part async for part in told(BinanceBars(rest), BTCUSDT, "1m", bars[0].open_ns, bars[-1].close_ns)]
        assert [record.bar for record in part.records] == bars
        assert (testnet.scales.refused, testnet.scales.banned) == (1, 0)
        assert len(waits) == 1


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--symbol", "NOPEUSDT"), "does not list the symbol 'NOPEUSDT'"),
        (("--interval", "7m"), "no bars of '7m'"),
        (("--since", "2100-01-01"), "is in the future"),
        (("--venue", "mtgox"), "--venue 'mtgox' is not known"),
        (("--until", "2023-01-01"), "is not after --since"),
    ],
)
async def test_what_cannot_be_done_is_one_sentence_and_exit_code_2(
    tmp_path: Path, more: tuple[str, ...], words: str
) -> None:
    """No traceback, and nothing is stored."""
    bars = minutes(10)
    async with exchange(bars) as testnet:
        code, out, err = await told_by(testnet, tmp_path / "bars", *more)
    assert (code, out) == (2, "")
    assert words in err
    assert len(err.strip().splitlines()) <= 3
    assert not (tmp_path / "bars").exists()


@pytest.mark.parametrize("nth", [1, 3])
async def test_one_garbled_stamp_in_a_page_of_history_costs_that_bar_alone(tmp_path: Path, nth: int) -> None:
    """The row in the middle of a page says a time a week ahead; it is set aside, and all others are stored."""
    bars = minutes(500)
    async with exchange(bars, faults=(GarbleStamp(nth),)) as testnet:
        ended = await fetched(testnet, tmp_path / "bars", bars, page=100)
        assert testnet.floor.weather.forecast() == []
    assert ended.keeper is not None
    assert (ended.keeper.tally.new, ended.keeper.tally.unreadable) == (498, 1)  # the last closed this very moment
    garbled = 100 * (nth - 1) + 50
    assert same(stored(tmp_path / "bars"), rows([*bars[:garbled], *bars[garbled + 1 : -1]]))


async def test_what_is_stored_of_a_part_of_a_month_is_that_part(tmp_path: Path) -> None:
    """Of three hundred stored bars ten were asked for; a stray file in the folder is passed by."""
    bars = minutes(300)
    async with exchange(bars) as testnet:
        await fetched(testnet, tmp_path / "bars", bars)
        (tmp_path / "bars" / "binance" / "BTCUSDT" / "1m" / "backup.parquet").write_bytes(b"mine")
        ended = await fetched(testnet, tmp_path / "bars", bars, until_ns=bars[10].open_ns)
    assert ended.told()["stored"] == 10


async def test_a_venue_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    """Three tries, then what was tried."""
    bars = minutes(10)
    testnet = exchange(bars)
    await testnet.start()
    await testnet.stop()
    code, _, err = await told_by(testnet, tmp_path)
    assert code == 2
    assert "no connection to 127.0.0.1:" in err
    assert "Connection refused" in err
    assert "Traceback" not in err
    assert "ClientConnectorError" not in err


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_in_the_middle_ends_it_with_a_line_on_what_is_stored(tmp_path: Path, sign: int) -> None:
    """Exit code 130; what is stored is whole pages, and the next run brings the rest."""
    bars, counts = minutes(400), list[int]()
    process: asyncio.subprocess.Process | None = None

    def on_request(on: On, name: str) -> None:
        counts.append(1)
        if len(counts) == 4 and process is not None:
            process.send_signal(sign)

    listing = exchange(bars).floor.config
    async with Testnet(listing, on_request=on_request) as testnet:
        process = await started(testnet, tmp_path, "--page", "20", "--json")
        async with asyncio.timeout(30):
            out, err = await process.communicate()
        assert process.returncode == 130, err
        ended = json.loads(out)
        assert ended["interrupted"]
        assert ended["stored"] == len(stored(tmp_path).open_ns) <= 100
        assert ended["stored"] % 20 == 0
        await fetched(testnet, tmp_path, bars)
    assert same(stored(tmp_path), rows(bars[:-1]))


async def test_on_a_terminal_a_bar_shows_how_far_it_is_and_how_long_it_takes(tmp_path: Path) -> None:
    """On standard error, and only there: what is printed at the end is one line."""
    bars = minutes(500)
    ours, theirs = os.openpty()
    async with exchange(bars) as testnet:
        process = await started(testnet, tmp_path, "--page", "10", stderr=theirs, TERM="xterm", COLUMNS="120")
        async with asyncio.timeout(30):
            shown, (out, _) = await asyncio.gather(
                asyncio.to_thread(read_until_closed, ours, theirs), process.communicate()
            )
    assert process.returncode == 0
    assert "BTCUSDT 1m" in shown
    assert "/499" in shown
    assert "left" in shown
    assert len(out.splitlines()) == 1


def read_until_closed(ours: int, theirs: int) -> str:
    """Return what is written to a terminal until nobody has it open any more."""
    os.close(theirs)
    read = b""
    with contextlib.suppress(OSError):  # EIO: the other side is closed
        while some := os.read(ours, 65_536):
            read += some
    os.close(ours)
    return read.decode()


async def test_the_address_of_a_settings_file_is_taken(tmp_path: Path) -> None:
    """--env names the file; that of development has a local exchange without an address, which is said."""
    asked_of = Run(
        venue="binance",
        symbol="BTCUSDT",
        interval="1m",
        wanted=Wanted(since_ns=0),
        archive=None,
        offline=False,
        url=None,
        env="dev",
        store=tmp_path,
        page=1_000,
    )
    with pytest.raises(ConfigurationError, match="rest_url is not set"):
        await run(asked_of)


async def started(
    testnet: Testnet, store: Path, *more: str, stderr: int = asyncio.subprocess.PIPE, **variables: str
) -> asyncio.subprocess.Process:
    """Start `data fetch` as a person does."""
    since = () if "--since" in more else ("--since", "2024-01-01")
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "trading_system", "data", "fetch", "--url", testnet.url, "--store", str(store)),
        *since,
        *more,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
        env={**os.environ, **variables},
    )


async def told_by(testnet: Testnet, store: Path, *more: str) -> tuple[int, str, str]:
    """Run `data fetch` and return its exit code, and what it wrote."""
    process = await started(testnet, store, *more)
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()
