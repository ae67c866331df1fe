"""What is known of markets' bars ("stylised facts"), measured alike on recorded and on synthetic ones.

Source: Cont (2001), "Empirical properties of asset returns: stylized facts and statistical issues".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_system.market.columns import BarColumns
from trading_system.market.timestamps import NS_PER_S

Floats = NDArray[np.float64]

TAIL_SHARE: Final = 0.005
"""Share of the largest |returns| that the tail index is measured on."""
LAGS: Final = tuple(range(1, 201))


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Bars of one instrument: open times in s UTC, log returns from open to close, log ranges, base units traded."""

    step_s: int
    open_s: NDArray[np.int64]
    returns: Floats
    ranges: Floats
    volume: Floats

    def between(self, start: str, end: str) -> "History":
        """Return the bars that open from `start` until before `end`, dates."""
        low, high = (int(np.datetime64(day, "s").astype(np.int64)) for day in (start, end))
        kept = (self.open_s >= low) & (self.open_s < high)
        return History(
            step_s=self.step_s,
            open_s=self.open_s[kept],
            returns=self.returns[kept],
            ranges=self.ranges[kept],
            volume=self.volume[kept],
        )


def recorded(path: Path, step_s: int) -> History:
    """Return the bars of a Parquet file with the columns timestamp (open, UTC, ms), open, high, low, close, volume."""
    frame = pl.read_parquet(path)
    opened, high, low, close, volume = (frame[name].to_numpy() for name in ("open", "high", "low", "close", "volume"))
    return History(
        step_s=step_s,
        open_s=frame["timestamp"].to_numpy() // 1_000,
        returns=np.log(close / opened),
        ranges=np.log(high / low),
        volume=volume,
    )


def made(bars: BarColumns, lot_atoms: float = 1e8) -> History:
    """Return synthetic bars in the same form."""
    return History(
        step_s=bars.interval_ns // NS_PER_S,
        open_s=bars.close_ns // NS_PER_S - bars.interval_ns // NS_PER_S,
        returns=np.log(bars.close / bars.open),
        ranges=np.log(bars.high / bars.low),
        volume=bars.volume_atoms / lot_atoms,
    )


def daily_volatility(bars: History) -> float:
    """Return the root of a day's mean squared return."""
    return float(np.sqrt(np.mean(bars.returns**2) * 86_400 / bars.step_s))


def kurtosis(values: Floats) -> float:
    """Return the fourth moment over the square of the second; 3 for the normal distribution."""
    away = values - values.mean()
    return float(np.mean(away**4) / np.mean(away**2) ** 2)


def tail_index(values: Floats) -> float:
    """Return Hill's estimate of the power by which large |values| become rare; 3 to 4 in most markets.

    Source: Hill (1975), "A simple general approach to inference about the tail of a distribution".
    """
    count = int(len(values) * TAIL_SHARE)
    top = np.sort(np.abs(values))[::-1][: count + 1]
    return float(1.0 / np.mean(np.log(top[:count] / top[count])))


def spread_of(values: Floats, share: float) -> float:
    """Return the quantile `share` of |values| over their median."""
    size = np.abs(values)
    return float(np.quantile(size, share) / np.median(size))


def memory(values: Floats, lags: Sequence[int] = LAGS) -> Floats:
    """Return the autocorrelation at each lag, bars."""
    away = values - values.mean()
    return np.array([float(np.mean(away[:-lag] * away[lag:])) for lag in lags]) / float(np.mean(away * away))


def correlation(first: Floats, second: Floats) -> float:
    """Return Pearson's correlation."""
    return float(np.corrcoef(first, second)[0, 1])


def hour_of(bars: History) -> NDArray[np.int64]:
    """Return each bar's hour, UTC, 0..23."""
    return bars.open_s % 86_400 // 3_600


def weekday_of(bars: History) -> NDArray[np.int64]:
    """Return each bar's weekday, 0 for Monday."""
    return (bars.open_s // 86_400 + 3) % 7


def profile(values: Floats, groups: NDArray[np.int64], count: int) -> Floats:
    """Return the mean of each of `count` groups over the mean of those means."""
    means = np.array([float(values[groups == group].mean()) for group in range(count)])
    return means / float(means.mean())


def log_volume(bars: History) -> Floats:
    """Return the log of the volume; a bar without a trade counts as one of a thousandth unit."""
    return np.log(np.maximum(bars.volume, 1e-3))


def log_range(bars: History) -> Floats:
    """Return the log of the log range; what is below a thousandth of a basis point counts as that."""
    return np.log(np.maximum(bars.ranges, 1e-7))


def reach(bars: History) -> float:
    """Return the mean log range over the mean |return|; 2 for Brownian motion seen without a break."""
    return float(bars.ranges.mean() / np.abs(bars.returns).mean())


def remembered(lag: int) -> Callable[[History], float]:
    """Return what measures the autocorrelation of |r| at `lag` bars."""
    return lambda bars: float(memory(np.abs(bars.returns), (lag,))[0])


def _moving(lag: int) -> Callable[[History], float]:
    return lambda bars: float(memory(log_volume(bars), (lag,))[0])


def _swing(values: Floats, bars: History) -> float:
    hours = profile(values, hour_of(bars), 24)
    return float(hours.max() / hours.min())


def _weekend(values: Floats, bars: History) -> float:
    free = weekday_of(bars) >= 5
    return float(values[free].mean() / values[~free].mean())


FACTS: Final[Mapping[str, Callable[[History], float]]] = {
    "volatility of a day": daily_volatility,
    "kurtosis of r": lambda bars: kurtosis(bars.returns),
    "99 % quantile of \\|r\\| over its median": lambda bars: spread_of(bars.returns, 0.99),
    "99.9 % quantile of \\|r\\| over its median": lambda bars: spread_of(bars.returns, 0.999),
    "tail index (Hill, largest 0.5 %)": lambda bars: tail_index(bars.returns),
    **{f"autocorrelation of \\|r\\|, lag {lag}": remembered(lag) for lag in (1, 6, 24, 96, 200)},
    "autocorrelation of r, largest of lags 1 to 10": lambda bars: float(
        max(memory(bars.returns, tuple(range(1, 11))), key=abs)
    ),
    "mean range over mean \\|r\\|": reach,
    "correlation of \\|r\\| and volume": lambda bars: correlation(np.abs(bars.returns), bars.volume),
    "correlation of log range and log volume": lambda bars: correlation(log_range(bars), log_volume(bars)),
    **{f"autocorrelation of log volume, lag {lag}": _moving(lag) for lag in (1, 24)},
    "volume of an hour, base units": lambda bars: float(bars.volume.mean() * 3_600 / bars.step_s),
    "\\|r\\|, weekend over weekdays": lambda bars: _weekend(np.abs(bars.returns), bars),
    "volume, weekend over weekdays": lambda bars: _weekend(bars.volume, bars),
    "\\|r\\|, busiest hour over quietest": lambda bars: _swing(np.abs(bars.returns), bars),
    "volume, busiest hour over quietest": lambda bars: _swing(bars.volume, bars),
}
"""What the page compares, by its name there; the last two need bars shorter than a day."""
