"""Prices and quantities are whole numbers of steps, or they are refused with a clear word."""

from decimal import Decimal

import pytest
from tests.factories import make_instrument

from trading_system.errors import ConfigurationError, DataError
from trading_system.market.money import to_atoms


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
