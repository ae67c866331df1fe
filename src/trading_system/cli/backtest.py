"""`trading-system backtest`: bars and a strategy in, a run's folder out."""

from pathlib import Path
from typing import Any

import click

from trading_system.cli.studies import study_of_options, study_options

EXAMPLE = """
Example:

  trading-system backtest --bars BTCUSDT.csv --strategy sma_cross --set fast=10 --set slow=50 --out runs/cross
"""


@click.command(epilog=EXAMPLE)
@study_options
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder for the run's files and its page.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table.")
def command(out: Path | None, as_json: bool, **options: Any) -> None:
    """Run strategies on bars, with our decision and with every cost, compiled.

    Every choice has a name, a default, and stands in the run's config.yaml; --choices lists them, docs/backtest.md
    explains them. The same inputs give the same bytes.
    """
    from trading_system.cli.running import run_study, uncollected

    with uncollected():
        run_study(study_of_options(**options), out=out, as_json=as_json)
