"""A capped share of Kelly."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.desk.numbers import POLICY, SURE

from trading_system.risk_management.position_sizing.kelly import kelly_fraction, staked

ANY = st.floats()
UNIT = st.floats(0.0, 1.0)


@pytest.mark.parametrize(
    ("win_rate", "payoff", "expected"),
    [
        (0.6, 1.0, 0.2),  # 2p - 1 for even money
        (0.5, 2.0, 0.25),  # Thorp (2006): edge over odds, (2 x 0.5 - 0.5) / 2
        (1.0, 3.0, 1.0),
        (0.5, 1.0, 0.0),
        (0.4, 1.0, 0.0),
        (0.0, 9.0, 0.0),
    ],
)
def test_full_kelly_is_edge_over_odds(win_rate: float, payoff: float, expected: float) -> None:
    """f* = p - (1 - p) / b, and nothing without an edge."""
    assert kelly_fraction(win_rate, payoff, share=1.0, cap=1.0) == pytest.approx(expected, abs=1e-15)


@given(win_rate=ANY, payoff=ANY, share=ANY, cap=ANY)
def test_a_stake_lies_between_nothing_and_the_cap_for_any_numbers_at_all(
    win_rate: float, payoff: float, share: float, cap: float
) -> None:
    """An input that is no number, or out of its range, stakes nothing."""
    stake = kelly_fraction(win_rate, payoff, share, cap)
    sound = (
        0.0 <= win_rate <= 1.0 and payoff > 0.0 and math.isfinite(payoff) and 0.0 <= share <= 1.0 and 0.0 <= cap <= 1.0
    )
    assert 0.0 <= stake <= (cap if sound else 0.0)


@given(better=UNIT, worse=UNIT, payoff=st.floats(0.01, 100.0), share=UNIT, cap=UNIT)
def test_a_better_chance_never_stakes_less(
    better: float, worse: float, payoff: float, share: float, cap: float
) -> None:
    """The stake rises with the probability."""
    worse, better = sorted((better, worse))
    assert kelly_fraction(worse, payoff, share, cap) <= kelly_fraction(better, payoff, share, cap)


def test_costs_come_off_the_win_and_on_top_of_the_loss() -> None:
    """(0.02 - 0.005) / (0.02 + 0.005) = 0.6; 0.75 - 0.25 / 0.6 = 1/3; half of it is 1/6."""
    assert staked(SURE, POLICY._replace(round_trip_cost=0.005)) == pytest.approx(1 / 6, abs=1e-15)


@pytest.mark.parametrize("cost", [0.02, 0.03, math.nan, math.inf, -0.001])
def test_a_win_that_the_costs_eat_or_costs_that_make_no_sense_stake_nothing(cost: float) -> None:
    """At a cost of the whole gain there is no win left."""
    assert staked(SURE, POLICY._replace(round_trip_cost=cost)) == 0.0
