"""What a back-test reads and writes: arrays, named.

Letters in shapes: S slices (all bars with one close are a slice), I instruments, K sleeves, N fills.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Tape(NamedTuple):
    """The market, slice by slice."""

    close_ns: Ints
    """(S,) close of the slice, UTC ns, rising."""
    bars: Ints
    """(S, I, 5) open, high, low, close in ticks and volume in base atoms; all 0 where an instrument has no bar."""
    atr: Floats
    """(S, I) average true range, ticks; 0.0 while unknown."""
    gates: Ints
    """(S,) objections from outside the decision: stale feed, halted."""


class Beliefs(NamedTuple):
    """The strategies' views, each formed from its slice and the past."""

    odds: Floats
    """(S, K, 3) probability, gain and loss, as in `View`."""
    expires_ns: Ints
    """(S, K) last moment at which the view holds, UTC ns; 0 for none."""


class Setup(NamedTuple):
    """What stays the same during a run."""

    cash_atoms: int
    """Quote currency at the start, atoms, 0..1e17."""
    instrument: Ints
    """(K,) index of the instrument that each sleeve trades, 0..I-1."""
    terms: Ints
    """(I, 4) the fields of `Terms`."""
    costs: Ints
    """(I, 3) the fields of `Costs`."""
    policies: Floats
    """(K, 11) the fields of `Policy`."""


ENTER: Final = 0
EXIT: Final = 1
PROTECT: Final = 2

FILL_SLICE: Final = 0
FILL_SLEEVE: Final = 1
FILL_INTENT: Final = 2
"""`ENTER` (a buy), `EXIT` or `PROTECT` (sales)."""
FILL_LOTS: Final = 3
FILL_TICKS: Final = 4
FILL_FEE: Final = 5
"""Atoms: base currency for a buy, quote currency for a sale."""
FILL_MAKER: Final = 6
FILL_COLUMNS: Final = 7

CASH: Final = 0
FILLS: Final = 1
REJECTED: Final = 2
TALLY_COLUMNS: Final = 3


class Record(NamedTuple):
    """What a run writes down."""

    cash: Ints
    """(S,) quote currency owned at the close, atoms."""
    holdings: Ints
    """(S,) worth of all positions at the close, atoms; cash + holdings is equity."""
    decided: Ints
    """(S, K, 3) target in lots, stop in ticks, objections; objections -1 where there was no bar to decide on."""
    marks: Ints
    """(I,) last close of each instrument, ticks."""
    fills: Ints
    """(N, 7) the fills in the order in which they happened, columns `FILL_...`."""
    book: Ints
    """(K, 11) what each sleeve has booked and carries at the end, columns of `backtest.rows`."""
    tally: Ints
    """(3,) `CASH` owned now, atoms; how many `FILLS`; how many entries the venue would have `REJECTED` for cash."""
