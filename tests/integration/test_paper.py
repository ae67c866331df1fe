"""`trading-system paper` as a person runs it: in real time, and ended by a signal."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from trading_system.blotter import events as e
from trading_system.bootstrap import read_journal
from trading_system.market.bars import interval_ns
from trading_system.testnet.config import API_KEY, API_SECRET, BTCUSDT, Listing, Speed, TestnetConfig
from trading_system.testnet.server import Testnet
from trading_system.testnet.synthetic import synthetic_bars

pytestmark = pytest.mark.slow


def exchange(speed: Speed) -> Testnet:
    """Return an exchange with 200 bars of history and 100 to come."""
    bars = synthetic_bars(seed=5, count=300, interval_ns=interval_ns("15m"), instrument=BTCUSDT)
    listing = Listing(instrument=BTCUSDT, interval="15m", bars=tuple(bars), history=200)
    return Testnet(TestnetConfig(listings=(listing,), seed=5, speed=speed))


async def engine(testnet: Testnet, journal: Path, *more: str) -> asyncio.subprocess.Process:
    """Start the engine on `testnet`."""
    settings = ("--set", f"venue.rest_url={testnet.url}", "--set", "strategy.name=momentum", *more)
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "trading_system", "paper", "--journal", str(journal), *settings),
        env={**os.environ, "TRADING_SECRETS__API_KEY": API_KEY, "TRADING_SECRETS__API_SECRET": API_SECRET},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def told(process: asyncio.subprocess.Process, kind: str) -> None:
    """Return once the engine has logged a fact of this kind."""
    assert process.stderr is not None
    async with asyncio.timeout(60):
        async for line in process.stderr:
            if f'"event": "{kind}"'.encode() in line:
                return
    raise AssertionError(f"the engine ended before it told of {kind}")


async def test_in_real_time_it_starts_agrees_with_the_venue_and_ends_at_a_signal(tmp_path: Path) -> None:
    """SIGTERM: nothing more is opened, what is under way comes to rest, exit code 0; the journal says so."""
    journal = tmp_path / "journal.sqlite3"
    async with exchange(1) as testnet:
        process = await engine(testnet, journal)
        await told(process, "Reconciled")
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            await process.communicate()
    assert process.returncode == 0
    facts = [entry.fact for entry in read_journal(journal)]
    assert any(isinstance(fact, e.StopRequested) for fact in facts)
    reconciled = next(fact for fact in facts if isinstance(fact, e.Reconciled))
    assert reconciled.differences == ()


async def test_while_it_trades_its_numbers_can_be_read(tmp_path: Path, unused_tcp_port: int) -> None:
    """`/metrics` on this machine alone: facts counted by kind, bars, and that the books agree."""
    async with exchange(1) as testnet, aiohttp.ClientSession() as session:
        metrics = ("--set", f"telemetry.metrics_port={unused_tcp_port}")
        process = await engine(testnet, tmp_path / "journal.sqlite3", *metrics)
        await told(process, "Reconciled")
        async with session.get(f"http://127.0.0.1:{unused_tcp_port}/metrics") as response:
            page = await response.text()
        process.kill()
        await process.wait()
    assert 'facts_total{kind="Reconciled"} 1.0' in page
    assert "reconciliation_differences 0.0" in page
    assert 'bars_total{symbol="BTCUSDT"} 1.0' in page


async def test_a_second_engine_on_the_same_journal_is_refused(tmp_path: Path) -> None:
    """Two that write would contradict each other; the message says what to do, and nothing is sent."""
    journal = tmp_path / "journal.sqlite3"
    async with exchange(1) as testnet:
        first = await engine(testnet, journal)
        await told(first, "Reconciled")
        second = await engine(testnet, journal)
        async with asyncio.timeout(30):
            _, words = await second.communicate()
        first.kill()
        await first.wait()
    assert second.returncode == 2
    assert b"Traceback" not in words
    assert str(journal).encode() in words


async def test_a_position_of_another_strategy_stops_the_start_with_a_clear_word(tmp_path: Path) -> None:
    """The stepped run ends with a position or not; where it holds one, another strategy must not ignore it."""
    journal = tmp_path / "journal.sqlite3"
    async with exchange("step") as testnet:
        process = await engine(
            testnet, journal, "--set", "venue.step=true", "--kill-at", "protect.OrderAccepted.durable:1"
        )
        await process.communicate()
        assert process.returncode == -signal.SIGKILL
        other = await engine(testnet, journal, "--set", "venue.step=true", "--set", "strategy.name=lstm")
        async with asyncio.timeout(30):
            _, words = await other.communicate()
    assert other.returncode == 2
    assert b"strategy 'momentum' on BTCUSDT" in words


async def test_an_exchange_that_is_not_there_is_one_clear_message(tmp_path: Path) -> None:
    """No traceback: what was tried, and that nothing could be sent."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "trading_system", "paper", "--journal", str(tmp_path / "j.sqlite3")),
        *("--set", "venue.rest_url=http://127.0.0.1:1"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        _, words = await process.communicate()
    assert process.returncode == 2
    assert b"Traceback" not in words
    assert b"no connection" in words
