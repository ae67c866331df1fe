"""Fewer points that look the same: what a chart can show of a million bars, with every extreme kept."""

from typing import Final

import numpy as np

from trading_system.market.columns import BarColumns, Floats, Ints

MOST_POINTS: Final = 3_000
"""Points that a chart has at most; screens are narrower."""

MOST_BINS: Final = 40


def extremes(values: Floats, most: int = MOST_POINTS) -> Ints:
    """Return the indices, rising, of the first and last value and of the lowest and highest of each even stretch.

    Args:
        values: (N,) finite.
        most: How many indices at most, >= 8; all where there are no more values.

    >>> extremes(np.array([0.0, 1.0, 9.0, 2.0, 3.0, -5.0, 4.0, 5.0, 6.0, 7.0]), most=8).tolist()
    [0, 2, 5, 7, 8, 9]
    """
    count = len(values)
    if count <= most:
        return np.arange(count, dtype=np.int64)
    size = -(-count // (most // 2 - 1))
    full = count // size
    rows, starts = values[: full * size].reshape(full, size), np.arange(full) * size
    found = [[0, count - 1], rows.argmin(axis=1) + starts, rows.argmax(axis=1) + starts]
    if full * size < count:
        rest = values[full * size :]
        found.append([full * size + int(rest.argmin()), full * size + int(rest.argmax())])
    return np.unique(np.concatenate(found)).astype(np.int64)


def evenly(count: int, most: int = MOST_POINTS) -> Ints:
    """Return indices 0..`count` - 1 in even steps, the last one always among them.

    >>> evenly(10, most=4).tolist()
    [0, 3, 6, 9]
    """
    if count <= most:
        return np.arange(count, dtype=np.int64)
    return np.unique(np.linspace(0, count - 1, most).astype(np.int64))


def candles(bars: BarColumns, stops: Ints, stop_ns: Ints, most: int = MOST_POINTS) -> dict[str, Ints]:
    """Return at most `most` wider bars: first open, highest high, lowest low, last close, and the stop in force.

    Args:
        bars: One or more.
        stops: (S,) protective stop at `stop_ns`, ticks; 0 for none.
        stop_ns: (S,) rising, UTC ns.
        most: How many bars at most.

    Returns:
        Columns time_ns (close of the last bar taken together), open, high, low, close and stop_ticks: the last stop
        that stood in that stretch, 0 where none did.
    """
    count = len(bars)
    size = -(-count // most)
    starts = np.arange(0, count, size)
    ends = np.minimum(starts + size, count) - 1
    standing = np.where(stops > 0, np.arange(len(stops)), -1)
    first = np.minimum(np.searchsorted(stop_ns, bars.close_ns[starts]), max(len(stops) - 1, 0))
    last = np.maximum.reduceat(standing, first) if len(stops) else np.full(len(starts), -1)
    return {
        "time_ns": bars.close_ns[ends],
        "open": bars.open[starts],
        "high": np.maximum.reduceat(bars.high, starts),
        "low": np.minimum.reduceat(bars.low, starts),
        "close": bars.close[ends],
        "stop_ticks": np.where(last >= 0, stops[last], 0) if len(stops) else np.zeros(len(starts), dtype=np.int64),
    }


def bins(values: Floats) -> tuple[Floats, Ints]:
    """Return edges and counts of at most about `MOST_BINS` even bins; 0 is an edge where values lie on both sides.

    The width is Freedman and Diaconis's, 2 IQR / N^(1/3), unless that gives more bins than fit on a page.

    Args:
        values: (N,) finite, at least one.

    Source: Freedman & Diaconis (1981), "On the histogram as a density estimator", Z. Wahrscheinlichkeitstheorie 57.

    >>> edges, counts = bins(np.array([-1.0, -0.5, 0.5, 1.0, 1.5, 2.0]))
    >>> bool((edges == 0.0).any()), int(counts.sum())
    (True, 6)
    """
    low, high = float(values.min()), float(values.max())
    if low == high:
        reach = abs(low) / 2.0 or 0.5
        return np.array([low - reach, high + reach]), np.array([len(values)], dtype=np.int64)
    quarter, three_quarters = np.quantile(values, (0.25, 0.75))
    width = max(2.0 * float(three_quarters - quarter) / len(values) ** (1.0 / 3.0), (high - low) / MOST_BINS)
    zero = low < 0.0 < high
    below = max(1, int(np.ceil(-low / width))) if zero else 0  # a gain or loss that is next to nothing is one, too
    above = max(1, int(np.ceil((high if zero else high - low) / width)))
    edges = np.arange(-below, above + 1) * width + (0.0 if zero else low)
    edges[-1] = max(edges[-1], high)
    edges[0] = min(edges[0], low)
    return edges, np.histogram(values, edges)[0].astype(np.int64)
