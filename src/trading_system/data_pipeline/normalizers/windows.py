"""The last T rows of features as one float32 block: a ring when streaming, strided views of one block in batch.

A window holds T rows that follow one another: no undefined row, and no gap between two of them.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64] | npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


class Windows:
    """A ring of the last `length` rows.

    Every row is written twice, `length` apart, so that the last `length` rows always lie in one
    contiguous block and a window costs no copy.
    """

    __slots__ = ("_length", "_rows", "_seen")

    def __init__(self, *, length: int, width: int) -> None:
        self._length = length
        self._seen = 0
        self._rows = np.zeros((2 * length, width), dtype=np.float32)

    def push(self, values: Sequence[float] | None, *, follows: bool = True) -> npt.NDArray[np.float32] | None:
        """Return the window that ends with `values`, (T, F), or nothing before T rows in a row.

        The window is a view: it holds until the next push.

        Args:
            values: The row, F numbers. Nothing, or a row with a NaN in it, is undefined and empties the ring.
            follows: Whether its bar begins where the last row's ended. Behind a gap the ring begins anew with this
                row. Features that look back need not be asked: behind a gap they are undefined at first.
        """
        if values is None or any(map(math.isnan, values)):
            self._seen = 0
            return None
        if not follows:
            self._seen = 0
        at = self._seen % self._length
        self._rows[at] = self._rows[at + self._length] = values
        self._seen += 1
        return self._rows[at + 1 : at + 1 + self._length] if self._seen >= self._length else None


def behind_gaps(close_ns: npt.NDArray[np.int64], interval_ns: int) -> Mask:
    """Return (N,) whether a bar does not begin where the one before it ended; the first of all does not count."""
    begins = np.zeros(len(close_ns), dtype=np.bool_)
    begins[1:] = np.diff(close_ns) != interval_ns
    return begins


def window_ends(values: Floats, length: int, *, begins: Mask | None = None) -> npt.NDArray[np.int64]:
    """Return the rows, ascending, at which a window of `length` rows ends with no hole in it.

    Args:
        values: (N, F); NaN where undefined.
        length: Rows in a window, T >= 1.
        begins: (N,) rows that do not follow the one above them, see `behind_gaps`; they may stand at a window's top
            and nowhere else in it. None: every gap shows as an undefined row, as it does where a feature looks back.
    """
    rows = np.arange(len(values), dtype=np.int64)
    first = np.where(np.isnan(values).any(axis=1), rows + 1, 0)  # the first row that may share a window with this one
    if begins is not None:
        first = np.maximum(first, np.where(begins, rows, 0))
    return np.flatnonzero(rows - np.maximum.accumulate(first) >= length - 1).astype(np.int64)


def strided(values: Floats, length: int) -> npt.NDArray[np.float32]:
    """Return every window of `length` rows, (N - T + 1, T, F) float32, as read-only views of one block.

    The block is `values` itself where they are float32 in C order, else one copy of it; windows are never copied. The
    window that ends at row i stands at i - `length` + 1. Which of them have a hole, `window_ends` knows.

    Raises:
        ValueError: There are fewer rows than `length`.
    """
    block = np.ascontiguousarray(values, dtype=np.float32)
    return np.lib.stride_tricks.sliding_window_view(block, length, axis=0).transpose(0, 2, 1)
