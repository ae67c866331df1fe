"""Moments on the command line, and the options `--since` and `--until`, as UTC nanoseconds."""

import re
from collections.abc import Callable
from typing import Final, TypeVar

import click

from trading_system.errors import ConfigurationError, DataError

F = TypeVar("F", bound=Callable[..., object])

EXAMPLES: Final = "2024-01-31, 2024-01-31T12:30Z or 2024-01-31 12:30:00"
_TO_THE_MINUTE: Final = re.compile(r"([T ]\d{2}:\d{2})(?=Z?$|[+-]\d{2}:\d{2}$)", re.ASCII)
_ZONE: Final = re.compile(r"[+-](?!00:00)\d{2}:\d{2}$", re.ASCII)


def moment_ns(text: str, option: str) -> int:
    """Return the moment that `text` says, UTC ns; the one reader of moments of the `data` commands.

    Args:
        text: A day, or a day and a time to the minute or finer, in UTC whether it says so ("Z") or not.
        option: The option it was given with, for the message.

    Raises:
        ConfigurationError: It is no date or time, one of another zone, or before 1970.

    >>> moment_ns("1970-01-02", "--since"), moment_ns("1970-01-01T00:01Z", "--since")
    (86400000000000, 60000000000)
    """
    from trading_system.data_pipeline.moments import moment_ns as read

    if _ZONE.search(text) and ":" in text[:-6]:
        raise ConfigurationError(f"{option} {text!r} is not in UTC: write it with a Z at its end")
    try:
        ns = read(_TO_THE_MINUTE.sub(r"\1:00", text))
    except DataError:
        raise ConfigurationError(f"{option} {text!r} is no moment: write {EXAMPLES}") from None
    if ns < 0:
        raise ConfigurationError(f"{option} {text!r} is before 1970")
    return ns


def _since(_: click.Context, parameter: click.Parameter, value: str | None) -> int:
    return 0 if value is None else moment_ns(value, parameter.opts[0])


def _until(_: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    return None if value is None else moment_ns(value, parameter.opts[0])


def span_options(command: F) -> F:
    """Give `command` the options that cut a span; it receives `start_ns` (0: all) and `end_ns` (None: all)."""
    for option in (
        click.option("--until", "end_ns", metavar="MOMENT", callback=_until, help="Only what opens before this, UTC."),
        click.option(
            "--since",
            "start_ns",
            metavar="MOMENT",
            callback=_since,
            help=f"Only what opens from this on, UTC: {EXAMPLES}.",
        ),
    ):
        command = option(command)
    return command
