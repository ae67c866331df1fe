"""Numbers as the venue writes them: strings with eight decimals."""

from trading_system.market.instruments import Instrument
from trading_system.market.money import ATOMS
from trading_system.testnet.filters import price_atoms


def amount(atoms: int) -> str:
    """Return `atoms` in units of its currency.

    >>> amount(1_000)
    '0.00001000'
    >>> amount(-150_000_000)
    '-1.50000000'
    """
    whole, part = divmod(abs(atoms), ATOMS)
    return f"{'-' if atoms < 0 else ''}{whole}.{part:08d}"


def price_of(instrument: Instrument, ticks: int) -> str:
    """Return the price of `ticks`, quote per base."""
    return amount(ticks * price_atoms(instrument))


def quantity_of(instrument: Instrument, lots: int) -> str:
    """Return the quantity of `lots`, base units."""
    return amount(lots * instrument.lot_atoms)
