"""Many bars of one instrument as columns: what history is told in, when it is told all at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class BarColumns:
    """Closed bars of one instrument, oldest first, each of length `interval_ns`; missing bars are absent.

    Attributes:
        symbol: The venue's string for the instrument.
        interval_ns: Length of every bar, ns.
        close_ns: (S,) end of each bar, UTC ns, rising.
        open, high, low, close: (S,) prices in ticks, > 0.
        volume_atoms: (S,) quantity traded, base atoms (1e-8), >= 0.
    """

    symbol: str
    interval_ns: int
    close_ns: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume_atoms: Ints

    def __len__(self) -> int:
        return len(self.close_ns)
