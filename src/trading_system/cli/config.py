"""`trading-system config`: what the settings are, and who said so."""

import json

import click

from trading_system.cli.options import settings_options
from trading_system.settings import described, load, provenance


@click.group
def command() -> None:
    """Show every setting, its value and where it came from."""


@command.command
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs instead of a table.")
def show(env: str | None, assignments: tuple[str, ...], as_json: bool) -> None:
    """Print each setting with its value and source; secrets are masked.

    The first source that has a value wins: command line, environment (TRADING_RISK__MAX_DRAWDOWN), secrets
    folder (TRADING_SECRETS_DIR, one file a key), config/env/NAME.yaml, default.
    """
    rows = provenance(load(assignments, env=env))
    if as_json:
        click.echo(json.dumps({row.path: {"value": row.value, "source": row.source} for row in rows}, indent=2))
        return
    shown = [(row.path, _plain(row.value), row.source) for row in rows]
    widths = [max(len(row[column]) for row in shown) for column in (0, 1)]
    for path, value, source in shown:
        click.echo(f"{path:<{widths[0]}}  {value:<{widths[1]}}  {source}")


@command.command
def describe() -> None:
    """Print every key with its default and its meaning, as a page of Markdown.

    `docs/settings.md` is this output.
    """
    click.echo("# Settings\n")
    click.echo("Written by `trading-system config describe`. In `config/env/NAME.yaml` a key stands in its section;")
    click.echo("as a variable it is `TRADING_SECTION__KEY`; on the command line, `--set section.key=value`.\n")
    click.echo("| key | default | meaning |\n|---|---|---|")
    for path, default, meaning in described():
        click.echo(f"| `{path}` | {f'`{_plain(default)}`' if default is not None else ''} | {meaning} |")


def _plain(value: object) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return "-" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
