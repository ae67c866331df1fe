"""Options that `backtest`, `replay` and `sweep` share, and the study that they make."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from trading_system.backtest.asked import Asked
    from trading_system.backtest.own_policy import PolicyFile
    from trading_system.backtest.study import Source, Study

F = TypeVar("F", bound=Callable[..., object])


def study_options(command: F) -> F:
    """Give `command` the options that choose what is run; it receives them as keywords for `study_of_options`."""
    for option in reversed(
        (
            click.option(
                "--bars",
                multiple=True,
                metavar="FILE|STORE",
                help="CSV or Parquet file of bars, SYMBOL=FILE, or the folder of a store; may be repeated.",
            ),
            click.option(
                "--instrument",
                "instruments",
                multiple=True,
                metavar="SYMBOL",
                help="What to trade; may be repeated. [default: what the files' names say]",
            ),
            click.option(
                "--strategy",
                "strategies",
                multiple=True,
                metavar="NAME",
                help="A strategy of `trading-system strategies`, or LABEL=NAME; may be repeated.",
            ),
            click.option(
                "--set",
                "assignments",
                multiple=True,
                metavar="NAME=VALUE",
                help="A parameter or a choice, of one strategy or instrument as OWNER.NAME=VALUE; may be repeated.",
            ),
            click.option(
                "--config",
                type=click.Path(path_type=Path),
                metavar="FILE",
                help="The same names in YAML; the config.yaml of a run makes it again. The command line counts first.",
            ),
            click.option("--policy", default="", metavar="FILE", help="Python file with a `decide` of your own."),
            click.option(
                "--interval", metavar="LENGTH", help="Length of a bar: 1m, 15m, 1h. [default: as in the file]"
            ),
            click.option("--venue", metavar="NAME", help="Whose terms of trade. [default: binance]"),
            click.option("--from", "from_", metavar="DATE", help="First bar opens then or later, UTC."),
            click.option("--to", metavar="DATE", help="Last bar opens before that, UTC."),
            click.option(
                "--on-bad-data",
                type=click.Choice(["refuse", "quarantine"]),
                help="What to do about rows that are no bars. [default: refuse]",
            ),
            click.option(
                "--choices", is_flag=True, is_eager=True, expose_value=False, callback=_list, help="List all choices."
            ),
        )
    ):
        command = option(command)
    return command


def study_of_options(**options: Any) -> "Study":
    """Return the study that the options of `study_options` ask for.

    Raises:
        ConfigurationError: What is wrong with them.
    """
    from trading_system.backtest.study import study_of

    return study_of(*asked_of_options(**options))


def asked_of_options(
    *,
    bars: tuple[str, ...],
    instruments: tuple[str, ...],
    strategies: tuple[str, ...],
    assignments: tuple[str, ...],
    config: Path | None,
    policy: str,
    interval: str | None,
    venue: str | None,
    from_: str | None,
    to: str | None,
    on_bad_data: str | None,
) -> "tuple[Asked, list[Source], PolicyFile | None]":
    """Return what the options of `study_options` ask for, its sources of bars and the user's own policy.

    Raises:
        ConfigurationError: What is wrong with them.
    """
    from trading_system.backtest.asked import Asked, asked_of, assignments_of, over, strategies_of
    from trading_system.backtest.own_policy import load_policy
    from trading_system.backtest.sources import sources_of

    said = {"interval": interval, "venue": venue, "from": from_, "to": to, "on_bad_data": on_bad_data}
    line = Asked(
        bars=bars,
        instruments=instruments,
        strategies=strategies_of(strategies),
        policy=policy,
        sets=(
            *assignments_of(assignments),
            *((name, value) for name, value in said.items() if value is not None),
        ),
    )
    asked = line if config is None else over(asked_of(*_read(config)), line)
    own = load_policy(Path(asked.policy)) if asked.policy else None
    return asked, sources_of(asked.bars, asked.instruments), own


def _read(path: Path) -> tuple[Any, str]:
    """Return what a file of configuration holds, and its name."""
    import yaml

    from trading_system.errors import ConfigurationError

    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader), str(path)
    except OSError as error:
        raise ConfigurationError(f"--config {path}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"--config {path}: is not YAML: {' '.join(str(error).split())}") from error


def _list(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    """Print every choice with its default and end."""
    if not value:
        return
    from rich.console import Console
    from rich.table import Table

    from trading_system.backtest.choice_table import CHOICES

    table = Table("choice", "default", "range", "what it is", title="Choices of a run: --set NAME=VALUE")
    section = None
    for choice in CHOICES.values():
        if section not in (None, choice.section):
            table.add_section()
        section = choice.section
        table.add_row(choice.name, str(choice.default), choice.range, choice.help)
    Console().print(table)
    context.exit()
