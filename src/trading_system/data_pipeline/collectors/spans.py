"""Stretches of time, and what is left of some of them without others."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from trading_system.market.columns import Ints


class Span(NamedTuple):
    """From `start_ns` to before `end_ns`, UTC ns."""

    start_ns: int
    end_ns: int


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return `spans` in order of time, those that touch or overlap as one; empty ones are left out.

    >>> merged([Span(5, 7), Span(0, 2), Span(2, 3), Span(6, 9), Span(4, 4)])
    [Span(start_ns=0, end_ns=3), Span(start_ns=5, end_ns=9)]
    """
    found: list[Span] = []
    for span in sorted(span for span in spans if span.start_ns < span.end_ns):
        if found and span.start_ns <= found[-1].end_ns:
            found[-1] = Span(found[-1].start_ns, max(found[-1].end_ns, span.end_ns))
        else:
            found.append(span)
    return found


def without(whole: Span, taken: Iterable[Span]) -> list[Span]:
    """Return what is left of `whole`, in order of time.

    >>> without(Span(0, 10), [Span(8, 12), Span(2, 4)])
    [Span(start_ns=0, end_ns=2), Span(start_ns=4, end_ns=8)]
    """
    left: list[Span] = []
    at = whole.start_ns
    for start, end in merged(taken):
        if end <= at:
            continue
        if start >= whole.end_ns:
            break
        if start > at:
            left.append(Span(at, start))
        at = end
    return [*left, Span(at, whole.end_ns)] if at < whole.end_ns else left


def later(spans: Iterable[Span], since_ns: int) -> list[Span]:
    """Return what of `spans` lies from `since_ns` on.

    >>> later([Span(0, 3), Span(5, 9)], 7)
    [Span(start_ns=7, end_ns=9)]
    """
    return [Span(max(start, since_ns), end) for start, end in spans if end > since_ns]


def overlap(span: Span, others: Iterable[Span]) -> bool:
    """Return whether `span` has a moment in common with any of `others`."""
    return any(max(span.start_ns, other.start_ns) < min(span.end_ns, other.end_ns) for other in others)


def spans_of(open_ns: Ints, length_ns: int) -> list[Span]:
    """Return the time that bars cover which open at `open_ns`, rising, and are `length_ns` long."""
    if not len(open_ns):
        return []
    after = np.flatnonzero(np.diff(open_ns) != length_ns)
    starts = open_ns[np.concatenate(([0], after + 1))]
    ends = open_ns[np.append(after, len(open_ns) - 1)] + length_ns
    return [Span(start, end) for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
