"""The barriers: where stop and target start, when the stop moves, where its limit lies; on both sides."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.desk.numbers import POLICY, make_bar, make_sleeve

from trading_system.blotter.state import STOP_ABSENT, STOP_FIXED, Sleeve
from trading_system.risk_management.circuit_breakers.stop_loss import (
    MAX_TICKS,
    NOISE,
    above,
    below,
    proposed,
    stop_limit,
    targeted,
    trailed,
)


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
    ("close", "atr", "stop"),
    [
        (1_000, 50.0, 1_100),
        (1_000, 50.1, 1_101),  # 1,100.2, rounded away from the price
        (1_000, 499.6, 2_000),  # 1,999.2: upwards there is always a price
        (1_000, 1e-20, 1_001),  # never at the close itself
        (1_000, 1e15, 0),
        (0, 1.0, 0),
        (1_000, 0.0, 0),
        (1_000, math.nan, 0),
        (1_000, math.inf, 0),
    ],
)
def test_a_short_positions_stop_lies_two_atr_above_the_close(close: int, atr: float, stop: int) -> None:
    """In whole ticks, upwards; 0 where none can be worked out."""
    assert proposed(make_bar(close, atr), POLICY, -1) == stop


@pytest.mark.parametrize(
    ("close", "level"),
    [
        (976, 1_100),  # would be 1,076: less than half an ATR (25) better
        (975, 1_075),
        (900, 1_000),
        (1_100, 1_100),
        (1_300, 1_100),
    ],
)
def test_the_stop_of_a_short_position_falls_in_steps_and_never_rises(close: int, level: int) -> None:
    """The mirror of a long one."""
    assert trailed(make_sleeve(held=-30, level=1_100), make_bar(close), POLICY, -1, False) == level


def test_a_fixed_stop_stays_where_the_entry_set_it() -> None:
    """On both sides, whatever is gained; a position without one takes the first; flat, the level follows the bar."""
    fixed = POLICY._replace(stop_mode=STOP_FIXED)
    assert trailed(make_sleeve(held=30, level=900), make_bar(2_000), fixed, 1, False) == 900
    assert trailed(make_sleeve(held=-30, level=1_100), make_bar(500), fixed, -1, False) == 1_100
    assert trailed(make_sleeve(held=30, level=0), make_bar(), fixed, 1, False) == 900
    assert trailed(make_sleeve(level=950), make_bar(), fixed, 1, True) == 900


@pytest.mark.parametrize(("side", "held", "flat"), [(1, 0, True), (1, 30, False), (-1, -30, False)])
def test_where_no_stop_is_wanted_there_is_none(side: int, held: int, flat: bool) -> None:
    """Not even one that was carried."""
    absent = POLICY._replace(stop_mode=STOP_ABSENT)
    assert trailed(make_sleeve(held=held, level=900), make_bar(), absent, side, flat) == 0


@pytest.mark.parametrize(
    ("side", "close", "atr", "take"),
    [
        (1, 1_000, 50.0, 1_150),
        (1, 1_000, 50.1, 1_151),  # 1,150.3: rounded away from the price, so that no less is asked
        (1, 1_000, 1e-20, 1_001),
        (1, 1_000, 1e15, 0),
        (-1, 1_000, 50.0, 850),
        (-1, 1_000, 50.1, 849),
        (-1, 1_000, 1e-20, 999),
        (-1, 1_000, 333.0, 1),
        (-1, 1_000, 334.0, 0),  # below the first tick there is no price
        (1, 1_000, 0.0, 0),
        (1, 1_000, math.nan, 0),
        (1, 0, 50.0, 0),
    ],
)
def test_a_target_lies_three_atr_beyond_the_close(side: int, close: int, atr: float, take: int) -> None:
    """Above it for a long position, below it for a short one; 0 where none can be worked out."""
    policy = POLICY._replace(take_profit=3.0)
    assert targeted(make_sleeve(), make_bar(close, atr), policy, side, True) == take


def test_a_target_stays_where_the_entry_set_it() -> None:
    """Also where the policy names none any more; and where none is wanted there is none."""
    held = make_sleeve(held=30, take=1_234)
    assert targeted(held, make_bar(), POLICY._replace(take_profit=3.0), 1, False) == 1_234
    assert targeted(held, make_bar(), POLICY, 1, False) == 1_234
    assert targeted(make_sleeve(take=1_234), make_bar(), POLICY, 1, True) == 0


@given(level=st.one_of(st.floats(), st.floats(0.0, 2e15)))
def test_ticks_below_and_above_a_level_enclose_it(level: float) -> None:
    """Within a tick on either side; 0 where it is no price."""
    if 1.0 <= level <= MAX_TICKS:
        assert level - 1.0 < below(level) <= level + NOISE
        assert level - NOISE <= above(level) < level + 1.0
    elif not 1.0 - NOISE <= level < 1.0:
        assert (below(level), above(level)) == (0, 0)


@pytest.mark.parametrize("ticks", [1, 9_300, 46_000_000])
@pytest.mark.parametrize(("off", "lower", "upper"), [(0.0, 0, 0), (2e-9, 0, 0), (0.25, -1, 1)])
def test_a_level_that_only_arithmetic_keeps_from_a_whole_tick_is_that_tick(
    ticks: int, off: float, lower: int, upper: int
) -> None:
    """A fraction of a price is seldom a binary one: 3,000 - 0.55 x 3,000 is less than 1,350."""
    assert 3_000.0 - 0.55 * 3_000.0 < 1_350.0
    assert below(3_000.0 - 0.55 * 3_000.0) == 1_350
    assert below(ticks - off) == ticks + lower
    assert above(ticks + off) == ticks + upper


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


@pytest.mark.parametrize(
    ("stop", "slack", "limit"),
    [
        (1_000, 0.125, 1_125),
        (1_001, 0.125, 1_127),  # 1,126.125
        (1_000, 0.0, 1_000),
        (1, 0.25, 2),
        (1_000, math.nan, 1_250),
        (1_000, 0.9, 1_250),
        (1_000, -0.1, 1_250),
    ],
)
def test_the_limit_of_a_short_positions_stop_lies_its_slack_above(stop: int, slack: float, limit: int) -> None:
    """What buys back may pay so much more."""
    assert stop_limit(stop, POLICY._replace(stop_slack=slack), -1) == limit


@pytest.mark.parametrize("side", [1, -1])
def test_without_a_stop_there_is_no_limit(side: int) -> None:
    """The target alone rests then."""
    assert stop_limit(0, POLICY, side) == 0
