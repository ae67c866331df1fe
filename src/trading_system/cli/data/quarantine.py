"""`trading-system data quarantine`: rows that are not believed, and what is to become of them."""

import getpass
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, TypeVar

import click

from trading_system.cli.data.quarantine_telling import SHOWN, brief, counted, safe, table, tell, tell_damage
from trading_system.cli.telling import machine, stages
from trading_system.errors import ConfigurationError, DataError
from trading_system.market.timestamps import iso
from trading_system.utils.error_handling.quarantine import Contents, Quarantine, beside
from trading_system.utils.error_handling.quarantine_records import Kept, State

F = TypeVar("F", bound=Callable[..., object])

STATES: Final = [state.value for state in State]


def _place(command: F) -> F:
    """Give `command` the options `store` and `file`."""
    for option in (
        click.option("--file", type=click.Path(path_type=Path), help="The quarantine. [default: beside the store]"),
        click.option("--store", type=click.Path(path_type=Path), default=Path("data/bars"), show_default=True),
        click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else."),
    ):
        command = option(command)
    return command


def _chosen(command: F) -> F:
    """Give `command` the options `series` and `kinds`."""
    for option in (
        click.option("--kind", "kinds", multiple=True, help="Only rows of this kind; may be repeated."),
        click.option("--series", help="Only rows of VENUE/SYMBOL/INTERVAL or a part of it; * stands for any text."),
    ):
        command = option(command)
    return command


def _terms(command: F) -> F:
    """Give `command` the options `tick` and `interval`."""
    for option in (
        click.option("--interval", default="", help="Length of a bar, in place of the one that rows were read by."),
        click.option("--tick", default="", help="Price step, in place of the one that rows were judged by."),
    ):
        command = option(command)
    return command


@click.group()
def command() -> None:
    """Look at what was set aside, release it, or judge it again.

    Every row that is not believed stands in a file beside the store, with its bytes, where it came from and why.
    Nothing in it is ever changed or deleted.

    Example: trading-system data quarantine ls --series 'binance/BTC*'
    """


@command.command("ls")
@click.option("--state", type=click.Choice(STATES), help="Only rows of this state.")
@click.option("--rows", "each", is_flag=True, help="List the rows, not only how many there are.")
@_chosen
@_place
def ls(
    store: Path,
    file: Path | None,
    series: str | None,
    kinds: tuple[str, ...],
    state: str | None,
    each: bool,
    as_json: bool,
) -> None:
    """Count the rows by source and kind.

    Example: trading-system data quarantine ls --state held --rows
    """
    quarantine = Quarantine(file or beside(store))
    contents = quarantine.contents()
    rows = [row for row in _wanted(contents, series, kinds) if state in (None, row.state)]
    counts = Counter((row.record.source, row.record.kind, row.state) for row in rows)
    if as_json:
        told: dict[str, object] = {
            "file": str(quarantine.path),
            "rows": len(rows),
            "states": {name: sum(row.state == name for row in rows) for name in STATES},
            "counts": [
                {"source": source, "kind": kind, "state": state, "rows": many}
                for (source, kind, state), many in sorted(counts.items())
            ],
            "damaged_lines": contents.damaged,
        }
        machine(json.dumps(told | ({"each": [brief(row) for row in rows]} if each else {})))
        return
    if each:
        table(brief(row) for row in rows)
    else:
        groups = dict.fromkeys((source, kind) for source, kind, _ in sorted(counts))
        table(
            {"source": source, "kind": kind, **{name: counts[source, kind, State(name)] or "" for name in STATES}}
            for source, kind in groups
        )
    click.echo(f"{counted(len(rows))} in {quarantine.path}")
    tell_damage(contents)


@command.command()
@click.argument("row")
@_place
def show(row: str, store: Path, file: Path | None, as_json: bool) -> None:
    """Show all that is known of ROW, an id or the beginning of one.

    Example: trading-system data quarantine show 3f9a
    """
    from trading_system.data_pipeline.held_rows import cells_of

    contents = Quarantine(file or beside(store)).contents()
    kept = _one(contents, row)
    record = kept.record
    try:
        cells: Mapping[str, str | None] | None = cells_of(record)
    except DataError:
        cells = None
    told = brief(kept) | {
        "form": record.form,
        "columns": list(record.columns),
        "shift_ns": record.shift_ns,
        "tick": record.series.tick if record.series else "",
        "cells": cells,
        "marks": [{"state": m.state, "by": m.by, "why": m.why, "at": iso(m.at_ns)} for m in kept.marks],
    }
    if as_json:
        text = record.raw.decode("utf-8", "backslashreplace")
        machine(json.dumps(told | {"raw_hex": record.raw.hex(), "raw": text}))
        return
    for name, value in told.items():
        if name == "marks":
            continue
        shown = ", ".join(f"{k} {v}" for k, v in (cells or {}).items()) if name == "cells" else value
        click.echo(f"{name:<9} {safe(', '.join(shown) if isinstance(shown, list) else shown)}")
    click.echo(f"{'raw':<9} {record.raw!r}")
    for mark in kept.marks:
        click.echo(f"{mark.state:<9} {iso(mark.at_ns)} by {safe(mark.by)}: {safe(mark.why)}")


@command.command()
@click.argument("rows", nargs=-1, required=True)
@click.option("--reason", required=True, help="Why the rows are right; it is kept.")
@_terms
@_place
def release(
    rows: tuple[str, ...], reason: str, store: Path, file: Path | None, tick: str, interval: str, as_json: bool
) -> None:
    """Put ROWS (ids) into the store: you say that they are right.

    A row must still be a possible bar, and no other bar may be stored in its place; such rows stay, and the exit code
    is 2.

    Example: trading-system data quarantine release 3f9a --reason "the venue's own page shows this price"
    """
    from trading_system.data_pipeline.bar_store import BarStore
    from trading_system.data_pipeline.second_look import Outcome, Terms, released

    quarantine = Quarantine(file or beside(store))
    contents = quarantine.contents()
    wanted = _several(contents, rows)
    ended = [row for row in wanted if row.state in (State.RELEASED, State.REPLAYED)]
    terms = Terms(tick=tick, interval=interval)
    looked = released(quarantine, BarStore(store), wanted, by=_me(), why=_reason(reason), terms=terms)
    tell(looked, as_json, [(row, f"it was {row.state} before") for row in ended])
    stay = [each for each in looked if each.outcome is Outcome.STAYS]
    if stay:
        why = "".join(f"\n  {each.row.id}: {safe(each.why)}" for each in stay[:SHOWN])
        raise DataError(f"{len(stay)} of {counted(len(wanted))} cannot be released{why}")


@command.command()
@_chosen
@_terms
@_place
def replay(
    store: Path,
    file: Path | None,
    series: str | None,
    kinds: tuple[str, ...],
    tick: str,
    interval: str,
    as_json: bool,
) -> None:
    """Judge the held rows again by today's rules; what passes goes into the store.

    Use it after a rule, a tick or an interval was put right. Twice changes nothing.

    Example: trading-system data quarantine replay --series binance/SOLUSDT --tick 0.0001
    """
    from trading_system.data_pipeline.bar_store import BarStore
    from trading_system.data_pipeline.second_look import Terms, replayed

    if interval and not series:
        raise ConfigurationError("--interval holds for one series: name it with --series")
    quarantine = Quarantine(file or beside(store))
    with stages() as stage:
        stage("reading the quarantine")
        contents = quarantine.contents()
        stage("judging")
        rows = _wanted(contents, series, kinds)
        looked = replayed(quarantine, BarStore(store), rows, by=_me(), terms=Terms(tick=tick, interval=interval))
    tell(looked, as_json, [])
    if not as_json:
        tell_damage(contents)


@command.command()
@click.argument("rows", nargs=-1, required=True)
@click.option("--reason", required=True, help="Why the rows are wrong; it is kept.")
@_place
def discard(rows: tuple[str, ...], reason: str, store: Path, file: Path | None, as_json: bool) -> None:
    """Say that ROWS (ids) are wrong, so that nobody judges them again; they are kept.

    Example: trading-system data quarantine discard 3f9a --reason "a test message of the venue"
    """
    quarantine = Quarantine(file or beside(store))
    wanted = _several(quarantine.contents(), rows)
    changed = quarantine.mark((row.id for row in wanted), State.DISCARDED, by=_me(), why=_reason(reason))
    if as_json:
        machine(json.dumps({"discarded": changed, "unchanged": len(wanted) - changed}))
    else:
        click.echo(f"{counted(changed)} discarded, {len(wanted) - changed} unchanged")


def _wanted(contents: Contents, series: str | None, kinds: Sequence[str]) -> list[Kept]:
    return [
        row
        for row in contents.rows.values()
        if (not kinds or row.record.kind in kinds) and (series is None or _of(row, series))
    ]


def _of(row: Kept, pattern: str) -> bool:
    told = str(row.record.series or "")
    return fnmatchcase(told, pattern) or fnmatchcase(told, f"{pattern}/*")


def _several(contents: Contents, ids: Iterable[str]) -> list[Kept]:
    return list({row.id: row for row in (_one(contents, each) for each in ids)}.values())


def _one(contents: Contents, beginning: str) -> Kept:
    found = [row for key, row in contents.rows.items() if key.startswith(beginning.lower())] if beginning else []
    if len(found) == 1:
        return found[0]
    why = f"{len(found)} ids begin so" if found else "no such row; `data quarantine ls --rows` lists them"
    raise ConfigurationError(f"{beginning!r}: {why}")


def _reason(text: str) -> str:
    if not text.strip():
        raise ConfigurationError("--reason: say why, in words")
    return text.strip()


def _me() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}"
