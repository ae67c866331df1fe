"""Observer: each fact as one JSON line. The facts are the log; the desk itself writes none.

`ts` is when it happened, as the fact says, not when the line was written. A secret that slipped into the
words of an error is masked on the way.
"""

from collections.abc import Collection
from typing import TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from trading_system.blotter.events import Fact, OrderEvent, OrderQueued
from trading_system.blotter.plain import Plain, plain
from trading_system.market.timestamps import iso
from trading_system.utils.redaction import redacted


class FactLog:
    """Writes to one stream; hand it to `Background` where writing may block.

    Args:
        stream: Where the lines go: a file, or standard error. Who opened it, closes it.
        secrets: Values in clear that must not appear; empty ones are ignored.
    """

    def __init__(self, stream: TextIO, *, secrets: Collection[str] = ()) -> None:
        self._secrets = tuple(sorted(filter(None, secrets), key=len, reverse=True))
        self._logger = structlog.wrap_logger(
            structlog.WriteLogger(stream),
            processors=[_head_first, structlog.processors.JSONRenderer()],
            wrapper_class=structlog.BoundLogger,
        )

    def notice(self, fact: Fact) -> None:
        """Write `fact`: `event` is its kind, `client_order_id` the order it is about, the rest its fields.

        Raises:
            OSError, ValueError: The stream is broken, or closed.
        """
        said = plain(fact)
        assert isinstance(said, dict)
        fields = {name: self._masked(value) for name, value in said.items()}
        if isinstance(fact, OrderQueued | OrderEvent):
            fields["client_order_id"] = fact.client_order_id
        self._logger.info(type(fact).__name__, ts=iso(fact.ts_ns), **fields)

    def _masked(self, value: Plain) -> object:
        """Mask secrets in text at any depth; numbers hold none, and there are many of them."""
        match value:
            case str():
                return redacted(value, self._secrets)
            case list():
                return [self._masked(item) for item in value]
            case dict():
                return {name: self._masked(item) for name, item in value.items()}
            case _:
                return value


def _head_first(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Put first what a person looks for first."""
    head = {name: event[name] for name in ("ts", "event", "client_order_id") if name in event}
    return {**head, **event}
