"""The desk's bars come through the same collector: what the codec refuses is set aside, and trading goes on."""

import asyncio
import os
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from trading_system.blotter import events as e
from trading_system.bootstrap import read_journal
from trading_system.market.bars import interval_ns
from trading_system.testnet.config import API_KEY, API_SECRET, BTCUSDT, Listing, TestnetConfig
from trading_system.testnet.faults import GarbleBar, LoseAnswer, LoseBar, On, RepeatBar, Unavailable
from trading_system.testnet.server import Testnet
from trading_system.testnet.synthetic import synthetic_bars
from trading_system.utils.error_handling.quarantine import Quarantine

pytestmark = pytest.mark.slow

HISTORY, LIVE = 60, 40


async def test_a_feed_that_garbles_loses_and_repeats_bars_neither_ends_the_desk_nor_hides_a_bar(tmp_path: Path) -> None:
    """Each of forty bars reaches the desk once, in order; the words that nobody understood are in the quarantine."""
    bars = synthetic_bars(seed=5, count=HISTORY + LIVE, interval_ns=interval_ns("15m"), instrument=BTCUSDT)
    faults = (
        *(GarbleBar(5), RepeatBar(9), LoseBar(12), LoseBar(13), GarbleBar(20)),
        *(Unavailable(3, On.DATA), LoseAnswer(5, On.DATA)),
    )
    listing = Listing(instrument=BTCUSDT, interval="15m", bars=tuple(bars), history=HISTORY)
    journal = tmp_path / "journal.sqlite3"
    async with Testnet(TestnetConfig(listings=(listing,), seed=5, faults=faults)) as testnet:
        values = {
            "venue.rest_url": testnet.url,
            "venue.step": "true",
            "strategy.name": "momentum",
            "data.history_bars": str(HISTORY),
            "data.store": f'"{tmp_path / "bars"}"',
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "trading_system", "paper", "--journal", str(journal), "--log", os.devnull),
            *(part for name, value in values.items() for part in ("--set", f"{name}={value}")),
            env={**os.environ, "TRADING_SECRETS__API_KEY": API_KEY, "TRADING_SECRETS__API_SECRET": API_SECRET},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            _, words = await process.communicate()
        assert testnet.floor.weather.forecast() == []
    assert process.returncode == 0, words
    heard = [entry.fact.bar for entry in read_journal(journal) if isinstance(entry.fact, e.BarClosed)]
    assert heard == bars[-len(heard) :]
    assert len(heard) >= LIVE
    assert all(one.close_ns == other.open_ns for one, other in pairwise(heard))
    kept = Quarantine(tmp_path / "quarantine.jsonl").contents().rows.values()
    assert len(kept) == 2
    assert all(b'"k":"-"' in row.record.raw for row in kept)
