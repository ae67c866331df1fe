"""A seeded market for the tests of this room."""

import random
from collections.abc import Callable
from decimal import Decimal

import pytest

from trading_system.market.bars import Bar
from trading_system.market.instruments import Instrument

MINUTE_NS = 60_000_000_000
START_NS = 1_700_000_100_000_000_000 // (15 * MINUTE_NS) * (15 * MINUTE_NS)


def bars_of(count: int, *, seed: int = 1, interval_ns: int = 15 * MINUTE_NS, start_ns: int = START_NS) -> list[Bar]:
    """Return `count` bars of a random walk with flat and empty bars in it."""
    chance = random.Random(seed)
    close = 2_000_000
    bars = []
    for index in range(count):
        open_ns = start_ns + index * interval_ns
        opened = close
        flat = chance.random() < 0.05
        close = opened if flat else max(1_000, opened + chance.randint(-3_000, 3_000))
        reach = 0 if flat else chance.randint(0, 2_000)
        bars.append(
            Bar(
                symbol="BTCUSDT",
                open_ns=open_ns,
                close_ns=open_ns + interval_ns,
                open=opened,
                high=max(opened, close) + reach,
                low=min(opened, close) - reach // 2,
                close=close,
                volume_atoms=0 if flat else chance.randint(1, 50 * 10**8),
            )
        )
    return bars


@pytest.fixture(scope="session")
def make_bars() -> Callable[..., list[Bar]]:
    """Return the maker of random bars: `make_bars(count, seed=…, interval_ns=…, start_ns=…)`."""
    return bars_of


@pytest.fixture(scope="session")
def btcusdt() -> Instrument:
    """Return an instrument with a tick of 0.01 and a lot of 0.00001."""
    return Instrument(
        venue="binance",
        symbol="BTCUSDT",
        base="BTC",
        quote="USDT",
        tick=Decimal("0.01"),
        lot=Decimal("0.00001"),
        min_lots=1,
        min_notional=Decimal(5),
    )
