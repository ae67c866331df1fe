"""A seeded market that a small network can learn, and one network trained on it."""

import random
from collections.abc import Callable
from decimal import Decimal

import pytest

from trading_system.core_ai.inference.manifest import Manifest
from trading_system.core_ai.training.export import export
from trading_system.core_ai.training.train import Plan, Trained, train
from trading_system.market.bars import Bar
from trading_system.market.instruments import Instrument

HOUR_NS = 3_600_000_000_000
START_NS = 1_706_000_400_000_000_000
SMALL = Plan(window=8, horizon=1, hidden=4, epochs=12, learning_rate=1e-2, seed=5)


def reverting_bars(count: int, *, seed: int = 1, pull: float = 0.6) -> list[Bar]:
    """Return hourly bars whose moves turn back by `pull` of the move before: 0 is a random walk."""
    chance = random.Random(seed)
    close, move, bars = 1_000_000, 0, []
    for index in range(count):
        opened = close
        move = round(-pull * move) + chance.randint(-2_000, 2_000)
        close = opened + move
        high, low = max(opened, close) + chance.randint(0, 500), min(opened, close) - chance.randint(0, 500)
        open_ns = START_NS + index * HOUR_NS
        bars.append(
            Bar(
                symbol="BTCUSDT",
                open_ns=open_ns,
                close_ns=open_ns + HOUR_NS,
                open=opened,
                high=high,
                low=low,
                close=close,
                volume_atoms=chance.randint(1, 10**9),
            )
        )
    return bars


@pytest.fixture(scope="session")
def make_bars() -> Callable[..., list[Bar]]:
    """Return the maker of hourly bars: `make_bars(count, seed=…, pull=…)`."""
    return reverting_bars


@pytest.fixture(scope="session")
def small() -> Plan:
    """Return a plan for a network that trains in a second."""
    return SMALL


@pytest.fixture(scope="session")
def trained() -> Trained:
    """Return a small network that learned a reverting market."""
    return train(reverting_bars(3_000), interval="1h", plan=SMALL, tell=lambda epoch: None)


@pytest.fixture
def exported(trained, tmp_path) -> Manifest:
    """Return the manifest of the small network, exported to `tmp_path / "model"`."""
    return export(trained, tmp_path / "model")


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
