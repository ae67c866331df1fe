"""The as-of join: what was known of a metric at the moment of each decision.

At a time t only records with `available_ns` <= t exist. Of these the one of the newest span counts, in its highest
revision. So a restatement of an old span never takes the place of a newer span's value, and a value that is published
late is not there until it is.
"""

import heapq
import math
from typing import Final

import numpy as np

from trading_system.errors import DataError
from trading_system.market.columns import Floats, Ints
from trading_system.market.onchain import Metric, Metrics
from trading_system.market.timestamps import NS_PER_S, iso

NO_LIMIT_NS: Final = 2**63 - 1
"""A `max_age_ns` that nothing reaches."""


def joined(close_ns: Ints, metrics: Metrics, max_age_ns: int) -> Floats:
    """Return the value known at each time, NaN where there is none or the newest is too old.

    Exact, in O(M log M + N log M): records are ordered by when they became public, the best so far is a running
    maximum, and each time finds its place among them.

    Args:
        close_ns: (N,) times of decision, UTC ns, in any order.
        metrics: (M,) records of one metric of one asset, in any order.
        max_age_ns: Largest age, time minus end of the span, that a value may have.

    Returns:
        (N,) values.
    """
    return _joined(close_ns, metrics, max_age_ns)[0]


def ages(close_ns: Ints, metrics: Metrics, max_age_ns: int) -> Floats:
    """Return how old the value of `joined` is at each time, seconds since the end of its span; NaN where it is."""
    return _joined(close_ns, metrics, max_age_ns)[1]


def _joined(close_ns: Ints, metrics: Metrics, max_age_ns: int) -> tuple[Floats, Floats]:
    value, age_s = np.full(len(close_ns), math.nan), np.full(len(close_ns), math.nan)
    if not len(metrics.value):
        return value, age_s
    order = np.lexsort((metrics.available_ns, metrics.revision, metrics.event_ns))  # the best last
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    public = np.argsort(metrics.available_ns, kind="stable")
    best = order[np.maximum.accumulate(rank[public])]  # the best record of those public so far
    count = np.searchsorted(metrics.available_ns[public], close_ns, side="right")
    known = count > 0
    chosen = best[count[known] - 1]
    age_ns = close_ns[known] - metrics.event_ns[chosen]
    fresh = age_ns <= max_age_ns
    value[known] = np.where(fresh, metrics.value[chosen], math.nan)
    age_s[known] = np.where(fresh, age_ns / NS_PER_S, math.nan)
    return value, age_s


class AsOf:
    """The same join bar by bar: push records as they are heard, ask at each close; the same bits as `joined`.

    A record may be pushed long before it is public: it waits. One that is pushed after its `available_ns` counts from
    the next question on, so that live and batch agree wherever records are heard before they count.

    Args:
        max_age_ns: As in `joined`.
    """

    __slots__ = ("_asked_ns", "_best", "_max_age_ns", "_waiting")

    def __init__(self, max_age_ns: int) -> None:
        self._max_age_ns = max_age_ns
        self._waiting: list[tuple[int, int, int, float]] = []
        self._best: tuple[int, int, int, float] | None = None
        self._asked_ns: int | None = None

    def push(self, metric: Metric) -> None:
        """Take note of a record; all are of one metric of one asset."""
        heapq.heappush(self._waiting, (metric.available_ns, metric.end_ns, metric.revision, metric.number))

    def at(self, t_ns: int) -> float:
        """Return the value known at `t_ns`, UTC ns; NaN where there is none or the newest is too old.

        Raises:
            DataError: `t_ns` lies before an earlier question: what was known then is no longer held.
        """
        best = self._known(t_ns)
        return best[3] if best is not None else math.nan

    def age(self, t_ns: int) -> float:
        """Return the age of the value of `at`, seconds since the end of its span; NaN where it is.

        Raises:
            DataError: As in `at`.
        """
        best = self._known(t_ns)
        return float(t_ns - best[0]) / NS_PER_S if best is not None else math.nan  # rounded twice, as columns are

    def _known(self, t_ns: int) -> tuple[int, int, int, float] | None:
        if self._asked_ns is not None and t_ns < self._asked_ns:
            raise DataError(f"asked as of {iso(t_ns)} after {iso(self._asked_ns)}: a stream is asked in order of time")
        self._asked_ns = t_ns
        while self._waiting and self._waiting[0][0] <= t_ns:
            available_ns, event_ns, revision, number = heapq.heappop(self._waiting)
            found = (event_ns, revision, available_ns, number)
            if self._best is None or found[:3] > self._best[:3]:
                self._best = found
        if self._best is None or t_ns - self._best[0] > self._max_age_ns:
            return None
        return self._best
