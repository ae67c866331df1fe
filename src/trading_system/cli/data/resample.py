"""`trading-system data resample`: longer bars of shorter ones, or bars of trades."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from trading_system.cli.data.spans import span_options
from trading_system.errors import ConfigurationError
from trading_system.market.bars import interval_ns

if TYPE_CHECKING:
    from trading_system.data_pipeline.resampling import Resampled

OF_TRADES: Final = "trades"
BESIDE_NS: Final = 86_400_000_000_000
"""How far beside a span trades are looked for that tell that its first and last bar are whole, ns."""


@click.command("resample")
@click.option("--from", "shorter", required=True, help="Length of the bars that there are, as 1m; or: trades.")
@click.option("--to", "longer", required=True, help="Length of the bars wanted, as 1h.")
@click.option("--store", type=click.Path(path_type=Path), default=Path("data/bars"), show_default=True)
@click.option("--venue", default="binance", show_default=True)
@click.option("--symbol", required=True, help="The venue's own string.")
@span_options
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="A .csv or .parquet file. [default: store]"
)
@click.option("--partial", is_flag=True, help="Keep bars of which a part is absent, flagged; needs --out.")
@click.option(
    "--quarantine",
    type=click.Path(path_type=Path),
    help="Where rows go that contradict the store. [default: beside it]",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object and nothing else.")
def command(
    shorter: str,
    longer: str,
    store: Path,
    venue: str,
    symbol: str,
    start_ns: int,
    end_ns: int | None,
    out: Path | None,
    partial: bool,
    quarantine: Path | None,
    as_json: bool,
) -> None:
    """Make longer bars of shorter ones, exactly, and add them to the store or write them to a file.

    A bar of which a part is absent is left out and counted. With --partial it is kept and flagged, in a file only: a
    bar of the store is final, and this one is not. A bar of trades is whole where the ids of its trades rise by one,
    from the last before it to the first behind it. A bar that says otherwise than the store is set aside and counted.

    Example: trading-system data resample --symbol BTCUSDT --from 1m --to 1h
    """
    from trading_system.data_pipeline.bar_export import export
    from trading_system.data_pipeline.bar_import import records_of_contradictions
    from trading_system.data_pipeline.bar_store import BarStore
    from trading_system.utils.error_handling.quarantine import Quarantine, beside
    from trading_system.utils.error_handling.quarantine_records import Series

    if partial and out is None:
        raise ConfigurationError("--partial needs --out: a bar of the store is final, one that misses a part is not")
    made = _made(store, venue, symbol, shorter, longer, start_ns, end_ns, partial, flags_too=out is not None)
    rows = len(made.columns.open_ns)
    told = {"venue": venue, "symbol": symbol, "interval": longer, "rows": rows, "partial": made.partial}
    if out is not None:
        export(made.columns, made.flags, out)
        told |= {"file": str(out)}
        where = f"in {out}"
    else:
        done = BarStore(store).append(made.columns, venue, symbol, longer)
        contradicted = len(done.contradicted.open_ns)
        aside = Quarantine(quarantine or beside(store))
        series = Series(venue=venue, symbol=symbol, interval=longer, tick="0.00000001")
        of = f"{store}: {venue} {symbol} {longer} of {shorter}"
        aside.put_all(records_of_contradictions(done, of, series))
        told |= {"new": done.new, "known": done.known, "contradicted": contradicted, "quarantine": str(aside.path)}
        where = f"of which {done.new:,} are new in {store}, {done.known:,} known already"
        where += f"; {contradicted:,} contradict it and are set aside in {aside.path}" if contradicted else ""
    missing = "kept and flagged" if partial else "left out"
    words = f"{rows:,} bars of {symbol} {longer}, {where}" + (
        f"; {made.partial:,} that miss a part, {missing}" if made.partial else ""
    )
    click.echo(json.dumps(told) if as_json else words)


def _made(
    store: Path,
    venue: str,
    symbol: str,
    shorter: str,
    longer: str,
    start_ns: int,
    end_ns: int | None,
    partial: bool,
    *,
    flags_too: bool,
) -> "Resampled":
    import numpy as np

    from trading_system.data_pipeline.bar_store import BarStore
    from trading_system.data_pipeline.resampling import bars_of_trades, resampled
    from trading_system.data_pipeline.store_review import flagged
    from trading_system.data_pipeline.trade_store import TradeStore

    to_ns = interval_ns(longer)
    if shorter == OF_TRADES:
        near_ns = to_ns + BESIDE_NS
        first, last = max(0, start_ns - near_ns), None if end_ns is None else end_ns + near_ns
        trades = TradeStore.beside(store).columns(venue, symbol, start_ns=first, end_ns=last)
        made = bars_of_trades(trades, to_ns, start_ns=start_ns, end_ns=end_ns, keep_partial=partial)
        if not len(made.columns.open_ns) and not made.partial:
            raise ConfigurationError(f"no trades of {symbol} beside {store} in that span")
        return made
    from_ns = interval_ns(shorter)
    if to_ns <= from_ns or to_ns % from_ns:
        raise ConfigurationError(f"bars of {shorter} make no bars of {longer}: --to must be a multiple of --from")
    if flags_too:
        columns, flags = flagged(BarStore(store), venue, symbol, shorter, start_ns=start_ns, end_ns=end_ns)
    else:
        columns = BarStore(store).columns(venue, symbol, shorter, start_ns=start_ns, end_ns=end_ns)
        flags = np.zeros(len(columns.open_ns), dtype=np.uint16)
    return resampled(columns, flags, from_ns, to_ns, keep_partial=partial)
