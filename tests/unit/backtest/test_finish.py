"""The end of a run, worked out by hand: held, or left at the last bar's close or open with its costs."""

from dataclasses import replace

import numpy as np
import pytest
from tests.unit.backtest.histories import ENTER_ONCE, FREE, ONE_PERCENT, alone, beside, fills_of, told
from tests.unit.desk.numbers import POLICY, SURE, TERMS, TORN

from trading_system.backtest.finish import FINISHED, finished
from trading_system.backtest.run import Outcome, make_setup, run
from trading_system.backtest.tape import EXIT, Rules
from trading_system.execution_engine.simulator.costs import Costs

FLAT_1000 = (1_000, 1_000, 1_000, 1_000)
LAST = (1_010, 1_040, 990, 1_020)
BARS = [FLAT_1000, FLAT_1000, LAST]


def ended(how: str, *, costs: Costs = ONE_PERCENT, rules: Rules | None = None) -> Outcome:
    """Return 500 lots bought at 1,000, of which the fee leaves 495, and what becomes of them at the end."""
    tape, beliefs = told(BARS, ENTER_ONCE[:3])
    setup = alone(costs=costs, rules=rules)
    return finished(run(tape, beliefs, setup, plain=True), tape, setup, how)


def test_what_is_held_is_marked_at_the_last_close() -> None:
    outcome = ended("hold")
    assert len(outcome.fills) == 1
    assert (outcome.cash_atoms[-1], outcome.holdings_atoms[-1]) == (500_000, 495 * 1_020)


@pytest.mark.parametrize(("how", "price", "fee"), [("last_close", 1_020, 5_049), ("last_open", 1_010, 4_999)])
def test_what_is_left_is_sold_with_its_fee(how: str, price: int, fee: int) -> None:
    """495 lots at 1,020 are 504,900, at 1,010 499,950; 1 % of them, cut, is the fee. No coin is left."""
    outcome = ended(how)
    last = fills_of(outcome)[-1]
    assert (last["at"], last["price"], last["lots"], last["fee"], last["in_base"]) == (2, price, 495, fee, 0)
    assert (last["intent"], last["reason"], last["side"], last["attempt"]) == (EXIT, FINISHED, -1, 1)
    assert (outcome.cash_atoms[-1], outcome.holdings_atoms[-1]) == (500_000 + 495 * price - fee, 0)
    assert outcome.position_atoms.tolist() == [0]


def test_the_end_changes_no_bar_before_the_last() -> None:
    """And nothing of the outcome that it was made of."""
    held, sold = ended("hold"), ended("last_close")
    assert held.equity_atoms[:-1].tolist() == sold.equity_atoms[:-1].tolist()
    assert held.fills.tolist() == sold.fills[:-1].tolist()
    assert held.decided.tolist() == sold.decided.tolist()


def test_spread_and_slippage_are_paid_at_the_end_too() -> None:
    """Half a spread of 1 % of 1,020 is 11 ticks (rounded up), slippage of 2 % 21: sold at 988."""
    last = fills_of(ended("last_close", costs=FREE._replace(half_spread=1_000_000, slip=2_000_000)))[-1]
    assert (last["price"], last["reference"], last["spread"]) == (988, 1_020, 11)


def test_dust_that_no_venue_would_take_stays() -> None:
    """Three lots at 990 are 2,970, less than the smallest order of 3,000."""
    tape, beliefs = told([FLAT_1000, FLAT_1000, (990, 990, 990, 990)], ENTER_ONCE[:3])
    setup = alone()
    outcome = replace(run(tape, beliefs, setup, plain=True), position_atoms=np.array([300]))
    left = finished(outcome, tape, setup, "last_close")
    assert left.position_atoms.tolist() == [300]
    assert (len(left.fills), left.holdings_atoms[-1]) == (len(outcome.fills), 3 * 990)


def test_a_fill_at_the_very_last_close_is_counted_before_it_is_undone() -> None:
    """Bought at the last close for 500,000 without a fee, sold there again: the money is back."""
    tape, beliefs = told(BARS, (TORN, TORN, SURE))
    setup = alone(costs=FREE, rules=Rules(at_close=1))
    outcome = finished(run(tape, beliefs, setup, plain=True), tape, setup, "last_close")
    assert [fill["at"] for fill in fills_of(outcome)] == [2, 2]
    assert (outcome.cash_atoms[-1], outcome.holdings_atoms[-1]) == (1_000_000, 0)


def test_a_short_position_is_bought_back() -> None:
    """500 lots sold at 1,000, bought back at 1,020: 10,000 lost."""
    tape, beliefs = told(BARS, (SURE._replace(probability=0.25), TORN, TORN))
    setup = alone(costs=FREE, terms=TERMS._replace(shortable=1), policy=POLICY._replace(leave_below=0.0))
    outcome = finished(run(tape, beliefs, setup, plain=True), tape, setup, "last_close")
    first, last = fills_of(outcome)
    assert (first["side"], last["side"], last["price"], last["lots"]) == (-1, 1, 1_020, first["lots"])
    assert outcome.cash_atoms[-1] == 1_000_000 - 20 * first["lots"]
    assert (outcome.short_atoms[-1], outcome.position_atoms.tolist()) == (0, [0])


def test_a_fee_in_base_of_what_covers_a_short_position_stays_owed_as_during_the_run() -> None:
    """1 % of 500 lots bought back is 5 lots, of 100 atoms, worth 5,100 at 1,020."""
    tape, beliefs = told(BARS, (SURE._replace(probability=0.25), TORN, TORN))
    costs, terms = ONE_PERCENT._replace(maker_fee=0), TERMS._replace(shortable=1)
    setup = alone(costs=costs, terms=terms, policy=POLICY._replace(leave_below=0.0))
    outcome = finished(run(tape, beliefs, setup, plain=True), tape, setup, "last_close")
    assert outcome.position_atoms.tolist() == [-500]
    assert (outcome.holdings_atoms[-1], outcome.short_atoms[-1]) == (-5_100, 5_100)


def test_an_instrument_without_a_last_bar_is_left_at_the_one_it_had() -> None:
    """The second has no bar in the last slice: its last close is 1,000."""
    tape, beliefs = beside(told(BARS, ENTER_ONCE[:3]), told([FLAT_1000, FLAT_1000, (0, 0, 0, 0)], ENTER_ONCE[:3]))
    setup = make_setup(
        cash_atoms=1_000_000,
        terms=[TERMS, TERMS],
        costs=[FREE, FREE],
        instrument=[0, 1],
        policies=[POLICY._replace(max_exposure=0.3)] * 2,
    )
    outcome = finished(run(tape, beliefs, setup, plain=True), tape, setup, "last_close")
    assert [(fill["sleeve"], fill["price"], fill["at"]) for fill in fills_of(outcome)[2:]] == [
        (0, 1_020, 2),
        (1, 1_000, 2),
    ]
    assert outcome.holdings_atoms[-1] == 0


def test_no_bar_at_all_has_no_end() -> None:
    tape, beliefs = told([], [])
    setup = alone()
    outcome = run(tape, beliefs, setup, plain=True)
    assert finished(outcome, tape, setup, "last_close") is outcome
    assert np.array_equal(outcome.close_ns, [])
