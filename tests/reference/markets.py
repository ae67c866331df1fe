"""Made-up prices and signals for cases worked out twice: by our engine, and by a short loop beside the test."""

from typing import Final

import numpy as np
from tests.reference.running import Row

TICK: Final = 100
"""Ticks in a unit of price: two decimals."""
ATOMS: Final = 100_000_000
"""Atoms in a unit of a currency."""
Bar = tuple[int, int, int, int]
"""Open, high, low, close, ticks."""


def walk(seed: int, count: int, *, start: int = 10_000, step: int = 60, grid: int = 1) -> list[Bar]:
    """Return bars that gap and wander about `start`, every price a multiple of `grid`."""
    rng = np.random.default_rng(seed)

    def moved(price: int, most: int) -> int:
        home = (start - price) // 20  # a twentieth of the way back, so that no price is lost
        return price + round((home + int(rng.integers(-most, most + 1))) / grid) * grid

    bars: list[Bar] = []
    last = start
    for _ in range(count):
        opened = moved(last, step)
        last = moved(opened, 2 * step)
        high = max(opened, last) + int(rng.integers(0, step)) // grid * grid
        low = min(opened, last) - int(rng.integers(0, step)) // grid * grid
        bars.append((opened, high, low, last))
    return bars


def units(bars: list[Bar]) -> list[Row]:
    """Return ticks as prices with two decimals."""
    return [(o / TICK, h / TICK, low / TICK, c / TICK) for o, h, low, c in bars]


def odds(seed: int, count: int, *, often: float = 0.25) -> dict[int, float]:
    """Return a signal at some of `count` bars: 1 to buy or be long, 0 to sell or be short."""
    rng = np.random.default_rng(seed)
    return {n: float(rng.integers(0, 2)) for n in range(count) if rng.random() < often}
