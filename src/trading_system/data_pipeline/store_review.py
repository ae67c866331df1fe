"""What is odd about the bars of the store, told whenever somebody asks, of the whole series as it is then.

Nothing of it is kept: a bar stands behind a gap until the gap is filled, and how far is far depends on what a market
usually does. So it does not matter by which way, in which order or in how many pieces the bars came.
"""

from typing import Final

import numpy as np

from trading_system.data_pipeline.bar_checks import Columns
from trading_system.data_pipeline.bar_store import BarStore, Flags
from trading_system.data_pipeline.normalizers.quality_review import review
from trading_system.errors import ConfigurationError
from trading_system.market.bar_flags import AFTER_GAP, SPIKE, STALE, ZERO_BAR
from trading_system.market.bars import interval_ns

_ASKED: Final = np.uint16(SPIKE | STALE | ZERO_BAR)
"""Flags of a review that hold of stored bars: their stamps were put right, and the store knows their interval."""


def flagged(
    store: BarStore, venue: str, symbol: str, interval: str, *, start_ns: int = 0, end_ns: int | None = None
) -> tuple[Columns, Flags]:
    """Return the bars with `start_ns` <= open < `end_ns`, prices in atoms, and the flags of each.

    The whole series is read and reviewed, about 2 s for 1,000,000 bars; `BarStore.columns` reads a span without.

    Raises:
        ConfigurationError: There is no such series, or none of it lies in the span.
        DataError: A file was lost, does not hold what its hash says, or cannot be read.
    """
    columns, length = store.columns(venue, symbol, interval), interval_ns(interval)
    behind = np.concatenate(([False], np.diff(columns.open_ns) != length))
    flags = review(columns, length).flags & _ASKED | np.where(behind, np.uint16(AFTER_GAP), np.uint16(0))
    begin = int(np.searchsorted(columns.open_ns, start_ns))
    end = len(flags) if end_ns is None else int(np.searchsorted(columns.open_ns, end_ns))
    if begin >= end:
        raise ConfigurationError(f"no bars of {symbol} {interval} under {store.root} in that span")
    return Columns(*(column[begin:end] for column in columns)), flags[begin:end]
