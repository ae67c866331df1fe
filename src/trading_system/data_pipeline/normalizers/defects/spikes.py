"""Bad ticks: prices that jump out of their surroundings and are back within a few bars.

Everything is measured in logarithms and in *usual bars*: what this market's bars have lately spanned (`scale`, from
bars before the one that is judged). A price is a spike by how far it lies beyond **all** that was paid in the two bars
before and the two bars behind it; a fall that is not taken back has nothing behind it to lie beyond, and is none.

Where a market really whips it shows around the place: bars beside it are long, and volume is high. Both lower the
score. The look ahead is what it takes to see the price come back: two bars behind the spike's last.

Source of the idea: a robust z-score (median and quantiles in place of mean and deviation; Iglewicz and Hoaglin, 1993,
"How to Detect and Handle Outliers") against a trailing window, and Brownlees and Gallo (2006), "Financial econometric
analysis at ultra-high frequency", section 2, who compare each price with its neighbors on both sides.
"""

from typing import Final, NamedTuple

import numpy as np
import polars as pl

from trading_system.data_pipeline.normalizers.defects import spike_scores
from trading_system.data_pipeline.normalizers.defects.far import far, torn
from trading_system.data_pipeline.normalizers.defects.rows import Mask, Rows, shifted
from trading_system.data_pipeline.normalizers.defects.spike_scores import LONGER, RECENT, WARM


class Limit(NamedTuple):
    """The score from which on a price is a spike: `floor`, or `times` the score that all but the highest 2 % of the
    file's own rows keep to; where trades are rare, prices that lie alone are common."""

    floor: float
    times: float


class Limits(NamedTuple):
    """Limits by what is out of place; tuned on half of the real files, see docs/data/quality.md."""

    price: Limit = Limit(0.7, 6.0)
    """An open or close alone, or whole bars."""
    turn: Limit = Limit(1.2, 5.0)
    """A close and the open behind it, together: a market's own turning points look like this."""
    volume: Limit = Limit(8.0, 5.0)
    """A volume, as a multiple of the highest of the last 240 bars and of the two behind."""
    wick: Limit = Limit(1.15, 4.5)
    """A high or a low alone: so do its own wicks."""


LIMITS: Final = Limits()
_OWN: Final = 0.98
_FLOODED: Final = 0.998
_FEW: Final = 6
_LEAST: Final = 0.0025
"""A price that lies less beyond the others, as a share of it, harms nobody: markets of one trade a minute do so."""


def spikes(rows: Rows, sound: Mask | None = None, limits: Limits = LIMITS) -> Mask:
    """Return which of `rows` (finite and positive, in order of time) hold a spike.

    Args:
        rows: One for each time.
        sound: Which of them can be bars; None where all can. Prices of the others are held against those of the sound.
        limits: From which scores on.
    """
    distant = far(rows)
    fit = ~distant if sound is None else sound & ~distant
    places = np.flatnonzero(fit)
    found = distant.copy()
    found[places[_among(rows if len(places) == len(fit) else rows.taken(places), limits)]] = True
    found &= distant | ~_beside(distant)
    return found if sound is None else found | torn(rows, ~sound & ~found, places)


def _beside(distant: Mask) -> Mask:
    """Return the rows next to, or next but one to, a far one: what is left around them lies too far off in time to say
    that they lie apart."""
    near = np.zeros(len(distant), dtype=np.bool_)
    for by in (1, 2):
        near[by:] |= distant[:-by]
        near[:-by] |= distant[by:]
    return near


def _among(rows: Rows, limits: Limits) -> Mask:
    """Return the spikes among sound rows of which none is far from all others."""
    count = len(rows.time_ns)
    found = np.zeros(count, dtype=np.bool_)
    if count <= WARM + 1:
        return found
    blocks = list(spike_scores.scores(spike_scores.logs(rows)))
    for parts in (list(part) for part in zip(*blocks, strict=True)):
        limit: Limit = getattr(limits, parts[0].kind)
        above = max(limit.floor, limit.times * spike_scores.rare(parts, _OWN, _FEW))
        begins = spike_scores.begins(parts, above, _LEAST)
        for by in range(parts[0].rows):
            found[by:] |= begins[: count - by]
    return found | _floods(rows, limits) if rows.with_volume else found


def _floods(rows: Rows, limits: Limits) -> Mask:
    """Return rows whose volume is many times all before and the next two."""
    highest = pl.Series(rows.volume).rolling_max(LONGER, min_samples=RECENT).shift(1).to_numpy()
    others = np.maximum(highest, np.maximum(shifted(rows.volume, 1), shifted(rows.volume, 2)))
    ratio = rows.volume / np.where(others > 0, others, np.nan)
    told = ratio[np.isfinite(ratio)]
    if not len(told):
        return np.zeros(len(ratio), dtype=np.bool_)
    flood: Mask = ratio > max(
        limits.volume.floor,
        limits.volume.times * float(np.quantile(told, max(0.0, min(_FLOODED, 1 - _FEW / len(told))))),
    )
    return flood
