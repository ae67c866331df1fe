"""`trading-system data`: bars from files, or made up, into the store, and what the store holds."""

import json
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final, TypeVar

import click

from trading_system.errors import ConfigurationError
from trading_system.market.bars import interval_ns
from trading_system.market.instruments import Instrument

F = TypeVar("F", bound=Callable[..., object])


SYNTHETIC: Final = "synthetic"
"""The venue of bars that were made up; no other venue ever holds them."""


def series_options(command: F) -> F:
    """Give `command` the options that name a series: `venue`, `symbol`, `interval`, `tick`, `lot`."""
    return click.option("--venue", default="binance", show_default=True, help="Where the bars come from.")(
        symbol_options(command)
    )


def symbol_options(command: F) -> F:
    """Give `command` the options of a series but its venue."""
    for option in (
        click.option("--lot", default="0.00001", show_default=True, help="Quantity step, base units."),
        click.option("--tick", default="0.01", show_default=True, help="Price step, quote per base."),
        click.option("--interval", default="15m", show_default=True, help="Length of a bar: 1m, 15m, 1h, 1d."),
        click.option("--symbol", default="BTCUSDT", show_default=True, help="The venue's own string."),
    ):
        command = option(command)
    return command


def instrument_of(*, venue: str, symbol: str, tick: str, lot: str) -> Instrument:
    """Return the instrument that the options of `series_options` name; good for bars, not for orders.

    Raises:
        ConfigurationError: A step is no number, or cannot be one of an instrument.
    """
    try:
        steps = Decimal(tick), Decimal(lot)
    except InvalidOperation:
        raise ConfigurationError(f"--tick {tick!r} and --lot {lot!r} must be numbers, like 0.01") from None
    return Instrument(
        venue=venue,
        symbol=symbol,
        base=symbol,
        quote="",
        tick=steps[0],
        lot=steps[1],
        min_lots=1,
        min_notional=Decimal(0),
    )


@click.group
def command() -> None:
    """Import bars into the store, or make them up, and see what it holds."""


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--store", type=click.Path(path_type=Path), default=Path("data/bars"), show_default=True)
@series_options
def import_(file: Path, store: Path, venue: str, symbol: str, interval: str, tick: str, lot: str) -> None:
    """Add the bars of a CSV or Parquet FILE to the store.

    The file has the columns timestamp (open, UTC, ms), open, high, low, close, volume.
    """
    from trading_system.data_pipeline.bar_store import BarStore, read_bars

    instrument = instrument_of(venue=venue, symbol=symbol, tick=tick, lot=lot)
    bars = read_bars(file, instrument, interval_ns(interval))
    new = BarStore(store).write(bars, instrument, interval)
    click.echo(f"{len(bars)} bars read, {new} of them new, in {BarStore(store).folder(instrument, interval)}")


@command.command
@click.option("--store", type=click.Path(path_type=Path), default=Path("data/bars"), show_default=True)
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True, help="The same seed, the same bars.")
@click.option("--count", type=click.IntRange(1), default=8_000, show_default=True, help="How many bars.")
@click.option(
    "--planted", is_flag=True, help="Plant trends in it, for a model to find; without them it is a fair game."
)
@symbol_options
def synthetic(
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


@command.command("ls")
@click.option("--store", type=click.Path(path_type=Path), default=Path("data/bars"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a file.")
def list_(store: Path, as_json: bool) -> None:
    """List the files of the store: how many bars each holds, and their hash."""
    from trading_system.data_pipeline.bar_store import BarStore

    for venue, symbol, interval, months in BarStore(store).series():
        for month in months:
            row = {"venue": venue, "symbol": symbol, "interval": interval, "month": month.path.stem}
            if as_json:
                click.echo(json.dumps(row | {"bars": month.bars, "sha256": month.sha256}))
            else:
                click.echo(f"{' '.join(row.values())}  {month.bars:>6} bars  {month.sha256[:12]}")
