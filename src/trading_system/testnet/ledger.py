"""Double-entry balances: whatever one account gains, another loses, in whole atoms."""

from dataclasses import dataclass
from typing import Final

from trading_system.errors import InvariantBroken

HOUSE: Final = "house"
"""The market's other side and the source of deposits; the only account that may owe."""
FEES: Final = "fees"
"""Where commissions go."""


@dataclass(slots=True)
class Balance:
    """What an account holds of one currency, atoms: `free` to use, `locked` behind open orders."""

    free: int = 0
    locked: int = 0


class Ledger:
    """Balances by account and currency.

    Every posting takes from one place what it gives to another; the sum over all accounts is zero
    for each currency at any time. No account but the house can go below zero.
    """

    def __init__(self) -> None:
        self._balances: dict[str, dict[str, Balance]] = {}
        self._touched: dict[str, dict[str, None]] = {}  # dicts, for their order: sets would differ between processes

    def balance(self, account: str, currency: str) -> Balance:
        """Return what `account` holds of `currency`; do not write to it."""
        return self._balances.setdefault(account, {}).setdefault(currency, Balance())

    def balances(self, account: str) -> dict[str, Balance]:
        """Return all that `account` holds, by currency, in alphabetical order."""
        return dict(sorted(self._balances.get(account, {}).items()))

    def accounts(self) -> list[str]:
        """Return the names of all accounts, in alphabetical order."""
        return sorted(self._balances)

    def transfer(self, currency: str, atoms: int, *, source: str, target: str) -> None:
        """Move `atoms` >= 0 from what is free at `source` to what is free at `target`."""
        self._change(source, currency, free=-atoms)
        self._change(target, currency, free=atoms)

    def spend(self, currency: str, atoms: int, *, source: str, target: str) -> None:
        """Move `atoms` >= 0 from what is locked at `source` to what is free at `target`."""
        self._change(source, currency, locked=-atoms)
        self._change(target, currency, free=atoms)

    def lock(self, account: str, currency: str, atoms: int) -> None:
        """Put `atoms` >= 0 of what is free behind an order."""
        self._change(account, currency, free=-atoms, locked=atoms)

    def release(self, account: str, currency: str, atoms: int) -> None:
        """Free `atoms` >= 0 of what was locked."""
        self._change(account, currency, free=atoms, locked=-atoms)

    def total(self, currency: str) -> int:
        """Return the sum over all accounts, atoms: always 0."""
        held = (balances[currency] for balances in self._balances.values() if currency in balances)
        return sum(balance.free + balance.locked for balance in held)

    def touched(self) -> dict[str, tuple[str, ...]]:
        """Return the currencies posted to since the last call, by account, and forget them."""
        touched = {account: tuple(currencies) for account, currencies in self._touched.items()}
        self._touched.clear()
        return touched

    def _change(self, account: str, currency: str, *, free: int = 0, locked: int = 0) -> None:
        balance = self.balance(account, currency)
        balance.free += free
        balance.locked += locked
        if account != HOUSE and (balance.free < 0 or balance.locked < 0):
            raise InvariantBroken(f"account {account} would hold {balance} atoms of {currency}")
        self._touched.setdefault(account, {})[currency] = None
