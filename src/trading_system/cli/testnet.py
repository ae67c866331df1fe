"""`trading-system testnet`: run the local exchange for other people's clients."""

import asyncio
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

import click

from trading_system.errors import TradingError
from trading_system.market.bars import interval_ns
from trading_system.testnet.config import API_KEY, API_SECRET, Listing, Speed, TestnetConfig, instrument_of
from trading_system.testnet.flow import bars_of_file, synthetic_bars
from trading_system.testnet.server import Testnet

HISTORY: Final = 1_000
LIVE: Final = 10_000


@contextmanager
def _plainly() -> Iterator[None]:
    """Turn our own errors into click's: one message and exit code 2."""
    try:
        yield
    except TradingError as error:
        raise click.UsageError(str(error)) from error


def _speed(context: click.Context, parameter: click.Parameter, value: str) -> Speed:
    if value in ("step", "max"):
        return "step" if value == "step" else "max"
    if value.isdecimal() and int(value) >= 1:
        return int(value)
    raise click.BadParameter(f"{value!r} is neither step nor max nor a whole number from 1")


def _balances(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, Decimal]:
    balances: dict[str, Decimal] = {}
    for value in values:
        currency, _, amount = value.partition("=")
        try:
            balances[currency] = Decimal(amount)
        except InvalidOperation as error:
            raise click.BadParameter(f"{value!r}: write it like USDT=100000") from error
    return balances


@click.group()
def command() -> None:
    """The local exchange: Binance spot's protocol on this machine, without a network."""


@command.command()
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=0, help="TCP port on 127.0.0.1; 0 lets the system choose."
)
@click.option(
    "--bars", "file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Parquet or CSV file of bars."
)
@click.option("--synthetic", type=int, help="Seed of a synthetic market, calibrated to real bars, in place of --bars.")
@click.option("--interval", default="15m", show_default=True, help="Length of a bar.")
@click.option("--symbol", default="BTCUSDT", show_default=True)
@click.option("--history", type=click.IntRange(0), default=HISTORY, show_default=True, help="Bars closed at the start.")
@click.option(
    "--live", type=click.IntRange(0), help=f"Bars that happen live; {LIVE} of a synthetic market, all of a file."
)
@click.option("--speed", callback=_speed, default="1", show_default=True, help="N times real time, max, or step.")
@click.option("--desks", type=click.IntRange(1), default=1, show_default=True, help="Desks that step together.")
@click.option("--balance", "balances", multiple=True, callback=_balances, default=("USDT=100000",), show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the trades inside the bars.")
@click.option("--json", "as_json", is_flag=True, help="Print the line that says it is ready as JSON.")
def serve(
    port: int,
    file: Path | None,
    synthetic: int | None,
    interval: str,
    symbol: str,
    history: int,
    live: int | None,
    speed: Speed,
    desks: int,
    balances: dict[str, Decimal],
    seed: int,
    as_json: bool,
) -> None:
    """Serve until interrupted. Prints one line when clients may connect."""
    if (file is None) == (synthetic is None):
        raise click.UsageError("give either --bars FILE or --synthetic SEED")
    with _plainly():
        instrument = instrument_of(symbol)
        if file is not None:
            bars = bars_of_file(file, instrument=instrument, interval=interval)
            bars = bars if live is None else bars[: history + live]
        else:
            count = history + (LIVE if live is None else live)
            bars = synthetic_bars(
                seed=synthetic or 0, count=count, interval_ns=interval_ns(interval), instrument=instrument
            )
        listing = Listing(instrument=instrument, interval=interval, bars=tuple(bars), history=history)
        config = TestnetConfig(listings=(listing,), balances=balances, seed=seed, speed=speed, desks=desks, port=port)
        market = f"bars of {file.name}" if file is not None else f"a synthetic market, seed {synthetic}"
        asyncio.run(_serve(Testnet(config), market, as_json=as_json))


async def _serve(venue: Testnet, market: str, *, as_json: bool) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with venue:
        ready = {"url": venue.url, "ws_url": venue.ws_url, "api_key": API_KEY, "api_secret": API_SECRET}
        ready["market"] = market
        said = f"testnet at {venue.url} on {market} (key {API_KEY}, secret {API_SECRET})"
        click.echo(json.dumps(ready) if as_json else said)
        await stopped.wait()
