"""How rows of the quarantine are told: as tables for people, who may look at them safely, or as JSON."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import click

from trading_system.cli.telling import machine
from trading_system.market.timestamps import iso
from trading_system.utils.error_handling.quarantine import Contents
from trading_system.utils.error_handling.quarantine_records import Kept

if TYPE_CHECKING:
    from trading_system.data_pipeline.second_look import Looked

SHOWN: Final = 20
"""Rows that are named one by one after a second look; `--json` names all."""


def brief(row: Kept) -> dict[str, object]:
    """Return what is told of a row in one line."""
    record = row.record
    return {
        "id": row.id,
        "state": row.state.value,
        "kind": record.kind,
        "series": str(record.series or ""),
        "opens": None if record.open_ns is None else iso(record.open_ns),
        "source": record.source,
        "line": record.line,
        "put": iso(row.put_ns),
        "reason": record.reason,
    }


def tell(looked: "Sequence[Looked]", as_json: bool, unchanged: Sequence[tuple[Kept, str]]) -> None:
    """Print what came of a second look; `unchanged` are rows that none was taken at, and why."""
    outcomes = Counter(str(each.outcome) for each in looked)
    counts = {name: outcomes[name] for name in ("stored", "known", "stays")}
    if as_json:
        rows = [{"id": each.row.id, "outcome": each.outcome, "why": each.why} for each in looked]
        rows += [{"id": row.id, "outcome": "unchanged", "why": why} for row, why in unchanged]
        machine(json.dumps({**counts, "unchanged": len(unchanged), "rows": rows}))
        return
    of = Counter((each.row.record.source, each.row.record.kind, str(each.outcome)) for each in looked)
    table(
        {"source": source, "kind": kind, **{name: of[source, kind, name] or "" for name in counts}}
        for source, kind in dict.fromkeys((source, kind) for source, kind, _ in sorted(of))
    )
    staying = [each for each in looked if each.outcome == "stays"]
    for each in staying[:SHOWN]:
        click.echo(f"{each.row.id} stays: {safe(each.why)}")
    if len(staying) > SHOWN:
        click.echo(f"and {len(staying) - SHOWN} more stay")
    for row, why in unchanged:
        click.echo(f"{row.id}: {why}")
    click.echo(f"{counted(len(looked))}: " + ", ".join(f"{many} {name}" for name, many in counts.items()))


def counted(rows: int) -> str:
    """Return how many rows there are, in words.

    >>> counted(1), counted(2_000)
    ('1 row', '2,000 rows')
    """
    return f"{rows:,} row{'' if rows == 1 else 's'}"


def tell_damage(contents: Contents) -> None:
    """Say on standard error which lines of the file could not be read."""
    if contents.damaged:
        lines = ", ".join(map(str, contents.damaged[:SHOWN])) + (" ..." if len(contents.damaged) > SHOWN else "")
        many = len(contents.damaged)
        what = "line of the file is torn or damaged and was" if many == 1 else "lines of the file are damaged and were"
        click.echo(f"{many:,} {what} passed over: {lines}", err=True)


def table(rows: Iterable[Mapping[str, object]]) -> None:
    """Print `rows`, which have the same names, under their names; one line a row, however long."""
    told = list(rows)
    if not told:
        return
    lines = [list(told[0]), *([safe(cell) for cell in row.values()] for row in told)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def safe(cell: object) -> str:
    """Return `cell` as text that cannot steer a terminal: what is not printable is written out."""
    text = "" if cell is None else str(cell)
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)
