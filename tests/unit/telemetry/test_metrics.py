"""The numbers that Prometheus reads are those that the facts add up to."""

import socket
import urllib.request
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from tests.factories import START_NS, make_bar, make_fill
from tests.unit.blotter.scenes import an_entry_and_its_stop, decision, opening

from trading_system.blotter import events as e
from trading_system.blotter import objections
from trading_system.errors import ConfigurationError
from trading_system.market.timestamps import NS_PER_S
from trading_system.telemetry.prometheus.metrics import RULES, Metrics, served

FACTS, ENTRY, STOP = an_entry_and_its_stop()


def counted(*facts: e.Fact, known: tuple[e.Fact, ...] = ()) -> Metrics:
    """Return the metrics after `facts`."""
    metrics = Metrics(known)
    for fact in facts:
        metrics.notice(fact)
    return metrics


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """Return one sample; None where there is none."""
    return metrics.registry.get_sample_value(name, labels)


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        ("facts_total", {"kind": "OrderFilled"}, 2),
        ("facts_total", {"kind": "Decided"}, 1),
        ("bars_total", {"symbol": "BTCUSDT"}, 1),
        ("bar_close_timestamp_seconds", {"symbol": "BTCUSDT"}, START_NS // NS_PER_S + 900),
        ("feed_delay_seconds_sum", {}, 0),
        ("feed_delay_seconds_count", {}, 1),
        ("orders_total", {"intent": "enter", "status": "queued"}, 1),
        ("orders_total", {"intent": "enter", "status": "filled"}, 1),
        ("orders_total", {"intent": "protect", "status": "in doubt"}, 1),
        ("orders_total", {"intent": "protect", "status": "filled"}, None),
        ("order_round_trip_seconds_sum", {}, 0.001),  # claimed at 1 ms, had by the venue at 2 ms
        ("order_round_trip_seconds_count", {}, 1),
        ("fills_total", {}, 2),
        ("orders_open", {}, 1),
        ("orders_in_doubt", {}, 1),
        ("equity_quote", {}, 100_000),
        ("drawdown_ratio", {}, 0),
        ("position_base", {"symbol": "BTCUSDT"}, 0.8991),
        ("reconciliation_differences", {}, 0),
        ("breaker_latched", {"rule": "drawdown"}, 0),
        ("objections_total", {"rule": "drawdown"}, None),
    ],
)
def test_the_facts_of_an_entry_and_its_stop_are_counted(
    name: str, labels: dict[str, str], expected: float | None
) -> None:
    """Each number by hand from the scene."""
    found = value(counted(*FACTS), name, **labels)
    assert found == pytest.approx(expected) if expected is not None else found is None


def test_a_fill_heard_twice_counts_once() -> None:
    """Position and number of executions follow the books; only the facts are two."""
    fill = next(fact for fact in FACTS if isinstance(fact, e.OrderFilled))
    metrics = counted(*FACTS, fill)
    assert value(metrics, "fills_total") == 2
    assert value(metrics, "position_base", symbol="BTCUSDT") == pytest.approx(0.8991)
    assert value(metrics, "facts_total", kind="OrderFilled") == 3


def test_what_was_known_before_shows_but_does_not_count() -> None:
    """After a restart the gauges are right at once, and the counters begin at zero."""
    late = make_fill(ENTRY, trade=1)  # heard before the restart and again after it
    metrics = counted(late, known=tuple(FACTS))
    whole = counted(*FACTS)
    for gauge in ("equity_quote", "orders_open", "orders_in_doubt", "drawdown_ratio", "reconciliation_differences"):
        assert value(metrics, gauge) == value(whole, gauge)
    assert value(metrics, "position_base", symbol="BTCUSDT") == pytest.approx(0.8991)
    assert value(metrics, "facts_total", kind="OrderFilled") == 1
    assert value(metrics, "fills_total") == 0
    assert value(metrics, "bars_total", symbol="BTCUSDT") is None


def test_objections_and_latches_are_named_by_their_rule() -> None:
    """A decision that two rules objected to counts under both; the latch stays up until it is released."""
    start = opening()
    bar = make_bar()
    decided = decision(start, bar, gates=objections.STALE_FEED | objections.UNRECONCILED)
    metrics = counted(*start, decided)
    assert value(metrics, "objections_total", rule="stale_feed") == 1
    assert value(metrics, "objections_total", rule="unreconciled") == 1
    assert value(metrics, "objections_total", rule="drawdown") is None
    latched = replace(decided, step=decided.step._replace(account=decided.step.account._replace(latched=1)))
    metrics.notice(latched)
    assert value(metrics, "breaker_latched", rule="drawdown") == 1
    metrics.notice(decided)
    assert value(metrics, "breaker_latched", rule="drawdown") == 0


def test_the_brake_of_the_day_is_shown_while_it_holds() -> None:
    """Too much was lost today: the gauge is up until a decision carries it no more."""
    start = opening()
    decided = decision(start, make_bar())
    carried = decided.step.account._replace(latched=objections.DAILY_LOSS)
    metrics = counted(*start, replace(decided, step=decided.step._replace(account=carried)))
    assert value(metrics, "breaker_latched", rule="daily_loss") == 1
    metrics.notice(decided)
    assert value(metrics, "breaker_latched", rule="daily_loss") == 0


def test_every_objection_has_one_short_name() -> None:
    """The label is the constant's own name."""
    assert RULES.keys() == objections.WORDS.keys()
    assert RULES[objections.DRAWDOWN] == "drawdown"


def test_a_longer_story_adds_no_series() -> None:
    """Ids, prices and messages are no labels: ten times the facts, the same number of series."""
    told = [e.FeedInterrupted(ts_ns=n, feed=f"feed {n}", reason=f"reason {n}") for n in range(1, 11)]
    one, ten = (counted(*FACTS, *told[:n]).registry.collect() for n in (1, 10))
    assert sum(len(family.samples) for family in one) == sum(len(family.samples) for family in ten)


def test_failures_of_observers_are_counted() -> None:
    """One series for each class of observer."""
    metrics = Metrics()
    metrics.failed("FactLog")
    assert value(metrics, "observer_errors_total", observer="FactLog") == 1


def test_the_numbers_are_served_until_stopped() -> None:
    """On this machine only, in Prometheus' own text format, from the given registry alone."""
    metrics = counted(*FACTS)
    with (
        served(metrics.registry, 0) as port,
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer,
    ):
        text = answer.read().decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["equity_quote"].samples[0].value == 100_000
    assert "python_info" not in families
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=10)
    with served(metrics.registry, port) as again:
        assert again == port


def test_a_port_that_is_taken_is_one_clear_error() -> None:
    """The operator learns which one."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = pytest.raises(ConfigurationError, match=f"cannot be served at 127.0.0.1:{port}")
        with refused, served(CollectorRegistry(), port):
            pass
