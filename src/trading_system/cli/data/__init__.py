"""`trading-system data`: bars, metrics, features: whence they come, what is wrong with them, where they are kept."""

from collections.abc import Mapping
from typing import Final

import click

from trading_system.cli.verbs import Verbs

VERBS: Final[Mapping[str, str]] = {
    "import": "Add the bars of a CSV or Parquet file to the store.",
    "fetch": "Collect closed bars from a venue, and follow it.",
    "metrics": "Collect on-chain metrics and funding rates, as they became public.",
    "synthetic": "Add the bars of a synthetic market to the store.",
    "ls": "List what the store holds.",
    "check": "Say what is wrong with files of bars.",
    "quarantine": "Look at what was set aside, release it, or judge it again.",
    "export": "Write a series of the store to a file.",
    "resample": "Make longer bars of shorter ones, exactly.",
    "features": "List the features, and work them out for a series.",
    "leak-test": "Change the future and see that no feature, window or label of the past changes.",
}


@click.command(cls=Verbs, package=__name__, verbs=VERBS, title="Commands")
def command() -> None:
    """Collect bars and metrics, check them, keep them, and turn them into features."""
