"""`trading-system report`: the page of a run, made again from its own files."""

import json
from pathlib import Path

import click

EXAMPLE = """
Example:

  trading-system report runs/cross
"""


@click.command(epilog=EXAMPLE)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the page's path.")
def command(folder: Path, as_json: bool) -> None:
    """Make DIR/report.html again from the other files of the run in DIR; the bytes are the same."""
    from trading_system.backtest.report.folder import rebuild

    page = rebuild(folder)
    click.echo(json.dumps({"page": str(page)}) if as_json else str(page))
