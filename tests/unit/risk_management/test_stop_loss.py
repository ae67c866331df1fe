"""The trailing stop: where it starts, when it moves, where its limit lies."""

import math

import pytest
from tests.unit.desk.numbers import POLICY, make_bar, make_sleeve

from trading_system.blotter.state import Sleeve
from trading_system.risk_management.circuit_breakers.stop_loss import proposed, stop_limit, trailed


@pytest.mark.parametrize(
    ("close", "atr", "stop"),
    [
        (1_000, 50.0, 900),
        (1_000, 50.1, 899),  # 899.8, rounded away from the price
        (1_000, 499.5, 1),
        (1_000, 499.6, 0),  # 0.8: below the first tick there is no price
        (1_000, 1e-20, 999),  # never at the close itself
        (1, 0.1, 0),
        (0, 1.0, 0),
        (-5, 1.0, 0),
        (1_000, 0.0, 0),
        (1_000, -1.0, 0),
        (1_000, math.nan, 0),
        (1_000, math.inf, 0),
    ],
)
def test_a_bar_sets_the_stop_two_atr_below_its_close(close: int, atr: float, stop: int) -> None:
    """In whole ticks, downwards; 0 where none can be worked out."""
    assert proposed(make_bar(close, atr), POLICY, 1) == stop


@pytest.mark.parametrize(
    ("close", "level"),
    [
        (1_024, 900),  # would be 924: less than half an ATR (25) better
        (1_025, 925),
        (1_100, 1_000),
        (900, 900),
        (700, 900),
    ],
)
def test_the_stop_of_a_position_rises_in_steps_and_never_falls(close: int, level: int) -> None:
    """Each move costs a cancel and a moment without protection, so it must be worth it."""
    assert trailed(make_sleeve(held=30, level=900), make_bar(close), POLICY, 1, False) == level


@pytest.mark.parametrize("sleeve", [make_sleeve(held=30, level=900), make_sleeve(coming=30, level=900)])
def test_without_atr_a_stop_stays_where_it_is(sleeve: Sleeve) -> None:
    """The last level is better than none."""
    assert trailed(sleeve, make_bar(2_000, atr=0.0), POLICY, 1, False) == 900


def test_a_position_without_a_stop_takes_the_first_that_can_be_worked_out() -> None:
    """However small the step."""
    assert trailed(make_sleeve(held=30, level=0), make_bar(), POLICY._replace(stop_step=1e9), 1, False) == 900


def test_flat_the_level_follows_the_bar_down_as_well() -> None:
    """It is only a preparation for an entry."""
    assert trailed(make_sleeve(level=950), make_bar(), POLICY, 1, True) == 900


@pytest.mark.parametrize(
    ("stop", "slack", "limit"),
    [
        (1_000, 0.125, 875),
        (1_001, 0.125, 875),  # 875.875
        (1_000, 0.0, 1_000),
        (1, 0.25, 1),
        (1_000, math.nan, 750),
        (1_000, 0.9, 750),
        (1_000, -0.1, 750),
    ],
)
def test_the_limit_lies_its_slack_below_the_stop(stop: int, slack: float, limit: int) -> None:
    """A slack that makes no sense is taken as the widest: a stop that sells badly beats one that does not sell."""
    assert stop_limit(stop, POLICY._replace(stop_slack=slack), 1) == limit
