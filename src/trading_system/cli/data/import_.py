"""`trading-system data import`: bars or trades from files into the store."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import click

from trading_system.cli.data.series import instrument_of
from trading_system.cli.telling import Tell, stages
from trading_system.errors import ConfigurationError, DataError, TradingError
from trading_system.market.bars import interval_ns


@click.command("import")
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--store", type=click.Path(path_type=Path), default=Path("data/bars"), show_default=True)
@click.option("--venue", default="binance", show_default=True, help="Where the bars come from.")
@click.option("--symbol", help="The venue's own string. [default: what the file's name tells]")
@click.option("--interval", help="Length of a bar: 1m, 15m, 1h, 1d. [default: the most common step between rows]")
@click.option("--tick", help="Price step, quote per base. [default: the catalog's, or what the prices need]")
@click.option("--trades", is_flag=True, help="The files hold trades, not bars; they go to `trades` beside the store.")
@click.option("--quarantine", type=click.Path(path_type=Path), help="Where bad rows go. [default: beside the store]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a file, and nothing else.")
def command(
    files: tuple[Path, ...],
    store: Path,
    venue: str,
    symbol: str | None,
    interval: str | None,
    tick: str | None,
    trades: bool,
    quarantine: Path | None,
    as_json: bool,
) -> None:
    """Add the bars of each FILE to the store, each bar once; doing it again changes nothing.

    A file has the columns timestamp (open, UTC), open, high, low, close, volume (docs/bad-data.md), in any order of
    rows, or is an archive of bars as Binance publishes it, zipped or not; a .CHECKSUM that stands beside a ZIP must be
    right, and need not be there. What `data check` calls repair is put right, what it calls flag is kept; rows that are
    no bars, that are not closed yet or that contradict the store are set aside and counted. It can be interrupted at
    any moment and done again. Files of --trades have the columns id, time, price, quantity, and buyer_maker or side.

    A file that cannot be imported does not stop the others; the exit code is then 2.

    Example: trading-system data import BTCUSDT-1m-2024-*.csv --venue binance
    """
    from trading_system.backtest.sources import symbol_of

    if trades and (interval or tick):
        raise ConfigurationError("--trades have neither --interval nor --tick: they are kept as they are")
    done: list[dict[str, Any]] = []
    failed: list[TradingError] = []
    try:
        with stages() as tell:
            for number, file in enumerate(files):
                begin = partial(_shown, tell, file.name, number, len(files))
                try:
                    of = symbol or symbol_of(file)
                    if trades:
                        done.append(_trades(file, store, venue, of, quarantine))
                    else:
                        done.append(_bars(file, store, venue, of, interval, tick, quarantine, begin))
                except (ConfigurationError, DataError) as error:
                    failed.append(error)
                    done.append({"file": str(file), "error": str(error)})
    finally:  # what was done is told whatever ends it; and not before the bar on the terminal is gone
        for said in done:
            if as_json or "error" not in said:
                click.echo(json.dumps(said) if as_json else _told(said))
    if len(failed) == 1:
        raise failed[0]
    if failed:
        raise DataError(f"{len(failed)} of {len(files)} files: " + "\n".join(str(error) for error in failed))


def _shown(tell: Tell, name: str, number: int, files: int, stage: str) -> None:
    """Show which of the `files` is at which stage."""
    from trading_system.data_pipeline.bar_import import STAGES

    if advance := tell(f"{name}: {stage}"):
        advance(number * len(STAGES) + STAGES.index(stage), files * len(STAGES))


def _bars(
    file: Path,
    store: Path,
    venue: str,
    symbol: str,
    interval: str | None,
    tick: str | None,
    quarantine: Path | None,
    begin: Callable[[str], None],
) -> dict[str, Any]:
    from trading_system.data_pipeline.bar_import import import_file
    from trading_system.data_pipeline.bar_store import BarStore
    from trading_system.utils.error_handling.quarantine import Quarantine, beside

    aside = Quarantine(quarantine or beside(store))
    instrument = instrument_of(venue=venue, symbol=symbol, tick=tick, lot="1") if tick else None
    length = interval_ns(interval) if interval else None
    done = import_file(
        file,
        BarStore(store),
        aside,
        venue=venue,
        symbol=symbol,
        interval_ns=length,
        instrument=instrument,
        begin=begin,
    )
    return asdict(done) | {"quarantine": str(aside.path)}


def _trades(file: Path, store: Path, venue: str, symbol: str, quarantine: Path | None) -> dict[str, Any]:
    from trading_system.data_pipeline.trade_import import import_trades
    from trading_system.data_pipeline.trade_store import TradeStore
    from trading_system.utils.error_handling.quarantine import Quarantine, beside

    aside = Quarantine(quarantine or beside(store))
    done = import_trades(file, TradeStore.beside(store), aside, venue=venue, symbol=symbol)
    return asdict(done) | {"quarantine": str(aside.path)}


def _told(done: Mapping[str, Any]) -> str:
    """Return what became of a file, for a person."""
    rows = "trades" if done["interval"] == "trades" else "bars"
    read = done["new"] + done["known"] + done.get("contradicted", 0)
    of = " ".join(dict.fromkeys((done["venue"], done["symbol"], done["interval"])))
    lines = [f"{done['file']}: {of}: {read} {rows} read, {done['new']} of them new"]
    if done.get("set_aside") or done.get("contradicted"):
        lines.append(
            f"  set aside in {done['quarantine']}: {done['set_aside']:,} rows that are no {rows}, "
            f"{done['contradicted']:,} that contradict the store"
        )
    if done.get("flagged"):
        lines.append("  flagged: " + ", ".join(f"{count:,} {word}" for word, count in done["flagged"].items()))
    if done.get("missing"):
        lines.append(f"  absent: {done['missing']:,} bars in {done['gaps']:,} gaps; they stay absent")
    return "\n".join([*lines, *(f"  {note}" for note in done.get("notes", ()))])
