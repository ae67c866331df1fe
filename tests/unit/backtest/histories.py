"""Histories to play: by hand in round numbers, and at random with everything that can go wrong in them."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from tests.unit.desk.numbers import POLICY, SURE, TERMS

from trading_system.backtest.run import Outcome, make_setup
from trading_system.backtest.tape import (
    CROSS,
    FILL_COLUMNS,
    FILL_ORDER,
    FILL_SLICE,
    ORDER_COLUMNS,
    Beliefs,
    Rules,
    Setup,
    Tape,
)
from trading_system.blotter.state import NO_VIEW, Policy, Terms, View
from trading_system.execution_engine.simulator.costs import UNIT, Costs

ONE_PERCENT: Final = Costs(taker_fee=1_000_000, maker_fee=500_000, slip=0)
"""Fees of 1 % and, resting, 0.5 %; fills at the bar's own prices."""
FREE: Final = Costs(taker_fee=0, maker_fee=0, slip=0)
HOUR_NS: Final = 3_600_000_000_000
NO_BAR: Final = (0, 0, 0, 0)
Prices = tuple[int, int, int, int]


def told(
    bars: Sequence[Prices],
    views: Sequence[View],
    *,
    gates: Sequence[int] = (),
    volume: int = 10**9,
    first_ns: int = HOUR_NS,
) -> tuple[Tape, Beliefs]:
    """Return one instrument's bars (open, high, low, close), ATR 50, and one sleeve's views, each valid for its bar."""
    slices = len(bars)
    prices = np.array(bars, dtype=np.int64).reshape(slices, 4)
    tape = Tape(
        close_ns=first_ns + HOUR_NS * np.arange(slices),
        open=prices[:, 0:1],
        high=prices[:, 1:2],
        low=prices[:, 2:3],
        close=prices[:, 3:4],
        volume_atoms=np.full((slices, 1), volume),
        atr=np.full((slices, 1), 50.0),
        gates=np.array(gates, dtype=np.int64),
    )
    odds = np.array([[view[:3] if view.expires_ns else (np.nan, 0.0, 0.0)] for view in views]).reshape(slices, 1, 3)
    return tape, Beliefs(probability=odds[:, :, 0], gain=odds[:, :, 1], loss=odds[:, :, 2])


def alone(
    *,
    cash: int = 1_000_000,
    policy: Policy = POLICY,
    costs: Costs = ONE_PERCENT,
    terms: Terms = TERMS,
    rules: Rules | None = None,
) -> Setup:
    """Return one sleeve on one instrument, whose lot is worth its price in atoms."""
    return make_setup(cash_atoms=cash, terms=[terms], costs=[costs], instrument=[0], policies=[policy], rules=rules)


def beside(*parts: tuple[Tape, Beliefs]) -> tuple[Tape, Beliefs]:
    """Return histories told side by side, an instrument and a sleeve each; closes and gates are the first one's."""
    tapes, beliefs = zip(*parts, strict=True)
    columns = {
        name: np.concatenate([getattr(tape, name) for tape in tapes], axis=1)
        for name in ("open", "high", "low", "close", "volume_atoms", "atr")
    }
    return tapes[0]._replace(**columns), Beliefs(*(np.concatenate(each, axis=1) for each in zip(*beliefs, strict=True)))


def until(tape: Tape, beliefs: Beliefs, cut: int) -> tuple[Tape, Beliefs]:
    """Return the first `cut` slices."""
    return Tape(*(column[:cut] for column in tape)), Beliefs(*(column[:cut] for column in beliefs))


def fills_of(outcome: Outcome) -> list[dict[str, int]]:
    """Return each fill as a row of words, with those of its order."""
    rows = []
    for row in outcome.fills.tolist():
        order = outcome.orders[row[FILL_ORDER]].tolist()
        rows.append(
            dict(zip(FILL_WORDS, row, strict=True))
            | dict(zip(ORDER_WORDS, order, strict=True))
            | {"at": row[FILL_SLICE]}
        )
    return rows


def at_venue(outcome: Outcome) -> list[dict[str, int]]:
    """Return the fills of orders: those of lots that crossed inside the account are left out."""
    return [fill for fill in fills_of(outcome) if fill["intent"] != CROSS]


def orders_of(outcome: Outcome) -> list[dict[str, int]]:
    """Return each order as a row of words."""
    return [dict(zip(ORDER_WORDS, row, strict=True)) for row in outcome.orders.tolist()]


ORDER_WORDS: Final = ("decided", "sleeve", "intent", "attempt", "side", "asked", "limit", "stop", "take", "reason")
FILL_WORDS: Final = ("at", "order", "lots", "price", "reference", "spread", "fee", "in_base", "maker")
assert (len(ORDER_WORDS), len(FILL_WORDS)) == (ORDER_COLUMNS, FILL_COLUMNS)


# --- at random ----------------------------------------------------------------------------------------


def careless(rng: np.random.Generator) -> Policy:
    """Return a policy with any of the rules."""
    return Policy(
        kelly_share=rng.uniform(0.1, 1.0),
        kelly_cap=rng.uniform(0.05, 0.5),
        max_exposure=rng.uniform(0.1, 1.5),
        enter_above=rng.uniform(0.51, 0.7),
        leave_below=rng.uniform(0.2, 0.45),
        round_trip_cost=rng.uniform(0.0, 0.01),
        atr_stop=rng.uniform(0.2, 4.0),
        stop_step=rng.uniform(0.0, 1.0),
        stop_slack=rng.choice([0.0, rng.uniform(0.0, 0.25)]),
        cash_buffer=rng.uniform(0.0, 0.2),
        max_drawdown=rng.uniform(0.3, 0.9),
        max_daily_loss=rng.uniform(0.02, 1.0),
        max_gross=rng.uniform(0.5, 2.0),
        stop_mode=float(rng.choice([0, 0, 1, 1, 2])),
        take_profit=float(rng.choice([0.0, rng.uniform(0.2, 4.0)])),
        max_bars=float(rng.choice([0, 0, rng.integers(1, 12)])),
        size_mode=float(rng.choice([0, 1, 2])),
        size_fraction=rng.uniform(0.05, 1.0),
        entry_mode=float(rng.choice([0, 0, 1, 2])),
        entry_offset=float(rng.choice([0.0, rng.uniform(0.0, 1.0)])),
        entry_bars=float(rng.integers(1, 5)),
        entry_parts=float(rng.choice([1, 1, 2, 5])),
    )


def dear(rng: np.random.Generator) -> Costs:
    """Return any costs."""
    return Costs(
        taker_fee=int(rng.choice([0, rng.integers(0, 500_000)])),
        maker_fee=int(rng.integers(0, 200_000)),
        slip=int(rng.choice([0, rng.integers(0, 10**6)])),
        half_spread=int(rng.choice([0, rng.integers(0, 10**6)])),
        slip_model=int(rng.integers(0, 3)),
        fee_in_base=int(rng.integers(0, 2)),
        fee_rounding=int(rng.integers(0, 3)),
    )


def wild(
    seed: int, slices: int = 60, instruments: int = 2, sleeves: int = 3, rules: Rules | None = None
) -> tuple[Tape, Beliefs, Setup]:
    """Return a market with gaps, jumps and missing bars, views with holes in them, and careless policies.

    Sleeves are dealt out to the instruments at random, so that several may trade one. A slice is an hour: the UTC day
    ends several times.
    """
    rng = np.random.default_rng(seed)
    shape, beliefs = (slices, instruments), (slices, sleeves)
    close = np.maximum(20, 1_000 * np.exp(np.cumsum(rng.normal(0.0, 0.03, shape), axis=0))).astype(np.int64)
    gap = np.where(rng.random(shape) < 0.2, rng.uniform(0.6, 1.5, shape), 1.0)
    open_ = np.maximum(20, np.roll(close, 1, axis=0) * gap).astype(np.int64)
    high = np.maximum(open_, close) + rng.integers(0, 30, shape)
    low = np.minimum(open_, close) - rng.integers(0, 19, shape)
    there = rng.random(shape) >= 0.05
    atr = rng.uniform(5.0, 60.0, shape)
    atr[rng.random(shape) < 0.05] = rng.choice([0.0, np.nan, np.inf])
    tape = Tape(
        close_ns=HOUR_NS * np.arange(1, slices + 1),
        **{
            name: np.where(there, column, 0)
            for name, column in zip(["open", "high", "low", "close"], (open_, high, low, close), strict=True)
        },
        volume_atoms=np.where(rng.random(shape) < 0.9, rng.integers(0, 10 ** rng.integers(4, 9), shape), 0),
        atr=atr,
        gates=np.where(rng.random(slices) < 0.1, 1 << 9, 0) if rng.random() < 0.5 else np.zeros(0, dtype=np.int64),
    )
    drawn, anew = rng.uniform(0.0, 1.0, beliefs), rng.random(beliefs) < 0.4
    anew[0] = True
    rows = np.maximum.accumulate(np.where(anew, np.arange(slices)[:, None], 0), axis=0)
    probability = np.take_along_axis(drawn, rows, axis=0)  # a belief lasts for some bars
    probability[rng.random(beliefs) < 0.1] = rng.choice([np.nan, np.inf, -1.0])
    gain, loss = rng.uniform(0.005, 0.1, (2, *beliefs))
    gain[rng.random(beliefs) < 0.03] = rng.choice([np.nan, np.inf, 0.0])
    setup = make_setup(
        cash_atoms=int(rng.integers(10**5, 10**8)),
        terms=[
            Terms(
                lot_atoms=100 + i,
                notional_atoms=1 + i,
                min_lots=int(rng.integers(1, 4)),
                min_notional_atoms=int(rng.choice([0, 3_000])),
                shortable=int(rng.integers(0, 2)),
            )
            for i in range(instruments)
        ],
        costs=[dear(rng) for _ in range(instruments)],
        instrument=[int(rng.integers(0, instruments)) for _ in range(sleeves)],
        policies=[careless(rng) for _ in range(sleeves)],
        rules=rules
        or Rules(
            at_close=int(rng.random() < 0.2),
            touch=int(rng.random() < 0.4),
            latency_bars=int(rng.choice([0, 0, 0, 1, 2, 3])),
            volume_share=int(rng.choice([0, 0, UNIT // 50, UNIT // 2])),
        ),
        life_ns=[int(rng.choice([1, 0, HOUR_NS])) for _ in range(sleeves)],
    )
    return tape, Beliefs(probability=probability, gain=gain, loss=loss), setup


ENTER_ONCE: Final = (SURE, *(NO_VIEW,) * 9)
"""Enter at the first close; then no view, so that only the barriers leave."""
