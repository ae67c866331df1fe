"""What a fill costs: fees, and the price that spread and slippage take.

Fractions are integers here, in atoms per unit (1e-8), so that fees are exact: 100_000 is 0.1 %, or 10 bps.
"""

from typing import Final, NamedTuple

from trading_system.blotter.state import BarRow, Terms
from trading_system.kernel import kernel
from trading_system.risk_management.exposure import big_enough, lot_worth, most_lots
from trading_system.risk_management.position_sizing.sizing import whole_lots

UNIT: Final = 100_000_000
"""Atoms in one unit; also the whole, of which fractions are counted."""

SLIP_FIXED: Final = 0
"""Slippage is a fraction of the price."""
SLIP_RANGE: Final = 1
"""Slippage is a fraction of the bar's range, high less low: it grows with volatility."""
SLIP_VOLUME: Final = 2
"""Slippage is a fraction of the price times the order's share of the bar's volume."""

FEE_DOWN: Final = 0
"""Fees are cut to the atom, as venues do."""
FEE_HALF_EVEN: Final = 1
"""Fees are rounded to the nearest atom, halves to the even one."""
FEE_UP: Final = 2


class Costs(NamedTuple):
    """What the venue and the market take; fractions in 1e-8, 0..`UNIT`."""

    taker_fee: int
    """Of what a market order, or a stop as it triggers, brings in."""
    maker_fee: int
    """Of what an order that rested in the book brings in."""
    slip: int
    """Slippage of a taker, a fraction of what `slip_model` names."""
    half_spread: int = 0
    """Half the spread: how far from the bar's price a taker fills before any slippage, a fraction of the price."""
    slip_model: int = SLIP_FIXED
    """One of the SLIP_ constants."""
    fee_in_base: int = 1
    """1 where a buy pays its fee in the base currency it receives, as on Binance spot; 0 where all fees are quote."""
    fee_rounding: int = FEE_DOWN
    """One of the FEE_ constants."""


class Fee(NamedTuple):
    """A fee and its currency."""

    atoms: int
    """>= 0."""
    in_base: int
    """1 for base currency, 0 for quote."""


@kernel
def fraction_of(amount: int, fraction: int) -> int:
    """Return `fraction` (in 1e-8, 0..`UNIT`) of `amount`, both >= 0, rounded down; exact up to 1e17 atoms.

    The product of the two would leave 63 bits, so whole units and the rest are taken apart.

    >>> fraction_of(99_999_999_999_999_999, 100_000)
    99999999999999
    """
    return amount // UNIT * fraction + amount % UNIT * fraction // UNIT


@kernel
def fee_part(amount: int, fraction: int, rounding: int) -> int:
    """Return `fraction` of `amount` as `fraction_of`, rounded as asked.

    >>> [fee_part(amount, 50_000_000, FEE_HALF_EVEN) for amount in (1, 2, 3, 5)]  # halves: 0.5, 1, 1.5, 2.5
    [0, 1, 2, 2]
    """
    down = fraction_of(amount, fraction)
    if rounding == FEE_DOWN:
        return down
    rest = amount % UNIT * fraction % UNIT
    if rounding == FEE_UP:
        return down + 1 if rest > 0 else down
    half = UNIT // 2
    return down + 1 if rest > half or (rest == half and down % 2 == 1) else down


@kernel
def fee_of(lots: int, price_ticks: int, side: int, maker: int, costs: Costs, terms: Terms) -> Fee:
    """Return what the venue takes for a fill.

    Args:
        lots: Filled, > 0.
        price_ticks: Price of the fill, ticks.
        side: 1 bought, -1 sold.
        maker: 1 where the order had rested.
        costs: Fee rates, currency and rounding.
        terms: The instrument.

    Source: Binance spot, "New order", fills: `commission` in `commissionAsset`, the asset received.
    """
    rate = costs.maker_fee if maker == 1 else costs.taker_fee
    if side > 0 and costs.fee_in_base == 1:
        return Fee(atoms=fee_part(lots * terms.lot_atoms, rate, costs.fee_rounding), in_base=1)
    return Fee(atoms=fee_part(lots * price_ticks * terms.notional_atoms, rate, costs.fee_rounding), in_base=0)


@kernel
def rounded_up(amount: int, fraction: int) -> int:
    """Return `fraction` (in 1e-8) of `amount`, both >= 0, rounded up: against us."""
    return amount // UNIT * fraction - (-(amount % UNIT * fraction) // UNIT)


@kernel
def spread_ticks(price_ticks: int, costs: Costs) -> int:
    """Return how far half the spread takes a taker from `price_ticks`, ticks, >= 0, rounded up."""
    return rounded_up(price_ticks, costs.half_spread)


@kernel
def slip_ticks(price_ticks: int, lots: int, lot_atoms: int, bar: BarRow, costs: Costs) -> int:
    """Return how far beyond the spread a taker of `lots` fills, ticks, >= 0, rounded up.

    Where a volume model meets a bar without volume, the order counts as all of it.
    """
    if costs.slip_model == SLIP_RANGE:
        return rounded_up(bar.high - bar.low, costs.slip)
    full = rounded_up(price_ticks, costs.slip)
    if costs.slip_model == SLIP_VOLUME:
        atoms = lots * lot_atoms
        if 0 < atoms < bar.volume_atoms:
            part = float(full) * (float(atoms) / float(bar.volume_atoms))
            whole = int(part)
            return whole + 1 if float(whole) < part else whole
    return full


@kernel
def payable(cash: int, lots: int, price_ticks: int, side: int, maker: int, costs: Costs, terms: Terms) -> bool:
    """Return whether the venue would let a fill through: it refuses a buy that `cash`, quote atoms, does not pay."""
    if side < 0:
        return True
    one = lot_worth(price_ticks, terms)
    if one == 0 or lots > cash // one:
        return False
    fee = fee_of(lots, price_ticks, side, maker, costs, terms)
    return fee.in_base == 1 or lots * one + fee.atoms <= cash


@kernel
def share_lots(free: int, share: float, price_ticks: int, side: int, costs: Costs, terms: Terms) -> int:
    """Return how many lots `share` of the `free` quote atoms pays at `price_ticks`, the taker's fee included.

    0 where they are fewer than the venue accepts.
    """
    one = float(lot_worth(price_ticks, terms))
    if side < 0 or costs.fee_in_base == 0:
        one = one + one * float(costs.taker_fee) / float(UNIT)
    lots = min(whole_lots(float(free) * share, one), most_lots(terms)) if one > 0.0 else 0
    return lots if big_enough(lots, price_ticks, terms) else 0
