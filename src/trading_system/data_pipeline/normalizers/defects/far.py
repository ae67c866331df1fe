"""Prices so far from all around them that no market paid them: a digit too many, another coin's price, a zero lost.

They are told first and left out of what the finer eye of `spikes` measures by; otherwise one row in fifty of them would
make it take them for the market's habit. What is usual here is told by medians, which half of the rows may be wrong in,
and from the rows on both sides, or on the only side that the first and the last rows have.
"""

from typing import Final

import numpy as np
import polars as pl

from trading_system.data_pipeline.normalizers.defects.rows import Mask, Positions, Rows
from trading_system.market.columns import Floats

SIDE: Final = 9
"""Rows on each side whose median a price is held against; up to four of them may be wrong."""
AROUND: Final = 24
"""Rows on each side that the usual bar is told from."""
LEAST: Final = 0.15
"""Logarithm from which on a price is far: about a sixth."""
BARS: Final = 12.0
"""Usual bars from which on it is far."""
TORN_LEAST: Final = 0.01
TORN_BARS: Final = 2.0
"""The same for rows whose prices cannot be those of one bar: that already speaks for a bad tick."""
_FEWEST: Final = 5
_ROUNDS: Final = 4
"""Runs of far rows at the edges of a file are peeled off from within."""


def far(rows: Rows) -> Mask:
    """Return which of `rows` (finite and positive, in order of time) hold a price that is far from all around.

    A price is far by how much it lies above, or below, both the median of the rows before and that of the rows behind;
    so a fall that stays is never far, however deep.
    """
    found = np.zeros(len(rows.time_ns), dtype=np.bool_)
    highest, lowest, middle = _extremes(rows)
    spans = highest - lowest
    left = np.arange(len(found))
    for _ in range(_ROUNDS):
        if len(left) < _FEWEST:
            break
        told = _wide(highest[left], lowest[left], middle[left])
        if not len(told):
            break
        before, behind = _sides(middle[left], told)
        beyond = _beyond(highest[left[told]], lowest[left[told]], before, behind)
        told = told[beyond > np.maximum(LEAST, BARS * _usual(spans[left], told))]
        if not len(told):
            break
        found[left[told]] = True
        left = np.flatnonzero(~found)
    asked = np.flatnonzero(found)
    if len(asked) and len(left):  # a sound row amid bad ones was held against these; now it is against the others
        place = np.searchsorted(left, asked)
        before, behind = _sides(middle[left], place, own=False)
        beyond = _beyond(highest[asked], lowest[asked], before, behind)
        found[asked] = beyond > np.maximum(LEAST, BARS * _usual(spans[left], place))
    return found


def torn(rows: Rows, odd: Mask, sound: Positions) -> Mask:
    """Return which `odd` rows of `rows` hold a price outside all that the two `sound` rows on each side paid."""
    found = np.zeros(len(rows.time_ns), dtype=np.bool_)
    asked = np.flatnonzero(odd)
    if len(sound) < _FEWEST or not len(asked):
        return found
    highest, lowest, _ = _extremes(rows.taken(asked))
    place = np.searchsorted(sound, asked)
    beside = sound[np.clip(place[:, None] + np.arange(-2, 2), 0, len(sound) - 1)]  # (A, 4)
    top, bottom = np.log(rows.high[beside].max(axis=1)), np.log(rows.low[beside].min(axis=1))
    usual = _usual(np.log(rows.high[sound] / rows.low[sound]), place)
    found[asked] = np.maximum(highest - top, bottom - lowest) > np.maximum(TORN_LEAST, TORN_BARS * usual)
    return found


def _extremes(rows: Rows) -> tuple[Floats, Floats, Floats]:
    """Return, as logarithms, the highest and the lowest price of each row, and the middle of the other two."""
    prices = np.stack(rows.numbers[:4])
    highest, lowest = prices.max(axis=0), prices.min(axis=0)
    highest, lowest = np.log(highest), np.log(lowest)
    middle = (np.log(prices).sum(axis=0) - highest - lowest) / 2
    return highest, lowest, middle


def _wide(highest: Floats, lowest: Floats, middle: Floats) -> Positions:
    """Return the rows that may be far: what lies beyond a median of nine lies beyond one of any five of them."""
    five = SIDE // 2 + 1
    low, high = pl.Series(middle).rolling_min(five, min_samples=1), pl.Series(middle).rolling_max(five, min_samples=1)
    wide: Mask = np.ones(len(middle), dtype=np.bool_)
    for by in (1, -five):  # the five before, and the five behind
        floor, ceiling = (side.shift(by).to_numpy() for side in (low, high))
        wide &= ~(np.maximum(highest - floor, ceiling - lowest) <= LEAST)
    return np.flatnonzero(wide)


def _sides(middle: Floats, places: Positions, *, own: bool = True) -> tuple[Floats, Floats]:
    """Return the median of the `SIDE` rows before each place and of those behind; of the others where there are none.

    Args:
        middle: (S,) of the rows to be held against.
        places: Rows among them; or, not `own`, the rows before which others would stand.
    """
    offsets = np.arange(SIDE)
    sides = []
    for begin in (places - SIDE, places + int(own)):
        within = begin[:, None] + offsets
        told = np.where((within >= 0) & (within < len(middle)), middle[np.clip(within, 0, len(middle) - 1)], np.nan)
        told.sort(axis=1)  # what is none stands last
        many = np.isfinite(told).sum(axis=1)[:, None]
        halves = np.concatenate((np.maximum(many - 1, 0) // 2, np.minimum(many // 2, SIDE - 1)), axis=1)
        sides.append(np.take_along_axis(told, halves, axis=1).mean(axis=1))
    before, behind = sides
    return np.where(np.isnan(before), behind, before), np.where(np.isnan(behind), before, behind)


def _beyond(highest: Floats, lowest: Floats, before: Floats, behind: Floats) -> Floats:
    beyond: Floats = np.maximum(highest - np.maximum(before, behind), np.minimum(before, behind) - lowest)
    return beyond


def _usual(spans: Floats, places: Positions) -> Floats:
    """Return the median span of the rows around each place."""
    window = np.arange(-AROUND, AROUND + 1)
    usual = np.empty(len(places))
    for begin in range(0, len(places), 65_536):  # in parts: half the rows of a large file may be asked for
        part = places[begin : begin + 65_536, None] + window
        usual[begin : begin + 65_536] = np.median(spans[np.clip(part, 0, len(spans) - 1)], axis=1)
    return usual
