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

from trading_system.data_pipeline.normalizers.defects.rows import Mask, Rows, shifted
from trading_system.market.columns import Floats

RECENT: Final = 48
LONGER: Final = 240
LONGEST: Final = 960
"""Bars that the usual bar is told from."""
WARM: Final = 8
"""Bars before which nothing is usual yet; the first ones are measured with what the ninth sees."""

_QUIET: Final = 0.5
"""A lull is no reason to call the first lively bar a spike: the usual bar is at least half of the longest median."""
_RESTLESS: Final = 1 / 3
"""Nor is a market that stands still between bursts: it is at least a third of the tenth longest bar in a hundred."""
_JUMPY: Final = 4.0
"""Where few trade, a bar opens away from the last close, at another buyer's price: the usual bar is at least this many
times the tenth longest such step in a hundred."""
_NEAR_MOST: Final = 6.0
"""How much a long bar beside can weigh at most, usual bars: it may be a bad one itself."""
_BUSY_MOST: Final = 24.0
"""How much more volume than usual can weigh at most."""


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
_LEAST: Final = 0.0015
"""A price that lies less beyond the others, as a share of it, harms nobody: markets of one trade a minute do so."""


class Logs(NamedTuple):
    """Prices as logarithms, and what they are measured by, all (S,)."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    scale: Floats
    busy: Floats


def spikes(rows: Rows, limits: Limits = LIMITS) -> Mask:
    """Return which of `rows` (sound, in order of time) hold a spike.

    A spike in the first or the last row of a series has surroundings on one side only; it is not told from a move.
    """
    found = np.zeros(len(rows.time_ns), dtype=np.bool_)
    if len(found) <= WARM + 1:
        return found
    logs = _logs(rows)
    for length in (1, 2, 3, 4, 5):
        around = _around(logs, length)
        if length == 1:
            found |= _single(logs, around, limits)
        elif length <= 3:
            found |= _spread(_beyond(*_turn(logs, around, length - 1), limits.turn), range(length))
        found |= _spread(_beyond(*_displaced(logs, around, length), limits.price), range(length))
    return found | _floods(rows, limits) if rows.with_volume else found


def _beyond(excess: Floats, unit: Floats, limit: Limit) -> Mask:
    """Return where the distance beyond all others is a spike's, here and in this file."""
    scores = excess / unit
    told = scores[np.isfinite(scores)]
    least = max(limit.floor, limit.times * _most(told, _OWN)) if len(told) else np.inf
    return (scores > least) & (excess > _LEAST)


def _logs(rows: Rows) -> Logs:
    open_, high, low, close = (np.log(column) for column in rows.numbers[:4])
    before = shifted(close, -1)
    span = np.fmax(high, before) - np.fmin(low, before)
    told = pl.Series(span)
    steps = pl.Series(np.nan_to_num(np.abs(open_ - before)))
    scale = np.fmax.reduce(
        [
            _before(told.rolling_median(RECENT, min_samples=WARM)),
            _QUIET * _before(told.rolling_median(LONGEST, min_samples=WARM)),
            _RESTLESS * _before(told.rolling_quantile(0.9, window_size=LONGER, min_samples=WARM)),
            _JUMPY * _before(steps.rolling_quantile(0.9, window_size=LONGER, min_samples=WARM)),
        ]
    )
    scale = np.fmax(scale, _tick(rows.close) / rows.close)
    if not rows.with_volume:
        return Logs(open_, high, low, close, scale, np.ones(len(scale)))
    volume = _before(pl.Series(rows.volume).rolling_median(RECENT, min_samples=WARM))
    with np.errstate(divide="ignore", invalid="ignore"):
        busy = np.fmin(np.nan_to_num(rows.volume / volume, nan=0.0, posinf=0.0), _BUSY_MOST)
    return Logs(open_, high, low, close, scale, busy)


def _tick(prices: Floats) -> float:
    """Return the smallest step that prices are seen to differ by."""
    steps = np.diff(np.unique(prices))
    return float(steps.min()) if len(steps) else float(prices[0]) * 1e-9


def _before(rolling: pl.Series) -> Floats:
    """Return what a rolling figure said at the bar before; the first few rows take the first that it said."""
    values = rolling.shift(1).to_numpy(writable=True)
    values[: WARM + 1] = values[min(WARM + 1, len(values) - 1)]
    return values


class _Around(NamedTuple):
    top: Floats
    bottom: Floats
    unit: Floats


def _around(logs: Logs, length: int) -> _Around:
    """Return the highest and lowest price of the two bars before and the two behind `length` bars, and the measure."""
    beside = (-2, -1, length, length + 1)
    top = np.fmax.reduce([shifted(logs.high, by) for by in beside])
    bottom = np.fmin.reduce([shifted(logs.low, by) for by in beside])
    spans = [shifted(logs.high, by) - shifted(logs.low, by) for by in beside]
    near = _second(spans)
    unit = np.fmax(logs.scale, np.fmin(near, _NEAR_MOST * logs.scale))
    one_sided = np.isnan(shifted(logs.low, -1)) | np.isnan(shifted(logs.low, length))
    return _Around(top, bottom, np.where(one_sided, np.inf, unit))


def _second(columns: list[Floats]) -> Floats:
    """Return the second largest of four columns, row by row: one long bar beside may be the fall before the calm."""
    one, two, three, four = (np.nan_to_num(column, nan=0.0) for column in columns)
    second: Floats = np.fmax(
        np.fmin(np.fmax(one, two), np.fmax(three, four)), np.fmax(np.fmin(one, two), np.fmin(three, four))
    )
    return second


def _single(logs: Logs, around: _Around, limits: Limits) -> Mask:
    """Return rows with one price out of place: open, close, high or low."""
    top, bottom, unit = around
    found: Mask = np.zeros(len(unit), dtype=np.bool_)
    for one, other in ((logs.open, logs.close), (logs.close, logs.open)):
        beyond = np.fmax(one - np.fmax(top, other), np.fmin(bottom, other) - one)
        found |= _beyond(beyond, unit, limits.price)
    high = logs.high - np.fmax(top, np.fmax(logs.open, logs.close))
    low = np.fmin(bottom, np.fmin(logs.open, logs.close)) - logs.low
    return found | _beyond(np.fmax(high, low), unit * np.sqrt(1 + logs.busy), limits.wick)


def _turn(logs: Logs, around: _Around, length: int) -> tuple[Floats, Floats]:
    """Return how far `length` closes, each with the open behind it, lie beyond what is around them, and the measure."""
    top, bottom, unit = around
    ends = (logs.open, shifted(logs.close, length))
    prices = [shifted(logs.close, by) for by in range(length)] + [shifted(logs.open, by + 1) for by in range(length)]
    above = np.minimum.reduce(prices) - np.maximum.reduce([top, *ends])
    below = np.minimum.reduce([bottom, *ends]) - np.maximum.reduce(prices)
    busy = np.fmin(logs.busy, shifted(logs.busy, length))
    return np.fmax(above, below), unit * np.sqrt(1 + busy)


def _displaced(logs: Logs, around: _Around, length: int) -> tuple[Floats, Floats]:
    """Return how far `length` bars lie, from open to close, beyond what is around them, and the measure."""
    top, bottom, unit = around
    prices = [shifted(column, by) for column in (logs.open, logs.close) for by in range(length)]
    above = np.minimum.reduce(prices) - top
    below = bottom - np.maximum.reduce(prices)
    return np.fmax(above, below), unit


def _most(scores: Floats, share: float) -> float:
    """Return what all but the highest keep to; of a short file a few at least are among the highest."""
    return float(np.quantile(scores, max(0.0, min(share, 1 - _FEW / len(scores)))))


def _floods(rows: Rows, limits: Limits) -> Mask:
    """Return rows whose volume is many times all before and the next two."""
    highest = pl.Series(rows.volume).rolling_max(LONGER, min_samples=RECENT).shift(1).to_numpy()
    others = np.maximum(highest, np.maximum(shifted(rows.volume, 1), shifted(rows.volume, 2)))
    ratio = rows.volume / np.where(others > 0, others, np.nan)
    told = ratio[np.isfinite(ratio)]
    if not len(told):
        return np.zeros(len(ratio), dtype=np.bool_)
    flood: Mask = ratio > max(limits.volume.floor, limits.volume.times * _most(told, _FLOODED))
    return flood


def _spread(begins: Mask, rows: range) -> Mask:
    """Return the rows that a fault which begins at each of `begins` covers."""
    found = np.zeros(len(begins), dtype=np.bool_)
    for by in rows:
        found[by:] |= begins[: len(begins) - by]
    return found
