"""Follow a venue into the store: what was missed is fetched, what closes is kept, until somebody says stop."""

import asyncio
from collections.abc import Callable
from typing import Final

from trading_system.data_pipeline.collectors.keeping import Keeper
from trading_system.data_pipeline.collectors.ohlcv import News, follow
from trading_system.data_pipeline.collectors.pages import Told
from trading_system.market.timestamps import NS_PER_S
from trading_system.ports import BarSource

LAG_NS: Final = 2 * NS_PER_S
"""How long after its close a bar is left to the stream: a venue's history may lag behind it by a moment."""


async def keep_following(
    source: BarSource, news: News, keeper: Keeper, *, start_ns: int, kept: Callable[[Told], None] = lambda part: None
) -> None:
    """Keep every bar that closes from `start_ns` on, UTC ns; ends only by an error, when canceled, or with `news`.

    Args:
        source: Asked for what the news passed over.
        news: Bars of the same series as they close.
        keeper: Of the same series.
        kept: Told of each part once it is on the disk.

    Raises:
        VenueError, DataError, ConfigurationError, OSError: As `backfill`.
    """

    asked_ns = start_ns

    async def now_ns() -> int:
        nonlocal asked_ns
        asked_ns = await source.now_ns()
        return asked_ns

    parts = follow(
        source,
        news,
        instrument=keeper.instrument,
        interval=keeper.interval,
        start_ns=start_ns,
        now_ns=now_ns,
        lag_ns=LAG_NS,
    )
    async for part in parts:
        keeper.keep(part, asked_ns=asked_ns)
        kept(part)


async def polled(every_s: float) -> News:
    """Yield, every so many seconds, that history should be asked: the news of a venue that has no stream of bars."""
    while True:
        await asyncio.sleep(every_s)
        yield None
