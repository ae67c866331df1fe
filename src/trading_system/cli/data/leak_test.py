"""`trading-system data leak-test`: change the future, and see that nothing known before it changes."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trading_system.cli.data.one_series import read_series

if TYPE_CHECKING:
    from trading_system.data_pipeline.leaks.answers import Probe
    from trading_system.data_pipeline.leaks.search import Tell
    from trading_system.market.columns import BarColumns

_TRAINING = 0.6
"""Share of the bars that scalers are fitted on."""
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("leak-test")
@click.option(
    "--bars", "source", type=click.Path(path_type=Path), required=True, help="CSV or Parquet file, or a store's folder."
)
@click.option("--symbol", help="The venue's own string. [default: what the file's name tells; the store's only one]")
@click.option("--venue", default="binance", show_default=True, help="Where the bars come from.")
@click.option("--interval", help="Length of a bar: 1m, 15m. [default: what the rows tell; the store's only one]")
@click.option(
    "--features",
    "names",
    multiple=True,
    metavar="NAME,…",
    help="Features and sets, as in `data features`. [default: all of the house, labels and joins]",
)
@click.option("--feature-file", type=_FILE, help="Your own: a step, or functions of whole columns.")
@click.option("--script", type=_FILE, help="Your own strategy: its view() of windows.")
@click.option(
    "--length", type=click.IntRange(20, 100_000), default=2_000, show_default=True, help="The last so many bars."
)
@click.option(
    "--cuts", type=click.IntRange(1), default=200, show_default=True, help="Of the bars; as many as bars: every one."
)
@click.option("--window", type=click.IntRange(1, 1_000), default=16, show_default=True, help="Rows of a window.")
@click.option(
    "--horizon", type=click.IntRange(1, 1_000), default=16, show_default=True, help="Bars that a label looks."
)
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True, help="Of every random choice.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object and nothing else.")
def command(
    source: Path,
    symbol: str | None,
    venue: str,
    interval: str | None,
    names: tuple[str, ...],
    feature_file: Path | None,
    script: Path | None,
    length: int,
    cuts: int,
    window: int,
    horizon: int,
    seed: int,
    as_json: bool,
) -> int:
    """Change all that comes after a bar, at many bars and in seven ways, and see that nothing known by then changes.

    Prices and volumes behind a cut become others, bars go missing, end, or are added; and metrics are restated. Every
    feature, window, scaler of the training fold, joined metric, and every label that is already known, must stay as it
    was, to the bit; and bar by bar the same must come out as at once. Besides the bars as they are, it is tried on the
    same with holes and quiet bars planted in them.

    The exit code is 0 where nothing leaks, 1 where something does, 2 where it could not be tested.

    \b
    trading-system data leak-test --bars BTCUSDT_5m.parquet
    trading-system data leak-test --bars BTCUSDT_5m.parquet --features rsi_14,return_4 --cuts 2000
    trading-system data leak-test --bars data/bars --symbol BTCUSDT --interval 15m --feature-file own.py
    """
    if sum((bool(names), feature_file is not None, script is not None)) > 1:
        raise click.UsageError("test one at a time: --features, --feature-file or --script")
    from trading_system.cli.data.leak_telling import show, told
    from trading_system.data_pipeline.leaks.search import latest, search

    reading = read_series(source, venue=venue, symbol=symbol, interval=interval)
    bars = latest(reading.bars, length)
    probes = _probes(bars, names, feature_file, script, window=window, horizon=horizon)
    with _progress() as tell:
        verdict = search(bars, probes, cuts=cuts, seed=seed, tell=tell)
    if as_json:
        click.echo(told(verdict, bars, seed=seed))
    else:
        show(verdict, bars, seed=seed)
    if verdict.leaks:
        return 1
    if verdict.untested:
        click.echo(
            f"Error: nothing is known of {', '.join(verdict.untested)}: never defined on these {len(bars):,} bars; "
            "raise --length, or lower --window",
            err=True,
        )
        return 2
    return 0


def _probes(
    bars: "BarColumns",
    names: tuple[str, ...],
    feature_file: Path | None,
    script: Path | None,
    *,
    window: int,
    horizon: int,
) -> "list[Probe]":
    from trading_system.data_pipeline.leaks.house import feature_probe, label_probe, metric_probe
    from trading_system.data_pipeline.leaks.own import holds_step, probes_in
    from trading_system.data_pipeline.normalizers.features import SETS, FeatureSet, chosen

    if script is not None:
        from trading_system.core_ai.inference.strategies.probe import script_probe

        return [script_probe(script)]
    if feature_file is not None and not holds_step(feature_file):
        return probes_in(feature_file)
    if names or feature_file is not None:
        features = chosen(",".join(names) if names else str(feature_file))
    else:
        every = {feature.name: feature for each in SETS.values() for feature in each.features}
        features = FeatureSet(features=tuple(every.values()))
    train_ns = int(bars.close_ns[int(_TRAINING * (len(bars) - 1))])
    probe = feature_probe(features, window=window, train_ns=train_ns)
    asked = names or feature_file is not None
    return [probe] if asked else [probe, label_probe(horizon), metric_probe()]


@contextmanager
def _progress() -> "Iterator[Tell]":
    """Show how many cuts are done, where somebody watches, and yield what is to be told of it."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("cuts"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as progress:
        task = progress.add_task("", total=None)

        def tell(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield tell
