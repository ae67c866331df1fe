"""`trading-system explain`: the whole life of one order, from the journal alone."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import click

from trading_system.blotter.plain import Plain, plain
from trading_system.blotter.story import Story, stories
from trading_system.blotter.telling import asked_for, life, outcome, quantity, why
from trading_system.cli.journal import journal_option, read_entries
from trading_system.desk.decide import decide
from trading_system.market.timestamps import iso

SAME: Final = "worked out again from the journal: the same answer"
DIFFERS: Final = 1
"""The exit code where a decision, worked out again, comes out differently."""


@click.command
@click.argument("order", required=False)
@journal_option
@click.option("--last", is_flag=True, help="Explain the order asked for last.")
@click.option("--list", "as_list", is_flag=True, help="List all orders instead.")
def command(order: str | None, journal: Path | None, last: bool, as_list: bool) -> int:
    """Tell the story of ORDER: why it was asked for, and what became of it.

    ORDER is a client order id, or as much of its beginning as no other order shares. The decision behind it is
    worked out again from the inputs in the journal; should another answer come out, the exit code is 1.
    """
    if (order is not None) + last + as_list != 1:
        raise click.UsageError("name one order, or give --last or --list")
    told = stories(read_entries(journal))
    if not told:
        raise click.ClickException("the journal holds no order yet")
    if as_list:
        click.echo("\n".join(_line(story) for story in told.values()))
        return 0
    story = next(reversed(told.values())) if last else _named(told, order or "")
    differing = list(worked_out_again(story))
    verdict = f"DIFFERENT when worked out again: {'; '.join(differing)}" if differing else SAME
    click.echo("\n".join(_told(story, verdict)))
    if differing:
        click.echo(f"\nThe decision of this order is not what this code decides: {'; '.join(differing)}", err=True)
        return DIFFERS
    return 0


def worked_out_again(story: Story) -> Iterator[str]:
    """Decide again on the journaled inputs and yield each value that comes out differently; none where all agree."""
    d = story.decided
    if d is None:
        return
    then, now = _leaves(plain(d.step)), _leaves(plain(decide(d.account, d.sleeve, d.bar, d.view, d.policy)))
    for name in then.keys() | now.keys():
        if then.get(name) != now.get(name):
            yield f"{name} was {then.get(name)} and is {now.get(name)}"


def _leaves(tree: Plain, name: str = "step") -> dict[str, Plain]:
    if not isinstance(tree, dict):
        return {name: tree}
    return {path: leaf for key, item in tree.items() for path, leaf in _leaves(item, f"{name}.{key}").items()}


def _told(story: Story, verdict: str) -> Iterator[str]:
    ticket = story.order.ticket
    yield f"{ticket.client_order_id}: {asked_for(ticket, story.instrument)}"
    yield f"to {ticket.intent.value}, {ticket.symbol} at {story.instrument.venue}, strategy {ticket.strategy}"
    for part in (why(story, verdict), life(story), outcome(story)):
        yield ""
        yield from part


def _named(told: Mapping[str, Story], prefix: str) -> Story:
    found = [prefix] if prefix in told else [name for name in told if name.startswith(prefix)]
    if not found:
        raise click.ClickException(f"the journal knows no order {prefix}; --list shows those it knows")
    if len(found) > 1:
        raise click.ClickException(f"{len(found)} orders begin with {prefix}, among them {' and '.join(found[:2])}")
    return told[found[0]]


def _line(story: Story) -> str:
    ticket = story.order.ticket
    asked, filled = asked_for(ticket, story.instrument), quantity(story.instrument, story.order.filled)
    return (
        f"{ticket.client_order_id}  {iso(story.life[0].fact.ts_ns)}  {ticket.intent.value:<7}  "
        f"{story.order.status.value:<9}  {asked}; executed {filled}"
    )
