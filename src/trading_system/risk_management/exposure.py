"""What lots are worth, what cash can carry them, and which orders are too small for the venue."""

from typing import Final

from trading_system.blotter.state import STOP_NONE, STOP_REFUSED, Account, Policy, Sleeve, Terms
from trading_system.kernel import kernel

MAX_ATOMS: Final = 10**17
"""Largest amount a decision works with, atoms: a billion units. Sums and products below stay inside 63 bits."""

MAX_BASE_ATOMS: Final = 4 * 10**18
"""Largest position, base atoms: forty billion coins. Of a cheap one that is little money, and more leaves 63 bits."""

MAX_SLACK: Final = 0.25
"""Largest `stop_slack`. The smallest protective order is checked this far below the stop, whatever the slack."""


@kernel
def held_lots(sleeve: Sleeve) -> int:
    """Return the whole lots that the sleeve owns, < 0 when short; a part of a lot cannot be traded and is nothing."""
    lot = sleeve.terms.lot_atoms
    if lot <= 0:
        return 0
    if sleeve.position_atoms >= 0:
        return sleeve.position_atoms // lot
    return -(-sleeve.position_atoms // lot)


@kernel
def lot_worth(price_ticks: int, terms: Terms) -> int:
    """Return what one lot is worth at `price_ticks`, quote atoms, > 0; or 0 where that cannot be told."""
    if price_ticks <= 0 or terms.notional_atoms <= 0:
        return 0
    if float(price_ticks) * float(terms.notional_atoms) > float(MAX_ATOMS):  # as floats: the product may not fit
        return 0
    return price_ticks * terms.notional_atoms


@kernel
def worth(position_atoms: int, price_ticks: int, terms: Terms) -> int:
    """Return what `position_atoms` of base currency are worth, quote atoms, cut to the atom; 0 without a price.

    The part of a lot that cannot be traded is counted too: it is ours. What is owed is worth less than nothing.

    Args:
        position_atoms: Base currency, atoms, signed; worth at most `MAX_ATOMS`.
        price_ticks: Price, ticks.
        terms: The instrument; a lot of at most 3e9 atoms (30 units), else the last atoms would not fit 63 bits.
    """
    if terms.lot_atoms <= 0 or position_atoms == 0:
        return 0
    size = abs(position_atoms)
    value = worth_in_lots(size // terms.lot_atoms, size % terms.lot_atoms, price_ticks, terms)
    return value if position_atoms > 0 else -value


@kernel
def worth_in_lots(lots: int, rest_atoms: int, price_ticks: int, terms: Terms) -> int:
    """Return what `lots`, and `rest_atoms` that do not make one, are worth, quote atoms, >= 0; as `worth`."""
    one, lot = lot_worth(price_ticks, terms), terms.lot_atoms
    value = lots * one
    if rest_atoms > 0:
        value += rest_atoms * (one // lot) + rest_atoms * (one % lot) // lot
    return value


@kernel
def free_atoms(account: Account) -> int:
    """Return the quote atoms that may be put into new positions, without borrowing.

    What short sales brought in is owed, and as much again stands behind them.
    """
    return account.cash_atoms - 2 * account.short_atoms - account.reserved_atoms


@kernel
def gross_atoms(account: Account) -> int:
    """Return the worth of all positions without their signs, and of all live entries, quote atoms."""
    return account.holdings_atoms + 2 * account.short_atoms + account.reserved_atoms


@kernel
def worst_lot(price_ticks: int, terms: Terms, policy: Policy) -> int:
    """Return the most that one lot may cost in a market buy, quote atoms, rounded up; 0 where that cannot be told."""
    one = lot_worth(price_ticks, terms)
    above = float(one) * policy.cash_buffer
    if one == 0 or not 0.0 <= above < float(MAX_ATOMS):
        return 0
    whole = int(above)
    if float(whole) < above:
        whole += 1
    return one + whole


@kernel
def entry_reserve(lots: int, price_ticks: int, terms: Terms, policy: Policy) -> int:
    """Return the quote atoms to keep aside for an entry of `lots`, > 0, at `price_ticks`: its limit, or the close.

    The fee is not in it: on Binance spot a buy pays its fee in the base currency it receives.

    >>> terms = Terms(lot_atoms=1_000, notional_atoms=10, min_lots=1, min_notional_atoms=0)
    >>> entry_reserve(3, 101, terms, Policy(*[0.5] * 9, cash_buffer=0.001, max_drawdown=0.2))  # 3 x (1010 + 1.01 up)
    3036
    """
    return lots * worst_lot(price_ticks, terms, policy)


@kernel
def affordable(free: int, price_ticks: int, terms: Terms, policy: Policy) -> int:
    """Return how many lots an entry may ask for, so that its reserve is at most `free` quote atoms, >= 0.

    Never more than `MAX_BASE_ATOMS`: what is bought must still be counted.
    """
    worst = worst_lot(price_ticks, terms, policy)
    if worst == 0 or free <= 0:
        return 0
    return min(free // worst, most_lots(terms))


@kernel
def most_lots(terms: Terms) -> int:
    """Return how many lots a position may have at most, so that its atoms can be counted."""
    return MAX_BASE_ATOMS // terms.lot_atoms if terms.lot_atoms > 0 else 0


@kernel
def big_enough(lots: int, price_ticks: int, terms: Terms) -> bool:
    """Return whether the venue accepts an order of `lots` at `price_ticks`; without a price, no.

    The smallest notional is at most `MAX_ATOMS`.
    """
    one = lot_worth(price_ticks, terms)
    if one == 0 or lots < 1 or lots < terms.min_lots:
        return False
    if float(lots) * float(one) > float(MAX_ATOMS):  # as floats: the product may not fit
        return True
    return lots * one >= terms.min_notional_atoms


@kernel
def leavable(lots: int, price_ticks: int, terms: Terms) -> bool:
    """Return whether `lots` can be taken off at market; without a price, yes: a brake must never lock us in."""
    if lot_worth(price_ticks, terms) == 0:
        return lots >= 1 and lots >= terms.min_lots
    return big_enough(lots, price_ticks, terms)


@kernel
def least_lots(price_ticks: int, terms: Terms) -> int:
    """Return the fewest lots that can be taken off at market: the smallest for which `leavable` is true, >= 1.

    >>> least_lots(30, Terms(lot_atoms=1, notional_atoms=10, min_lots=2, min_notional_atoms=1_000))  # 1000 / 300, up
    4
    """
    one, least = lot_worth(price_ticks, terms), max(1, terms.min_lots)
    return max(least, -(-terms.min_notional_atoms // one)) if one > 0 else least


@kernel
def protectable(lots: int, level_ticks: int, terms: Terms) -> bool:
    """Return whether the venue accepts a protective order for `lots`, judged at the lowest limit price it may have.

    The venue measures a stop-limit order at its limit price, which lies up to `MAX_SLACK` below the stop.
    """
    return big_enough(lots, level_ticks * 3 // 4, terms)


@kernel
def is_flat(sleeve: Sleeve, held: int, price_ticks: int) -> bool:
    """Return whether the sleeve, of which `held` are whole lots, has no position to leave, and none on its way.

    Dust, too small for the venue to take back, is no position: else a sleeve that holds some could never enter again.
    """
    if sleeve.entry_lots != 0:
        return False
    if held == 0:
        return True
    idle = sleeve.exit_lots == 0 and (sleeve.stop_status == STOP_NONE or sleeve.stop_status == STOP_REFUSED)
    return idle and not leavable(abs(held), price_ticks, sleeve.terms)
