"""What is owned at each close once its own fills are in."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.backtest.histories import FREE, ONE_PERCENT, Prices, alone, fills_of, told, wild
from tests.unit.desk.numbers import DOUBTFUL, POLICY, SURE, TERMS

from trading_system.backtest.after_close import after_closes
from trading_system.backtest.finish import HOLD, finished
from trading_system.backtest.run import run
from trading_system.backtest.tape import ORDER_SIDE, ORDER_SLEEVE, Rules
from trading_system.blotter.state import STOP_ABSENT, Terms
from trading_system.risk_management.exposure import worth

FLAT: Prices = (1_000, 1_000, 1_000, 1_000)
BARE = POLICY._replace(stop_mode=STOP_ABSENT, size_mode=3, size_lots=10, max_exposure=1.0, cash_buffer=0.0)


def test_a_fill_at_the_close_is_in_the_balance_of_that_close() -> None:
    """Ten lots of 100 atoms, bought for 1,000 each with one per cent of fee in quote, then sold with the same."""
    tape = told([FLAT] * 3, (SURE, DOUBTFUL, DOUBTFUL))
    costs = ONE_PERCENT._replace(fee_in_base=0)
    setup = alone(policy=BARE, costs=costs, rules=Rules(at_close=1))
    outcome = run(*tape, setup, plain=True)
    worth_ = 10 * 1_000 * TERMS.notional_atoms
    fee, start = worth_ // 100, setup.cash_atoms
    assert [(fill["at"], fill["side"], fill["fee"]) for fill in fills_of(outcome)] == [(0, 1, fee), (1, -1, fee)]
    assert outcome.equity_atoms.tolist() == [start, start - fee, start - 2 * fee]
    ended = finished(outcome, tape[0], setup, HOLD)
    assert ended.equity_atoms.tolist() == [start - fee, start - 2 * fee, start - 2 * fee]
    assert ended.cash_atoms.tolist() == [start - worth_ - fee, start - 2 * fee, start - 2 * fee]
    assert ended.short_atoms.tolist() == [0, 0, 0]


def test_without_a_fill_nothing_changes() -> None:
    """Nor is anything copied."""
    tape = told([FLAT] * 3, (DOUBTFUL,) * 3)
    setup = alone(policy=BARE, costs=FREE, rules=Rules(at_close=1))
    outcome = run(*tape, setup, plain=True)
    assert after_closes(outcome, tape[0], setup) is outcome


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), sleeves=st.integers(1, 3))
def test_where_nothing_fills_at_a_close_it_is_what_the_loop_wrote(seed: int, sleeves: int) -> None:
    """Fills at opens and on the way are in the loop's own balances: cash, positions, those sold short, every atom."""
    tape, beliefs, setup = wild(seed, sleeves=sleeves, rules=Rules(touch=seed % 2))
    outcome = run(tape, beliefs, setup, plain=True)
    again = after_closes(outcome, tape, setup)
    for name in ("cash_atoms", "holdings_atoms", "short_atoms"):
        assert np.array_equal(getattr(again, name), getattr(outcome, name)), name


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), sleeves=st.integers(1, 3))
def test_each_close_is_a_fold_of_the_fills_up_to_it(seed: int, sleeves: int) -> None:
    """Told fill by fill, and marked at the last known closes."""
    tape, beliefs, setup = wild(seed, sleeves=sleeves, rules=Rules(at_close=1))
    outcome = run(tape, beliefs, setup, plain=True)
    again = after_closes(outcome, tape, setup)
    cash, owned, marks, row = setup.cash_atoms, [0] * sleeves, [0] * len(setup.terms), 0
    fills = fills_of(outcome)
    for s in range(len(tape.close_ns)):
        marks = [int(price) or before for price, before in zip(tape.close[s], marks, strict=True)]
        while row < len(fills) and fills[row]["at"] == s:
            fill = fills[row]
            order = outcome.orders[fill["order"]]
            k, side = int(order[ORDER_SLEEVE]), int(order[ORDER_SIDE])
            terms = Terms(*setup.terms[setup.instrument[k]].tolist())
            cash -= side * fill["lots"] * fill["price"] * terms.notional_atoms
            cash -= 0 if fill["in_base"] else fill["fee"]
            owned[k] += side * fill["lots"] * terms.lot_atoms - (fill["fee"] if fill["in_base"] else 0)
            row += 1
        values = [
            worth(owned[k], marks[i], Terms(*setup.terms[i].tolist())) for k, i in enumerate(setup.instrument.tolist())
        ]
        assert (again.cash_atoms[s], again.holdings_atoms[s]) == (cash, sum(values))
        assert again.short_atoms[s] == -sum(min(value, 0) for value in values)
    assert owned == again.position_atoms.tolist()
