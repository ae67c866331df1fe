"""`trading-system data import`: bars or trades from files into the store."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trading_system.cli.data.series import instrument_of
from trading_system.cli.telling import stages
from trading_system.market.bars import interval_ns

if TYPE_CHECKING:
    from trading_system.data_pipeline.bar_import import Imported


@click.command("import")
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--store", type=click.Path(path_type=Path), default=Path("data/bars"), show_default=True)
@click.option("--venue", default="binance", show_default=True, help="Where the bars come from.")
@click.option("--symbol", help="The venue's own string. [default: what the file's name tells]")
@click.option("--interval", help="Length of a bar: 1m, 15m, 1h, 1d. [default: the most common step between rows]")
@click.option("--tick", help="Price step, quote per base. [default: the catalog's, or what the prices need]")
@click.option("--quarantine", type=click.Path(path_type=Path), help="Where bad rows go. [default: beside the store]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a file, and nothing else.")
def command(
    files: tuple[Path, ...],
    store: Path,
    venue: str,
    symbol: str | None,
    interval: str | None,
    tick: str | None,
    quarantine: Path | None,
    as_json: bool,
) -> None:
    """Add the bars of each FILE to the store, each bar once; doing it again changes nothing.

    A file has the columns timestamp (open, UTC), open, high, low, close, volume; docs/bad-data.md says what else is
    understood. Rows that are no bars, or that contradict the store, are set aside and counted; odd ones are kept and
    flagged. It can be interrupted at any moment and done again.

    Example: trading-system data import BTCUSDT-1m-2024-*.csv --venue binance
    """
    from trading_system.backtest.sources import symbol_of
    from trading_system.data_pipeline.bar_import import import_file
    from trading_system.data_pipeline.bar_store import BarStore
    from trading_system.utils.error_handling.quarantine import Quarantine, beside

    aside = Quarantine(quarantine or beside(store))
    length = interval_ns(interval) if interval else None
    with stages() as tell:
        advance = tell(f"importing {files[0].name}")
        for number, file in enumerate(files):
            advance = tell(f"importing {file.name}")
            if advance:
                advance(number, len(files))
            of = symbol or symbol_of(file)
            instrument = instrument_of(venue=venue, symbol=of, tick=tick, lot="1") if tick else None
            done = import_file(
                file, BarStore(store), aside, venue=venue, symbol=of, interval_ns=length, instrument=instrument
            )
            click.echo(json.dumps(asdict(done)) if as_json else _told(done, aside.path))


def _told(done: "Imported", aside: Path) -> str:
    """Return what became of a file, for a person."""
    lines = [
        f"{done.file}: {done.venue} {done.symbol} {done.interval}: {done.new:,} bars new, {done.known:,} known already"
    ]
    if done.set_aside or done.contradicted:
        lines.append(
            f"  set aside in {aside}: {done.set_aside:,} rows that are no bars, "
            f"{done.contradicted:,} that contradict the store"
        )
    if done.flagged:
        lines.append("  flagged: " + ", ".join(f"{count:,} {word}" for word, count in done.flagged.items()))
    if done.missing:
        lines.append(f"  absent: {done.missing:,} bars in {done.gaps:,} gaps; they stay absent")
    return "\n".join([*lines, *(f"  {note}" for note in done.notes)])
