"""What is too much to be counted or too little to be taken: cheap coins, tiny lots, and the rest of a share."""

from typing import Final

import pytest
from tests.unit.backtest.histories import FREE, alone, beside, fills_of, told
from tests.unit.desk.numbers import CLOSE_NS, POLICY, SURE, TERMS

from trading_system.backtest.run import Outcome, make_setup, run
from trading_system.blotter.state import SIZE_AT_FILL, SIZE_FRACTION, STOP_ABSENT, Policy, Terms
from trading_system.execution_engine.simulator.costs import UNIT
from trading_system.risk_management.exposure import MAX_BASE_ATOMS

ALL_IN: Final = POLICY._replace(max_exposure=1.0, cash_buffer=0.0, stop_mode=float(STOP_ABSENT), size_fraction=1.0)
A_MILLION: Final = 1_000_000 * UNIT


def held_on(terms: Terms, policy: Policy, price: int, *, plain: bool) -> Outcome:
    """Return a run that enters at the first close of six flat bars at `price`, with a million, and stays."""
    history = told([(price,) * 4] * 6, [SURE._replace(expires_ns=CLOSE_NS)] * 6)
    return run(*history, alone(cash=A_MILLION, policy=policy, costs=FREE, terms=terms), plain=plain)


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("size", [SIZE_FRACTION, SIZE_AT_FILL])
def test_more_coins_than_can_be_counted_are_not_bought(size: int, plain: bool) -> None:
    """A million at 0.00001 would be 100 billion coins, 1e19 atoms, and 63 bits end at 9.2e18: 40 billion are bought."""
    cheap = Terms(lot_atoms=UNIT, notional_atoms=1, min_lots=1, min_notional_atoms=0)
    outcome = held_on(cheap, ALL_IN._replace(size_mode=float(size)), 1_000, plain=plain)
    assert [(fill["at"], fill["lots"]) for fill in fills_of(outcome)] == [(1, 40_000_000_000)]
    assert outcome.position_atoms.tolist() == [MAX_BASE_ATOMS]
    assert outcome.equity_atoms.tolist() == [A_MILLION] * 6


def test_what_was_sized_at_its_fill_is_kept_however_many_lots_it_is() -> None:
    """A million at 10 in lots of one atom is 1e13 lots, more than 2^40: none of them is left again."""
    fine = Terms(lot_atoms=1, notional_atoms=1, min_lots=1, min_notional_atoms=0)
    outcome = held_on(fine, ALL_IN._replace(size_mode=float(SIZE_AT_FILL)), 10, plain=True)
    assert [(fill["at"], fill["lots"]) for fill in fills_of(outcome)] == [(1, 10**13)]


def test_what_is_left_of_a_share_is_no_order_where_it_is_smaller_than_the_venue_accepts() -> None:
    """Of a million the first takes 800 lots, at 1,200 after a gap: 40,000 are left, too few for 100,000."""
    views = [SURE._replace(expires_ns=CLOSE_NS)] * 3
    history = beside(told([(1_000,) * 4, (1_200,) * 4, (1_200,) * 4], views), told([(1_000,) * 4] * 3, views))
    first = ALL_IN._replace(size_mode=float(SIZE_FRACTION), size_fraction=0.8)
    setup = make_setup(
        cash_atoms=1_000_000,
        terms=[TERMS._replace(min_notional_atoms=100_000)] * 2,
        costs=[FREE] * 2,
        instrument=[0, 1],
        policies=[first, ALL_IN._replace(size_mode=float(SIZE_AT_FILL))],
    )
    outcome = run(*history, setup, plain=True)
    assert [(fill["sleeve"], fill["lots"], fill["price"]) for fill in fills_of(outcome)] == [(0, 800, 1_200)]
    assert outcome.rejected == 1
