"""No new risk after too deep a fall."""

import math

import pytest
from tests.unit.desk.numbers import POLICY

from trading_system.blotter.objections import DRAWDOWN, HALTED, NONE
from trading_system.blotter.state import AccountCarried
from trading_system.risk_management.circuit_breakers.drawdown import drawdown


@pytest.mark.parametrize(
    ("equity", "objection"),
    [(1_000.0, NONE), (750.0, NONE), (math.nextafter(750.0, 0.0), DRAWDOWN), (-1.0, DRAWDOWN), (math.nan, DRAWDOWN)],
)
def test_new_risk_is_refused_below_the_floor(equity: float, objection: int) -> None:
    """A quarter below a peak of 1,000 is 750, and 750 is still allowed."""
    assert drawdown(equity, AccountCarried(peak_equity=1_000.0, latched=0), POLICY) == objection


def test_a_latch_outlives_every_recovery_and_another_latch_is_none_of_its_business() -> None:
    """Only its own flag counts."""
    latched, halted = (AccountCarried(peak_equity=1_000.0, latched=flag) for flag in (DRAWDOWN, HALTED))
    assert drawdown(9_999.0, latched, POLICY) == DRAWDOWN
    assert drawdown(9_999.0, halted, POLICY) == NONE


@pytest.mark.parametrize("limit", [0.0, 1.0, -0.5, 1.5, math.nan, math.inf])
def test_a_limit_that_makes_no_sense_objects(limit: float) -> None:
    """A rule that cannot be evaluated is not passed."""
    carried = AccountCarried(peak_equity=1_000.0, latched=0)
    assert drawdown(1_000.0, carried, POLICY._replace(max_drawdown=limit)) == DRAWDOWN


@pytest.mark.parametrize("peak", [math.nan, math.inf])
def test_a_peak_that_is_no_number_objects(peak: float) -> None:
    """A corrupt memory must not wave risk through."""
    assert drawdown(1_000.0, AccountCarried(peak_equity=peak, latched=0), POLICY) == DRAWDOWN
