"""Bars of the store as columns, in whole ticks."""

from pathlib import Path

from trading_system.data_pipeline import terms
from trading_system.data_pipeline.bar_checks import Columns
from trading_system.data_pipeline.bar_store import BarStore
from trading_system.data_pipeline.reading import Reading, reading_of
from trading_system.data_pipeline.terms import Terms
from trading_system.errors import DataError
from trading_system.market import catalog
from trading_system.market.bars import interval_ns
from trading_system.market.columns import Ints
from trading_system.market.instruments import Instrument
from trading_system.market.money import ATOMS, to_atoms


def read_store_columns(
    root: Path,
    venue: str,
    symbol: str,
    interval: str,
    *,
    instrument: Instrument | None = None,
    start_ns: int = 0,
    end_ns: int | None = None,
) -> Reading:
    """Return the bars of one series of the store under `root` with `start_ns` <= open < `end_ns`.

    Args:
        interval: As venues write it, "15m".
        instrument: Whose ticks the prices must be. None: the catalog's terms of `symbol` at `venue` where all prices
            are whole ticks of them, else terms derived from the prices; the reading's notes say which.

    Raises:
        ConfigurationError: There is no such series, or none of it lies in the span.
        DataError: A file does not hold what its hash says, or a price is no whole tick.
    """
    rows = BarStore(root).columns(venue, symbol, interval, start_ns=start_ns, end_ns=end_ns)
    asked = _terms(rows, instrument, venue, symbol)
    tick_atoms = to_atoms(asked.instrument.tick)
    if asked.whole and not _all_multiples(rows, tick_atoms):
        raise DataError(f"{root}: bars of {symbol} {interval} are not in whole ticks of {asked.instrument.tick:f}")
    first, high, low, last = ((price + tick_atoms // 2) // tick_atoms for price in _prices(rows))
    return reading_of(
        Columns(rows.open_ns, first, high, low, last, rows.volume),
        asked.instrument,
        interval_ns(interval),
        bad=(),
        notes=asked.notes,
    )


def _terms(rows: Columns, instrument: Instrument | None, venue: str, symbol: str) -> Terms:
    if instrument is not None:
        return Terms(instrument, True, ())
    known = catalog.lookup(venue, symbol)
    if known is not None and _all_multiples(rows, to_atoms(known.tick)):
        return terms.catalogued(known)
    finest = catalog.FINEST
    places = next(places for places in range(finest + 1) if _all_multiples(rows, 10 ** (finest - places)))
    least = int(rows.low.min()) / ATOMS
    if known is not None:
        return terms.refined(known, places=places, least=least)
    return terms.unknown(symbol, venue=venue, places=places, least=least)


def _all_multiples(rows: Columns, step: int) -> bool:
    return not any((price % step).any() for price in _prices(rows))


def _prices(rows: Columns) -> tuple[Ints, ...]:
    return rows.open, rows.high, rows.low, rows.close
