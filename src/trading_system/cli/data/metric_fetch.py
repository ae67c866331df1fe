"""`trading-system data metrics fetch`: ask a provider once, or again and again."""

import time
from pathlib import Path

import click

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
from trading_system.errors import ConfigurationError, OutcomeUnknown, RateLimited, VenueUnavailable
from trading_system.market.bars import interval_ns
from trading_system.market.timestamps import NS_PER_S


@click.command("fetch")
@PROVIDER
@ASSET
@NAMES
@click.option("--since", help="Spans that end after it, UTC: 2021-01-01. [default: go on from what is stored]")
@click.option("--until", help="And not after it. [default: now]")
@click.option("--every", help="Ask again and again, until interrupted: 5m, 1h.")
@click.option("--url", help="Another address of the provider's API, as of a node of one's own.")
@STORE
@settings_options
@JSON
def fetch(
    provider: str,
    asset: str,
    names: tuple[str, ...],
    since: str | None,
    until: str | None,
    every: str | None,
    url: str | None,
    store: Path,
    env: str | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Ask a provider for metrics and store them.

    Without --since it goes on from what is stored, and asks for the last week again to hear of restatements. Running it
    twice changes nothing; interrupted, it goes on from the last page. With --every, a provider that does not answer is
    asked the next time.

    Example: trading-system data metrics fetch --provider coin_metrics --asset btc --since 2021-01-01
    """
    import asyncio

    from rich.console import Console
    from rich.progress import Progress

    from trading_system.bootstrap import public_web
    from trading_system.data_pipeline.collectors.onchain import collect
    from trading_system.data_pipeline.collectors.providers.asking import Asker
    from trading_system.data_pipeline.metric_store import MetricStore
    from trading_system.settings import load

    settings = load(assignments, env=env)
    chosen = chosen_provider(provider, settings)
    if provider not in settings.metrics.providers:
        raise ConfigurationError(
            f"{provider} is off. Its data: {chosen.license} ({chosen.terms}). If you accept that, name it in "
            f"metrics.providers of config/env, or here: --set metrics.providers={provider}"
        )
    if every is not None and until is not None:
        raise ConfigurationError("--every asks for what is new: it has no --until")
    since_ns = None if since is None else moment_of(since, "--since")
    until_ns = None if until is None else moment_of(until, "--until")
    pause_s = None if every is None else interval_ns(every) / NS_PER_S
    say_license(chosen, as_json)

    async def ask_and_store(progress: Progress, since_ns: int | None) -> None:
        def say(why: str) -> None:
            progress.console.print(why, markup=False, highlight=False)  # a provider's words are no markup

        bar = progress.add_task(f"{provider} {asset}", total=1.0)
        async with public_web() as get:
            ask = Asker(get, url=url or chosen.url, pause_s=chosen.pause_s, notice=say)
            done = await collect(
                chosen.source(chosen, ask, time.time_ns),
                MetricStore(store),
                chosen,
                asset=asset,
                names=names or chosen.names,
                since_ns=since_ns,
                until_ns=time.time_ns() if until_ns is None else until_ns,
                now_ns=time.time_ns,
                stored=lambda share: progress.update(bar, completed=share),
            )
        progress.update(bar, completed=1.0)
        report(done, store, f"{provider} {asset}", as_json)

    async def run(progress: Progress, since_ns: int | None) -> None:
        while True:
            try:
                await ask_and_store(progress, since_ns)
                since_ns = None  # from now on what is stored is where to go on from
            except (VenueUnavailable, RateLimited, OutcomeUnknown) as error:
                if pause_s is None:
                    raise
                click.echo(f"Asked again in {every}: {error}", err=True)
            if pause_s is None:
                return
            await asyncio.sleep(pause_s)

    with Progress(console=Console(stderr=True), disable=as_json, transient=True) as progress:
        asyncio.run(run(progress, since_ns))
