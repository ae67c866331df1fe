"""The rules that ship: each names its indicators once for a whole array and once bar by bar, and shares its step."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from trading_system.core_ai.inference.strategies import stances as s
from trading_system.data_pipeline.normalizers import indicators_arrays as arrays
from trading_system.data_pipeline.normalizers import indicators_bars as steps
from trading_system.kernel import compiled
from trading_system.market.bars import Bar
from trading_system.market.columns import BarColumns, Floats

Step = Callable[[Bar], int]


class Rule(Protocol):
    """Takes a stance at each close."""

    def stances(self, bars: BarColumns) -> s.Stances:
        """Return the stance after each bar."""
        ...

    def stream(self) -> Step:
        """Return what takes the same bars one by one and answers alike."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Cross:
    """Long while the fast average of closes is above the slow one, short while below; cold for `slow` bars.

    Attributes:
        exponential: EMAs that start from the first close; or else simple averages.
        fast, slow: Periods, bars, 1 <= fast < slow.
        wait_for_cross: Takes no side before the averages have once changed theirs.
    """

    exponential: bool
    fast: int
    slow: int
    wait_for_cross: bool

    def stances(self, bars: BarColumns) -> s.Stances:
        average = arrays.ema if self.exponential else arrays.sma
        out = np.empty(len(bars), dtype=np.int8)
        fast, slow = average(bars.close, self.fast), average(bars.close, self.slow)
        compiled(s.crossings)(fast, slow, self.slow, self.wait_for_cross, out)
        return out

    def stream(self) -> Step:
        average = steps.ema if self.exponential else steps.Sma
        fast, slow, state = average(self.fast), average(self.slow), s.NO_SIDE

        def step(bar: Bar) -> int:
            nonlocal state
            state = s.crossed(state, fast.push(bar.close), slow.push(bar.close), self.slow, self.wait_for_cross)
            return state.stance

        return step


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakout:
    """Long from a close above the highest high of the `entry` bars before, until one below the lowest low of `exit`.

    Short the other way round. Cold until `entry` bars came before.

    Attributes:
        entry, exit: Bars, 1 <= exit <= entry.
    """

    entry: int
    exit: int

    def stances(self, bars: BarColumns) -> s.Stances:
        outer = arrays.donchian(bars.high, bars.low, self.entry)
        inner = arrays.donchian(bars.high, bars.low, self.exit)
        out = np.empty(len(bars), dtype=np.int8)
        compiled(s.breakouts)(bars.close, outer.upper, outer.lower, inner.upper, inner.lower, out)
        return out

    def stream(self) -> Step:
        outer, inner = steps.Donchian(self.entry), steps.Donchian(self.exit)
        wide = narrow = steps.ChannelPoint(np.nan, np.nan)
        stance = s.COLD

        def step(bar: Bar) -> int:
            nonlocal wide, narrow, stance
            stance = s.broken_out(stance, float(bar.close), wide.upper, wide.lower, narrow.upper, narrow.lower)
            wide, narrow = outer.push(bar.high, bar.low), inner.push(bar.high, bar.low)
            return stance

        return step


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversion:
    """Long while Wilder's RSI comes back from below `oversold` to 50, short while from above `overbought`.

    Attributes:
        period: Of the index, bars; it is cold for `period` bars.
        oversold, overbought: 0 < oversold < 50 < overbought < 100.
    """

    period: int
    oversold: float
    overbought: float

    def stances(self, bars: BarColumns) -> s.Stances:
        out = np.empty(len(bars), dtype=np.int8)
        compiled(s.reversions)(arrays.rsi(bars.close, self.period), self.oversold, self.overbought, out)
        return out

    def stream(self) -> Step:
        strength, stance = steps.Rsi(self.period), s.COLD

        def step(bar: Bar) -> int:
            nonlocal stance
            stance = s.reverted(stance, strength.push(bar.close), self.oversold, self.overbought)
            return stance

        return step


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Always long."""

    def stances(self, bars: BarColumns) -> s.Stances:
        return np.full(len(bars), s.LONG, dtype=np.int8)

    def stream(self) -> Step:
        return lambda bar: s.LONG


@dataclass(frozen=True, slots=True, kw_only=True)
class Convinced:
    """A rule's stance as a probability: `conviction` when long, its complement when short, even when neither.

    Attributes:
        conviction: Probability that a stance is right, 0.5..1.
    """

    rule: Rule
    conviction: float

    def odds(self, bars: BarColumns) -> Floats:
        return np.take(np.array(self._by_stance()), self.rule.stances(bars) - s.COLD)

    def stream(self) -> Callable[[Bar], float]:
        by_stance, step = self._by_stance(), self.rule.stream()
        return lambda bar: by_stance[step(bar) - s.COLD]

    def _by_stance(self) -> tuple[float, float, float, float]:
        return np.nan, 1.0 - self.conviction, 0.5, self.conviction  # cold, short, none, long
