"""The front door: run the command line and turn what goes wrong into one message and an exit code."""

import sys
from collections.abc import Callable, Sequence
from typing import Final

import click

from trading_system.cli import root
from trading_system.errors import InvariantBroken, TradingError

DONE: Final = 0
CANNOT: Final = 2
"""The settings, the input or the venue do not allow what was asked."""
BROKEN: Final = 3
"""Our own bug."""
INTERRUPTED: Final = 130

EXPECTED: Final = (TradingError, OSError)
"""What can go wrong without anybody's bug: a message is enough, a traceback would hide it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the process's exit code; `arguments` default to the command line's."""
    return answer_of(lambda: root.main(args=arguments, prog_name="trading-system", standalone_mode=False))


def answer_of(command: Callable[[], object]) -> int:
    """Run `command` and return its exit code, with a message on standard error where it failed.

    0 it is done; 2 it cannot be done, and the message says why; 3 we broke a promise of our own;
    130 the user interrupted. Anything else is a bug and keeps its traceback.
    """
    try:
        answer = command()
    except click.ClickException as error:
        error.show()
        return CANNOT
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except EXPECTED as error:
        return _report(error)
    except BaseExceptionGroup as group:  # a TaskGroup wraps what its tasks raise
        expected, others = group.split(EXPECTED)
        if others or not expected:
            raise
        return max(_report(error) for error in _leaves(expected))
    return answer if isinstance(answer, int) else DONE


def _report(error: BaseException) -> int:
    """Print `error` as one message to standard error and return the exit code it means."""
    if isinstance(error, InvariantBroken):
        click.echo(f"Stopped: {error}\nThis is a bug of ours. Nothing more was sent; the journal is kept.", err=True)
        return BROKEN
    click.echo(f"Error: {_words(error)}", err=True)
    return CANNOT


def _words(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    return [
        leaf
        for error in group.exceptions
        for leaf in (_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    ]


if __name__ == "__main__":
    sys.exit(main())
