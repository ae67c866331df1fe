"""The terms that bars are counted in when nobody names them: the catalog's, or the prices' own."""

import contextlib
import math
from dataclasses import replace
from decimal import Decimal
from typing import Final, NamedTuple

from trading_system.data_pipeline.bar_cells import MAX_TICKS
from trading_system.errors import ConfigurationError
from trading_system.market import catalog
from trading_system.market.instruments import Instrument

_COARSEST: Final = 5
_FINEST: Final = 7
"""A derived tick is 1e-5 to 1e-7 of the least price: a coarser one would swallow a spread of a basis point, finer
digits come from averages and floats and not from a venue. A catalogued tick is refined no further than needed."""


class Terms(NamedTuple):
    """What prices are counted in; whether each must be a whole tick; and what a report should say of it."""

    instrument: Instrument
    whole: bool
    notes: tuple[str, ...]


def catalogued(known: Instrument) -> Terms:
    """Return the terms of an instrument of the catalog, as they stand there."""
    note = (
        f"{known.symbol}: tick {known.tick:f}, lot {known.lot:f}, smallest order {known.min_notional:f} {known.quote}, "
        f"from {catalog.source(known.venue, known.symbol)}."
    )
    return Terms(known, True, (note,))


def refined(known: Instrument, *, places: int, least: float) -> Terms:
    """Return the terms of an instrument of the catalog whose tick the prices do not keep to.

    The tick becomes the one that the prices need; lot and smallest order stay where the new tick allows it.

    Args:
        places: Decimals that the prices need.
        least: The least price, > 0.
    """
    tick = catalog.derived(known.symbol, _within(places, least, coarsest=0), venue=known.venue)
    with contextlib.suppress(ConfigurationError):  # the venue's lot may be too fine for this tick
        tick = replace(known, tick=tick.tick)
    return _from_prices(tick, off_tick(known), places)


def unknown(symbol: str, *, venue: str, places: int, least: float) -> Terms:
    """Return terms for an instrument that the catalog does not know; arguments as in `refined`."""
    instrument = catalog.derived(symbol, _within(places, least, coarsest=_COARSEST), venue=venue)
    return _from_prices(instrument, not_listed(venue), places)


def off_tick(known: Instrument) -> str:
    """Return why the terms of the catalog do not hold."""
    return f"the prices are no whole ticks of {known.tick:f}, from {catalog.source(known.venue, known.symbol)}"


def not_listed(venue: str) -> str:
    """Return why there are no terms of the catalog."""
    return f"the catalog does not know it at {venue}"


def to_the_digit(symbol: str, *, venue: str, places: int, high: float, why: str) -> Terms:
    """Return terms that change no price: what is to be kept, and not yet traded, is counted in its own last digit.

    Args:
        places: Decimals that the prices need; more than 8 for more than the store keeps.
        high: A price that few exceed; the digits that 64-bit floats hold below it bound the decimals.
        why: Why no other terms hold, to be told.
    """
    room = math.floor(math.log10(MAX_TICKS / high)) if 0 < high < math.inf else catalog.FINEST
    kept = max(0, min(places, room, catalog.FINEST))
    notes = [f"{symbol}: {why}; prices are kept as they are, in steps of {Decimal(1).scaleb(-kept):f}."]
    if places > kept:
        notes.append(f"{symbol}: prices with more than {kept} decimals are rounded to the nearest step.")
    return Terms(catalog.derived(symbol, kept, venue=venue), places <= kept, tuple(notes))


def _within(places: int, least: float, *, coarsest: int) -> int:
    digits = -math.floor(math.log10(least)) if 0 < least < math.inf else 0
    return max(0, min(max(places, digits + coarsest if coarsest else 0), digits + _FINEST, catalog.FINEST))


def _from_prices(instrument: Instrument, why: str, places: int) -> Terms:
    notes = [
        f"{instrument.symbol}: {why}; the tick {instrument.tick:f} is derived from the prices, the lot is "
        f"{instrument.lot:f}, the smallest order {instrument.min_notional:f} {instrument.quote}."
    ]
    kept = -int(instrument.tick.normalize().as_tuple().exponent)
    if places > kept:
        notes.append(f"{instrument.symbol}: prices with more than {kept} decimals are rounded to the nearest tick.")
    return Terms(instrument, places <= kept, tuple(notes))
