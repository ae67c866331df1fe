"""A strategy: a belief about the next move, and how far moves reach; at both speeds."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from trading_system.blotter.signals import Forecast, Unknown, unknown
from trading_system.core_ai.inference.strategies.opinions import Opinions, opinion, opinions
from trading_system.data_pipeline.normalizers import indicators_arrays
from trading_system.data_pipeline.normalizers.indicators_bars import Atr
from trading_system.market.bars import Bar
from trading_system.market.columns import BarColumns, Floats
from trading_system.ports import Forecaster

Value = str | int | float | bool
"""What a parameter may be."""


class Belief(Protocol):
    """How probable a rise is, from bars alone."""

    def odds(self, bars: BarColumns) -> Floats:
        """Return the probability of a rise after each bar, (S,), 0..1; NaN while too few bars are known.

        The array is new: whoever asked may write to it.
        """
        ...

    def stream(self) -> Callable[[Bar], float]:
        """Return what takes the same bars one by one, from the first on, and answers with the same bits."""
        ...


class Views(Protocol):
    """What is believed, over whole arrays and bar by bar."""

    def table(self, bars: BarColumns) -> Opinions:
        """Return the view after each of `bars`, each from its bar and the past."""
        ...

    def forecaster(self) -> Forecaster:
        """Return a fresh forecaster for one instrument, which says the same of the same bars."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """What forms views, and what a run must know about them.

    Attributes:
        name: Of the kind of strategy, as in the registry.
        model: What its forecasts are signed with: the name, or the hash of a script's file or of a network.
        parameters: Every parameter and its value, those left at their default included; for the report.
        views: How it believes.
        atr: Period of the average true range, bars, >= 1; 0 to measure distances in the price itself.
        horizon: How far each view reaches, bars, >= 1.
        restart_on_gap: Whether nothing may reach over a missing bar.
    """

    name: str
    model: str
    parameters: Mapping[str, Value]
    views: Views
    atr: int
    horizon: int
    restart_on_gap: bool

    def table(self, bars: BarColumns) -> Opinions:
        """Return the view after each of `bars`.

        Raises:
            ConfigurationError, DataError: A script of the user's failed, see `script`; a model was not made for these
                bars.
            ImportError: numba is not installed.
        """
        return self.views.table(bars)

    def forecaster(self) -> Forecaster:
        """Return a fresh forecaster for one instrument."""
        return self.views.forecaster()


@dataclass(frozen=True, slots=True, kw_only=True)
class BeliefViews:
    """A belief as views, at both speeds with the same bits.

    Bars follow one another as they are known: over a missing bar a rule simply goes on, as the classical engines do.
    Or, with `restart_on_gap`, it starts afresh behind every gap.

    Attributes:
        model, atr, horizon, restart_on_gap: As in `Strategy`.
        belief: The rule itself.
        reach: Gain and loss alike, average true ranges, > 0.
    """

    model: str
    belief: Belief
    atr: int
    reach: float
    horizon: int
    restart_on_gap: bool

    def table(self, bars: BarColumns) -> Opinions:
        """Return the view after each of `bars`, each from its bar and the past."""
        parts = list(_stretches(bars)) if self.restart_on_gap else [bars]
        odds = [self.belief.odds(part) for part in parts]
        ranges = [self._ranges(part) for part in parts]
        return opinions(_joined(odds), _joined(ranges), bars.close, reach=self.reach, horizon=self.horizon)

    def _ranges(self, bars: BarColumns) -> Floats:
        """Return the unit of all distances after each bar, ticks: the average true range, or the close."""
        if self.atr == 0:
            return bars.close.astype(np.float64)
        return indicators_arrays.atr(bars.high, bars.low, bars.close, self.atr)

    def forecaster(self) -> Forecaster:
        """Return a fresh forecaster for one instrument."""
        return StrategyForecaster(self)


class StrategyForecaster:
    """A belief bar by bar."""

    __slots__ = ("_atr", "_before", "_broken", "_odds", "_strategy")

    def __init__(self, strategy: BeliefViews) -> None:
        self._strategy = strategy
        self._before: Bar | None = None
        self._broken = False
        self._restart()

    def _restart(self) -> None:
        self._atr = Atr(max(1, self._strategy.atr))
        self._odds = self._strategy.belief.stream()

    def push(self, bar: Bar) -> Forecast:
        """Return the view after `bar`, the next known bar of the instrument."""
        strategy, before, self._before = self._strategy, self._before, bar
        if strategy.restart_on_gap and before is not None and bar.open_ns != before.close_ns:
            self._broken = True
            self._restart()
        atr = self._atr.push(bar.high, bar.low, bar.close)
        unit = atr if strategy.atr > 0 else float(bar.close)
        row = opinion(self._odds(bar), unit, float(bar.close), strategy.reach)
        if not row.known:
            reason = Unknown.GAP if self._broken else Unknown.COLD
            return unknown(reason, model=strategy.model, horizon=strategy.horizon, atr=row.atr)
        return Forecast(
            probability=row.probability,
            gain=row.move,
            loss=row.move,
            horizon=strategy.horizon,
            known=True,
            reason=Unknown.NONE,
            model=strategy.model,
            atr=row.atr,
        )


def _stretches(bars: BarColumns) -> Iterator[BarColumns]:
    """Yield the parts of `bars` between their gaps, in order."""
    gaps = np.flatnonzero(np.diff(bars.close_ns) != bars.interval_ns) + 1
    for start, end in zip([0, *gaps], [*gaps, len(bars)], strict=True):
        columns = {
            name: getattr(bars, name)[start:end]
            for name in ("close_ns", "open", "high", "low", "close", "volume_atoms")
        }
        yield replace(bars, **columns)


def _joined(parts: list[Floats]) -> Floats:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
