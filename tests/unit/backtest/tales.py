"""Histories to be told at both speeds: real instruments, random markets and views, careless policies."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np

from trading_system.backtest.run import make_setup
from trading_system.backtest.tape import Beliefs, Setup, Tape
from trading_system.blotter.portfolio import SleeveKey, terms_of
from trading_system.blotter.state import Policy
from trading_system.execution_engine.simulator.costs import Costs
from trading_system.market.columns import Ints
from trading_system.market.instruments import Instrument

MINUTE_NS: Final = 60_000_000_000
START_NS: Final = 1_700_006_400_000_000_000
"""2023-11-15T00:00:00Z."""
BITCOIN: Final = Instrument(
    venue="binance",
    symbol="BTCUSDT",
    base="BTC",
    quote="USDT",
    tick=Decimal("0.01"),
    lot=Decimal("0.00001"),
    min_lots=1,
    min_notional=Decimal(5),
)
POLICY: Final = Policy(
    kelly_share=0.25,
    kelly_cap=0.1,
    max_exposure=1.0,
    enter_above=0.55,
    leave_below=0.45,
    round_trip_cost=0.002,
    atr_stop=3.0,
    stop_step=0.25,
    stop_slack=0.02,
    cash_buffer=0.01,
    max_drawdown=0.9,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tale:
    """What a run is told."""

    tape: Tape
    beliefs: Beliefs
    setup: Setup
    instruments: list[Instrument]
    sleeves: list[SleeveKey]

    @property
    def told(self) -> tuple[Tape, Beliefs, Setup]:
        """What both speeds take."""
        return self.tape, self.beliefs, self.setup


def walk(rng: np.random.Generator, slices: int, start: int, scale: float) -> list[Ints]:
    """Return open, high, low and close of a random walk without gaps, ticks."""
    close = np.maximum(20, start * np.exp(np.cumsum(rng.normal(0.0, scale, slices)))).astype(np.int64)
    open_ = np.concatenate([[start], close[:-1]])
    reach = max(2, int(start * scale))
    high = np.maximum(open_, close) + rng.integers(0, reach, slices)
    low = np.maximum(1, np.minimum(open_, close) - rng.integers(0, reach, slices))
    return [open_, high, low, close]


def alone(rng: np.random.Generator, slices: int) -> Tale:
    """Return one strategy on one instrument, by the ordinary rules."""
    open_, high, low, close = (prices[:, None] for prices in walk(rng, slices, 3_000_000, 0.002))
    volume = rng.integers(10**9, 10**10, (slices, 1))
    tape = Tape(
        close_ns=START_NS + MINUTE_NS * np.arange(1, slices + 1),
        open=open_,
        high=high,
        low=low,
        close=close,
        volume_atoms=volume,
        atr=np.full((slices, 1), 6_000.0),
        gates=np.empty(0, dtype=np.int64),
    )
    probability = np.where(rng.random((slices, 1)) < 0.1, rng.choice([0.7, 0.3, np.nan], (slices, 1)), 0.5)
    odds = np.full((slices, 1), 0.01)
    setup = make_setup(
        cash_atoms=10**12,
        terms=[terms_of(BITCOIN)],
        costs=[Costs(taker_fee=100_000, maker_fee=100_000, slip=20_000)],
        instrument=[0],
        policies=[POLICY],
        life_ns=[MINUTE_NS],
    )
    return Tale(
        tape=tape,
        beliefs=Beliefs(probability=probability, gain=odds, loss=odds),
        setup=setup,
        instruments=[BITCOIN],
        sleeves=[("one", "BTCUSDT")],
    )
