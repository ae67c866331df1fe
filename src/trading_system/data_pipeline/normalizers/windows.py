"""The last T rows of features as one float32 block: a ring when streaming, a strided view in batch."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


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

    def push(self, values: Sequence[float] | None) -> npt.NDArray[np.float32] | None:
        """Return the window that ends with `values`, (T, F), or nothing before T rows in a row.

        The window is a view: it holds until the next push. Nothing (an undefined row) empties the ring.
        """
        if values is None:
            self._seen = 0
            return None
        at = self._seen % self._length
        self._rows[at] = self._rows[at + self._length] = values
        self._seen += 1
        return self._rows[at + 1 : at + 1 + self._length] if self._seen >= self._length else None


def window_ends(values: npt.NDArray[np.float64], length: int) -> npt.NDArray[np.int64]:
    """Return the rows, ascending, at which a window of `length` rows ends with no undefined row in it."""
    if len(values) < length:
        return np.empty(0, dtype=np.int64)
    undefined = np.isnan(values).any(axis=1).astype(np.int64)
    holes = np.convolve(undefined, np.ones(length, dtype=np.int64), mode="valid")
    return np.flatnonzero(holes == 0).astype(np.int64) + length - 1


def strided(values: npt.NDArray[np.float64], length: int) -> npt.NDArray[np.float32]:
    """Return every window of `length` rows, (N - T + 1, T, F) float32, as views of one block.

    The window that ends at row i stands at i - `length` + 1. Those with an undefined row hold NaN.

    Raises:
        ValueError: There are fewer rows than `length`.
    """
    block = np.ascontiguousarray(values, dtype=np.float32)
    return np.lib.stride_tricks.sliding_window_view(block, length, axis=0).transpose(0, 2, 1)
