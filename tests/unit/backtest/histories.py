"""Histories to play: by hand in round numbers, and at random with everything that can go wrong in them."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from tests.unit.desk.numbers import POLICY, SURE, TERMS

from trading_system.backtest.run import make_setup
from trading_system.backtest.tape import Beliefs, Setup, Tape
from trading_system.blotter.state import NO_VIEW, Policy, Terms, View
from trading_system.execution_engine.simulator.costs import Costs

ONE_PERCENT: Final = Costs(taker_fee=1_000_000, maker_fee=500_000, slip=0)
"""Fees of 1 % and, resting, 0.5 %; fills at the bar's own prices."""
FREE: Final = Costs(taker_fee=0, maker_fee=0, slip=0)
HOUR_NS: Final = 3_600_000_000_000
NO_BAR: Final = (0, 0, 0, 0)
Prices = tuple[int, int, int, int]


def told(bars: Sequence[Prices], views: Sequence[View], *, gates: Sequence[int] | None = None) -> tuple[Tape, Beliefs]:
    """Return one instrument's bars (open, high, low, close), ATR 50, and one sleeve's views, each valid for its bar."""
    slices = len(bars)
    close_ns = HOUR_NS * np.arange(1, slices + 1)
    tape = Tape(
        close_ns=close_ns,
        bars=np.array([[(*bar, 0)] for bar in bars]),
        atr=np.full((slices, 1), 50.0),
        gates=np.array(gates or [0] * slices),
    )
    held = [close if view.expires_ns else 0 for close, view in zip(close_ns, views, strict=True)]
    odds = np.array([[view[:3]] for view in views])
    return tape, Beliefs(odds=odds, expires_ns=np.array(held)[:, None])


def alone(*, cash: int = 1_000_000, policy: Policy = POLICY, costs: Costs = ONE_PERCENT, terms: Terms = TERMS) -> Setup:
    """Return one sleeve on one instrument, whose lot is worth its price in atoms."""
    return make_setup(cash_atoms=cash, terms=[terms], costs=[costs], instrument=[0], policies=[policy])


def wild(seed: int, slices: int = 60, instruments: int = 2, sleeves: int = 3) -> tuple[Tape, Beliefs, Setup]:
    """Return a market with gaps, jumps and missing bars, views with holes in them, and careless policies."""
    rng = np.random.default_rng(seed)
    shape = slices, instruments
    close = np.maximum(20, 1_000 * np.exp(np.cumsum(rng.normal(0.0, 0.03, shape), axis=0))).astype(np.int64)
    open_ = np.maximum(
        20, np.roll(close, 1, axis=0) * np.where(rng.random(shape) < 0.2, rng.uniform(0.6, 1.5, shape), 1.0)
    )
    open_ = open_.astype(np.int64)
    high = np.maximum(open_, close) + rng.integers(0, 30, shape)
    low = np.minimum(open_, close) - rng.integers(0, 19, shape)
    bars = np.stack([open_, high, low, close, rng.integers(0, 10**9, shape)], axis=2)
    bars[rng.random(shape) < 0.05] = 0
    atr = rng.uniform(5.0, 60.0, shape)
    atr[rng.random(shape) < 0.05] = rng.choice([0.0, np.nan, np.inf])
    odds = np.stack([rng.uniform(0.2, 1.0, (slices, sleeves)), *rng.uniform(0.005, 0.1, (2, slices, sleeves))], axis=2)
    odds[rng.random((slices, sleeves)) < 0.05, rng.integers(0, 3)] = rng.choice([np.nan, np.inf, -1.0, 0.0])
    close_ns = HOUR_NS * np.arange(1, slices + 1)
    expires_ns = close_ns[:, None] + rng.choice([0, 0, 0, HOUR_NS, -1], (slices, sleeves))
    gates = np.where(rng.random(slices) < 0.1, 1 << 9, 0)
    policies = [
        Policy(
            kelly_share=rng.uniform(0.1, 1.0),
            kelly_cap=rng.uniform(0.05, 0.5),
            max_exposure=rng.uniform(0.1, 1.5),
            enter_above=rng.uniform(0.5, 0.7),
            leave_below=rng.uniform(0.2, 0.45),
            round_trip_cost=rng.uniform(0.0, 0.01),
            atr_stop=rng.uniform(0.2, 4.0),
            stop_step=rng.uniform(0.0, 1.0),
            stop_slack=rng.uniform(0.0, 0.25),
            cash_buffer=rng.uniform(0.0, 0.2),
            max_drawdown=rng.uniform(0.3, 0.9),
        )
        for _ in range(sleeves)
    ]
    setup = make_setup(
        cash_atoms=int(rng.integers(10**5, 10**8)),
        terms=[TERMS._replace(lot_atoms=100 + i, notional_atoms=1 + i) for i in range(instruments)],
        costs=[
            Costs(taker_fee=100_000, maker_fee=50_000, slip=int(rng.integers(0, 10**6))) for _ in range(instruments)
        ],
        instrument=[int(rng.integers(0, instruments)) for _ in range(sleeves)],
        policies=policies,
    )
    return Tape(close_ns, bars, atr, gates), Beliefs(odds, expires_ns), setup


ENTER_ONCE: Final = (SURE, *(NO_VIEW,) * 9)
"""Enter at the first close; then no view, so that only the stop leaves."""
