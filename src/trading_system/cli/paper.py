"""`trading-system paper`: trade with play money."""

import asyncio
import json
from pathlib import Path

import click

from trading_system.cli.options import settings_options
from trading_system.settings import load


@click.command()
@settings_options
@click.option("--journal", type=click.Path(path_type=Path), default=None, help="The journal's file.")
@click.option("--log", type=click.Path(path_type=Path), default=None, help="File for the JSON log lines.")
@click.option("--kill-at", default="", hidden=True, help="NAME:N: end by SIGKILL at the Nth time a step is reached.")
def command(
    env: str | None, assignments: tuple[str, ...], journal: Path | None, log: Path | None, kill_at: str
) -> None:
    """Trade on the local exchange, or on a venue's Testnet, until stopped.

    Started again after any end, it recovers: it reads its journal, asks the venue about every order that is not
    settled, and compares its books with the venue's before it takes new risk.

    Example: trading-system paper --set venue.rest_url=http://127.0.0.1:8080 --set venue.step=true
    """
    from trading_system.bootstrap import trade  # the whole house: loaded only to trade

    paths = [f"journal.path={json.dumps(str(journal))}"] if journal else []
    paths += [f"telemetry.log_path={json.dumps(str(log))}"] if log else []
    settings = load((*assignments, *paths), env=env)
    if settings.mode != "paper" or settings.venue.environment == "live":
        raise click.UsageError("paper trades with play money only: mode must be paper and venue.environment not live")
    portfolio = asyncio.run(trade(settings, kill_at=kill_at))
    told = {
        "account": portfolio.account,
        "orders": len(portfolio.orders),
        "open_orders": len(portfolio.live),
        "fills": sum(len(order.trade_ids) for order in portfolio.orders.values()),
        "balances": dict(sorted(portfolio.balances.items())),
        "differences": list(portfolio.differences),
    }
    click.echo(json.dumps(told))
