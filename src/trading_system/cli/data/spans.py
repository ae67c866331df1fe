"""The options `--since` and `--until`, as UTC nanoseconds."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

import click

F = TypeVar("F", bound=Callable[..., object])


def _ns(_: click.Context, parameter: click.Parameter, value: datetime | None) -> int | None:
    if value is None:
        return 0 if parameter.name == "start_ns" else None
    return int(value.replace(tzinfo=UTC).timestamp()) * 1_000_000_000


def span_options(command: F) -> F:
    """Give `command` the options that cut a span; it receives `start_ns` (0: all) and `end_ns` (None: all)."""
    formats = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"])
    for option in (
        click.option("--until", "end_ns", type=formats, callback=_ns, help="Only what opens before this, UTC."),
        click.option("--since", "start_ns", type=formats, callback=_ns, help="Only what opens from this on, UTC."),
    ):
        command = option(command)
    return command
