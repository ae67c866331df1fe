"""Exact amounts: integers of atoms, 10⁻⁸ of a currency. `Decimal` stands only at the venue's edge."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

from trading_system.errors import DataError

ATOMS: Final = 100_000_000
"""Atoms in one unit of any currency."""


def to_atoms(amount: Decimal | str) -> int:
    """Return `amount`, in units of its currency, as atoms.

    Raises:
        DataError: `amount` is finer than one atom, or not a number.

    >>> to_atoms("0.00001")
    1000
    """
    scaled = number(amount, "amount") * ATOMS
    if scaled != scaled.to_integral_value():
        raise DataError(f"amount {amount} is not a whole number of atoms (1e-8): check the venue's precision")
    return int(scaled)


def number(text: Decimal | str, name: str) -> Decimal:
    """Return `text` as an exact, finite number; `name` says in the error what it was to be.

    Raises:
        DataError: It is no number, or not a finite one.
    """
    try:
        value = Decimal(text)
    except (InvalidOperation, TypeError, ValueError) as error:
        raise DataError(f"{name} {text!r} is not a number") from error
    if not value.is_finite():
        raise DataError(f"{name} {text!r} is not a finite number")
    return value


def from_atoms(atoms: int) -> Decimal:
    """Return `atoms` as an exact amount in units of its currency, without trailing zeros.

    >>> from_atoms(150_000_000)
    Decimal('1.5')
    """
    amount = Decimal(atoms).scaleb(-8).normalize()
    return amount.quantize(Decimal(1)) if amount == amount.to_integral_value() else amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """An exact amount of one currency; `atoms` may be negative."""

    atoms: int
    currency: str

    def __str__(self) -> str:
        return f"{from_atoms(self.atoms):f} {self.currency}"
