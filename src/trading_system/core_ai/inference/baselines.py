"""The rules that a model must beat, and simple forecasters behind the same port."""

from collections import deque
from dataclasses import dataclass

from trading_system.blotter.signals import Forecast, Unknown, unknown
from trading_system.data_pipeline.normalizers.features import FeatureSet, FeatureStream
from trading_system.errors import ConfigurationError
from trading_system.market.bars import Bar


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Calls a rise where the last `lookback` bars went the way of `sign`; no move counts as a rise.

    Attributes:
        name: In reports.
        lookback: Bars between the two closes that it compares, >= 0; with 0 it always calls a rise.
        sign: 1 follows the move, -1 expects it to turn.
    """

    name: str
    lookback: int
    sign: int

    def calls_rise(self, close: int, earlier: int) -> bool:
        """Return whether a rise is called, from this close and the one `lookback` bars earlier, ticks."""
        return (close - earlier) * self.sign >= 0


def rules(horizon: int) -> tuple[Rule, ...]:
    """Return the baselines of forecasts over `horizon` bars: always up, momentum as long, one-bar reversal."""
    return (
        Rule(name="always_up", lookback=0, sign=1),
        Rule(name="momentum", lookback=horizon, sign=1),
        Rule(name="reversal", lookback=1, sign=-1),
    )


class RuleForecaster:
    """A rule as a forecaster: it believes its call with one fixed probability.

    Args:
        rule: The rule.
        hit_rate: Probability that a call is right, 0..1.
        horizon: How far a call reaches, bars, >= 1.
        gain, loss: Expected move if it rises or falls, fractions of the price, >= 0.
    """

    def __init__(self, rule: Rule, *, hit_rate: float, horizon: int, gain: float, loss: float) -> None:
        if not 0.0 <= hit_rate <= 1.0:
            raise ConfigurationError(f"hit rate of {rule.name} must be 0..1, not {hit_rate}")
        self._rule = rule
        self._hit_rate = hit_rate
        self._horizon = horizon
        self._gain = gain
        self._loss = loss
        self._stream = FeatureStream(FeatureSet(features=()))
        self._closes: deque[int] = deque(maxlen=rule.lookback + 1)

    def push(self, bar: Bar) -> Forecast:
        """Return the rule's call after `bar`; it is not known before `lookback` + 1 bars and an ATR."""
        self._stream.push(bar)
        atr = self._stream.atr
        if self._stream.seen == 1:
            self._closes.clear()
        self._closes.append(bar.close)
        if len(self._closes) <= self._rule.lookback or atr == 0.0:
            reason = Unknown.GAP if self._stream.broken else Unknown.COLD
            return unknown(reason, model=self._rule.name, horizon=self._horizon, atr=atr)
        rises = self._rule.calls_rise(bar.close, self._closes[0])
        return Forecast(
            probability=self._hit_rate if rises else 1.0 - self._hit_rate,
            gain=self._gain,
            loss=self._loss,
            horizon=self._horizon,
            known=True,
            reason=Unknown.NONE,
            model=self._rule.name,
            atr=atr,
        )
