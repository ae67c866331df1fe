"""Indicators bar by bar: the definitions of `indicators`, in plain Python, each with its own memory.

`push` takes the next value or bar and returns the indicator; NaN while warming. No numba, no arrays.
ConfigurationError where a period is less than 1 bar.
"""

from collections import deque
from typing import NamedTuple

from trading_system.data_pipeline.normalizers import indicators as i
from trading_system.data_pipeline.normalizers.indicators_windows import deviation


class Sma:
    """The simple moving average of the last `period` values."""

    __slots__ = ("_period", "_state", "_window")

    def __init__(self, period: int) -> None:
        self._period = i.checked(period)
        self._state = i.NO_MEAN
        self._window = deque([0.0] * period, maxlen=period)

    def push(self, value: float) -> float:
        """Return the average at `value`."""
        value = float(value)
        self._state = i.mean_step(self._state, value, self._window[0], self._period)
        self._window.append(value)
        return i.mean_of(self._state, self._period)


class Smoothed:
    """An average that moves 1/`span` of the way to each value, from the mean of the first `seed` ones."""

    __slots__ = ("_seed", "_span", "_state")

    def __init__(self, *, span: float, seed: int) -> None:
        self._span = span
        self._seed = i.checked(seed)
        self._state = i.UNSEEDED

    def push(self, value: float) -> float:
        """Return the average at `value`."""
        self._state = i.smooth_step(self._state, float(value), self._span, self._seed)
        return self._state.value


def ema(period: int, *, seed: int = 1) -> Smoothed:
    """Return an exponential moving average, seeded with the mean of its first `seed` values."""
    return Smoothed(span=0.5 * float(i.checked(period) + 1), seed=seed)


def wilder(period: int) -> Smoothed:
    """Return Wilder's average."""
    return Smoothed(span=float(period), seed=period)


class Rsi:
    """Wilder's relative strength index, 0..100."""

    __slots__ = ("_period", "_state")

    def __init__(self, period: int) -> None:
        self._period = i.checked(period)
        self._state = i.NO_STRENGTH

    def push(self, close: float) -> float:
        """Return the index at `close`."""
        self._state = i.strength_step(self._state, float(close), self._period)
        return i.strength_of(self._state)


class Atr:
    """Wilder's average true range."""

    __slots__ = ("_period", "_state")

    def __init__(self, period: int) -> None:
        self._period = i.checked(period)
        self._state = i.NO_RANGE

    def push(self, high: float, low: float, close: float) -> float:
        """Return the average at this bar."""
        self._state = i.range_step(self._state, float(high), float(low), float(close), self._period)
        return self._state.average.value


class Band(NamedTuple):
    """Bollinger's bands at one bar."""

    middle: float
    upper: float
    lower: float


class Bollinger:
    """The mean of `period` values and `width` population deviations around it."""

    __slots__ = ("_mean", "_period", "_width", "_window")

    def __init__(self, period: int = 20, width: float = 2.0) -> None:
        self._period = i.checked(period)
        self._width = float(width)
        self._mean = Sma(period)
        self._window: deque[float] = deque(maxlen=period)

    def push(self, value: float) -> Band:
        """Return the bands at `value`."""
        self._window.append(float(value))
        mean = self._mean.push(value)
        warm = len(self._window) == self._period
        reach = self._width * deviation(self._window, 0, self._period, mean) if warm else i.NAN
        return Band(mean, mean + reach, mean - reach)


class MacdPoint(NamedTuple):
    """A MACD at one bar."""

    line: float
    signal: float


class Macd:
    """The difference of two exponential averages, and its own average."""

    __slots__ = ("_periods", "_state")

    def __init__(self, fast: int = 12, slow: int = 26, signal: int = 9) -> None:
        i.checked_macd(fast, slow, signal)
        self._periods = (fast, slow, signal)
        self._state = i.NO_CONVERGENCE

    def push(self, value: float) -> MacdPoint:
        """Return line and signal at `value`."""
        self._state = i.convergence_step(self._state, float(value), *self._periods)
        return MacdPoint(self._state.fast.value - self._state.slow.value, self._state.signal.value)


class AdxPoint(NamedTuple):
    """Wilder's directions at one bar."""

    adx: float
    plus: float
    minus: float


class Adx:
    """Wilder's average directional index, and the directional indicators that it is made of."""

    __slots__ = ("_period", "_state")

    def __init__(self, period: int = 14) -> None:
        self._period = i.checked(period)
        self._state = i.NO_DIRECTIONS

    def push(self, high: float, low: float, close: float) -> AdxPoint:
        """Return the index at this bar, and how strongly it points up and down."""
        self._state = state = i.directions_step(self._state, float(high), float(low), float(close), self._period)
        return AdxPoint(state.trend.value, i.pointing(state.plus, state.ranges), i.pointing(state.minus, state.ranges))


class ChannelPoint(NamedTuple):
    """Donchian's channel at one bar."""

    upper: float
    lower: float


class Donchian:
    """The highest high and the lowest low of the last `period` bars, the one pushed included."""

    __slots__ = ("_highs", "_lows", "_period")

    def __init__(self, period: int) -> None:
        self._period = i.checked(period)
        self._highs: deque[float] = deque(maxlen=period)
        self._lows: deque[float] = deque(maxlen=period)

    def push(self, high: float, low: float) -> ChannelPoint:
        """Return the channel at this bar."""
        self._highs.append(float(high))
        self._lows.append(float(low))
        if len(self._highs) < self._period:
            return ChannelPoint(i.NAN, i.NAN)
        return ChannelPoint(max(self._highs), min(self._lows))
