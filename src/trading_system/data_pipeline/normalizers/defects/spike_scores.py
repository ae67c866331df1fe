"""How far prices lie beyond those around them, in usual bars: the figures by which `spikes` judges.

Rows are looked at in blocks that fit into a processor's cache: the same sums over a million rows at once wait for
memory most of the time.
"""

from collections.abc import Iterator
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
LENGTHS: Final = (1, 2, 3, 4, 5)
"""Bars that may lie apart together."""

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

_EACH: Final = 4
"""A median over hours needs no more than every fourth bar."""
_BLOCK: Final = 16_384
_BEFORE: Final = 2
_BEHIND: Final = LENGTHS[-1] + 2


class Logs(NamedTuple):
    """Prices as logarithms, and what they are measured by.

    All (`_BEFORE` + S + `_BEHIND`,): before the first row and behind the last stands what weighs nothing: no price in
    `open` and `close`, one that nothing is above or below in `low` and `high`, no length in `span`.
    """

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    span: Floats
    scale: Floats
    busy: Floats


class Scores(NamedTuple):
    """Of one block of rows, how far the prices of one kind lie beyond all others.

    Attributes:
        kind: "price", "turn" or "wick".
        rows: Rows that one such fault covers, from the row of its score on.
        begin: Row of the first score.
        excess: As a logarithm.
        score: In usual bars.
    """

    kind: str
    rows: int
    begin: int
    excess: Floats
    score: Floats


def logs(rows: Rows) -> Logs:
    """Return the logarithms of sound rows, and the usual bar at each."""
    open_, high, low, close = (np.log(column) for column in rows.numbers[:4])
    before = shifted(close, -1)
    told = pl.Series(np.fmax(high, before) - np.fmin(low, before))
    steps = pl.Series(np.nan_to_num(np.abs(open_ - before)))
    scale = np.fmax.reduce(
        [
            _before(told.rolling_median(RECENT, min_samples=WARM)),
            _QUIET * _before(_sparse_median(told)),
            _RESTLESS * _before(told.rolling_quantile(0.9, window_size=LONGER, min_samples=WARM)),
            _JUMPY * _before(steps.rolling_quantile(0.9, window_size=LONGER, min_samples=WARM)),
            _tick(rows.close) / rows.close,
        ]
    )
    busy = np.ones(len(scale))
    if rows.with_volume:
        volume = _before(pl.Series(rows.volume).rolling_median(RECENT, min_samples=WARM))
        with np.errstate(divide="ignore", invalid="ignore"):
            busy = np.fmin(np.nan_to_num(rows.volume / volume, nan=0.0, posinf=0.0), _BUSY_MOST)
    return Logs(
        open=_padded(open_, np.nan),
        high=_padded(high, -np.inf),
        low=_padded(low, np.inf),
        close=_padded(close, np.nan),
        span=_padded(high - low, 0.0),
        scale=_padded(scale, 1.0),
        busy=_padded(busy, 1.0),
    )


def scores(told: Logs) -> Iterator[list[Scores]]:
    """Yield the scores of each block of rows: for each kind and length of fault one, in the same order."""
    count = len(told.open) - _BEFORE - _BEHIND
    for begin in range(0, count, _BLOCK):
        size = min(_BLOCK, count - begin)
        block = Logs(*(column[begin : begin + _BEFORE + size + _BEHIND] for column in told))
        yield [found for length in LENGTHS for found in _of_length(block, length, begin, count)]


def _sparse_median(spans: pl.Series) -> pl.Series:
    """Return the median of every `_EACH`th of the last `LONGEST` spans, told anew at every `_EACH`th."""
    told = spans.gather_every(_EACH).rolling_median(LONGEST // _EACH, min_samples=WARM // _EACH).to_numpy()
    return pl.Series(np.repeat(told, _EACH)[: len(spans)])


def _tick(prices: Floats) -> float:
    """Return the smallest step that prices are seen to differ by."""
    steps = np.diff(np.unique(prices))
    return float(steps.min()) if len(steps) else float(prices[0]) * 1e-9


def _before(rolling: pl.Series) -> Floats:
    """Return what a rolling figure said at the bar before; the first few rows take the first that it said."""
    values = rolling.shift(1).to_numpy(writable=True)
    values[: WARM + 1] = values[min(WARM + 1, len(values) - 1)]
    return values


def _padded(column: Floats, value: float) -> Floats:
    return np.pad(column, (_BEFORE, _BEHIND), constant_values=value)


def _at(column: Floats, by: int) -> Floats:
    """Return the values `by` rows further on for each row of a block."""
    return column[_BEFORE + by : len(column) - _BEHIND + by]


def _of_length(block: Logs, length: int, begin: int, count: int) -> Iterator[Scores]:
    """Yield the scores of faults that cover `length` rows."""
    beside = (-2, -1, length, length + 1)
    top, bottom = _highest([_at(block.high, by) for by in beside]), _lowest([_at(block.low, by) for by in beside])
    scale = _at(block.scale, 0)
    near = _second([_at(block.span, by) for by in beside])
    unit = np.maximum(scale, np.minimum(near, _NEAR_MOST * scale))
    first, last = int(begin == 0), count - length - begin  # rows that have others on both sides
    busy = _at(block.busy, 0)

    def told(kind: str, excess: Floats, by: Floats) -> Scores:
        score = excess / by
        score[:first] = score[max(last, 0) :] = 0.0
        return Scores(kind, length, begin, excess, score)

    opens, closes = [_at(block.open, by) for by in range(length)], [_at(block.close, by) for by in range(length)]
    if length == 1:
        [open_], [close] = opens, closes
        for one, other in ((open_, close), (close, open_)):
            yield told("price", np.maximum(one - np.maximum(top, other), np.minimum(bottom, other) - one), unit)
        up = _at(block.high, 0) - _highest([top, open_, close])
        down = _lowest([bottom, open_, close]) - _at(block.low, 0)
        yield told("wick", np.maximum(up, down), unit * np.sqrt(1 + busy))
    elif length <= 3:  # closes, each with the open behind it
        ends = [opens[0], closes[-1]]
        between = [*closes[:-1], *opens[1:]]
        above = _lowest(between) - _highest([top, *ends])
        below = _lowest([bottom, *ends]) - _highest(between)
        busy = np.minimum(busy, _at(block.busy, length - 1))
        yield told("turn", np.maximum(above, below), unit * np.sqrt(1 + busy))
    prices = [*opens, *closes]
    yield told("price", np.maximum(_lowest(prices) - top, bottom - _highest(prices)), unit)


def _highest(columns: list[Floats]) -> Floats:
    highest = columns[0]
    for column in columns[1:]:
        highest = np.maximum(highest, column)
    return highest


def _lowest(columns: list[Floats]) -> Floats:
    lowest = columns[0]
    for column in columns[1:]:
        lowest = np.minimum(lowest, column)
    return lowest


def _second(columns: list[Floats]) -> Floats:
    """Return the second largest of four columns, row by row: one long bar beside may be the fall before the calm."""
    one, two, three, four = columns
    second: Floats = np.maximum(
        np.minimum(np.maximum(one, two), np.maximum(three, four)),
        np.maximum(np.minimum(one, two), np.minimum(three, four)),
    )
    return second


def rare(parts: list[Scores], share: float, few: int) -> float:
    """Return the score that all but the highest keep to: that `share` of rows, but in a short file at least `few` are
    among the highest; 0 where it is not above it."""
    count = sum(len(part.score) for part in parts)
    rank = max(0.0, min(share, 1 - few / count)) * (count - 1)
    above = np.concatenate([part.score[part.score > 0] for part in parts])
    place = int(rank) - (count - len(above))
    if place < 0:
        return 0.0
    ordered = np.partition(above, [place, min(place + 1, len(above) - 1)])
    low, high = float(ordered[place]), float(ordered[min(place + 1, len(above) - 1)])
    return low + (high - low) * (rank - int(rank))


def begins(parts: list[Scores], limit: float, least: float) -> Mask:
    """Return where the score is above `limit` and the excess above `least`."""
    found: Mask = np.concatenate([(part.score > limit) & (part.excess > least) for part in parts])
    return found
