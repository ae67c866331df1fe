"""Bars: what a market did over an interval, known at its close."""

from dataclasses import dataclass
from typing import Final

from trading_system.errors import ConfigurationError, DataError
from trading_system.market.timestamps import NS_PER_S, iso

_UNITS_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def interval_ns(name: str) -> int:
    """Return the length in nanoseconds of an interval as venues write it: 1s, 5m, 1h, 1d.

    Raises:
        ConfigurationError: `name` is not a positive number of seconds, minutes, hours or days.

    >>> interval_ns("15m") // 60_000_000_000
    15
    """
    count, unit = name[:-1], name[-1:]
    if unit not in _UNITS_S or not count.isdecimal() or int(count) < 1:
        raise ConfigurationError(f"interval {name!r} is not understood; write it like 1m, 15m, 1h or 1d")
    return int(count) * _UNITS_S[unit] * NS_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Open, high, low, close and volume of one instrument over one closed interval.

    Attributes:
        symbol: The venue's string for the instrument.
        open_ns: Start of the interval, UTC ns.
        close_ns: End of the interval, UTC ns; the bar is known from this moment on.
        open, high, low, close: Prices in ticks, > 0.
        volume_atoms: Quantity traded, base atoms (1e-8), >= 0.

    Raises:
        DataError: A price is not positive, high or low do not enclose the others, time runs backwards.
    """

    symbol: str
    open_ns: int
    close_ns: int
    open: int
    high: int
    low: int
    close: int
    volume_atoms: int

    def __post_init__(self) -> None:
        if not (0 < self.low <= self.open <= self.high and self.low <= self.close <= self.high):
            raise DataError(
                f"{self.symbol} bar at {iso(self.open_ns)}: open {self.open}, high {self.high}, low {self.low}, "
                f"close {self.close} (ticks) cannot be one bar"
            )
        if self.volume_atoms < 0 or self.close_ns <= self.open_ns:
            raise DataError(f"{self.symbol} bar at {iso(self.open_ns)}: negative volume or length")
