"""What the tests of `data fetch` have in common: a local exchange of minutes, a run, and the store that it fills."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from trading_system.broker_connectors.rate_limit import WeightBudget
from trading_system.cli.data.fetching import Ended, Run, run
from trading_system.data_pipeline.bar_checks import Columns
from trading_system.data_pipeline.bar_store import BarStore
from trading_system.data_pipeline.collectors.fetching import Wanted
from trading_system.data_pipeline.collectors.keeping import columns_of
from trading_system.market.bars import Bar, interval_ns
from trading_system.testnet.config import BTCUSDT, Listing, Speed, TestnetConfig
from trading_system.testnet.faults import Fault
from trading_system.testnet.server import Testnet
from trading_system.testnet.synthetic import synthetic_bars

MINUTE_NS: Final = interval_ns("1m")
CENT: Final = 1_000_000
"""Atoms in a tick of BTCUSDT."""


def minutes(count: int, *, seed: int = 5) -> list[Bar]:
    """Return synthetic minutes of BTCUSDT."""
    return synthetic_bars(seed=seed, count=count, interval_ns=MINUTE_NS, instrument=BTCUSDT)


def exchange(
    bars: Sequence[Bar],
    *,
    history: int | None = None,
    speed: Speed = "step",
    faults: tuple[Fault, ...] = (),
    weight_limit: int | None = None,
) -> Testnet:
    """Return a local exchange whose clock stands at the end of `history`, which is all unless told otherwise."""
    listing = Listing(
        instrument=BTCUSDT, interval="1m", bars=tuple(bars), history=len(bars) if history is None else history
    )
    return Testnet(TestnetConfig(listings=(listing,), speed=speed, faults=faults, weight_limit=weight_limit))


async def fetched(
    testnet: Testnet,
    store: Path,
    bars: Sequence[Bar],
    *,
    until_ns: int | None = None,
    again: bool = False,
    venue: str = "binance",
    symbol: str = "BTCUSDT",
    page: int = 1_000,
    archive: str | None = None,
    offline: bool = False,
) -> Ended:
    """Run `data fetch` from the first of `bars` on."""
    return await run(
        Run(
            venue=venue,
            symbol=symbol,
            interval="1m",
            wanted=Wanted(since_ns=bars[0].open_ns, until_ns=until_ns, again=again),
            archive=archive,
            offline=offline,
            url=testnet.url,
            env=None,
            store=store,
            page=page,
        )
    )


async def until(true: Callable[[], bool]) -> None:
    """Return once `true` is."""
    while not true():  # noqa: ASYNC110 - an exchange and a process have no event for it
        await asyncio.sleep(0.001)


def budget_of(testnet: Testnet, waits: list[float]) -> WeightBudget:
    """Return a budget of the exchange's minutes; to wait is to let its clock go on, and is noted in `waits`."""

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        testnet.floor.clock.move_to(testnet.now_ns + round(seconds * 1e9))

    return WeightBudget(limit=40, now_s=lambda: testnet.now_ns / 1e9, sleep=sleep)


def stored(store: Path) -> Columns:
    """Return all minutes of BTCUSDT that a store holds."""
    return BarStore(store).columns("binance", "BTCUSDT", "1m")


def rows(bars: Sequence[Bar]) -> Columns:
    """Return bars in ticks of a cent as the store keeps them."""
    return columns_of(
        [
            (bar.open_ns, bar.open * CENT, bar.high * CENT, bar.low * CENT, bar.close * CENT, bar.volume_atoms)
            for bar in bars
        ]
    )


def same(one: Columns, other: Columns) -> bool:
    """Return whether two series are the same to the bit."""
    return all(np.array_equal(mine, theirs) for mine, theirs in zip(one, other, strict=True))
