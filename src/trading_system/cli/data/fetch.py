"""`trading-system data fetch`: closed bars from a venue into the store, and on from there."""

import asyncio
import json
from pathlib import Path
from typing import Final

import click

from trading_system.cli.data.spans import moment_ns
from trading_system.errors import ConfigurationError

INTERRUPTED: Final = 130


@click.command("fetch")
@click.option("--venue", default="binance", show_default=True, help="binance, or ccxt:NAME for one that ccxt knows.")
@click.option("--symbol", default="BTCUSDT", show_default=True, help="The venue's own string.")
@click.option("--interval", default="1m", show_default=True, help="Length of a bar: 1m, 15m, 1h, 1d.")
@click.option("--since", required=True, help="When the first bar opens, UTC: 2024-01-31 or 2024-01-31T12:30Z.")
@click.option("--until", help="Before when the last bar opens, UTC. [default: now]")
@click.option("--follow", is_flag=True, help="Then keep every bar that closes, until interrupted.")
@click.option("--archive", metavar="WHERE", help="Folder or address of Binance's ZIP archives, to take first.")
@click.option("--offline", is_flag=True, help="Take the archives only, and ask no venue.")
@click.option("--again", is_flag=True, help="Ask for all of it again, and compare it with what is stored.")
@click.option("--url", help="Address of the REST API, as `trading-system testnet serve` prints it.")
@click.option("--env", metavar="NAME", help="Take Binance's address from config/env/NAME.yaml.")
@click.option("--store", type=click.Path(path_type=Path), default=Path("data/bars"), show_default=True)
@click.option(
    "--page", type=click.IntRange(1, 1_000), default=1_000, show_default=True, help="Bars to ask for at once."
)
@click.option("--json", "as_json", is_flag=True, help="Print what became of it as one JSON object.")
def command(
    venue: str,
    symbol: str,
    interval: str,
    since: str,
    until: str | None,
    follow: bool,
    archive: str | None,
    offline: bool,
    again: bool,
    url: str | None,
    env: str | None,
    store: Path,
    page: int,
    as_json: bool,
) -> int:
    """Collect closed bars from a venue into the store, and follow it.

    What is stored is not asked for again: run it, or interrupt it, as often as you like. The data are public and no key
    is needed. The exit code is 0 when all is there or when --follow was ended by a signal, 130 when it was interrupted
    before, 2 when it cannot be done.

    Example: trading-system data fetch --symbol BTCUSDT --interval 1m --since 2024-01-01
    """
    from trading_system.cli.data.fetching import Run, run
    from trading_system.data_pipeline.collectors.fetching import Wanted

    if offline and (archive is None or follow):
        raise ConfigurationError("--offline takes archives only: name them with --archive, and do not --follow")
    if follow and until is not None:
        raise ConfigurationError("--follow has no end: leave --until out")
    asked = Run(
        venue=venue,
        symbol=symbol,
        interval=interval,
        wanted=Wanted(
            since_ns=moment_ns(since, "--since"),
            until_ns=None if until is None else moment_ns(until, "--until"),
            again=again,
            follow=follow,
        ),
        archive=archive,
        offline=offline,
        url=url,
        env=env,
        store=store,
        page=page,
    )
    ended = asyncio.run(run(asked))
    click.echo(json.dumps(ended.told()) if as_json else ended.words())
    return INTERRUPTED if ended.interrupted and not ended.following else 0
