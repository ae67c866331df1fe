"""The options that name a series, and the instrument that they mean."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Final, TypeVar

import click

from trading_system.errors import ConfigurationError
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
    if not all(step.is_finite() and step > 0 for step in steps):
        raise ConfigurationError(f"--tick {tick!r} and --lot {lot!r} must be numbers above 0, like 0.01")
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
