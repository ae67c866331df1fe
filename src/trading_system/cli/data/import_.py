"""`trading-system data import`: bars from a file into the store."""

from pathlib import Path

import click

from trading_system.cli.data.series import instrument_of, series_options
from trading_system.market.bars import interval_ns


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--store", type=click.Path(path_type=Path), default=Path("data/bars"), show_default=True)
@series_options
def command(file: Path, store: Path, venue: str, symbol: str, interval: str, tick: str, lot: str) -> None:
    """Add the bars of a CSV or Parquet FILE to the store.

    The file has the columns timestamp (open, UTC, ms), open, high, low, close, volume.
    """
    from trading_system.data_pipeline.bar_store import BarStore, read_bars

    instrument = instrument_of(venue=venue, symbol=symbol, tick=tick, lot=lot)
    bars = read_bars(file, instrument, interval_ns(interval))
    new = BarStore(store).write(bars, instrument, interval)
    click.echo(f"{len(bars)} bars read, {new} of them new, in {BarStore(store).folder(instrument, interval)}")
