"""The decision compiled and the decision plain agree to the bit."""

from typing import Final

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.unit.desk.numbers import CLOSE_NS, accounts, bars, policies, sleeves, views

from trading_system.backtest.rows import policy_at, reader
from trading_system.blotter.state import (
    SIZE_FRACTION,
    STOP_FIXED,
    Account,
    AccountCarried,
    BarRow,
    Policy,
    Sleeve,
    SleeveCarried,
    Terms,
    View,
)
from trading_system.desk.decide import decide
from trading_system.kernel import compiled

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Case = tuple[Account, Sleeve, BarRow, View, Policy]

INTS: Final = 32
FLOATS: Final = 6
POLICY: Final = len(Policy._fields)
ANSWERS: Final = 20
RATIOS: Final = 3
LARGEST: Final = 10**17
"""What a decision is told stays within this many atoms; prices and lots are smaller still."""

terms_in = reader(Terms)
carried_in = reader(SleeveCarried)


def drive(
    ints: Ints, floats: Floats, policy: Floats, terms: Ints, carried: Ints, answers: Ints, ratios: Floats
) -> None:
    """Decide each row; one function, so that numba compiles once."""
    for n in range(len(ints)):
        account = Account(
            cash_atoms=int(ints[n, 0]),
            reserved_atoms=int(ints[n, 1]),
            holdings_atoms=int(ints[n, 2]),
            gates=int(ints[n, 3]),
            carried=AccountCarried(
                peak_equity=float(floats[n, 0]),
                latched=int(ints[n, 4]),
                day_equity=float(floats[n, 1]),
                day_ends_ns=int(ints[n, 5]),
            ),
            short_atoms=int(ints[n, 6]),
        )
        sleeve = Sleeve(
            terms=terms_in(terms, n),
            position_atoms=int(ints[n, 7]),
            entry_lots=int(ints[n, 8]),
            entry_taking=int(ints[n, 9]),
            exit_lots=int(ints[n, 10]),
            stop_lots=int(ints[n, 11]),
            stop_resting_ticks=int(ints[n, 12]),
            stop_limit_ticks=int(ints[n, 13]),
            stop_status=int(ints[n, 14]),
            carried=carried_in(carried, n),
            stop_take_ticks=int(ints[n, 15]),
        )
        bar = BarRow(
            close_ns=int(ints[n, 16]),
            open=int(ints[n, 17]),
            high=int(ints[n, 17]),
            low=int(ints[n, 17]),
            close=int(ints[n, 18]),
            volume_atoms=int(ints[n, 19]),
            atr=float(floats[n, 2]),
        )
        view = View(
            probability=float(floats[n, 3]),
            gain=float(floats[n, 4]),
            loss=float(floats[n, 5]),
            expires_ns=int(ints[n, 20]),
        )
        step = decide(account, sleeve, bar, view, policy_at(policy, n))
        asks = step.asks
        ratios[n, 0] = step.account.peak_equity
        ratios[n, 1] = step.account.day_equity
        ratios[n, 2] = asks.entry_share
        answers[n, 0] = step.account.latched
        answers[n, 1] = step.account.day_ends_ns
        answers[n, 2] = step.sleeve.target_lots
        answers[n, 3] = step.sleeve.stop_ticks
        answers[n, 4] = step.sleeve.take_ticks
        answers[n, 5] = step.sleeve.bars_held
        answers[n, 6] = step.sleeve.bars_waiting
        answers[n, 7] = step.sleeve.reason
        answers[n, 8] = step.objections
        answers[n, 9] = step.denied
        answers[n, 10] = asks.cancel_entry
        answers[n, 11] = asks.cancel_stop
        answers[n, 12] = asks.exit_lots
        answers[n, 13] = asks.entry_lots
        answers[n, 14] = asks.protect_lots
        answers[n, 15] = asks.protect_ticks
        answers[n, 16] = asks.take_ticks
        answers[n, 17] = asks.entry_limit_ticks
        answers[n, 18] = asks.entry_post_only
        answers[n, 19] = asks.entry_parts


Table = tuple[Ints, Floats, Floats, Ints, Ints]


def both(table: Table) -> Ints:
    """Return the answers, after checking that both speeds gave the same bits."""
    rows = len(table[0])
    plain, fast = (
        (np.zeros((rows, ANSWERS), dtype=np.int64), np.zeros((rows, RATIOS), dtype=np.float64)) for _ in range(2)
    )
    drive(*table, *plain)
    compiled(drive)(*table, *fast)
    differing = (plain[0] != fast[0]).any(axis=1) | (plain[1].view(np.int64) != fast[1].view(np.int64)).any(axis=1)
    for n in np.flatnonzero(differing)[:1]:
        raise AssertionError([column[n].tolist() for column in (*table, *plain, *fast)])
    return plain[0]


def rows_of(cases: list[Case]) -> Table:
    """Return the cases as rows of the driver."""
    ints, floats = [], []
    for account, sleeve, bar, view, _ in cases:
        carried = account.carried
        row = [*account[:4], carried.latched, carried.day_ends_ns, account.short_atoms, *sleeve[1:9]]
        row += [sleeve.stop_take_ticks, bar.close_ns, bar.open, bar.close, bar.volume_atoms, view.expires_ns]
        ints.append(row)
        floats.append([carried.peak_equity, carried.day_equity, bar.atr, *view[:3]])
    return (
        np.array(ints, dtype=np.int64),
        np.array(floats, dtype=np.float64),
        np.array([case[4] for case in cases], dtype=np.float64),
        np.array([case[1].terms for case in cases], dtype=np.int64),
        np.array([case[1].carried for case in cases], dtype=np.int64),
    )


@settings(deadline=None)
@given(cases=st.lists(st.tuples(accounts(), sleeves(), bars(), views(), policies()), min_size=1, max_size=20))
def test_both_speeds_give_the_same_bits_in_any_state_that_can_come(cases: list[Case]) -> None:
    """Sound and odd views, bars and policies, in every booked state: partial fills, in doubt, every stop status."""
    both(rows_of(cases))


@settings(deadline=None)
@given(
    ints=st.lists(
        st.lists(st.one_of(st.integers(-3, 3), st.integers(-LARGEST, LARGEST)), min_size=INTS, max_size=INTS),
        min_size=1,
        max_size=10,
    ),
    data=st.data(),
)
def test_both_speeds_give_the_same_bits_for_numbers_that_cannot_come(
    ints: list[list[int]], data: st.DataObject
) -> None:
    """Negative lots, terms of zero, amounts at the edge, any float at all: still no overflow and no exception."""
    wide, some = FLOATS + POLICY, len(ints)
    floats = np.array(
        data.draw(st.lists(st.lists(st.floats(), min_size=wide, max_size=wide), min_size=some, max_size=some)),
        dtype=np.float64,
    )
    table = np.array(ints, dtype=np.int64)
    both(
        (
            np.ascontiguousarray(table[:, :21]),
            np.ascontiguousarray(floats[:, :FLOATS]),
            np.ascontiguousarray(floats[:, FLOATS:]),
            np.ascontiguousarray(table[:, 21:26]),
            np.ascontiguousarray(table[:, 26:]),
        )
    )


def test_both_speeds_give_the_same_bits_over_twenty_thousand_market_like_rows() -> None:
    """Volume, at sizes as on Binance BTCUSDT and up to a billion dollars of equity; and the sample does decide."""
    rng, n = np.random.default_rng(20_260_101), 20_000
    side = rng.choice([1, 1, -1], n)
    held = side * rng.integers(0, 10**6, n) * rng.integers(0, 2, n)
    status = np.where(held != 0, rng.integers(0, 5, n), 0)
    alive = (status > 0) & (status < 4)
    close = rng.integers(10**4, 10**7, n)
    level = (close * (1.0 - side * rng.uniform(-0.02, 0.2, n))).astype(np.int64)
    take = np.where(rng.random(n) < 0.3, (close * (1.0 + side * rng.uniform(-0.01, 0.2, n))).astype(np.int64), 0)
    coming = np.where(held != 0, 0, side * rng.integers(0, 1_000, n) * (rng.random(n) < 0.2)).astype(np.int64)
    cash = (10.0 ** rng.uniform(9, 17, n)).astype(np.int64)
    zero = np.zeros(n, dtype=np.int64)
    worth = held * 10
    ints = [
        *(cash, cash // 10 * rng.integers(0, 12, n), worth, zero, zero, CLOSE_NS + rng.integers(0, 3, n)),
        *(np.maximum(0, -worth), held * 1_000 + side * rng.integers(0, 1_000, n), coming),
        *((coming != 0) * rng.integers(0, 2, n), zero, np.where(alive, abs(held), 0)),
        *(np.where(alive, level - rng.integers(0, 2, n), 0), np.where(alive, level - side * (level // 200), 0), status),
        *(np.where(alive, take, 0), zero + CLOSE_NS, close, close, zero, CLOSE_NS + rng.integers(-1, 2, n)),
    ]
    floats = [
        *(cash * rng.uniform(0.9, 1.2, n), cash * rng.uniform(0.9, 1.2, n)),
        *(close * rng.uniform(0.0, 0.02, n) * (rng.random(n) < 0.95), rng.uniform(0.1, 0.9, n)),
        *rng.uniform(0.001, 0.05, (2, n)),
    ]
    sound = Policy(
        kelly_share=0.25,
        kelly_cap=0.05,
        max_exposure=0.8,
        enter_above=0.55,
        leave_below=0.48,
        round_trip_cost=0.002,
        atr_stop=3.0,
        stop_step=0.5,
        stop_slack=0.02,
        cash_buffer=0.005,
        max_drawdown=0.15,
        max_daily_loss=0.05,
    )
    kinds = np.array(
        [
            sound,
            sound._replace(stop_mode=STOP_FIXED, take_profit=3.0, max_bars=8.0, entry_mode=1.0, entry_offset=0.5),
            sound._replace(size_mode=SIZE_FRACTION, size_fraction=0.2, entry_mode=2.0, entry_parts=4.0, max_gross=2.0),
        ],
        dtype=np.float64,
    )
    carried = [
        np.where(rng.random(n) < 0.7, held + coming, 0),
        *(level, take, rng.integers(0, 9, n), rng.integers(0, 2, n), zero),
    ]
    answers = both(
        (
            np.ascontiguousarray(np.stack(ints, axis=1)),
            np.ascontiguousarray(np.stack(floats, axis=1)),
            kinds[rng.integers(0, len(kinds), n)],
            np.tile(np.array([1_000, 10, 1, 5 * 10**8, 1]), (n, 1)),
            np.ascontiguousarray(np.stack(carried, axis=1)),
        )
    )
    asked = answers[:, 10:20]
    assert (asked[:, :8] != 0).sum(axis=0).min() > 100  # cancels, exits, entries, stops and targets, each asked often
    assert (asked[:, 3] > 0).sum() > 100
    assert (asked[:, 3] < 0).sum() > 100
