"""`trading-system data metrics`: on-chain metrics and funding rates, each with when it became public."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from trading_system.cli.data.metric_fetch import fetch
from trading_system.cli.data.metric_options import (
    ASSET,
    JSON,
    NAMES,
    PROVIDER,
    STORE,
    chosen_provider,
    moment_of,
    report,
    say_license,
)
from trading_system.cli.options import settings_options
from trading_system.errors import ConfigurationError


@click.group("metrics")
def command() -> None:
    """Collect on-chain metrics and funding rates, and show what was known when.

    Every value is kept with the span it is about, the moment it became public, and its revision. Nothing is collected
    from a provider that the settings do not name (metrics.providers); its license goes with its data.

    \b
    Examples:
      trading-system data metrics fetch --provider coin_metrics --asset btc --since 2021-01-01
      trading-system data metrics import btc.csv --provider coin_metrics --asset btc
      trading-system data metrics show --provider coin_metrics --asset btc --name TxCnt --at 2024-08-15T12:00:00Z
    """


command.add_command(fetch)


@command.command("providers")
@settings_options
@JSON
def providers(env: str | None, assignments: tuple[str, ...], as_json: bool) -> None:
    """List who can be asked, for what, and under which license."""
    from trading_system.data_pipeline.collectors.providers.table import PROVIDERS
    from trading_system.settings import load

    settings = load(assignments, env=env)
    for each in PROVIDERS.values():
        row = {
            "provider": each.name,
            "on": each.name in settings.metrics.providers,
            "title": each.title,
            "license": each.license,
            "terms": each.terms,
            "url": each.url,
            "metrics": list(each.names),
        }
        if as_json:
            click.echo(json.dumps(row))
            continue
        click.echo(f"{each.name} ({'on' if row['on'] else 'off'}): {each.title}")
        click.echo(f"  license  {each.license}; {each.terms}\n  metrics  {', '.join(each.names)}")


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@PROVIDER
@ASSET
@NAMES
@click.option(
    "--heard", help="When the file was received, UTC; what it restates is public from then on. [default: now]"
)
@STORE
@settings_options
@JSON
def import_(
    file: Path,
    provider: str,
    asset: str,
    names: tuple[str, ...],
    heard: str | None,
    store: Path,
    env: str | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Store the metrics of a provider's CSV or Parquet FILE; without --name, every number in it.

    Files of coin_metrics have a row a day (time, date or timestamp in ms) and a column a metric; of binance_funding,
    timestamp and funding_rate. Vintages of one file may be imported in any order, each with its --heard.

    Example: trading-system data metrics import btc.csv --provider coin_metrics --asset btc
    """
    import time

    from trading_system.data_pipeline.collectors.onchain import import_file
    from trading_system.data_pipeline.metric_store import MetricStore
    from trading_system.settings import load

    chosen = chosen_provider(provider, load(assignments, env=env))
    say_license(chosen, as_json)
    now_ns = time.time_ns()
    heard_ns = now_ns if heard is None else moment_of(heard, "--heard")
    if heard_ns > now_ns:
        raise ConfigurationError(f"--heard: {heard} is still to come")
    done = import_file(file, MetricStore(store), chosen, asset=asset, names=names, heard_ns=heard_ns)
    report(done, store, str(file), as_json)


@command.command("ls")
@STORE
@JSON
def ls(store: Path, as_json: bool) -> None:
    """List the series of the store: how many values, how many restated, of when, and under which license."""
    from trading_system.data_pipeline.metric_store import MetricStore
    from trading_system.market.timestamps import iso

    held, licenses = MetricStore(store), set[str]()
    for series in held.series():
        metrics = held.read(series)
        row = {
            **series._asdict(),
            "values": sum(metric.revision == 0 for metric in metrics),
            "restatements": sum(metric.revision > 0 for metric in metrics),
            "first": iso(min(metric.start_ns for metric in metrics)),
            "last": iso(max(metric.end_ns for metric in metrics)),
            "license": "; ".join(sorted({metric.license for metric in metrics})),
        }
        licenses.add(f"{series.source}: {row['license']}")
        span = f"{row['first'][:10]} to {row['last'][:10]}"
        counts = f"{row['values']:>7} values  {row['restatements']:>4} restated"
        click.echo(json.dumps(row) if as_json else f"{series!s:<40} {counts}  {span}")
    if not as_json:
        click.echo("\n".join(sorted(licenses)) or f"no metrics in {store}")


@command.command("show")
@PROVIDER
@ASSET
@click.option("--name", required=True, help="A metric in the provider's word.")
@click.option("--at", help="What was public at this moment, UTC: 2024-08-15T12:00:00Z. [default: all that is stored]")
@click.option("--last", type=click.IntRange(1), default=10, show_default=True, help="How many spans, the newest last.")
@click.option("--revisions", is_flag=True, help="Show every revision and not only the newest that was public.")
@STORE
@JSON
def show(
    provider: str,
    asset: str,
    name: str,
    at: str | None,
    last: int,
    revisions: bool,
    store: Path,
    as_json: bool,
) -> None:
    """Show the values of one metric as they were known at a moment."""
    from trading_system.data_pipeline.metric_store import MetricStore, Series, newest
    from trading_system.market.timestamps import iso

    at_ns = None if at is None else moment_of(at, "--at")
    known = MetricStore(store).read(Series(provider, asset, name), at_ns=at_ns)
    spans = sorted({(metric.end_ns, metric.start_ns) for metric in known})[-last:]
    shown = known if revisions else newest(known)
    for metric in shown:
        if (metric.end_ns, metric.start_ns) in spans:
            row = asdict(metric)
            row |= {key.removesuffix("_ns"): iso(row.pop(key)) for key in ("start_ns", "end_ns", "available_ns")}
            words = "{start} to {end}  public {available}  revision {revision}  {value}".format(**row)
            click.echo(json.dumps(row) if as_json else words)
    for license_ in {} if as_json else sorted({metric.license for metric in known}):
        click.echo(f"license: {license_}")
