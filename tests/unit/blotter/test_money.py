"""Amounts are exact or refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories import make_instrument

from trading_system.errors import ConfigurationError, DataError
from trading_system.market.money import ATOMS, Money, from_atoms, to_atoms


@given(atoms=st.integers(-(10**27), 10**27))
def test_atoms_survive_the_way_to_decimal_and_back(atoms: int) -> None:
    """Up to ten billion billion units of a currency, no digit is lost; and text says the same."""
    assert to_atoms(from_atoms(atoms)) == atoms
    assert to_atoms(f"{from_atoms(atoms):f}") == atoms
    assert from_atoms(atoms) * ATOMS == atoms


@given(one=st.integers(-(10**20), 10**20), other=st.integers(-(10**20), 10**20))
def test_sums_of_atoms_are_sums_of_money(one: int, other: int) -> None:
    """Integers add up without rounding, as Decimals of the same amounts do."""
    assert from_atoms(one + other) == from_atoms(one) + from_atoms(other)


@pytest.mark.parametrize("amount", ["0.000000001", "1.123456789", "NaN", "Infinity", "-Infinity"])
def test_what_is_no_whole_number_of_atoms_is_refused(amount: str) -> None:
    """A venue that counts finer than 1e-8 cannot be accounted for exactly; guessing would lose money."""
    with pytest.raises(DataError, match=r"not a (whole|finite) number"):
        to_atoms(amount)


@pytest.mark.parametrize(
    ("atoms", "text"),
    [(1, "0.00000001 BTC"), (-150_000_000, "-1.5 BTC"), (10**16, "100000000 BTC"), (0, "0 BTC")],
)
def test_money_is_written_in_units_without_an_exponent(atoms: int, text: str) -> None:
    """1E+8 is no way to write money."""
    assert str(Money(atoms=atoms, currency="BTC")) == text


@given(ticks=st.integers(1, 10**12), lots=st.integers(1, 10**12))
def test_prices_and_quantities_are_whole_steps_both_ways(ticks: int, lots: int) -> None:
    """And their product in atoms is the exact notional."""
    instrument = make_instrument()
    assert instrument.ticks(instrument.price(ticks)) == ticks
    assert instrument.lots(str(instrument.quantity(lots))) == lots
    notional = instrument.price(ticks) * instrument.quantity(lots)
    assert ticks * lots * instrument.notional_atoms == notional * ATOMS


@pytest.mark.parametrize("price", ["40000.005", "0.001", "NaN", "Infinity"])
def test_a_price_between_two_ticks_is_refused(price: str) -> None:
    """Never rounded in silence: the venue would refuse it, or we would misread it."""
    with pytest.raises(DataError, match=r"not a (whole|finite) number"):
        make_instrument().ticks(price)


@pytest.mark.parametrize(("tick", "lot"), [("0.00001", "0.00001"), ("0", "1"), ("1", "-1"), ("1", "0.000000001")])
def test_an_instrument_that_atoms_cannot_count_is_refused(tick: str, lot: str) -> None:
    """One lot at one tick must be a whole number of quote atoms: 1e-5 x 1e-5 is not."""
    with pytest.raises(ConfigurationError):
        make_instrument(tick=tick, lot=lot)


def test_the_smallest_steps_that_can_be_counted() -> None:
    """1e-4 x 1e-4 is exactly one atom."""
    assert make_instrument(tick="0.0001", lot="0.0001").notional_atoms == 1
    assert make_instrument(tick="0.0001", lot="0.0001").lot_atoms == 10_000
    assert make_instrument(lot="0.00000001", tick="1").quantity(1) == Decimal("1e-8")
