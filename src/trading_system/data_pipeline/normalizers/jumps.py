"""How far a bar jumps, measured in what bars have lately spanned; each bar in its turn, from the past only."""

import math
from bisect import bisect_left, insort
from collections import deque
from typing import Final

from trading_system.market.bars import Bar

RECENT: Final = 240
"""Bars that the usual bar is told from."""
WARM: Final = 30
"""Bars before which nothing is usual yet."""
_RESTLESS: Final = 1 / 3
"""A market that stands still between bursts: its usual bar is at least a third of the tenth longest in a hundred."""


class Jumps:
    """Measures the bars of one series as they come; a few microseconds each."""

    def __init__(self) -> None:
        self._spans: deque[float] = deque()
        self._sorted: list[float] = []
        self._closes: tuple[
            int, ...
        ] = ()  # the last one, ticks; and the one before a jump, to which the market may return
        self._end_ns = 0

    def measure(self, bar: Bar, limit: float) -> float:
        """Return how many usual bars lie between `bar` and the close before it; 0 where nothing can be compared.

        The usual bar is the median of how far the last 240 went from the close before them, in logarithms, and at least
        one tick. What goes further than `limit` has jumped; whoever comes back from there has not jumped again.
        Behind a gap nothing is compared: a market moves while nobody looks.

        Source of the idea: a robust z-score (a median in place of mean and deviation; Iglewicz and Hoaglin, 1993, "How
        to Detect and Handle Outliers") against a trailing window.
        """
        compared = bar.open_ns == self._end_ns
        spans = [_span(bar, close) for close in self._closes] if compared else []
        score = min(spans) / self._usual(bar) if spans and len(self._sorted) >= WARM else 0.0
        if spans:
            self._remember(min(spans))
        jumped = score > limit
        self._closes = (bar.close, self._closes[-1]) if jumped else (bar.close,)
        self._end_ns = bar.close_ns
        return score

    def _usual(self, bar: Bar) -> float:
        middle, long = self._sorted[len(self._sorted) // 2], self._sorted[len(self._sorted) * 9 // 10]
        return max(middle, _RESTLESS * long, math.log1p(1.0 / bar.low))

    def _remember(self, span: float) -> None:
        self._spans.append(span)
        insort(self._sorted, span)
        if len(self._spans) > RECENT:
            del self._sorted[bisect_left(self._sorted, self._spans.popleft())]


def _span(bar: Bar, close: int) -> float:
    """Return how far `bar` goes from `close`, upwards or downwards, whichever is more; a logarithm, >= 0."""
    return max(math.log(bar.high / close), math.log(close / bar.low))
