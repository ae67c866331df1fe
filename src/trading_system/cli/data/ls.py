"""`trading-system data ls`: what the store holds."""

import json
from pathlib import Path

import click


@click.command("ls")
@click.option("--store", type=click.Path(path_type=Path), default=Path("data/bars"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a file.")
def command(store: Path, as_json: bool) -> None:
    """List the files of the store: how many bars each holds, and their hash."""
    from trading_system.data_pipeline.bar_store import BarStore

    for venue, symbol, interval, months in BarStore(store).series():
        for month in months:
            row = {"venue": venue, "symbol": symbol, "interval": interval, "month": month.month}
            if as_json:
                click.echo(json.dumps(row | {"bars": month.rows, "sha256": month.sha256}))
            else:
                click.echo(f"{' '.join(row.values())}  {month.rows:>6} bars  {month.sha256[:12]}")
