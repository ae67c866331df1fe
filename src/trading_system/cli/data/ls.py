"""`trading-system data ls`: what the store holds."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from trading_system.errors import ConfigurationError, DataError
from trading_system.market.bars import interval_ns
from trading_system.market.timestamps import iso

if TYPE_CHECKING:
    from trading_system.data_pipeline.store_files import StoredFile
    from trading_system.data_pipeline.table_store import Listed

TRADES: Final = "trades"
"""What stands in place of the interval of a series of trades."""
BROKEN: Final = 2
"""Exit code where a file is lost or does not hold what was written."""


@click.command("ls")
@click.option("--store", type=click.Path(path_type=Path), default=Path("data/bars"), show_default=True)
@click.option("--venue", help="Only of this venue.")
@click.option("--symbol", help="Only of this symbol.")
@click.option("--months", is_flag=True, help="List each file as well, with its hash.")
@click.option("--verify", is_flag=True, help="Read every file and check its hash.")
@click.option("--flags", is_flag=True, help="Review each series and count what is odd.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a series, its files included.")
def command(
    store: Path, venue: str | None, symbol: str | None, months: bool, verify: bool, flags: bool, as_json: bool
) -> int:
    """List the series of the store: how much each holds and what is absent; and the trades beside it.

    The exit code is 2 where a file is lost, lies where it does not belong or, with --verify, does not hold what was
    written.

    Example: trading-system data ls --months --verify
    """
    from trading_system.data_pipeline.bar_store import BarStore
    from trading_system.data_pipeline.trade_store import TradeStore

    broken, nothing = False, True
    trades = ((of, what, TRADES, listed) for of, what, listed in TradeStore.beside(store).listed())
    series: list[tuple[str, str, str, Listed]] = [*BarStore(store).listed(), *trades]
    for of, what, interval, listed in sorted(series, key=lambda each: each[:3]):
        if venue not in (None, of) or symbol not in (None, what):
            continue
        row = _row(store, of, what, interval, listed, verify, flags)
        nothing, broken = False, broken or bool(row["wrong"])
        click.echo(json.dumps(row) if as_json else _words(row, months))
    if nothing and not as_json:
        click.echo(f"nothing under {store}")
    return BROKEN if broken else 0


def _row(
    store: Path, venue: str, symbol: str, interval: str, listed: "Listed", verify: bool, flags: bool
) -> dict[str, Any]:
    from trading_system.data_pipeline.bar_store import BarStore
    from trading_system.data_pipeline.trade_store import TradeStore

    what = "trades" if interval == TRADES else "bars"
    row: dict[str, Any] = {"venue": venue, "symbol": symbol, "interval": interval, **_common(listed.files, what)}
    faults = list(listed.faults)
    try:
        if interval == TRADES:
            if verify and not faults:
                TradeStore.beside(store).columns(venue, symbol)
        else:
            row |= _absent(listed.files, interval_ns(interval))
            if verify and not faults:
                BarStore(store).columns(venue, symbol, interval)
            if flags and not faults:
                row |= {"flagged": _flagged(store, venue, symbol, interval)}
    except (ConfigurationError, DataError) as error:
        faults.append(str(error))
    return row | {"wrong": "; ".join(faults)}


def _common(files: "Sequence[StoredFile]", what: str) -> dict[str, Any]:
    """Return what is told of any series; `sha256` is over the hashes of its months."""
    return {
        what: sum(of.rows for of in files),
        "first": iso(files[0].first_ns) if files else None,
        "last": iso(files[-1].last_ns) if files else None,
        "months": [{"month": of.month, what: of.rows, **of.counts, "sha256": of.sha256} for of in files],
        "sha256": hashlib.sha256("".join(of.sha256 for of in files).encode()).hexdigest(),
    }


def _absent(files: "Sequence[StoredFile]", length: int) -> dict[str, Any]:
    """Return how many bars are absent between the first and the last, and in how many gaps."""
    if not files:
        return {"missing": 0, "gaps": 0}
    rows = sum(of.rows for of in files)
    apart = sum(after.first_ns - before.last_ns != length for before, after in pairwise(files))
    return {
        "missing": (files[-1].last_ns - files[0].first_ns) // length + 1 - rows,
        "gaps": sum(of.counts["gaps"] for of in files) + apart,
    }


def _flagged(store: Path, venue: str, symbol: str, interval: str) -> dict[str, int]:
    from trading_system.data_pipeline.bar_import import flag_counts
    from trading_system.data_pipeline.bar_store import BarStore
    from trading_system.data_pipeline.store_review import flagged

    return flag_counts(flagged(BarStore(store), venue, symbol, interval)[1])


def _words(row: Mapping[str, Any], months: bool) -> str:
    """Return a series for a person."""
    what = "bars" if "bars" in row else "trades"
    lines = [f"{row['venue']} {row['symbol']} {row['interval']}  {row[what]:,} {what} in {len(row['months'])} months"]
    if row["first"]:
        lines[0] += f", {row['first'][:16]}Z to {row['last'][:16]}Z"
    if "gaps" in row:
        lines[0] += f"; absent {row['missing']:,} in {row['gaps']:,} gaps"
    lines[0] += f"; {row['sha256'][:16]}"
    if "flagged" in row:
        odd = ", ".join(f"{count:,} {word}" for word, count in row["flagged"].items())
        lines.append(f"  flagged: {odd or 'nothing'}")
    if row["wrong"]:
        lines.append(f"  WRONG: {row['wrong']}")
    if months:
        for of in row["months"]:
            counts = f"  {of['gaps']:>6,} gaps" if "gaps" in of else ""
            lines.append(f"  {of['month']}  {of[what]:>9,} {what}{counts}  {of['sha256'][:16]}")
    return "\n".join(lines)
