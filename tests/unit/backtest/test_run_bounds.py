"""Numbers near the end of 63 bits: cheap coins in large amounts, and lots so small that there are very many."""

from typing import Final

import pytest
from tests.unit.backtest.histories import FREE, alone, fills_of, told
from tests.unit.desk.numbers import CLOSE_NS, POLICY, SURE

from trading_system.backtest.run import Outcome, run
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
