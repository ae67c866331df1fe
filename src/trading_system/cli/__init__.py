"""The command line: one verb a file, and each file is loaded only when its verb is used."""

from collections.abc import Mapping
from typing import Any, Final

import click

from trading_system import __version__
from trading_system.cli.verbs import Verbs

VERBS: Final[Mapping[str, str]] = {
    "demo": "Run the whole line on a local exchange, kill it between an order and its answer, and recover.",
    "paper": "Trade on the local exchange, or on a venue's Testnet.",
    "status": "Show positions, orders and brakes, as the journal has them.",
    "explain": "Tell the story of one order: why it was asked for, and what became of it.",
    "journal": "Verify the journal's chain and print its facts.",
    "data": "Collect bars into the store and say what is missing.",
    "train": "Train the forecaster on collected bars and export it.",
    "models": "Keep, sign and check trained models, and say which of them trades.",
    "backtest": "Run strategies on bars, with every cost, and report what came of it.",
    "replay": "The same bars told to the live desk one by one; with --check, compared with the back-test.",
    "sweep": "Try every combination of ranges, and say what the best of them is worth.",
    "report": "Make the page of a run again from its own files.",
    "strategies": "List the strategies and what can be set about them.",
    "testnet": "Serve a local exchange that speaks Binance's protocol.",
    "config": "Show every setting, its value and where it came from.",
}
"""Each verb with its line of help; `trading_system.cli.VERB` holds its `command`."""


SETTINGS: Final[Mapping[str, Any]] = {"help_option_names": ["-h", "--help"], "max_content_width": 120}


@click.command(cls=Verbs, package=__name__, verbs=VERBS, context_settings=dict(SETTINGS))
@click.version_option(__version__, message="%(prog)s %(version)s")
def root() -> None:
    """An AI trading system for crypto: collect, forecast, decide, check, send, reconcile.

    It trades on paper unless the settings say `mode: live` and `--real-money` is given as well.
    """
