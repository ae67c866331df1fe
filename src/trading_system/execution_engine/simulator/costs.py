"""What a fill costs: fees, and the price that spread and slippage take.

Fractions are integers here, in atoms per unit (1e-8), so that fees are exact: 100_000 is 0.1 %, or 10 bps.
"""

from typing import Final, NamedTuple

from trading_system.blotter.state import Terms
from trading_system.kernel import kernel

UNIT: Final = 100_000_000
"""Atoms in one unit; also the whole, of which fractions are counted."""


class Costs(NamedTuple):
    """What the venue and the market take, each a fraction in 1e-8, 0..`UNIT`."""

    taker_fee: int
    """Of what a market order, or a stop as it triggers, brings in."""
    maker_fee: int
    """Of what an order that rested in the book brings in."""
    slip: int
    """Half the spread plus slippage: how far from the bar's price a taker fills, a fraction of the price."""


@kernel
def fraction_of(amount: int, fraction: int) -> int:
    """Return `fraction` (in 1e-8, 0..`UNIT`) of `amount`, both >= 0, rounded down; exact up to 1e17 atoms.

    The product of the two would leave 63 bits, so whole units and the rest are taken apart.

    >>> fraction_of(99_999_999_999_999_999, 100_000)
    99999999999999
    """
    return amount // UNIT * fraction + amount % UNIT * fraction // UNIT


@kernel
def buy_fee_atoms(lots: int, fee: int, terms: Terms) -> int:
    """Return the fee of buying `lots`, base atoms: the venue takes it from what was bought, cut to the atom.

    Source: Binance spot, "New order", fills: `commission` in `commissionAsset`, the asset received.
    """
    return fraction_of(lots * terms.lot_atoms, fee)


@kernel
def sell_fee_atoms(proceeds_atoms: int, fee: int) -> int:
    """Return the fee of a sale that brought `proceeds_atoms`, quote atoms, cut to the atom."""
    return fraction_of(proceeds_atoms, fee)


@kernel
def slip_ticks(price_ticks: int, costs: Costs) -> int:
    """Return how far from `price_ticks` a taker fills, ticks, >= 0, rounded up: against us."""
    return price_ticks // UNIT * costs.slip - (-(price_ticks % UNIT * costs.slip) // UNIT)
