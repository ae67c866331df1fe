"""Sums over the last bars that neither drift nor remember.

A running sum that adds what comes and subtracts what leaves keeps a rounding of everything that was ever in it. These
sums only add: time is cut into blocks of as many bars as are summed, at fixed places since 1970 (`Row.number`). The
last bars are always the end of one block and the beginning of the next: the sums of all ends are worked out when a
block is full, the beginning grows bar by bar. So a sum takes the same steps, and has the same bits, whenever one began
to listen, as long as it was at least so many bars ago. It costs two additions and a share of a third each bar.

Source: van Herk (1992), "A fast algorithm for local minimum and maximum filters", of sums in the place of minima.
"""

from typing import Final

from trading_system.data_pipeline.normalizers.features.row import State
from trading_system.kernel import kernel

FLAT: Final = 1e-10
"""A variance below this part of the squared distance from where it is counted is a rounding, and taken for none."""


def room_of_sum(bars: int) -> int:
    """Return how many numbers `rolling_sum` keeps."""
    return bars + 2


def room_of_moments(bars: int) -> int:
    """Return how many numbers `rolling_moments` keeps."""
    return 2 * bars + 5


@kernel
def rolling_sum(state: State, first: int, at: int, bars: int, value: float) -> float:
    """Return the sum of the last `bars` values, `value` included, once there are so many.

    Args:
        state: Where `room_of_sum` numbers from place `first` on are kept.
        first: See `state`.
        at: The bar's place in its block, `number` % `bars`.
        bars: How many, >= 1.
        value: The bar's.
    """
    head = state[first] + value
    total = head + state[first + at + 2]
    state[first], state[first + at + 1] = head, value
    if at + 1 == bars:
        state[first] = tail = 0.0
        for back in range(bars):
            place = first + bars - back
            tail += state[place]
            state[place] = tail
    return total


@kernel
def rolling_moments(state: State, first: int, at: int, bars: int, value: float, seen: float) -> tuple[float, float]:
    """Return `value` less the mean of the last `bars` values, and their variance; exact from `bars` + 1 bars on.

    Values are counted from the last one of the block before, so that prices that hardly move lose nothing to their
    size; of whole numbers the sums are exact below 2**53. A variance is that of a population.

    Args:
        state: Where `room_of_moments` numbers from place `first` on are kept.
        first, at, bars, value: As in `rolling_sum`.
        seen: `Row.seen`.
    """
    if seen == 1.0:
        state[first] = value
    away = value - state[first]
    head, squares = state[first + 1] + away, state[first + 2] + away * away
    mean = (head + state[first + at + 4]) / bars
    square = (squares + state[first + at + bars + 5]) / bars
    state[first + 1], state[first + 2], state[first + at + 3] = head, squares, value
    if at + 1 == bars:
        state[first] = value
        state[first + 1] = state[first + 2] = tail = tail_squares = 0.0
        for back in range(bars):
            place = first + 2 + bars - back
            apart = state[place] - value
            tail += apart
            tail_squares += apart * apart
            state[place], state[place + bars + 1] = tail, tail_squares
    variance = square - mean * mean
    return away - mean, variance if variance > FLAT * square else 0.0
