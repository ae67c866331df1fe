"""No new risk for the rest of a UTC day in which too much was lost."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.desk.numbers import CLOSE_NS, DAY_NS, POLICY, make_account, make_bar, make_sleeve

from trading_system.blotter.objections import DAILY_LOSS, DRAWDOWN, HALTED, NONE
from trading_system.blotter.state import NO_VIEW, AccountCarried
from trading_system.desk.decide import decide
from trading_system.risk_management.circuit_breakers.daily_loss import daily_loss, day_end

CAREFUL = POLICY._replace(max_daily_loss=0.25)


def began(equity: float, latched: int = NONE) -> AccountCarried:
    """Return the memory of a day that began with `equity`."""
    return AccountCarried(peak_equity=1e9, latched=latched, day_equity=equity, day_ends_ns=CLOSE_NS + 1)


@pytest.mark.parametrize(
    ("equity", "objection"),
    [
        (1_000.0, NONE),
        (750.0, NONE),
        (math.nextafter(750.0, 0.0), DAILY_LOSS),
        (-1.0, DAILY_LOSS),
        (math.nan, DAILY_LOSS),
    ],
)
def test_new_risk_is_refused_below_the_days_floor(equity: float, objection: int) -> None:
    """A quarter below the day's first 1,000 is 750, and 750 is still allowed."""
    assert daily_loss(equity, began(1_000.0), CAREFUL) == objection


def test_a_latch_outlives_every_recovery_of_the_day_and_another_latch_is_none_of_its_business() -> None:
    """Only its own flag counts."""
    assert daily_loss(9_999.0, began(1_000.0, DAILY_LOSS), CAREFUL) == DAILY_LOSS
    assert daily_loss(9_999.0, began(1_000.0, DRAWDOWN | HALTED), CAREFUL) == NONE


@pytest.mark.parametrize("limit", [0.0, -0.5, 1.5, math.nan, math.inf])
def test_a_limit_that_makes_no_sense_objects(limit: float) -> None:
    """A rule that cannot be evaluated is not passed; all may be lost in a day only where that is said: 1.0."""
    assert daily_loss(1_000.0, began(1_000.0), POLICY._replace(max_daily_loss=limit)) == DAILY_LOSS
    assert daily_loss(0.0, began(1_000.0), POLICY._replace(max_daily_loss=1.0)) == NONE


@pytest.mark.parametrize(("close_ns", "end_ns"), [(0, DAY_NS), (1, DAY_NS), (DAY_NS - 1, DAY_NS), (DAY_NS, 2 * DAY_NS)])
def test_a_close_at_midnight_belongs_to_the_day_that_it_opens(close_ns: int, end_ns: int) -> None:
    """The bar was the old day's, the decision is the new one's."""
    assert day_end(close_ns) == end_ns


@given(close_ns=st.integers(0, 2**62))
def test_every_moment_lies_in_one_day(close_ns: int) -> None:
    """The day ends after it, at a multiple of a day, at most a day later."""
    assert close_ns < day_end(close_ns) <= close_ns + DAY_NS
    assert day_end(close_ns) % DAY_NS == 0


@pytest.mark.parametrize(("ends_ns", "begins"), [(CLOSE_NS + 1, False), (CLOSE_NS, True), (0, True)])
def test_the_first_decision_of_a_day_takes_its_equity_and_clears_its_latch(ends_ns: int, begins: bool) -> None:
    """Before, the old day's numbers stand; and the drawdown's latch stands in any case."""
    account = make_account(cash=500, day=1_000.0, day_ends=ends_ns, latched=DAILY_LOSS | DRAWDOWN, peak=500.0)
    carried = decide(account, make_sleeve(), make_bar(), NO_VIEW, CAREFUL).account
    if begins:
        assert (carried.day_equity, carried.day_ends_ns, carried.latched) == (500.0, CLOSE_NS + DAY_NS, DRAWDOWN)
    else:
        assert (carried.day_equity, carried.day_ends_ns) == (1_000.0, ends_ns)
        assert carried.latched == DAILY_LOSS | DRAWDOWN


@given(values=st.lists(st.integers(0, 2_000_000), min_size=1, max_size=30))
def test_a_days_latch_stays_until_the_day_ends_and_no_longer(values: list[int]) -> None:
    """Eight decisions a day, a quarter of the day's first equity may go: worked out a second time by hand."""
    carried, first, tripped, over = AccountCarried(peak_equity=0.0, latched=0), 0, False, False
    for n, cash in enumerate(values):
        over = over or n % 8 == 0
        if over and cash > 0:
            first, tripped, over = cash, False, False
        tripped = tripped or cash < first * 0.75
        bar = make_bar()._replace(close_ns=CLOSE_NS + n * DAY_NS // 8)
        account = make_account(cash=cash)._replace(carried=carried)
        carried = decide(account, make_sleeve(), bar, NO_VIEW, CAREFUL._replace(max_drawdown=0.999999)).account
        assert bool(carried.latched & DAILY_LOSS) is tripped


def test_a_day_does_not_begin_before_anything_is_owned() -> None:
    """A bar that is decided before the venue has told the balances marks nothing; the first real mark begins the day.

    Else a tenth lost later on that day would be measured against nothing, and nothing would brake.
    """
    tenth = CAREFUL._replace(max_daily_loss=0.1)
    carried = decide(make_account(cash=0), make_sleeve(), make_bar(), NO_VIEW, tenth).account
    assert (carried.day_equity, carried.latched) == (0.0, NONE)
    for cash, latched in ((1_000, NONE), (900, NONE), (899, DAILY_LOSS)):
        account = make_account(cash=cash)._replace(carried=carried)
        carried = decide(account, make_sleeve(), make_bar(), NO_VIEW, tenth).account
        assert (carried.day_equity, carried.latched) == (1_000.0, latched)
