"""Minute bars for the tests of strategies, as bars and as columns."""

import numpy as np

from trading_system.market.bars import Bar
from trading_system.market.columns import BarColumns

MINUTE_NS = 60_000_000_000


def columns_of(bars):
    """Return `bars` as columns of minutes."""
    return BarColumns(
        symbol="BTCUSDT",
        interval_ns=MINUTE_NS,
        **{
            name: np.array([getattr(bar, name) for bar in bars], dtype=np.int64)
            for name in ("close_ns", "open", "high", "low", "close", "volume_atoms")
        },
    )


def bars_at(closes, *, reach=2, minutes=None):
    """Return minute bars that open at the close before, at `minutes` from a fixed moment or one after the other."""
    opens = [closes[0], *closes[:-1]] if closes else []
    return [
        Bar(
            symbol="BTCUSDT",
            open_ns=minute * MINUTE_NS,
            close_ns=(minute + 1) * MINUTE_NS,
            open=opened,
            high=max(opened, close) + reach,
            low=max(1, min(opened, close) - reach),
            close=close,
            volume_atoms=close * 7,
        )
        for minute, opened, close in zip(minutes or range(len(closes)), opens, closes, strict=True)
    ]
