"""`trading-system data features`: what there is, and a table of it for a series."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from trading_system.cli.data.one_series import read_series
from trading_system.errors import ConfigurationError
from trading_system.market.bars import interval_ns

if TYPE_CHECKING:
    from trading_system.data_pipeline.normalizers.features import FeatureSet
    from trading_system.data_pipeline.reading import Reading
    from trading_system.market.columns import Floats

CHOICE: Final = "Sets, features and .py files of your own, by comma: house,change_4@btc_close,own.py"
_SERIES: Final = 3
"""Words that name a series of metrics: source/asset/name."""


@click.group("features")
def command() -> None:
    """List the features, and work them out for a series.

    \b
    trading-system data features ls
    trading-system data features compute --bars BTCUSDT_5m.parquet --set house --out features.parquet
    """


@command.command("ls")
@click.option("--set", "choice", help=CHOICE + ". [default: every kind]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a feature, its set's name in each.")
def ls(choice: str | None, as_json: bool) -> None:
    """List features: what each is, how many bars it takes to get warm, and what its values depend on.

    A feature "of the window" depends on the bars of its warm-up alone; one "since the gap" on every bar since the first
    or since the last gap. Without --set there is one of each kind; other numbers make others: rsi_21.

    Example: trading-system data features ls --set model
    """
    from trading_system.data_pipeline.normalizers.features import KINDS, SETS, chosen
    from trading_system.data_pipeline.normalizers.features.kinds import sample

    features = chosen(choice or ",".join(sample(kind) for kind in KINDS))
    if as_json:
        for each in features.features:
            row = {
                "name": each.name,
                "formula": each.formula,
                "warm_up": each.warm_up,
                "anchor": each.anchor,
                "inputs": each.inputs,
                "parameters": each.parameters,
                "aux": each.aux,
                "state": each.room,
                "set": features.name if choice else None,
            }
            click.echo(json.dumps(row))
        return
    wide = max(map(len, features.names))
    for each in features.features:
        since = "of the window" if each.anchor == "window" else "since the gap"
        click.echo(f"{each.name:{wide}}  {each.warm_up:>5} bars  {since}  {each.formula}")
    if choice:
        click.echo(f"\n{len(features)} features, warm after {features.warm_up} bars; the set's name is {features.name}")
    else:
        sets = ", ".join(f"{name} ({len(each)})" for name, each in SETS.items())
        click.echo(f"\nSets: {sets}; see --set NAME")


@command.command("compute")
@click.option(
    "--bars", "source", type=click.Path(path_type=Path), required=True, help="CSV or Parquet file, or a store's folder."
)
@click.option("--symbol", help="The venue's own string. [default: what the file's name tells; the store's only one]")
@click.option("--venue", default="binance", show_default=True, help="Where the bars come from.")
@click.option("--interval", help="Length of a bar: 1m, 15m. [default: what the rows tell; the store's only one]")
@click.option("--set", "choice", default="house", show_default=True, help=CHOICE + ".")
@click.option(
    "--aux",
    "beside",
    multiple=True,
    metavar="NAME=WHERE",
    help="What features of NAME are of: a file of bars (its closes), or a series of metrics, SOURCE/ASSET/METRIC.",
)
@click.option(
    "--metrics", type=click.Path(path_type=Path), default=Path("data/metrics"), show_default=True, help="Their store."
)
@click.option("--max-age", default="7d", show_default=True, help="Metrics that are older are not known.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="A .parquet file.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object and nothing else.")
def compute(
    source: Path,
    symbol: str | None,
    venue: str,
    interval: str | None,
    choice: str,
    beside: tuple[str, ...],
    metrics: Path,
    max_age: str,
    out: Path,
    as_json: bool,
) -> None:
    """Work features out for every bar of a series and write them to OUT, a Parquet file, whole or not at all.

    Columns: timestamp (open, UTC, ms), each feature, and atr (mean of 14 true ranges, ticks); empty where undefined:
    while warming, behind each gap until warm again, and where what stands beside the bars is not known. The file's
    metadata names the set and the bars by their hashes.

    \b
    Examples:
      trading-system data features compute --bars BTCUSDT_5m.parquet --out features.parquet
      trading-system data features compute --bars ETHUSDT_1h.parquet --set model,change_4@btc_close \\
        --aux btc_close=BTCUSDT_1h.parquet --out features.parquet
      trading-system data features compute --bars data/bars --symbol BTCUSDT --interval 1h \\
        --set house,onchain --out features.parquet
    """
    import numpy as np

    from trading_system.data_pipeline.normalizers.features import chosen, feature_table
    from trading_system.data_pipeline.normalizers.features.table_file import write_table

    if out.suffix != ".parquet":
        raise ConfigurationError(f"--out {out}: write to a .parquet file")
    features = chosen(choice)
    reading = read_series(source, venue=venue, symbol=symbol, interval=interval)
    bars = reading.bars
    aux = _beside(features, reading, beside, metrics, interval_ns(max_age))
    table = feature_table(bars, features, aux)
    words = {"features": features.name, "bars_sha256": reading.sha256, "symbol": bars.symbol}
    write_table(out, bars, features, table, words)
    told = words | {
        "file": str(out),
        "rows": len(bars),
        "defined": int((~np.isnan(table.values).any(axis=1)).sum()),
        "warm_up": features.warm_up,
        "gaps": reading.gaps,
        "names": features.names,
    }
    if as_json:
        click.echo(json.dumps(told))
        return
    for note in reading.notes:
        click.echo(note, err=True)
    click.echo(
        f"{len(features)} features of {len(bars):,} bars of {bars.symbol} in {out}; all of them known at "
        f"{told['defined']:,} bars: {features.warm_up} bars get them warm, again behind each of {reading.gaps} gaps"
    )


def _beside(
    features: "FeatureSet", reading: "Reading", beside: tuple[str, ...], metrics: Path, max_age_ns: int
) -> Mapping[str, "Floats"]:
    """Return a column for each name that `features` ask for.

    Raises:
        ConfigurationError: It is not said where one is, or one is said that nobody asks for.
    """
    from trading_system.data_pipeline.as_of import joined
    from trading_system.data_pipeline.metric_store import MetricStore, Series
    from trading_system.data_pipeline.normalizers.features.beside import closes_at

    said = dict(text.partition("=")[::2] for text in beside)
    if unasked := said.keys() - set(features.aux):
        asked = ", ".join(features.aux) or "nothing"
        raise ConfigurationError(f"--aux {', '.join(sorted(unasked))}: these features ask for {asked} beside the bars")
    columns: dict[str, Floats] = {}
    for name in features.aux:
        where = said.get(name, name)
        words = where.split("/")
        if Path(where).is_file():
            other = read_series(Path(where), venue=reading.instrument.venue, symbol=None, interval=None)
            columns[name] = closes_at(reading.bars.close_ns, other.bars) * float(other.instrument.tick)
        elif len(words) == _SERIES:
            values = MetricStore(metrics).columns(Series(*words))
            columns[name] = joined(reading.bars.close_ns, values, max_age_ns)
        else:
            raise ConfigurationError(
                f"features of {name} need it beside the bars: --aux {name}=FILE for the closes of another file of "
                f"bars, --aux {name}=SOURCE/ASSET/METRIC for what `data metrics` keeps"
            )
    return columns
