"""Bars as columns, for leak tests."""

import numpy as np

from trading_system.market.columns import BarColumns

COLUMNS = ("close_ns", "open", "high", "low", "close", "volume_atoms")


def columns_of(bars):
    """Return `bars`, a list of them, as columns."""
    return BarColumns(
        symbol=bars[0].symbol,
        interval_ns=bars[0].close_ns - bars[0].open_ns,
        **{name: np.array([getattr(bar, name) for bar in bars], dtype=np.int64) for name in COLUMNS},
    )
