"""`trading-system strategies`: what there is to run, and what can be set about it."""

import json

import click

EXAMPLE = """
Example:

  trading-system strategies donchian
"""


@click.command(epilog=EXAMPLE)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the tables.")
def command(names: tuple[str, ...], as_json: bool) -> None:
    """List the strategies, or those named, with their parameters.

    They are set by `--strategy NAME --set PARAMETER=VALUE`. A file of your own is the strategy `script`; how to write
    one stands in docs/strategies.md.
    """
    from trading_system.core_ai.inference.strategies.parameters import instead
    from trading_system.core_ai.inference.strategies.registry import STRATEGIES
    from trading_system.errors import ConfigurationError

    for name in names:
        if name not in STRATEGIES:
            raise ConfigurationError(f"there is no strategy {name!r}{instead(name, STRATEGIES)}")
    kinds = [kind for name, kind in STRATEGIES.items() if not names or name in names]
    if as_json:
        told = {
            kind.name: {
                "summary": kind.summary,
                "open": kind.open,
                "parameters": [
                    {
                        "name": each.name,
                        "default": each.default,
                        "kind": each.kind,
                        "range": each.range,
                        "help": each.help,
                    }
                    for each in kind.parameters
                ],
            }
            for kind in kinds
        }
        click.echo(json.dumps(told))
        return
    from rich.console import Console
    from rich.table import Table

    console = Console()
    for kind in kinds:
        table = Table("parameter", "default", "range", "what it is", title=f"{kind.name}: {kind.summary}")
        table.title_justify = "left"
        for each in kind.parameters:
            default = "must be set" if each.default is None else str(each.default)
            table.add_row(each.name, default, each.range or each.kind, each.help)
        console.print(table)
        console.print()
