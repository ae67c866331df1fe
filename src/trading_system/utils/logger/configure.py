"""Process messages as JSON lines, with secrets redacted wherever they hide.

What the desk does is not logged here: its facts are its log, written by an observer. This is for the
processes around it: starting, connecting, stopping.
"""

from collections.abc import Collection
from typing import TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from trading_system.utils.redaction import redacted


def configure(stream: TextIO, *, secrets: Collection[str] = ()) -> None:
    """Send every structlog message of this process to `stream`, one JSON object a line.

    Args:
        stream: Where the lines go, standard error or a file.
        secrets: Values in clear that must not appear, wherever they turn up; empty ones are ignored.
    """
    hidden = tuple(sorted(filter(None, secrets), key=len, reverse=True))  # the longest first: one may hold another

    def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {key: redacted(value, hidden, key=key) for key, value in event.items()}

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
            structlog.processors.format_exc_info,  # before redacting: an error's text may quote a request
            redact,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
