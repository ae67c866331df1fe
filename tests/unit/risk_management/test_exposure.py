"""What lots are worth, and what the venue finds too small."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.desk.numbers import POLICY, TERMS, make_account, make_sleeve

from trading_system.blotter.state import STOP_RESTING, Sleeve, Terms
from trading_system.risk_management.exposure import (
    MAX_ATOMS,
    affordable,
    big_enough,
    entry_reserve,
    free_atoms,
    gross_atoms,
    held_lots,
    is_flat,
    leavable,
    lot_worth,
    most_lots,
    protectable,
    worst_lot,
    worth,
)

ATOMS = st.integers(0, MAX_ATOMS)


@pytest.mark.parametrize(
    ("atoms", "lots"), [(0, 0), (99, 0), (100, 1), (299, 2), (-1, 0), (-99, 0), (-100, -1), (-299, -2)]
)
def test_only_whole_lots_are_held(atoms: int, lots: int) -> None:
    """A lot is 100 atoms here; what fees left of the last one cannot be sold, nor a part of one be bought back."""
    assert held_lots(make_sleeve()._replace(position_atoms=atoms)) == lots


@given(lots=st.integers(0, 10**9), rest=st.integers(0, 10**9), lot=st.integers(1, 3 * 10**9), one=st.integers(1, 10**8))
def test_worth_is_exact_and_rounded_down(lots: int, rest: int, lot: int, one: int) -> None:
    """position x price / lot in whole atoms, though the product may not fit 63 bits; a debt is as large."""
    terms = Terms(lot_atoms=lot, notional_atoms=one, min_lots=1, min_notional_atoms=0)
    position = lots * lot + rest % lot
    assert worth(position, 1, terms) == position * one // lot
    assert worth(-position, 1, terms) == -(position * one // lot)


@pytest.mark.parametrize(("price", "notional"), [(0, 1), (-1, 1), (1, 0), (10**9, 10**9)])
def test_what_has_no_price_or_one_beyond_reckoning_is_worth_nothing(price: int, notional: int) -> None:
    """A zero that every rule reads as: cannot be told."""
    terms = TERMS._replace(notional_atoms=notional)
    assert (lot_worth(price, terms), worth(10**6, price, terms)) == (0, 0)


@pytest.mark.parametrize(
    ("price", "buffer", "worst"),
    [
        (1, 0.0, 1),
        (1_000, 0.25, 1_250),
        (1_001, 0.25, 1_252),
        (1_001, 0.0, 1_001),
        (1_000, -0.1, 0),
        (1_000, float("nan"), 0),
        (0, 0.1, 0),
    ],
)
def test_the_worst_cost_of_a_lot_is_rounded_up(price: int, buffer: float, worst: int) -> None:
    """1,001 x 1.25 = 1,251.25."""
    assert worst_lot(price, TERMS, POLICY._replace(cash_buffer=buffer)) == worst


@pytest.mark.parametrize(("free", "lots"), [(-5, 0), (0, 0), (1, 1), (7, 7)])
def test_cash_affords_whole_lots_down_to_the_last_atom(free: int, lots: int) -> None:
    """A lot worth one atom, bought without a buffer."""
    assert affordable(free, 1, TERMS, POLICY._replace(cash_buffer=0.0)) == lots


@given(free=st.integers(0, MAX_ATOMS), price=st.integers(1, 10**7), buffer=st.floats(0.0, 1.0))
def test_what_is_affordable_can_be_reserved_and_one_lot_more_cannot(free: int, price: int, buffer: float) -> None:
    """The two agree to the atom, up to what can be counted."""
    policy = POLICY._replace(cash_buffer=buffer)
    lots = affordable(free, price, TERMS, policy)
    assert entry_reserve(lots, price, TERMS, policy) <= free
    assert lots == most_lots(TERMS) or free < entry_reserve(lots + 1, price, TERMS, policy)


def test_no_more_is_affordable_than_can_be_counted() -> None:
    """4e18 atoms of a coin in lots of a hundred, though the cash would pay for more."""
    assert affordable(MAX_ATOMS, 1, TERMS, POLICY._replace(cash_buffer=0.0)) == 4 * 10**16


@pytest.mark.parametrize(
    ("cash", "reserved", "holdings", "short", "free", "gross"),
    [
        (1_000, 0, 0, 0, 1_000, 0),
        (400, 100, 600, 0, 300, 700),
        (1_500, 0, -500, 500, 500, 500),  # of 1,500 in cash 500 came from the sale, and 500 stand behind it
        (900, 50, 100, 200, 450, 550),  # 300 long and 200 short
    ],
)
def test_what_short_sales_brought_in_is_owed_and_as_much_again_stands_behind_it(
    cash: int, reserved: int, holdings: int, short: int, free: int, gross: int
) -> None:
    """Free is what may be put into new positions; gross what is held and promised, without signs."""
    account = make_account(cash=cash, reserved=reserved, holdings=holdings, short=short)
    assert (free_atoms(account), gross_atoms(account)) == (free, gross)


@given(lots=ATOMS, price=ATOMS, notional=st.integers(1, 10**9), least=ATOMS, min_lots=st.integers(1, 10))
def test_an_order_is_big_enough_by_lots_and_by_worth(
    lots: int, price: int, notional: int, least: int, min_lots: int
) -> None:
    """Told without ever leaving 63 bits."""
    terms = Terms(lot_atoms=1, notional_atoms=notional, min_lots=min_lots, min_notional_atoms=least)
    told = 0 < price * notional <= MAX_ATOMS
    assert big_enough(lots, price, terms) == (told and lots >= min_lots and lots * price * notional >= least)


def test_an_order_for_nothing_is_never_big_enough() -> None:
    """Even where the venue names no smallest order."""
    terms = TERMS._replace(min_lots=0, min_notional_atoms=0)
    assert [big_enough(lots, 1_000, terms) for lots in (0, 1)] == [False, True]
    assert [leavable(lots, 0, terms) for lots in (0, 1)] == [False, True]


def test_without_a_price_an_order_cannot_be_bought_but_can_be_sold() -> None:
    """Then only the lots are counted."""
    assert (big_enough(50, 0, TERMS), leavable(50, 0, TERMS), leavable(1, 0, TERMS)) == (False, True, False)


@pytest.mark.parametrize(("lots", "accepted"), [(4, False), (5, True)])
def test_a_stop_is_measured_at_the_lowest_limit_that_it_may_have(lots: int, accepted: bool) -> None:
    """900 less a quarter is 675: five lots are worth 3,375, four 2,700; the venue wants 3,000."""
    assert protectable(lots, 900, TERMS) is accepted


@pytest.mark.parametrize(
    ("sleeve", "flat"),
    [
        (make_sleeve(), True),
        (make_sleeve(dust=99), True),
        (make_sleeve(held=2), True),
        (make_sleeve(held=3), False),
        (make_sleeve(coming=1), False),
        (make_sleeve(held=2, going=1), False),
        (make_sleeve(held=1, stop=1, stop_at=900, status=STOP_RESTING), False),
        (make_sleeve(stop=1, stop_at=900, status=STOP_RESTING), True),
        (make_sleeve(held=2, stop=2, stop_at=900, status=STOP_RESTING), False),
        (make_sleeve(held=-2, dust=-99), True),
        (make_sleeve(held=-3), False),
        (make_sleeve(coming=-1), False),
        (make_sleeve(held=-2, going=1), False),
    ],
)
def test_flat_is_what_holds_nothing_that_it_could_leave_and_expects_nothing(sleeve: Sleeve, flat: bool) -> None:
    """At 1,000 the venue takes three lots, not two."""
    assert is_flat(sleeve, held_lots(sleeve), 1_000) is flat
