"""Prices and quantities are whole numbers of steps, or they are refused with a clear word."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories import make_instrument

from trading_system.errors import ConfigurationError, DataError
from trading_system.market.money import to_atoms


@given(ticks=st.integers(1, 10**12), lots=st.integers(1, 10**12))
def test_steps_and_decimals_are_the_same_number(ticks: int, lots: int) -> None:
    """Out and back without a loss."""
    instrument = make_instrument()
    assert instrument.ticks(instrument.price(ticks)) == ticks
    assert instrument.lots(instrument.quantity(lots)) == lots


@given(ticks=st.integers(1, 10**9), lots=st.integers(1, 10**9))
def test_a_notional_is_exact_in_atoms(ticks: int, lots: int) -> None:
    """Price times quantity in Decimals is lots times ticks times the worth of one of each."""
    instrument = make_instrument()
    assert to_atoms(instrument.price(ticks) * instrument.quantity(lots)) == ticks * lots * instrument.notional_atoms


@pytest.mark.parametrize("price", ["40000.001", "1e-9", "NaN", "Infinity", "sNaN", "forty", "", "1,5"])
def test_what_is_no_whole_number_of_ticks_is_refused(price: str) -> None:
    """A price is never rounded; garbage from a venue is an error with a name, not a traceback."""
    with pytest.raises(DataError, match="price"):
        make_instrument().ticks(price)


@pytest.mark.parametrize("amount", ["0.000000001", "NaN", "-Infinity", "ten", ""])
def test_what_is_no_whole_number_of_atoms_is_refused(amount: str) -> None:
    """An amount is never rounded either."""
    with pytest.raises(DataError, match="amount"):
        to_atoms(amount)


@pytest.mark.parametrize(("tick", "lot"), [("0", "1"), ("-0.01", "1"), ("0.00001", "0.00001"), ("0.01", "0.000000001")])
def test_an_instrument_that_cannot_be_accounted_for_exactly_is_refused(tick: str, lot: str) -> None:
    """One lot at one tick must be a whole number of atoms, 1e-8 of the quote currency."""
    with pytest.raises(ConfigurationError):
        make_instrument(tick=tick, lot=lot)


def test_the_worth_of_one_lot_at_one_tick() -> None:
    """0.01 USDT times 0.00001 BTC is 1e-7 USDT: ten atoms; a lot is a thousand atoms of BTC."""
    instrument = make_instrument()
    assert (instrument.notional_atoms, instrument.lot_atoms) == (10, 1_000)
    assert instrument.price(4_000_001) == Decimal("40000.01")
