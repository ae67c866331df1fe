"""What the commands of `data metrics` share: their options, a provider with its settings, and what they report."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trading_system.cli.data.spans import moment_ns

if TYPE_CHECKING:
    from trading_system.data_pipeline.collectors.onchain import Collected
    from trading_system.data_pipeline.collectors.providers.provider import Provider
    from trading_system.settings import Settings

STORE = click.option("--store", type=click.Path(path_type=Path), default=Path("data/metrics"), show_default=True)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
PROVIDER = click.option("--provider", required=True, help="Its name; see `data metrics providers`.")
ASSET = click.option("--asset", required=True, help="In the provider's word: btc; BTCUSDT for funding rates.")
NAMES = click.option("--name", "names", multiple=True, help="A metric in the provider's word; may be repeated.")


def chosen_provider(name: str, settings: "Settings") -> "Provider":
    """Return a provider with the lag that the settings want.

    Raises:
        ConfigurationError: There is none of that name.
    """
    from trading_system.data_pipeline.collectors.providers.table import provider_named
    from trading_system.data_pipeline.moments import HOUR_NS

    provider, lag_h = provider_named(name), settings.metrics.lag_h
    return provider if lag_h is None else replace(provider, lag_ns=int(lag_h * HOUR_NS))


def moment_of(text: str, option: str) -> int:
    """Return the UTC nanoseconds that were given with `option`.

    Raises:
        ConfigurationError: It is no moment.
    """
    return moment_ns(text, option)


def say_license(provider: "Provider", as_json: bool) -> None:
    """Print the terms of a provider's data; where JSON is wanted, to standard error."""
    click.echo(f"{provider.name}: {provider.license} ({provider.terms})", err=as_json)


def report(done: "Collected", store: Path, source: str, as_json: bool) -> None:
    """Print what became of the values, and set aside what is none, beside the store."""
    from trading_system.utils.error_handling.quarantine import Quarantine, beside

    aside = Quarantine(beside(store))
    for row in done.refused:
        aside.put(row.received, reason=row.reason, source=source, kind="metric")
    if as_json:
        click.echo(json.dumps({**asdict(done.written), "refused": len(done.refused), "silent": done.silent}))
        return
    click.echo(f"{done.written.new} new, {done.written.restated} restated, {done.written.known} known, in {store}")
    if done.refused:
        first = done.refused[0].reason
        click.echo(f"{len(done.refused)} rows are no metrics, kept in {aside.path}; the first: {first}")
    if done.silent:
        click.echo(f"nothing was told of {', '.join(done.silent)}")
