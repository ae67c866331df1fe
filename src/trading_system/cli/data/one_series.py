"""The bars of one series: of a file, or of a store that holds several."""

from pathlib import Path
from typing import TYPE_CHECKING

from trading_system.errors import ConfigurationError
from trading_system.market.bars import interval_ns

if TYPE_CHECKING:
    from trading_system.data_pipeline.reading import Reading


def read_series(source: Path, *, venue: str, symbol: str | None, interval: str | None) -> "Reading":
    """Return the bars at `source`, a file or the folder of a store; what is None is told by the file or the store.

    Raises:
        ConfigurationError: There are none, they cannot be read, or the store holds several series that are meant.
        DataError: Some of them cannot be bars.
    """
    from trading_system.backtest.sources import symbol_of
    from trading_system.data_pipeline.bar_files import read_columns
    from trading_system.data_pipeline.store_columns import read_store_columns

    if not source.is_dir():
        return read_columns(
            source,
            instrument=None,
            symbol=symbol or symbol_of(source),
            interval_ns=None if interval is None else interval_ns(interval),
            on_bad_data="refuse",
            venue=venue,
        )
    there = sorted((path.parent.name, path.name) for path in source.glob(f"{venue}/*/*") if path.is_dir())
    meant = [(one, length) for one, length in there if symbol in (None, one) and interval in (None, length)]
    if len(meant) != 1:
        held = ", ".join(f"{one} {length}" for one, length in meant or there) or "none"
        raise ConfigurationError(
            f"{source}: name one series with --symbol, --interval and --venue; of {venue} there are: {held}"
        )
    return read_store_columns(source, venue, *meant[0])
