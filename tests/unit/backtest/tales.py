"""Histories to be told at both speeds: real instruments, random markets and views, careless policies."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeVar

import numpy as np

from trading_system.backtest.run import make_setup
from trading_system.backtest.tape import Beliefs, Rules, Setup, Tape
from trading_system.blotter.objections import STALE_FEED, UNRECONCILED
from trading_system.blotter.portfolio import SleeveKey, terms_of
from trading_system.blotter.state import Policy
from trading_system.execution_engine.simulator.costs import Costs
from trading_system.market.columns import Ints
from trading_system.market.instruments import Instrument

T = TypeVar("T")

MINUTE_NS: Final = 60_000_000_000
HOUR_NS: Final = 60 * MINUTE_NS
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


def alone(rng: np.random.Generator, slices: int) -> Tale:
    """Return one strategy on one instrument, by the ordinary rules."""
    close = np.maximum(20, 3_000_000 * np.exp(np.cumsum(rng.normal(0.0, 0.002, slices)))).astype(np.int64)
    open_ = np.concatenate([[3_000_000], close[:-1]])
    column = (slices, 1)
    tape = Tape(
        close_ns=START_NS + MINUTE_NS * np.arange(1, slices + 1),
        open=open_[:, None],
        high=np.maximum(open_, close)[:, None] + rng.integers(0, 6_000, column),
        low=np.minimum(open_, close)[:, None] - rng.integers(0, 6_000, column),
        close=close[:, None],
        volume_atoms=rng.integers(10**9, 10**10, column),
        atr=np.full(column, 6_000.0),
        gates=np.empty(0, dtype=np.int64),
    )
    probability = np.where(rng.random(column) < 0.1, rng.choice([0.7, 0.3, np.nan], column), 0.5)
    odds = np.full(column, 0.01)
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


def wild(seed: int, slices: int = 60) -> Tale:
    """Return up to three strategies on up to two instruments, by any rules, with everything that can go wrong.

    Prices are about 1,000 ticks and lots are coarse, so that every rounding counts: gaps, jumps, missing bars and
    slices, volumes as small as the orders, views with holes, late bars, books that differ, shorts, every kind of entry,
    size, stop and cost.
    """
    rng = np.random.default_rng(seed)
    instruments = [_coarse(name, shortable=bool(rng.integers(2))) for name in ("AAA", "BBB")[: rng.integers(1, 3)]]
    bars = np.stack([_bars(rng, slices, missing=_one_of(rng, 0.0, 0.1)) for _ in instruments], axis=1)
    atr = rng.uniform(5.0, 40.0, bars.shape[:2])
    atr[rng.random(atr.shape) < 0.04] = 0.0
    traded = [int(rng.integers(len(instruments))) for _ in range(rng.integers(1, 4))]
    shape = slices, len(traded)
    probability = np.clip((0.5 + np.cumsum(rng.normal(0.0, 0.12, shape), axis=0)) % 1.1 - 0.05, 0.0, 1.0)
    probability[rng.random(shape) < 0.08] = np.nan
    told = rng.choice([UNRECONCILED, STALE_FEED, UNRECONCILED | STALE_FEED], slices)
    gates = np.where(rng.random(slices) < 0.05, told, 0)
    tape = Tape(
        close_ns=START_NS + HOUR_NS * (1 + np.flatnonzero(rng.random(2 * slices + 9) < 0.95)[:slices]),
        open=bars[:, :, 0],
        high=bars[:, :, 1],
        low=bars[:, :, 2],
        close=bars[:, :, 3],
        volume_atoms=bars[:, :, 4],
        atr=atr,
        gates=gates if rng.random() < 0.3 else np.empty(0, dtype=np.int64),
    )
    setup = make_setup(
        cash_atoms=int(rng.integers(10**8, 3 * 10**9)),
        terms=[terms_of(instrument) for instrument in instruments],
        costs=[_any_costs(rng) for _ in instruments],
        instrument=traded,
        policies=[_careless(rng) for _ in traded],
        rules=Rules(
            at_close=_one_of(rng, 0, 0, 1),
            touch=_one_of(rng, 0, 1, 2),
            latency_bars=_one_of(rng, 0, 0, 0, 1, 2, 3),
            volume_share=_one_of(rng, 0, 0, 10**7, 5 * 10**7),
        ),
        life_ns=[HOUR_NS] * len(traded),
    )
    return Tale(
        tape=tape,
        beliefs=Beliefs(probability=probability, gain=rng.uniform(0.0, 0.1, shape), loss=rng.uniform(0.0, 0.1, shape)),
        setup=setup,
        instruments=instruments,
        sleeves=[(f"s{k}", instruments[i].symbol) for k, i in enumerate(traded)],
    )


def quarrel(seed: int, slices: int = 60) -> Tale:
    """Return two to four strategies, most of them on one instrument, that often want opposite things at one close.

    Their views are one view and its opposite, of any age, and most enter at market: lots cross at many closes. Sizes
    are such that the rest is often nothing, or too small for the venue. All else is as wild as in `wild`.
    """
    rng = np.random.default_rng(seed)
    tale = wild(seed, slices)
    traded = [int(rng.random() < 0.15) * (len(tale.instruments) - 1) for _ in range(rng.integers(2, 5))]
    turned = np.cumsum(rng.random(slices + 8) < 0.3) % 2
    probability = np.stack([np.roll(turned, _one_of(rng, 0, 0, 0, 1))[8:] * 0.8 + 0.1 for _ in traded], axis=1)
    opposed = rng.random(len(traded)) < 0.5
    probability[:, opposed] = 1.0 - probability[:, opposed]
    probability[rng.random(probability.shape) < 0.03] = np.nan
    policies = [
        _careless(rng)._replace(
            max_drawdown=0.95,
            max_daily_loss=1.0,
            max_gross=5.0,
            entry_mode=_one_of(rng, 0.0, 0.0, 0.0, 0.0, 1.0),
            entry_parts=_one_of(rng, 1.0, 1.0, 1.0, 1.0, 2.0),
            size_mode=_one_of(rng, 3.0, 3.0, 1.0, 2.0),
            size_lots=float(rng.integers(4, 16)),
            size_fraction=rng.uniform(0.05, 0.3),
            atr_stop=rng.uniform(0.5, 4.0),
        )
        for _ in traded
    ]
    setup = make_setup(
        cash_atoms=_one_of(rng, 10**9, 4 * 10**7),  # plenty, or so little that what one is promised another lacks
        terms=[terms_of(instrument) for instrument in tale.instruments],
        costs=[_any_costs(rng) for _ in tale.instruments],
        instrument=traded,
        policies=policies,
        rules=tale.setup.rules,
        life_ns=[HOUR_NS] * len(traded),
    )
    moves = rng.uniform(0.005, 0.1, probability.shape)
    return Tale(
        tape=tale.tape,
        beliefs=Beliefs(probability=probability, gain=moves, loss=moves),
        setup=setup,
        instruments=tale.instruments,
        sleeves=[(f"s{k}", tale.instruments[i].symbol) for k, i in enumerate(traded)],
    )


def _one_of(rng: np.random.Generator, *choices: T) -> T:
    return choices[int(rng.integers(len(choices)))]


def _coarse(base: str, *, shortable: bool) -> Instrument:
    return Instrument(
        venue="binance",
        symbol=f"{base}USDT",
        base=base,
        quote="USDT",
        tick=Decimal("0.01"),
        lot=Decimal("0.001"),
        min_lots=2,
        min_notional=Decimal("0.03"),
        shortable=shortable,
    )


def _bars(rng: np.random.Generator, slices: int, missing: float) -> Ints:
    close = np.maximum(20, 1_000 * np.exp(np.cumsum(rng.normal(0.0, 0.02, slices)))).astype(np.int64)
    calm = np.concatenate([[1_000], close[:-1]])[:slices]
    jumped = np.maximum(20, calm * rng.uniform(0.85, 1.2, slices)).astype(np.int64)
    open_ = np.where(rng.random(slices) < 0.15, jumped, calm)
    high = np.maximum(open_, close) + rng.integers(0, 20, slices)
    low = np.maximum(1, np.minimum(open_, close) - rng.integers(0, 20, slices))
    volume = rng.integers(0, 2_000, slices) * 100_000 + rng.integers(0, 1_000, slices)
    bars = np.stack([open_, high, low, close, volume], axis=1)
    bars[rng.random(slices) < missing] = 0
    return bars


def _any_costs(rng: np.random.Generator) -> Costs:
    return Costs(
        taker_fee=_one_of(rng, 0, 100_000, 1_000_000),
        maker_fee=_one_of(rng, 0, 50_000),
        slip=_one_of(rng, 0, 50_000, 500_000),
        half_spread=_one_of(rng, 0, 30_000),
        slip_model=_one_of(rng, 0, 1, 2),
        fee_in_base=_one_of(rng, 0, 1),
        fee_rounding=_one_of(rng, 0, 1, 2),
    )


def _careless(rng: np.random.Generator) -> Policy:
    return Policy(
        kelly_share=rng.uniform(0.1, 1.0),
        kelly_cap=rng.uniform(0.05, 0.5),
        max_exposure=rng.uniform(0.1, 1.5),
        enter_above=rng.uniform(0.5, 0.7),
        leave_below=rng.uniform(0.2, 0.45),
        round_trip_cost=rng.uniform(0.0, 0.01),
        atr_stop=rng.uniform(0.2, 3.0),
        stop_step=_one_of(rng, 0.0, rng.uniform(0.0, 1.0)),
        stop_slack=rng.uniform(0.0, 0.25),
        cash_buffer=rng.uniform(0.0, 0.2),
        max_drawdown=rng.uniform(0.1, 0.9),
        max_daily_loss=_one_of(rng, 1.0, rng.uniform(0.02, 0.2)),
        max_gross=rng.uniform(0.2, 2.0),
        stop_mode=_one_of(rng, 0.0, 0.0, 1.0, 2.0),
        take_profit=_one_of(rng, 0.0, rng.uniform(0.3, 3.0)),
        max_bars=_one_of(rng, 0.0, 0.0, 1.0, 3.0, 6.0),
        size_mode=_one_of(rng, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0),
        size_fraction=rng.uniform(0.05, 1.0),
        size_lots=float(rng.integers(2, 500)),
        size_quote=rng.uniform(0.1, 10.0),
        entry_mode=_one_of(rng, 0.0, 0.0, 1.0, 2.0),
        entry_offset=_one_of(rng, 0.0, rng.uniform(0.0, 1.0)),
        entry_bars=_one_of(rng, 1.0, 2.0, 4.0),
        entry_parts=_one_of(rng, 1.0, 1.0, 2.0, 3.0, 5.0),
    )
