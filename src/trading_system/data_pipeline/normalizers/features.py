"""Bars to features: each declared once, and each worked out from the past only.

The streaming step is the definition. The batch form is a loop of the same step, so that what a model
was trained on and what it meets live are the same to the bit. Every feature is a function of the last
`memory` bars and of nothing older: a process that starts again from those bars continues with the same
bits. Hence rolling sums of integers (exact, no drift) and `fsum` (the same on every Python), and no
endless averages.
"""

import hashlib
import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from trading_system.market.bars import Bar

Step = Callable[[Bar, float], float]
"""A bar and the stream's average true range (ticks) to a value; it may keep state between bars."""

_DAY_NS: Final = 86_400_000_000_000
_ATR_PERIOD: Final = 14


class Atr:
    """Wilder's average true range, in ticks.

    The first value is the mean of `period` true ranges; each later one moves by 1/`period` towards
    its true range. Wilder's average never forgets; ours restarts at each bar from the last 8 x `period`
    ranges, so that it can be rebuilt exactly from them (what is older would weigh 0.025 % together).

    Source: Wilder (1978), "New Concepts in Technical Trading Systems", section III.
    """

    __slots__ = ("_close", "_period", "_ranges")

    def __init__(self, period: int = _ATR_PERIOD) -> None:
        self._period = period
        self._close = 0
        self._ranges: deque[int] = deque(maxlen=8 * period)

    def push(self, bar: Bar) -> float:
        """Return the average true range at `bar`, ticks; 0.0 before `period` + 1 bars."""
        if self._close:
            self._ranges.append(max(bar.high, self._close) - min(bar.low, self._close))
        self._close = bar.close
        if len(self._ranges) < self._period:
            return 0.0
        ranges = tuple(self._ranges)
        average = sum(ranges[: self._period]) / self._period
        for true_range in ranges[self._period :]:
            average += (true_range - average) / self._period
        return average


class LogReturn:
    """Natural log of the close over the close `bars` earlier."""

    __slots__ = ("_closes",)

    def __init__(self, bars: int) -> None:
        self._closes: deque[int] = deque(maxlen=bars + 1)

    def __call__(self, bar: Bar, atr: float) -> float:
        self._closes.append(bar.close)
        return math.log(bar.close / self._closes[0])


class Volatility:
    """Realised volatility: root mean square of the last `bars` one-bar log returns."""

    __slots__ = ("_bars", "_close", "_squares")

    def __init__(self, bars: int) -> None:
        self._bars = bars
        self._close = 0
        self._squares: deque[float] = deque(maxlen=bars)

    def __call__(self, bar: Bar, atr: float) -> float:
        if self._close:
            self._squares.append(math.log(bar.close / self._close) ** 2)
        self._close = bar.close
        return math.sqrt(math.fsum(self._squares) / self._bars)


class Rsi:
    """Relative strength, 0..1: the part of the last `bars` moves' total length that went up; 0.5 if nothing moved.

    Cutler's form (plain sums): Wilder's own depends on where the data begin.
    """

    __slots__ = ("_close", "_down", "_moves", "_up")

    def __init__(self, bars: int) -> None:
        self._close = self._up = self._down = 0
        self._moves: deque[int] = deque([0] * bars, maxlen=bars)

    def __call__(self, bar: Bar, atr: float) -> float:
        move = bar.close - self._close if self._close else 0
        self._close = bar.close
        oldest = self._moves[0]
        self._moves.append(move)
        self._up += max(move, 0) - max(oldest, 0)
        self._down += max(-move, 0) - max(-oldest, 0)
        return self._up / (self._up + self._down) if self._up + self._down else 0.5


class VolumeZ:
    """Volume against mean and deviation of the last `bars` volumes, this one included; 0 if they are all equal.

    It cannot leave ±sqrt(bars - 1), whatever happens.
    """

    __slots__ = ("_squares", "_sum", "_volumes")

    def __init__(self, bars: int) -> None:
        self._sum = self._squares = 0
        self._volumes: deque[int] = deque([0] * bars, maxlen=bars)

    def __call__(self, bar: Bar, atr: float) -> float:
        count, volume, oldest = len(self._volumes), bar.volume_atoms, self._volumes[0]
        self._volumes.append(volume)
        self._sum += volume - oldest
        self._squares += volume * volume - oldest * oldest
        spread = count * self._squares - self._sum * self._sum  # count² times the variance, exact
        return (count * volume - self._sum) / math.sqrt(spread) if spread else 0.0


def atr_ratio(bar: Bar, atr: float) -> float:
    """Return the average true range as a fraction of the close."""
    return atr / bar.close


def close_location(bar: Bar, atr: float) -> float:
    """Return where the bar closed in its range, -1 (at the low) .. 1 (at the high); 0 for a bar without range."""
    span = bar.high - bar.low
    return (2 * bar.close - bar.high - bar.low) / span if span else 0.0


def hour_sine(bar: Bar, atr: float) -> float:
    """Return the sine of the time of day (UTC) at the close."""
    return math.sin(2.0 * math.pi * (bar.close_ns % _DAY_NS) / _DAY_NS)


def hour_cosine(bar: Bar, atr: float) -> float:
    """Return the cosine of the time of day (UTC) at the close."""
    return math.cos(2.0 * math.pi * (bar.close_ns % _DAY_NS) / _DAY_NS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One column of what a model sees.

    Attributes:
        name: Its name in manifests and explanations.
        formula: What it is, in words and symbols; part of the definition that a model is bound to.
        memory: Bars without a gap, this one included, that a value depends on; undefined before.
        make: Returns a fresh step.
    """

    name: str
    formula: str
    memory: int
    make: Callable[[], Step]


FEATURES: Final = (
    Feature(name="return_1", formula="ln(close / close[1])", memory=2, make=lambda: LogReturn(1)),
    Feature(name="return_4", formula="ln(close / close[4])", memory=5, make=lambda: LogReturn(4)),
    Feature(name="return_16", formula="ln(close / close[16])", memory=17, make=lambda: LogReturn(16)),
    Feature(name="volatility_32", formula="rms of 32 return_1", memory=33, make=lambda: Volatility(32)),
    Feature(name="atr_ratio_14", formula="wilder(true range, 14, 112) / close", memory=113, make=lambda: atr_ratio),
    Feature(name="rsi_14", formula="up / (up + down) over 14 moves", memory=15, make=lambda: Rsi(14)),
    Feature(name="volume_z_96", formula="(v - mean) / deviation over 96", memory=96, make=lambda: VolumeZ(96)),
    Feature(name="close_location", formula="(2c - h - l) / (h - l)", memory=1, make=lambda: close_location),
    Feature(name="hour_sine", formula="sin(2 pi day fraction at close)", memory=1, make=lambda: hour_sine),
    Feature(name="hour_cosine", formula="cos(2 pi day fraction at close)", memory=1, make=lambda: hour_cosine),
)
"""The features of the house, in the order in which models see them."""

FEATURE_NAMES: Final = tuple(feature.name for feature in FEATURES)
WARM_UP: Final = max(feature.memory for feature in FEATURES)
"""Bars without a gap before a row is defined."""


def feature_set_hash(features: Iterable[Feature] = FEATURES) -> str:
    """Return the name of a feature set: a hash over names, formulas and memories, in order."""
    text = "\n".join(f"{f.name} = {f.formula}; {f.memory}" for f in features)
    return hashlib.sha256(text.encode()).hexdigest()


class FeatureRow(NamedTuple):
    """The features of one bar, in the order of `FEATURES`, and its average true range in ticks."""

    values: tuple[float, ...]
    atr: float


class FeatureStream:
    """Turns bars of one instrument into rows, one at a time.

    A bar that does not begin where the one before ended (a gap, another symbol) starts everything afresh:
    no value ever reaches over a hole.

    Attributes:
        atr: Average true range at the last bar, ticks; 0.0 while it is not known (15 bars).
        broken: Whether the bars seen so far begin behind a gap, and not at the start of the stream.
    """

    def __init__(self) -> None:
        self.broken = False
        self._bar: Bar | None = None
        self._restart()

    def _restart(self) -> None:
        self._seen = 0
        self.atr = 0.0
        self._true_range = Atr()
        self._steps = [feature.make() for feature in FEATURES]

    def push(self, bar: Bar) -> FeatureRow | None:
        """Return the row of `bar`, or nothing before `WARM_UP` bars without a gap."""
        before, self._bar = self._bar, bar
        if before is not None and (bar.open_ns != before.close_ns or bar.symbol != before.symbol):
            self.broken = True
            self._restart()
        self._seen += 1
        self.atr = atr = self._true_range.push(bar)
        values = tuple([step(bar, atr) for step in self._steps])
        return FeatureRow(values, atr) if self._seen >= WARM_UP else None


class FeatureTable(NamedTuple):
    """The rows of many bars.

    Attributes:
        values: (N, F) float64; NaN where undefined, and at least one such row after every gap.
        atr: (N,) float64, ticks; 0.0 where undefined.
    """

    values: npt.NDArray[np.float64]
    atr: npt.NDArray[np.float64]


def feature_table(bars: Iterable[Bar]) -> FeatureTable:
    """Return the features of `bars`, oldest first: the very steps of `FeatureStream`, in a loop."""
    stream = FeatureStream()
    undefined = (math.nan,) * len(FEATURES)
    rows: list[tuple[float, ...]] = []
    atrs: list[float] = []
    for bar in bars:
        row = stream.push(bar)
        rows.append(undefined if row is None else row.values)
        atrs.append(stream.atr)
    return FeatureTable(np.array(rows, dtype=np.float64).reshape(-1, len(FEATURES)), np.array(atrs, dtype=np.float64))
