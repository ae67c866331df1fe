"""Indicators that look at each value of a window again; in an array, or in a window kept bar by bar."""

import math
from typing import Protocol

from trading_system.kernel import kernel


class Values(Protocol):
    """Anything that numbers can be read from by place: an array, a list."""

    def __getitem__(self, at: int, /) -> float:
        """Return the number at place `at`."""
        ...


@kernel
def deviation(values: Values, first: int, count: int, mean: float) -> float:
    """Return the population deviation of `count` values from `first` on around their `mean`.

    The squares are summed anew for every window, oldest first: a running sum of squares would leave the range in which
    whole numbers are exact at everyday prices.
    """
    total = 0.0
    for i in range(first, first + count):
        apart = float(values[i]) - mean
        total += apart * apart
    return math.sqrt(total / float(count))


@kernel
def highest(values: Values, first: int, end: int) -> int:
    """Return where in `first`..`end` - 1 the greatest value stands, the last where there are several."""
    at = first
    for i in range(first + 1, end):
        if values[i] >= values[at]:
            at = i
    return at


@kernel
def lowest(values: Values, first: int, end: int) -> int:
    """Return where in `first`..`end` - 1 the least value stands, the last where there are several."""
    at = first
    for i in range(first + 1, end):
        if values[i] <= values[at]:
            at = i
    return at
