"""Where bars come from, by name: Binance itself, or any venue that ccxt speaks to."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import aiohttp

from trading_system.broker_connectors.binance.hosts import hosts_of
from trading_system.broker_connectors.binance.klines import MOST, USUAL_LIMIT, BinanceBars
from trading_system.broker_connectors.binance.rest import Rest
from trading_system.broker_connectors.binance.stream import bar_news, bar_stream_path
from trading_system.broker_connectors.rate_limit import WeightBudget
from trading_system.broker_connectors.websocket import Connection
from trading_system.errors import ConfigurationError
from trading_system.market.bars import interval_ns
from trading_system.market.instruments import Instrument
from trading_system.market.timestamps import NS_PER_S
from trading_system.ports import BarRecord, BarSource, Clock
from trading_system.utils.error_handling.retries import answered

CCXT: Final = "ccxt:"
"""What the names of venues begin with that ccxt is asked for, as in ccxt:kraken."""
TIMEOUT: Final = aiohttp.ClientTimeout(total=20.0, connect=5.0)
TRIES: Final = 3
"""How often the first question is asked before the venue is said not to be there."""
PATIENCE: Final = 1.5
"""Bars' lengths without news after which history is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSource:
    """A source that is ready to be asked.

    Attributes:
        source: To be asked.
        venue: What the venue is called in the store.
        symbol: What the instrument is called in the store: the venue's own string.
        words: What it is called in the quarantine.
        news: Gives the venue's bars as they close; None where it has no stream of them.
    """

    source: BarSource
    venue: str
    symbol: str
    words: str
    news: Callable[[Instrument], AsyncIterator[BarRecord | None]] | None


@asynccontextmanager
async def open_source(
    venue: str,
    symbol: str,
    interval: str,
    *,
    environment: str,
    rest: str | None,
    stream: str | None,
    clock: Clock,
    page: int = MOST,
    waiting: Callable[[float, str], None] = lambda seconds, why: None,
    lost: Callable[[str], None] = lambda why: None,
) -> AsyncIterator[OpenSource]:
    """Yield the source of `symbol` at `venue`, once it is known to have it.

    Args:
        venue: "binance", or "ccxt:" and a name that ccxt knows.
        symbol: As the venue writes it; for ccxt, as ccxt does, too.
        interval: As venues write it, "15m".
        environment: Binance's, "live" or "testnet", or "local" where the addresses say where.
        rest, stream: Addresses in place of those known; the stream's is the REST API's where that alone is given. ccxt
            asks at `rest`, too, where it is given.
        clock: Set by the venue's time once, for the minutes of its request weight.
        page: Bars to ask for at a time.
        waiting: Told of each wait for request weight: how long, seconds, and why.
        lost: Told why the stream broke, each time.

    Raises:
        ConfigurationError: There is no such venue, it does not list the symbol, or has no bars of that length.
        VenueError: It could not be asked.
    """
    if venue.startswith(CCXT):
        from trading_system.broker_connectors.ccxt_adapter.bars import opened  # seconds, and only for these

        async with opened(venue.removeprefix(CCXT), symbol, interval, rest=rest, page=page) as (source, name):
            where = f"{venue} OHLCV"
            yield OpenSource(source=source, venue=venue.removeprefix(CCXT), symbol=name, words=where, news=None)
        return
    if venue != "binance":
        raise ConfigurationError(
            f"--venue {venue!r} is not known; it is binance, or {CCXT}NAME for one that ccxt knows"
        )
    hosts = hosts_of(environment, rest, stream, None)
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        budget = WeightBudget(limit=USUAL_LIMIT, now_s=lambda: clock.now_ns() / NS_PER_S, waiting=waiting)
        requests = Rest(
            session,
            host=hosts.rest,
            api_key="",
            api_secret="",
            recv_window_ms=5_000,
            clock=clock,
            reached=lambda step: None,
            budget=budget,
        )
        bars = BinanceBars(requests, page=page)
        budget.set_limit(await answered(lambda: bars.weight_limit(symbol, interval), tries=TRIES))
        patience_s = PATIENCE * interval_ns(interval) / NS_PER_S

        def connection(changed: Callable[[], None]) -> Connection:
            return Connection(
                session,
                prefix="bars-",
                url=lambda name: hosts.stream + bar_stream_path([symbol], interval),
                lost=lost,
                restored=lambda: None,
                changed=changed,
            )

        yield OpenSource(
            source=bars,
            venue=venue,
            symbol=symbol,
            words=f"{hosts.rest}/api/v3/klines",
            news=lambda instrument: bar_news(connection, instrument, interval, patience_s=patience_s),
        )
