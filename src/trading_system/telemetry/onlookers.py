"""Who looks on while the engine trades: the log always, the metrics where a port is set."""

import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from trading_system.blotter.events import Fact
from trading_system.ports import Observer
from trading_system.telemetry.log import FactLog
from trading_system.telemetry.observers import Background, Guarded
from trading_system.telemetry.prometheus.metrics import Metrics, served


@contextmanager
def onlookers(
    log_path: Path | None, metrics_port: int | None, *, known: Iterable[Fact], secrets: Collection[str]
) -> Iterator[list[Observer]]:
    """Yield the observers, none of which can stop or delay the desk; close them at the end.

    Args:
        log_path: File for the JSON lines, appended to; None for standard error.
        metrics_port: Port of `/metrics` on this machine; None to serve nothing.
        known: What the journal held before; read only where metrics are served.
        secrets: Values in clear that must not appear in a line.

    Raises:
        ConfigurationError: The port is taken.
        OSError: The file cannot be opened.
    """
    with ExitStack() as stack:
        metrics = Metrics(known) if metrics_port else None
        failed: Callable[[str], None] = metrics.failed if metrics else _uncounted
        if log_path is not None:
            log_path.parent.mkdir(parents=True, exist_ok=True)
        stream = sys.stderr if log_path is None else stack.enter_context(log_path.open("a", encoding="utf-8"))
        log = Background(FactLog(stream, secrets=secrets), failed)
        stack.callback(log.close)
        if metrics is None or metrics_port is None:
            yield [log]
            return
        stack.enter_context(served(metrics.registry, metrics_port))
        yield [log, Guarded(metrics, failed)]


def _uncounted(observer: str) -> None:
    """Nobody counts: no metrics are served."""
