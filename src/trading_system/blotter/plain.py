"""Facts as plain nested values with names, for logs, JSON output and whoever reads along.

This is how facts are shown, not how they are kept: `journal.codec` writes them so that they read back.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]
"""What JSON knows."""


def plain(value: object) -> Plain:
    """Return `value` in what JSON knows: dataclasses and NamedTuples as objects, the rest as text.

    >>> from trading_system.market.money import Money
    >>> plain(Money(atoms=5, currency="BNB"))
    {'atoms': 5, 'currency': 'BNB'}
    """
    match value:
        case Enum():
            return str(value.value)
        case None | bool() | int() | float() | str():
            return value
        case Decimal():
            return f"{value:f}"
        case Mapping():
            return {str(name): plain(item) for name, item in value.items()}
        case tuple() if names := getattr(value, "_fields", None):
            return {name: plain(item) for name, item in zip(names, value, strict=True)}
        case tuple() | list() | set() | frozenset():
            return [plain(item) for item in value]
        case bytes():
            return value.hex()
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
        case _:
            return str(value)
