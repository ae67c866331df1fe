"""`trading-system journal`: verify the chain of facts, and print them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import click

from trading_system.blotter.events import KINDS
from trading_system.blotter.plain import Plain, plain
from trading_system.errors import JournalBroken
from trading_system.market.timestamps import iso
from trading_system.ports import Entry
from trading_system.settings import load

F = TypeVar("F", bound=Callable[..., object])


def journal_option(command: F) -> F:
    """Give `command` the option `--journal`; it receives `journal`, a path or None, for `read_entries`."""
    option = click.option(
        "--journal",
        type=click.Path(path_type=Path, dir_okay=False),
        help="The journal's file. [default: journal.path of the settings]",
    )
    return option(command)


def read_entries(journal: Path | None) -> Iterator[Entry]:
    """Yield every entry of a journal, each verified; None for the one that the settings name.

    Raises:
        ConfigurationError: There is none, or the settings are wrong.
        click.ClickException: It does not verify; nothing that follows from it can be told.
    """
    from trading_system.bootstrap import read_journal  # the whole house: loaded only to read

    try:
        yield from read_journal(journal or load().journal.path)
    except JournalBroken as error:  # no bug of the command that reads it: exit code 2, not 3
        raise click.ClickException(f"{error}. Keep the file; nothing after that point can be trusted.") from error


@click.group
def command() -> None:
    """Verify the journal's chain and print its facts."""


@command.command
@journal_option
@click.option("--anchor", metavar="SEQ:HASH", default="", help="A head noted before; it must still be in the chain.")
def verify(journal: Path | None, anchor: str) -> None:
    """Read the whole journal, check every link of its chain, and print its head: the last number and hash.

    A chain alone cannot tell that its end was cut off and written anew. Whoever noted the head elsewhere can:
    with --anchor, the entry of that number must still have that hash.
    """
    expected = _anchored(anchor)
    last, found = None, ""
    for entry in read_entries(journal):
        last = entry
        if expected and entry.seq == expected[0]:
            found = entry.hash.hex()
    if expected and found != expected[1]:
        there = f"has the hash {found}" if found else "is not there"
        raise click.ClickException(f"entry {expected[0]} {there}: the journal is not the one whose head was noted")
    if last is None:
        click.echo("The journal is empty.")
        return
    click.echo(f"{last.seq} entries, every link holds; the last was written at {iso(last.recorded_ns)}")
    click.echo(f"head {last.seq}:{last.hash.hex()}")


def _anchored(anchor: str) -> tuple[int, str] | None:
    if not anchor:
        return None
    seq, _, digest = anchor.partition(":")
    if not seq.isdecimal() or not digest:
        raise click.UsageError(f"--anchor {anchor}: give SEQ:HASH, as an earlier verify printed it")
    return int(seq), digest


@command.command
@journal_option
@click.option("--kind", type=click.Choice(sorted(KINDS)), multiple=True, help="Only facts of this kind; repeatable.")
@click.option("--order", metavar="ID", default="", help="Only facts about orders whose id begins like this.")
@click.option("--tail", type=click.IntRange(min=1), metavar="N", help="Only the last N of those.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
def show(journal: Path | None, kind: tuple[str, ...], order: str, tail: int | None, as_json: bool) -> None:
    """Print the facts in order: number, time, kind and what each one says."""
    found = [entry for entry in read_entries(journal) if _is_wanted(entry, kind, order)]
    for entry in found[-tail:] if tail else found:
        click.echo(_as_json(entry) if as_json else _as_line(entry))


def _is_wanted(entry: Entry, kinds: tuple[str, ...], order: str) -> bool:
    name = type(entry.fact).__name__
    return (not kinds or name in kinds) and str(getattr(entry.fact, "client_order_id", "")).startswith(order)


def _as_json(entry: Entry) -> str:
    told = {
        "seq": entry.seq,
        "recorded_ns": entry.recorded_ns,
        "kind": type(entry.fact).__name__,
        "fact": plain(entry.fact),
        "hash": entry.hash.hex(),
    }
    return json.dumps(told, ensure_ascii=False)


def _as_line(entry: Entry) -> str:
    said = plain(entry.fact)
    values = {name: value for name, value in said.items() if name != "ts_ns"} if isinstance(said, dict) else {}
    words = " ".join(f"{name}={_short(value)}" for name, value in values.items())
    return f"{entry.seq:>7}  {iso(entry.fact.ts_ns)}  {type(entry.fact).__name__:<18}  {words}".rstrip()


def _short(value: Plain) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
