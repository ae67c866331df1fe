"""Observer: what the facts add up to, as numbers for Prometheus, and the server that shows them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry, start_http_server

from trading_system.blotter import events as e
from trading_system.blotter import objections
from trading_system.blotter.orders import Order
from trading_system.blotter.portfolio import Portfolio
from trading_system.blotter.standing import fallen
from trading_system.errors import ConfigurationError
from trading_system.market.money import ATOMS
from trading_system.market.timestamps import NS_PER_S
from trading_system.telemetry.prometheus.meters import Meters

RULES: Final = {
    bit: name.lower() for name, bit in vars(objections).items() if isinstance(bit, int) and bit in objections.WORDS
}
"""What each objection is called in a label: "drawdown", "no_view" ..."""


class Metrics:
    """The account in numbers.

    Args:
        known: The facts that the journal already held. They set gauges; counters begin at zero, as
            Prometheus expects of a process that started again.
    """

    def __init__(self, known: Iterable[e.Fact] = ()) -> None:
        self._meters = Meters()
        self._portfolio = Portfolio()
        for fact in known:
            self._portfolio.apply(fact)
            self._mark(fact)
        self._show()

    @property
    def registry(self) -> CollectorRegistry:
        """What is to be shown."""
        return self._meters.registry

    def notice(self, fact: e.Fact) -> None:
        """Count `fact`, and show the account as it stands after it.

        Raises:
            InvariantBroken: The fact cannot follow those noticed before, or known.
        """
        meters = self._meters
        meters.facts.labels(type(fact).__name__).inc()
        before = self._portfolio.orders.get(fact.client_order_id) if isinstance(fact, e.OrderEvent) else None
        self._portfolio.apply(fact)
        match fact:
            case e.BarClosed(bar=bar):
                meters.bars.labels(bar.symbol).inc()
                meters.delay.observe((fact.ts_ns - bar.close_ns) / NS_PER_S)
            case e.Decided():
                for bit, rule in RULES.items():
                    if fact.step.objections & bit:
                        meters.objections.labels(rule).inc()
            case e.OrderQueued() | e.OrderEvent():
                self._count(before, self._portfolio.orders[fact.client_order_id], fact.ts_ns)
            case _:
                pass
        self._mark(fact)
        self._show()

    def failed(self, observer: str) -> None:
        """Count that an observer of this class failed on a fact."""
        self._meters.failures.labels(observer).inc()

    def _count(self, before: Order | None, after: Order, ts_ns: int) -> None:
        """Count how far an order got and what was executed; what is heard twice counts once."""
        if before is None or after.status is not before.status:
            self._meters.orders.labels(after.ticket.intent.value, after.status.value).inc()
        if before is not None and len(after.trade_ids) > len(before.trade_ids):
            self._meters.fills.inc()
        if before is not None and after.venue_order_id and not before.venue_order_id:
            self._meters.answer.observe((ts_ns - after.submitted_ns) / NS_PER_S)

    def _mark(self, fact: e.Fact) -> None:
        """Show what only this fact says."""
        match fact:
            case e.BarClosed(bar=bar):
                self._meters.bar_close.labels(bar.symbol).set(bar.close_ns / NS_PER_S)
            case e.Decided(account=account):
                self._meters.equity.set((account.cash_atoms + account.holdings_atoms) / ATOMS)
                self._meters.drawdown.set(fallen(fact))
            case _:
                pass

    def _show(self) -> None:
        """Show the account as it stands."""
        meters, portfolio = self._meters, self._portfolio
        live = portfolio.live_orders()
        meters.open.set(len(live))
        meters.in_doubt.set(sum(order.doubtful for order in live))
        meters.differences.set(len(portfolio.differences))
        owned: dict[str, int] = {}
        for (_, symbol), book in portfolio.sleeves.items():
            owned[symbol] = owned.get(symbol, 0) + book.position_atoms
        for symbol, atoms in owned.items():
            meters.position.labels(symbol).set(atoms / ATOMS)
        for bit, rule in RULES.items():
            if bit & objections.LATCHING:
                meters.latched.labels(rule).set(bool(portfolio.carried.latched & bit))


@contextmanager
def served(registry: CollectorRegistry, port: int, host: str = "127.0.0.1") -> Iterator[int]:
    """Serve `registry` at `/metrics` from a thread of its own, and yield the port; stop at the end.

    Args:
        port: 0 takes any that is free.
        host: This machine alone, unless told otherwise: the numbers are an account's.

    Raises:
        ConfigurationError: The port is taken, or may not be used.
    """
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise ConfigurationError(f"metrics cannot be served at {host}:{port}: {error.strerror or error}") from error
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
