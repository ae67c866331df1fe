"""The house: quotes a small book around the last price, and is the other side of what the recorded market did."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from trading_system.errors import ConfigurationError
from trading_system.market.instruments import Instrument
from trading_system.testnet.order_book import Side

_MASK: Final = (1 << 64) - 1


def mixed(*numbers: int) -> int:
    """Return 64 well-mixed bits of `numbers`, the same in every process and on every machine.

    Source: the finalizer of SplitMix64, Steele, Lea and Flood (2014).
    """
    state = 0
    for number in numbers:
        state = (state + number + 0x9E3779B97F4A7C15) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return state


class Quote(NamedTuple):
    """One level of the house's book: side, ticks, lots."""

    side: Side
    price: int
    lots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """How the house quotes.

    Attributes:
        half_spread_bps: From the last price to its first level, basis points, >= 0; at least one tick.
        levels: Levels on each side, >= 1; each one further half spread away.
        level_notional: Mean worth of a level, quote units, > 0; sizes vary from 50 % to 150 % of it by seed.
    """

    half_spread_bps: int = 1
    levels: int = 5
    level_notional: int = 50_000

    def __post_init__(self) -> None:
        if self.half_spread_bps < 0 or self.levels < 1 or self.level_notional < 1:
            raise ConfigurationError(f"the house cannot quote like this: {self}")

    def quotes(self, instrument: Instrument, price: int, *, seed: int, mark: int) -> list[Quote]:
        """Return the book around `price` ticks; the same `seed` and `mark` give the same sizes."""
        gap = max(1, price * self.half_spread_bps // 10_000)
        mean_lots = self.level_notional * 100_000_000 // (price * instrument.notional_atoms)
        quotes: list[Quote] = []
        for level in range(1, self.levels + 1):
            for sign, side in ((-1, Side.BUY), (1, Side.SELL)):
                lots = max(1, mean_lots * (50 + mixed(seed, mark, sign * level) % 101) // 100)
                if (at := price + sign * gap * level) > 0:
                    quotes.append(Quote(side, at, lots))
        return quotes
