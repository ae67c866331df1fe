"""`trading-system data export`: a series of the store as a plain file."""

import json
from pathlib import Path

import click

from trading_system.cli.data.spans import span_options


@click.command("export")
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--store", type=click.Path(path_type=Path), default=Path("data/bars"), show_default=True)
@click.option("--venue", default="binance", show_default=True)
@click.option("--symbol", required=True, help="The venue's own string.")
@click.option("--interval", required=True, help="Length of a bar: 1m, 15m, 1h, 1d.")
@span_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object and nothing else.")
def command(
    out: Path, store: Path, venue: str, symbol: str, interval: str, start_ns: int, end_ns: int | None, as_json: bool
) -> None:
    """Write the bars of a series to OUT, a .csv or .parquet file, whole or not at all, to the digit.

    Columns: timestamp (open, UTC, ms), open, high, low, close, volume, flags; `data import` reads it again. The flags
    tell what is odd about a bar, by a review of the whole series.

    Example: trading-system data export btc.csv --symbol BTCUSDT --interval 1h --since 2024-01-01
    """
    from trading_system.data_pipeline.bar_export import export
    from trading_system.data_pipeline.bar_store import BarStore
    from trading_system.data_pipeline.store_review import flagged

    columns, flags = flagged(BarStore(store), venue, symbol, interval, start_ns=start_ns, end_ns=end_ns)
    export(columns, flags, out)
    rows = len(columns.open_ns)
    told = {"file": str(out), "venue": venue, "symbol": symbol, "interval": interval, "rows": rows}
    click.echo(json.dumps(told) if as_json else f"{rows:,} bars of {symbol} {interval} in {out}")
