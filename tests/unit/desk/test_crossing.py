"""How many lots two sleeves give each other, and who may wait for that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.desk.numbers import TERMS, make_sleeve

from trading_system.blotter.state import NOTHING, STOP_CANCELING, Asks, Terms
from trading_system.desk.crossing import crossed_lots, may_cross, waiting_lots
from trading_system.risk_management.exposure import least_lots, leavable

AT_MARKET = NOTHING._replace(entry_lots=10)


@pytest.mark.parametrize(
    ("selling", "sells_off", "buying", "covers", "lots"),
    [
        (6, True, 10, False, 6),
        (10, True, 6, False, 6),  # 4 can still be sold
        (7, True, 6, False, 4),  # 1 could not: 3 are left to be sold
        (7, False, 6, False, 6),  # two entries: the rest of one is dropped
        (6, False, 7, True, 4),  # a short position is left with 3
        (7, True, 6, True, 0),  # neither exit may end as dust
        (5, True, 4, False, 0),  # 2 would cross: fewer than the venue would have sold
        (6, True, 6, True, 6),
    ],
)
def test_as_many_as_both_want_but_no_exit_is_cut_down_to_dust(
    selling: int, sells_off: bool, buying: int, covers: bool, lots: int
) -> None:
    """By hand, at 1,000: the venue takes 3,000 and more, so 3 lots."""
    assert crossed_lots(selling, sells_off, buying, covers, 1_000, TERMS) == lots


@given(
    selling=st.integers(1, 50),
    buying=st.integers(1, 50),
    sells_off=st.booleans(),
    covers=st.booleans(),
    price=st.integers(1, 2_000),
    smallest=st.integers(0, 10_000),
)
def test_what_leaves_can_still_leave(
    selling: int, buying: int, sells_off: bool, covers: bool, price: int, smallest: int
) -> None:
    """Never more than either wants; and what an exit could send before, it can send after, or has nothing left."""
    terms = Terms(lot_atoms=1, notional_atoms=1, min_lots=2, min_notional_atoms=smallest)
    lots = crossed_lots(selling, sells_off, buying, covers, price, terms)
    assert 0 <= lots <= min(selling, buying)
    for wanted, leaves in ((selling, sells_off), (buying, covers)):
        if leaves and leavable(wanted, price, terms):
            assert wanted == lots or leavable(wanted - lots, price, terms)


@given(price=st.integers(1, 5_000), min_lots=st.integers(1, 9), smallest=st.integers(0, 10**6))
def test_the_least_is_the_smallest_that_can_be_taken_off(price: int, min_lots: int, smallest: int) -> None:
    """One lot fewer is refused."""
    terms = Terms(lot_atoms=1, notional_atoms=7, min_lots=min_lots, min_notional_atoms=smallest)
    least = least_lots(price, terms)
    assert leavable(least, price, terms)
    assert not leavable(least - 1, price, terms)


@pytest.mark.parametrize(
    ("asks", "held", "may"),
    [
        (AT_MARKET, 0, True),
        (AT_MARKET._replace(entry_lots=-10), 0, True),
        (NOTHING, 0, False),
        (AT_MARKET._replace(entry_limit_ticks=990), 0, False),
        (AT_MARKET._replace(entry_post_only=1), 0, False),
        (AT_MARKET._replace(entry_parts=2), 0, False),
        (AT_MARKET._replace(entry_share=0.5), 0, False),
        (AT_MARKET._replace(exit_lots=5), 0, False),
        (AT_MARKET._replace(cancel_stop=1), 0, False),
        (AT_MARKET, 1, False),
    ],
)
def test_one_order_at_market_of_a_sleeve_that_owns_nothing_may_cross(asks: Asks, held: int, may: bool) -> None:
    """All else has a price, a size or a moment of its own, or two wishes at once."""
    assert may_cross(asks, make_sleeve(held=held)) is may


@pytest.mark.parametrize(("held", "target", "lots"), [(10, 0, -10), (-10, 0, 10), (10, 10, 0), (10, 4, -6)], ids=str)
def test_what_waits_for_its_cancel_is_what_it_will_ask_to_leave_with(held: int, target: int, lots: int) -> None:
    """A stop that is only moved gives nothing."""
    level = 900 if held > 0 else 1_100
    stops = {"stop": abs(held), "stop_at": level, "limit_at": level, "level": level}
    sleeve = make_sleeve(held=held, target=target, status=STOP_CANCELING, **stops)
    assert waiting_lots(sleeve, 1_000) == lots
