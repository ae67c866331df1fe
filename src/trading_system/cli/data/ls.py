"""`trading-system data ls`: what the store holds."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from trading_system.errors import DataError
from trading_system.market.bars import interval_ns
from trading_system.market.timestamps import iso

if TYPE_CHECKING:
    from trading_system.data_pipeline.store_files import StoredFile

BROKEN: Final = 2
"""Exit code where a file is lost or does not hold what was written."""


@click.command("ls")
@click.option("--store", type=click.Path(path_type=Path), default=Path("data/bars"), show_default=True)
@click.option("--venue", help="Only of this venue.")
@click.option("--symbol", help="Only of this symbol.")
@click.option("--months", is_flag=True, help="List each file as well, with its hash.")
@click.option("--verify", is_flag=True, help="Read every file and check its hash.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a series, its files included.")
def command(store: Path, venue: str | None, symbol: str | None, months: bool, verify: bool, as_json: bool) -> int:
    """List the series of the store: how much each holds, what is absent, what is flagged; and the trades beside it.

    The exit code is 2 where a file is lost or, with --verify, does not hold what was written.

    Example: trading-system data ls --months --verify
    """
    told = [
        row
        for row in (*_bars(store, verify), *_trades(store, verify))
        if venue in (None, row["venue"]) and symbol in (None, row["symbol"])
    ]
    for row in told:
        click.echo(json.dumps(row) if as_json else _words(row, months))
    if not told and not as_json:
        click.echo(f"nothing under {store}")
    return BROKEN if any(row["wrong"] for row in told) else 0


def _bars(store: Path, verify: bool) -> Iterator[dict[str, Any]]:
    from trading_system.data_pipeline.bar_store import FLAGGED, GAPS, BarStore

    bars = BarStore(store)
    for venue, symbol, interval, files in bars.series():
        length = interval_ns(interval)
        rows = sum(of.rows for of in files)
        apart = sum(after.first_ns - before.last_ns != length for before, after in pairwise(files))
        yield {
            "venue": venue,
            "symbol": symbol,
            "interval": interval,
            **_common(files, "bars"),
            "missing": (files[-1].last_ns - files[0].first_ns) // length + 1 - rows,
            "gaps": sum(of.counts[GAPS] for of in files) + apart,
            "flagged": sum(of.counts[FLAGGED] for of in files),
            "wrong": _wrong(bars.lost(venue, symbol, interval), verify, bars.columns, venue, symbol, interval),
        }


def _trades(store: Path, verify: bool) -> Iterator[dict[str, Any]]:
    from trading_system.data_pipeline.trade_store import TradeStore

    trades = TradeStore.beside(store)
    for venue, symbol, files in trades.series():
        wrong = _wrong(trades.lost(venue, symbol), verify, trades.columns, venue, symbol)
        yield {"venue": venue, "symbol": symbol, "interval": "trades", **_common(files, "trades"), "wrong": wrong}


def _common(files: "Sequence[StoredFile]", what: str) -> dict[str, Any]:
    """Return what is told of any series; `sha256` is over the hashes of its months."""
    return {
        what: sum(of.rows for of in files),
        "first": iso(files[0].first_ns),
        "last": iso(files[-1].last_ns),
        "months": [{"month": of.month, what: of.rows, **of.counts, "sha256": of.sha256} for of in files],
        "sha256": hashlib.sha256("".join(of.sha256 for of in files).encode()).hexdigest(),
    }


def _wrong(lost: "Sequence[StoredFile]", verify: bool, read: Callable[..., object], *series: str) -> str:
    """Return what is wrong with the files of a series, "" where nothing is."""
    if lost:
        return "files that were written are gone: " + ", ".join(f"{of.month} ({of.rows:,} rows)" for of in lost)
    if verify:
        try:
            read(*series)
        except DataError as error:
            return str(error)
    return ""


def _words(row: Mapping[str, Any], months: bool) -> str:
    """Return a series for a person."""
    what = "bars" if "bars" in row else "trades"
    head = f"{row['venue']} {row['symbol']} {row['interval']}  {row[what]:,} {what} in {len(row['months'])} months"
    lines = [f"{head}, {row['first'][:16]}Z to {row['last'][:16]}Z"]
    if "gaps" in row:
        lines[0] += f"; absent {row['missing']:,} in {row['gaps']:,} gaps; flagged {row['flagged']:,}"
    lines[0] += f"; {row['sha256'][:16]}"
    if row["wrong"]:
        lines.append(f"  WRONG: {row['wrong']}")
    if months:
        for of in row["months"]:
            counts = "".join(f"  {of[name]:>6,} {name}" for name in ("gaps", "flagged") if name in of)
            lines.append(f"  {of['month']}  {of[what]:>9,} {what}{counts}  {of['sha256'][:16]}")
    return "\n".join(lines)
