"""Rules as forecasters: the same port, the same manners when cold or behind a gap."""

import pytest

from trading_system.blotter.signals import Unknown
from trading_system.core_ai.inference.baselines import Rule, RuleForecaster, rules
from trading_system.errors import ConfigurationError
from trading_system.ports import Forecaster


def forecaster(rule, **changes):
    return RuleForecaster(rule, **{"hit_rate": 0.6, "horizon": 4, "gain": 0.02, "loss": 0.01} | changes)


def test_the_three_rules_by_hand():
    """Over the last move or the horizon's: always up, momentum follows, reversal turns; no move is a rise."""
    always_up, momentum, reversal = rules(4)
    assert (always_up.lookback, momentum.lookback, reversal.lookback) == (0, 4, 1)
    assert [always_up.calls_rise(100, 100)] == [True]
    assert [momentum.calls_rise(close, 100) for close in (101, 100, 99)] == [True, True, False]
    assert [reversal.calls_rise(close, 100) for close in (101, 100, 99)] == [False, True, True]


@pytest.mark.parametrize("rule", rules(4), ids=lambda rule: rule.name)
def test_a_rule_calls_from_its_lookback_bar_by_bar(make_bars, rule):
    """Known from the first ATR on (15 bars); then its call, with the probability it was given."""
    bars = make_bars(60)
    port: Forecaster = forecaster(rule)
    for index, forecast in enumerate([port.push(bar) for bar in bars]):
        assert forecast.known is (index >= 14)
        if forecast.known:
            rises = rule.calls_rise(bars[index].close, bars[index - rule.lookback].close)
            assert forecast.probability == (0.6 if rises else 0.4)
            assert (forecast.gain, forecast.loss, forecast.horizon, forecast.model) == (0.02, 0.01, 4, rule.name)
            assert forecast.atr > 0
        else:
            assert forecast.reason is Unknown.COLD


def test_behind_a_gap_a_rule_starts_afresh(make_bars):
    """No call compares closes across missing bars."""
    bars = make_bars(60)
    rule = forecaster(rules(4)[1])
    told = [rule.push(bar) for bar in bars[:30] + bars[31:]]
    assert [forecast.reason for forecast in told[30:44]] == [Unknown.GAP] * 14
    assert told[44].known


@pytest.mark.parametrize("hit_rate", [-0.1, 1.1, float("nan")])
def test_a_hit_rate_is_a_probability(hit_rate):
    """Refused when it is set up, not at the first bar."""
    with pytest.raises(ConfigurationError, match="hit rate of x must be"):
        forecaster(Rule(name="x", lookback=1, sign=1), hit_rate=hit_rate)
