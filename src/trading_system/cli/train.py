"""`trading-system train`: a forecaster from bars, with its scores beside the baselines'."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trading_system.cli.data.series import instrument_of, series_options
from trading_system.errors import ConfigurationError
from trading_system.market.bars import Bar, interval_ns

if TYPE_CHECKING:
    from collections.abc import Callable

    from trading_system.core_ai.inference.manifest import Manifest
    from trading_system.core_ai.training.train import Epoch


@click.command()
@click.option("--bars", "file", type=click.Path(path_type=Path), help="CSV or Parquet file of bars.")
@click.option("--store", type=click.Path(path_type=Path), help="Folder of the bar store; instead of --bars.")
@series_options
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for model.onnx and manifest.json.")
@click.option("--features", "wanted", default="model", show_default=True, help="Features and sets of them, by comma.")
@click.option("--horizon", type=click.IntRange(1, 1_000), default=16, show_default=True, help="How far to look, bars.")
@click.option("--epochs", type=click.IntRange(1, 10_000), default=40, show_default=True, help="At most so many.")
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True, help="Of every random choice.")
@click.option("--sign", "key_file", metavar="KEY", help="Sign the model with this private key: `models keygen`.")
@click.option("--license", "terms", default="not stated", show_default=True, help="Terms of use, for the manifest.")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest instead of the table.")
def command(
    file: Path | None,
    store: Path | None,
    venue: str,
    symbol: str,
    interval: str,
    tick: str,
    lot: str,
    out: Path,
    wanted: str,
    horizon: int,
    epochs: int,
    seed: int,
    key_file: str | None,
    terms: str,
    as_json: bool,
) -> None:
    """Train the forecaster on bars, oldest 70 % first, and export it with its manifest.

    It is scored on the newest 15 %, which no choice was made on. The same bars and seed give the same
    files on the same machine. `data features ls` lists what --features may name; `models`
    keeps and checks what is made.
    """
    from msgspec import structs

    from trading_system.core_ai.inference.manifest import sign
    from trading_system.core_ai.inference.signing import private_key
    from trading_system.data_pipeline.normalizers.features import chosen

    key = private_key(key_file) if key_file else None  # what cannot be signed is not trained for an hour first
    bars = _bars(file, store, venue=venue, symbol=symbol, interval=interval, tick=tick, lot=lot)
    try:
        from trading_system.core_ai.training.export import export
        from trading_system.core_ai.training.train import Plan, train
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"training needs {error.name}: pip install 'trading-system[train]'") from error

    features, plan = chosen(wanted), Plan(horizon=horizon, epochs=epochs, seed=seed)
    with _progress(epochs) as tell:
        trained = train(bars, interval=interval, plan=plan, tell=tell, features=features)
    manifest = export(replace(trained, manifest=structs.replace(trained.manifest, license=terms)), out)
    if key is not None:
        sign(out, key)
    if as_json:
        click.echo((out / "manifest.json").read_text(), nl=False)
    else:
        _report(manifest, out)


def _bars(
    file: Path | None, store: Path | None, *, venue: str, symbol: str, interval: str, tick: str, lot: str
) -> list[Bar]:
    if (file is None) == (store is None):
        raise click.UsageError("say where the bars are: either --bars FILE or --store DIR")
    from trading_system.data_pipeline.bar_store import BarStore, read_bars

    instrument = instrument_of(venue=venue, symbol=symbol, tick=tick, lot=lot)
    length_ns = interval_ns(interval)
    if file is not None:
        return read_bars(file, instrument, length_ns)
    assert store is not None
    return BarStore(store).read(instrument, interval)


@contextmanager
def _progress(epochs: int) -> "Iterator[Callable[[Epoch], None]]":
    """Show a bar of epochs on standard error while inside, and yield what is to be told of each."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("training"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=epochs)

        def tell(epoch: "Epoch") -> None:
            progress.update(
                task,
                completed=epoch.number,
                description=f"log-loss {epoch.train:.4f}, unseen {epoch.validation:.4f}",
            )

        yield tell


def _report(manifest: "Manifest", out: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    title = f"{manifest.symbol} {manifest.interval}, {manifest.horizon} bars ahead, {manifest.examples['test']} unseen"
    table = Table("", "accuracy", "log-loss", "Brier", "MCC", "gross bps", title=title)
    for name, row in manifest.scores.items():
        numbers = f"{row.accuracy:.4f}", f"{row.log_loss:.4f}", f"{row.brier:.4f}", f"{row.mcc:+.4f}"
        table.add_row(name, *numbers, f"{row.gross_bps:+.2f}")
    console = Console(width=100)
    console.print(table)
    console.print(manifest.verdict, highlight=False)
    console.print(f"{manifest.name} is in {out}", highlight=False, soft_wrap=True)
