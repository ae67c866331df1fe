"""Bars of the store as columns, in whole ticks."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np

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

Prices = tuple[Ints, ...]
"""Open, high, low, close."""

_BLOCK: Final = 1 << 15  # what stays in the processor's cache
_EXACT: Final = 2**51


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
    asked, prices = _counted(rows, instrument, venue, symbol)
    if prices is None:
        raise DataError(f"{root}: bars of {symbol} {interval} are not in whole ticks of {asked.instrument.tick:f}")
    first, high, low, last = prices
    return reading_of(
        Columns(rows.open_ns, first, high, low, last, rows.volume),
        asked.instrument,
        interval_ns(interval),
        bad=(),
        notes=asked.notes,
    )


def _counted(rows: Columns, instrument: Instrument | None, venue: str, symbol: str) -> tuple[Terms, Prices | None]:
    """Return the terms of `rows`, and their prices in ticks; None where they are no whole ticks and must be."""
    if instrument is not None:
        return Terms(instrument, True, ()), _ticks(rows, to_atoms(instrument.tick))
    known = catalog.lookup(venue, symbol)
    if known is not None and (prices := _ticks(rows, to_atoms(known.tick))) is not None:
        return terms.catalogued(known), prices
    finest = catalog.FINEST
    places = next(places for places in range(finest + 1) if _ticks(rows, 10 ** (finest - places)) is not None)
    least = int(rows.low.min()) / ATOMS
    if known is not None:
        found = terms.refined(known, places=places, least=least)
    else:
        found = terms.unknown(symbol, venue=venue, places=places, least=least)
    step = to_atoms(found.instrument.tick)
    return found, _ticks(rows, step) if found.whole else tuple((price + step // 2) // step for price in _prices(rows))


def _ticks(rows: Columns, step: int) -> Prices | None:
    """Return the prices of `rows` in steps of `step` atoms; None where one is no whole number of them.

    A product with the nearest whole number tells it: multiplying is several times as fast as dividing integers. Below
    2**51 steps the quotient of floats is within half a step of the true one, and above we divide.
    """

    def counted(price: Ints) -> Ints | None:
        whole = np.empty_like(price)
        for at in range(0, len(price), _BLOCK):
            block, into = price[at : at + _BLOCK], whole[at : at + _BLOCK]
            np.rint(block / step, out=into, casting="unsafe")
            if not np.array_equal(into * step, block):
                return None
        return whole

    def divided(price: Ints) -> Ints | None:
        whole, rest = np.divmod(price, step)
        return None if rest.any() else whole

    with ThreadPoolExecutor(2) as pool:
        found = pool.map(counted if int(rows.high.max()) < _EXACT * step else divided, _prices(rows))
        prices = tuple(price for price in found if price is not None)
    return prices if len(prices) == len(_prices(rows)) else None


def _prices(rows: Columns) -> Prices:
    return rows.open, rows.high, rows.low, rows.close
