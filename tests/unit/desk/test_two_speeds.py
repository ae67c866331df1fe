"""The decision compiled and the decision plain agree to the bit."""

from typing import Final

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.unit.desk.numbers import accounts, bars, policies, sleeves, views

from trading_system.blotter.state import (
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

INTS: Final = 24
FLOATS: Final = 16
ANSWERS: Final = 10
LARGEST: Final = 10**17
"""What a decision is told stays within this many atoms; prices and lots are smaller still."""


def drive(ints: Ints, floats: Floats, answers: Ints, peaks: Floats) -> None:
    """Decide each row; one function, so that numba compiles once."""
    for n in range(len(ints)):
        account = Account(
            cash_atoms=int(ints[n, 0]),
            reserved_atoms=int(ints[n, 1]),
            holdings_atoms=int(ints[n, 2]),
            gates=int(ints[n, 3]),
            carried=AccountCarried(peak_equity=float(floats[n, 0]), latched=int(ints[n, 4])),
        )
        sleeve = Sleeve(
            terms=Terms(
                lot_atoms=int(ints[n, 5]),
                notional_atoms=int(ints[n, 6]),
                min_lots=int(ints[n, 7]),
                min_notional_atoms=int(ints[n, 8]),
            ),
            position_atoms=int(ints[n, 9]),
            entry_lots=int(ints[n, 10]),
            entry_taking=int(ints[n, 11]),
            exit_lots=int(ints[n, 12]),
            stop_lots=int(ints[n, 13]),
            stop_resting_ticks=int(ints[n, 14]),
            stop_limit_ticks=int(ints[n, 15]),
            stop_status=int(ints[n, 16]),
            carried=SleeveCarried(target_lots=int(ints[n, 17]), stop_ticks=int(ints[n, 18])),
        )
        bar = BarRow(
            close_ns=int(ints[n, 19]),
            open=int(ints[n, 20]),
            high=int(ints[n, 20]),
            low=int(ints[n, 20]),
            close=int(ints[n, 21]),
            volume_atoms=int(ints[n, 22]),
            atr=float(floats[n, 1]),
        )
        view = View(
            probability=float(floats[n, 2]),
            gain=float(floats[n, 3]),
            loss=float(floats[n, 4]),
            expires_ns=int(ints[n, 23]),
        )
        policy = Policy(
            kelly_share=float(floats[n, 5]),
            kelly_cap=float(floats[n, 6]),
            max_exposure=float(floats[n, 7]),
            enter_above=float(floats[n, 8]),
            leave_below=float(floats[n, 9]),
            round_trip_cost=float(floats[n, 10]),
            atr_stop=float(floats[n, 11]),
            stop_step=float(floats[n, 12]),
            stop_slack=float(floats[n, 13]),
            cash_buffer=float(floats[n, 14]),
            max_drawdown=float(floats[n, 15]),
        )
        step = decide(account, sleeve, bar, view, policy)
        peaks[n] = step.account.peak_equity
        answers[n, 0] = step.account.latched
        answers[n, 1] = step.sleeve.target_lots
        answers[n, 2] = step.sleeve.stop_ticks
        answers[n, 3] = step.objections
        answers[n, 4] = step.asks.cancel_entry
        answers[n, 5] = step.asks.cancel_stop
        answers[n, 6] = step.asks.exit_lots
        answers[n, 7] = step.asks.entry_lots
        answers[n, 8] = step.asks.protect_lots
        answers[n, 9] = step.asks.protect_ticks


def both(ints: Ints, floats: Floats) -> Ints:
    """Return the answers, after checking that both speeds gave the same bits."""
    plain = np.zeros((len(ints), ANSWERS), dtype=np.int64), np.zeros(len(ints))
    fast = np.zeros((len(ints), ANSWERS), dtype=np.int64), np.zeros(len(ints))
    drive(ints, floats, *plain)
    compiled(drive)(ints, floats, *fast)
    differing = (plain[0] != fast[0]).any(axis=1) | (plain[1].view(np.int64) != fast[1].view(np.int64))
    rows = np.flatnonzero(differing)
    assert not len(rows), (ints[rows[0]].tolist(), floats[rows[0]].tolist(), plain[0][rows[0]], fast[0][rows[0]])
    return plain[0]


def rows_of(cases: list[Case]) -> tuple[Ints, Floats]:
    """Return the cases as rows of the driver."""
    ints, floats = [], []
    for account, sleeve, bar, view, policy in cases:
        booked = (*account[:4], account.carried.latched, *sleeve.terms, *sleeve[1:9], *sleeve.carried)
        ints.append([*booked, bar.close_ns, bar.open, bar.close, bar.volume_atoms, view.expires_ns])
        floats.append([account.carried.peak_equity, bar.atr, *view[:3], *policy])
    return np.array(ints, dtype=np.int64), np.array(floats, dtype=np.float64)


@settings(deadline=None)
@given(cases=st.lists(st.tuples(accounts(), sleeves(), bars(), views(), policies()), min_size=1, max_size=20))
def test_both_speeds_give_the_same_bits_in_any_state_that_can_come(cases: list[Case]) -> None:
    """Sound and odd views, bars and policies, in every booked state: partial fills, in doubt, every stop status."""
    both(*rows_of(cases))


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
    shape = st.lists(st.lists(st.floats(), min_size=FLOATS, max_size=FLOATS), min_size=len(ints), max_size=len(ints))
    both(np.array(ints, dtype=np.int64), np.array(data.draw(shape), dtype=np.float64))


def test_both_speeds_give_the_same_bits_over_twenty_thousand_market_like_rows() -> None:
    """Volume, at sizes as on Binance BTCUSDT and up to a billion dollars of equity; and the sample does decide."""
    rng, n = np.random.default_rng(20_260_101), 20_000
    held = rng.integers(0, 10**6, n) * rng.integers(0, 2, n)
    status = np.where(held > 0, rng.integers(0, 5, n), 0)
    alive = (status > 0) & (status < 4)
    close = rng.integers(10**4, 10**7, n)
    level = (close * rng.uniform(0.8, 1.02, n)).astype(np.int64)
    coming = np.where(held > 0, 0, rng.integers(0, 1_000, n) * (rng.random(n) < 0.2)).astype(np.int64)
    cash = (10.0 ** rng.uniform(9, 17, n)).astype(np.int64)
    zero = np.zeros(n, dtype=np.int64)
    ints = np.stack(
        [
            *(cash, cash // 10 * rng.integers(0, 12, n), held * 10, zero, zero),
            *(zero + 1_000, zero + 10, zero + 1, zero + 5 * 10**8),
            *(held * 1_000 + rng.integers(0, 1_000, n), coming, (coming > 0) * rng.integers(0, 2, n), zero),
            *(np.where(alive, held, 0), np.where(alive, level - rng.integers(0, 2, n), 0)),
            *(np.where(alive, level * 995 // 1_000, 0), status),
            *(np.where(rng.random(n) < 0.7, held + coming, 0), level),
            *(zero + 10, close, close, zero, zero + rng.integers(9, 12, n)),
        ],
        axis=1,
    )
    floats = np.column_stack(
        [
            cash * rng.uniform(0.9, 1.2, n),
            close * rng.uniform(0.0, 0.02, n) * (rng.random(n) < 0.95),
            rng.uniform(0.3, 0.9, n),
            rng.uniform(0.001, 0.05, (n, 2)),
            np.tile([0.25, 0.05, 0.8, 0.55, 0.48, 0.002, 3.0, 0.5, 0.02, 0.005, 0.15], (n, 1)),
        ]
    )
    answers = both(np.ascontiguousarray(ints), np.ascontiguousarray(floats))
    assert (answers[:, 4:9] > 0).sum(axis=0).min() > 100  # cancels, exits, entries and stops, each asked often
