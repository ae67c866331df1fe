"""What is traded, and the steps in which the venue counts its price and quantity."""

from dataclasses import dataclass
from decimal import Decimal

from trading_system.errors import ConfigurationError, DataError
from trading_system.market.money import ATOMS, number


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A symbol of a venue with its steps.

    Inside the house a price is a whole number of ticks and a quantity a whole number of lots; the
    worth of one lot at one tick must be a whole number of quote atoms, so that every notional is exact.

    Attributes:
        venue: Name of the venue, "binance".
        symbol: The venue's own string, "BTCUSDT".
        base: Currency bought and sold.
        quote: Currency paid.
        tick: Price step, quote per base, > 0.
        lot: Quantity step, base units, > 0.
        min_lots: Smallest order, lots, >= 1.
        min_notional: Smallest order, quote units, >= 0.
        shortable: Whether more may be sold than is owned: borrowed, or from inventory.

    Raises:
        ConfigurationError: The steps are not positive, or their product is finer than one atom.
    """

    venue: str
    symbol: str
    base: str
    quote: str
    tick: Decimal
    lot: Decimal
    min_lots: int
    min_notional: Decimal
    shortable: bool = False

    def __post_init__(self) -> None:
        if self.tick <= 0 or self.lot <= 0 or self.min_lots < 1 or self.min_notional < 0:
            raise ConfigurationError(f"{self.symbol}: tick, lot and minimum lots must be positive: {self}")
        worth = self.tick * self.lot * ATOMS
        if worth != worth.to_integral_value() or (self.lot * ATOMS) % 1:
            raise ConfigurationError(
                f"{self.symbol}: one lot ({self.lot}) at one tick ({self.tick}) is finer than 1e-8 {self.quote}; "
                "this instrument cannot be accounted for exactly"
            )

    @property
    def lot_atoms(self) -> int:
        """Base atoms in one lot."""
        return int(self.lot * ATOMS)

    @property
    def notional_atoms(self) -> int:
        """Quote atoms that one lot is worth at a price of one tick."""
        return int(self.tick * self.lot * ATOMS)

    def ticks(self, price: Decimal | str) -> int:
        """Return `price` (quote per base) in ticks.

        Raises:
            DataError: The price is not a whole number of ticks.
        """
        return _steps(price, self.tick, f"{self.symbol} price", "tick")

    def lots(self, quantity: Decimal | str) -> int:
        """Return `quantity` (base units) in lots.

        Raises:
            DataError: The quantity is not a whole number of lots.
        """
        return _steps(quantity, self.lot, f"{self.symbol} quantity", "lot")

    def price(self, ticks: int) -> Decimal:
        """Return the price of `ticks`, quote per base, exact."""
        return self.tick * ticks

    def quantity(self, lots: int) -> Decimal:
        """Return the quantity of `lots`, base units, exact."""
        return self.lot * lots


def _steps(text: Decimal | str, step: Decimal, name: str, unit: str) -> int:
    count = number(text, name) / step
    if count != count.to_integral_value():
        raise DataError(f"{name} {text} is not a whole number of {unit}s of {step}")
    return int(count)
