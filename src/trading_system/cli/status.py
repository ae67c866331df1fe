"""`trading-system status`: what is owned, asked and braked, from the journal alone."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from trading_system.blotter.events import Fact
from trading_system.blotter.orders import Cancel
from trading_system.blotter.plain import plain
from trading_system.blotter.standing import Holding, OpenOrder, Standing, standing
from trading_system.cli.journal import journal_option, read_entries
from trading_system.ports import Entry

WIDTH: Final = 120
"""Columns of the tables where nobody watches."""


@click.command
@journal_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def command(journal: Path | None, as_json: bool) -> None:
    """Show positions, orders, equity and brakes as the journal has them; its whole chain is verified on the way.

    The venue is not asked, and an engine may be running.
    """
    reading = _Reading(read_entries(journal))
    stands = standing(reading)
    last = reading.last
    chain = {"entries": last.seq if last else 0, "head": last.hash.hex() if last else ""}
    if as_json:
        click.echo(json.dumps({"standing": plain(stands), "chain": chain}, indent=2, ensure_ascii=False))
        return
    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else WIDTH)
    console.print(_summary(stands, chain))
    for table in (_holdings(stands.holdings), _orders(stands.orders)):
        if table.row_count:
            console.print(table)


class _Reading:
    """The facts of `entries`, remembering the entry read last."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = entries
        self.last: Entry | None = None

    def __iter__(self) -> Iterator[Fact]:
        for entry in self._entries:
            self.last = entry
            yield entry.fact


def _summary(stands: Standing, chain: Mapping[str, object]) -> Table:
    table = Table.grid(padding=(0, 2))
    head = (
        f"{chain['entries']} entries, every link holds; head {str(chain['head'])[:16]}" if chain["entries"] else "empty"
    )
    for name, text in (
        ("account", stands.account or "none yet"),
        ("started", f"{stands.started or 'never'} (start {stands.starts})"),
        ("equity", ", ".join(f"{amount} {quote}" for quote, amount in stands.equity.items()) or "not known yet"),
        ("peak", f"{stands.peak_equity:.2f}, fallen from it by {stands.drawdown:.4f} at the last decision"),
        ("balances", ", ".join(f"{amount} {currency}" for currency, amount in stands.balances.items()) or "none yet"),
        ("brakes", "; ".join(stands.latched) or "none latched"),
        ("books", _books(stands)),
        ("in doubt", ", ".join(order.client_order_id[:12] for order in stands.in_doubt) or "nothing"),
        ("last bar", stands.last_bar or "none yet"),
        ("journal", head),
    ):
        table.add_row(name, text)
    return table


def _books(stands: Standing) -> str:
    if not stands.differences:
        return f"agree with the venue's, compared {stands.compared}"
    return "; ".join((*stands.differences, f"last agreed {stands.agreed}" if stands.agreed else "never agreed yet"))


def _holdings(holdings: Iterable[Holding]) -> Table:
    table = Table("position of", "owned", "wanted", "worth", "mark", "stop", "against new risk", box=SIMPLE_HEAD)
    for h in holdings:
        against = "; ".join(h.objections) or ("nothing" if h.decided else "nothing decided yet")
        name = f"{h.strategy} {h.symbol}"
        table.add_row(name, h.position, h.wanted, h.worth or "-", h.mark or "-", h.stop or "-", against)
    return table


def _orders(orders: Iterable[OpenOrder]) -> Table:
    """Ids are cut to what `explain` needs to find the order."""
    table = Table("open order", "to", "status", "since", "asked for", "executed", box=SIMPLE_HEAD)
    for order in orders:
        cancel = "" if order.cancel == Cancel.NONE else f", cancel {order.cancel}"
        status = f"{order.status}{cancel}"
        status = status.upper() if order.in_doubt else status
        table.add_row(order.client_order_id[:12], order.intent, status, order.since, order.asked, order.executed)
    return table
