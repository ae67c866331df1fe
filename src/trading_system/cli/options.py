"""Options that several verbs share."""

from collections.abc import Callable
from typing import TypeVar

import click

F = TypeVar("F", bound=Callable[..., object])


def settings_options(command: F) -> F:
    """Give `command` the options `--env` and `--set`; it receives `env` and `assignments` for `settings.load`."""
    command = click.option(
        "--set",
        "assignments",
        multiple=True,
        metavar="PATH=VALUE",
        help="Override one setting, as in risk.max_drawdown=0.1; may be repeated.",
    )(command)
    return click.option(
        "--env", metavar="NAME", help="Which config/env/NAME.yaml to read. [default: $TRADING_ENV, dev]"
    )(command)
