"""What is measured: every counter, gauge and histogram, with its unit in its name.

Every label has few values: kinds, intents, statuses, rules, symbols, observers. Never an id, never a message.

Source: Prometheus documentation, "Metric and label naming".
"""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

DELAYS_S: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Bounds for how late a bar is heard, seconds."""
ANSWERS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bounds for how long a venue takes to answer, seconds."""


class Meters:
    """All of them, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.facts = self._counter("facts", "Facts written down", "kind")
        self.bars = self._counter("bars", "Closed bars heard", "symbol")
        self.orders = self._counter("orders", "Orders that reached a status", "intent", "status")
        self.fills = self._counter("fills", "Executions booked, each once")
        self.objections = self._counter("objections", "Decisions that a rule objected to", "rule")
        self.failures = self._counter("observer_errors", "Facts that an observer could not take note of", "observer")

        self.equity = self._gauge("equity_quote", "Cash and marked positions at the last decision, quote currency")
        self.drawdown = self._gauge("drawdown_ratio", "Fall of that equity from its peak, 0..1")
        self.position = self._gauge("position_base", "Owned, base currency", "symbol")
        self.open = self._gauge("orders_open", "Orders that are not over")
        self.in_doubt = self._gauge("orders_in_doubt", "Orders that only the venue knows about")
        self.latched = self._gauge("breaker_latched", "1 while a brake waits for a person to release it", "rule")
        self.differences = self._gauge(
            "reconciliation_differences", "What differs from the venue's books, or is not known to agree"
        )
        self.bar_close = self._gauge("bar_close_timestamp_seconds", "Close of the last bar heard", "symbol")

        self.delay = Histogram(
            "feed_delay_seconds", "From a bar's close until it was heard", registry=self.registry, buckets=DELAYS_S
        )
        self.answer = Histogram(
            "order_round_trip_seconds",
            "From the claim of an order until the venue had it",
            registry=self.registry,
            buckets=ANSWERS_S,
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        """Return a counter; it is shown as `<name>_total`."""
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)
