"""`trading-system data synthetic`: made-up bars into the store."""

from pathlib import Path

import click

from trading_system.cli.data.series import SYNTHETIC, instrument_of, symbol_options
from trading_system.market.bars import interval_ns


@click.command("synthetic")
@click.option("--store", type=click.Path(path_type=Path), default=Path("data/bars"), show_default=True)
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True, help="The same seed, the same bars.")
@click.option("--count", type=click.IntRange(1), default=8_000, show_default=True, help="How many bars.")
@click.option(
    "--planted", is_flag=True, help="Plant trends in it, for a model to find; without them it is a fair game."
)
@symbol_options
def command(
    store: Path,
    seed: int,
    count: int,
    planted: bool,
    symbol: str,
    interval: str,
    tick: str,
    lot: str,
) -> None:
    """Add the bars of a synthetic market to the store, under the venue "synthetic".

    Its habits are calibrated to real bars; see docs/synthetic-market.md. The demonstration's model is trained on such
    bars with trends planted in them.
    """
    from trading_system.data_pipeline.bar_store import BarStore
    from trading_system.testnet.synthetic import PLANTED, synthetic_bars

    instrument = instrument_of(venue=SYNTHETIC, symbol=symbol, tick=tick, lot=lot)
    bars = synthetic_bars(
        seed=seed,
        count=count,
        interval_ns=interval_ns(interval),
        instrument=instrument,
        planted=PLANTED if planted else 0.0,
    )
    BarStore(store).write(bars, instrument, interval)
    pattern = " with a planted pattern" if planted else ""
    click.echo(f"{count} synthetic bars{pattern} in {BarStore(store).folder(instrument, interval)}")
