"""`trading-system data check`: what is wrong with files of bars."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trading_system.market.bars import interval_ns

if TYPE_CHECKING:
    from trading_system.data_pipeline.normalizers.quality_files import FileCheck

_MS_NS = 1_000_000


@click.command("check")
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="FILE...")
@click.option("--interval", metavar="1m|1h|…", help="How long a bar should be. [default: what the file's name tells]")
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    help="A file whose stamps are trusted, of a market that moves alike: finds clocks that were wrong.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line for each file.")
@click.option("--limit", type=click.IntRange(0), default=20, show_default=True, help="Defects shown a file.")
def command(files: tuple[Path, ...], interval: str | None, against: Path | None, as_json: bool, limit: int) -> int:
    """Say what is wrong with each FILE of bars: CSV, gzip or ZIP of it, Parquet, Feather or JSON.

    The exit code is 0 where all is clean, 1 where there are defects, 2 where a file cannot be read. What each kind
    means stands in docs/data/quality.md.

    \b
    trading-system data check BTCUSDT-1m-2024-01.csv
    trading-system data check --json data/*.parquet
    trading-system data check coinbase_BTCUSD_1h.csv --against binance_BTCUSDT_1h.parquet
    """
    from trading_system.data_pipeline.normalizers.quality_files import check_file, exit_code

    length_ns = interval_ns(interval) if interval is not None else None
    checks = []
    for number, file in enumerate(files, start=1):
        if not as_json and len(files) > 1 and sys.stderr.isatty():
            click.echo(f"\r[{number}/{len(files)}] {file.name}\x1b[K", nl=False, err=True)
        checks.append(check_file(file, interval_ns=length_ns, against=against))
        if as_json:
            click.echo(json.dumps(_record(checks[-1])))
    if not as_json:
        if len(files) > 1 and sys.stderr.isatty():
            click.echo("\r\x1b[K", nl=False, err=True)
        _show(checks, limit)
    return exit_code(checks)


def _record(check: "FileCheck") -> dict[str, object]:
    return {
        "file": check.file,
        "rows": check.rows,
        "interval_ms": None if check.interval_ns is None else check.interval_ns // _MS_NS,
        "defects": [
            {
                "kind": defect.kind.value,
                "first": None if defect.first_ns is None else defect.first_ns // _MS_NS,
                "last": None if defect.last_ns is None else defect.last_ns // _MS_NS,
                "rows": defect.rows,
                "action": defect.action.value,
                "detail": defect.detail,
            }
            for defect in check.defects
        ],
    }


def _show(checks: "list[FileCheck]", limit: int) -> None:
    """Print, for a person, a line for each file and a table of its defects."""
    from rich.console import Console
    from rich.table import Table

    from trading_system.market.timestamps import iso

    console = Console(highlight=False)
    for check in checks:
        kinds = {defect.kind.value: 0 for defect in check.defects}
        for defect in check.defects:
            kinds[defect.kind.value] += defect.rows
        told = ", ".join(f"{kind} {rows:,}" for kind, rows in sorted(kinds.items())) or "clean"
        console.print(f"{check.file}: {check.rows:,} rows; {told}", markup=False, soft_wrap=True)
        if not check.defects or not limit:
            continue
        table = Table(box=None, padding=(0, 2, 0, 0))
        for heading in ("kind", "first", "last", "rows", "action"):
            table.add_column(heading, no_wrap=True)
        table.add_column("detail", ratio=1)
        table.columns[3].justify = "right"
        for defect in check.defects[:limit]:
            first, last = (
                "" if ns is None else iso(ns).removesuffix(".000Z") for ns in (defect.first_ns, defect.last_ns)
            )
            table.add_row(defect.kind, first, last, f"{defect.rows:,}", defect.action, defect.detail)
        console.print(table)
        if len(check.defects) > limit:
            console.print(f"and {len(check.defects) - limit:,} more; --limit or --json shows them", markup=False)
