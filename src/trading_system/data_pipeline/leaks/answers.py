"""What something under test said, when that was known, and where two such answers differ."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading_system.data_pipeline.leaks.worlds import World
from trading_system.market.columns import Floats, Ints


class Answer(NamedTuple):
    """Rows of numbers, each with the moment from which on it may be used.

    Attributes:
        names: (F,) of the columns; columns of one name are told as one.
        of_ns: (n,) what each row is about: the close of its bar, UTC ns.
        known_ns: (n,) when each row is known, UTC ns, ascending.
        values: (n, F) float64 or float32; NaN where undefined.
    """

    names: tuple[str, ...]
    of_ns: Ints
    known_ns: Ints
    values: Floats | NDArray[np.float32]

    def until(self, t_ns: int) -> "Answer":
        """Return what is known at `t_ns`."""
        rows = slice(0, int(np.searchsorted(self.known_ns, t_ns, side="right")))
        return Answer(self.names, self.of_ns[rows], self.known_ns[rows], self.values[rows])


Ask = Callable[[World], Sequence[Answer]]
"""Puts a world before something under test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Something under test.

    Attributes:
        ask: What it says of a whole world at once, as in a back-test.
        stream: What it says bar by bar, as live: the same answers in the same order. None: it has no such form.
    """

    ask: Ask
    stream: Ask | None = None


class Change(NamedTuple):
    """A column that is not what it was.

    Attributes:
        name: Of the column.
        of_ns: What the first row that differs is about, UTC ns.
        old, new: Its value then and now; None where there was, or is, no such row.
        rows: How many rows differ.
    """

    name: str
    of_ns: int
    old: float | None
    new: float | None
    rows: int


def changes(told: Answer, retold: Answer) -> Iterator[Change]:
    """Yield the columns in which `retold` is not `told`, to the bit; one NaN is like another.

    Rows that came or went are a change of every column.
    """
    if told.names != retold.names or not _same_rows(told, retold):
        yield from _rows_changed(told, retold)
        return
    differs = _bits(told.values) != _bits(retold.values)
    if not differs.any():
        return
    differs &= ~(np.isnan(told.values) & np.isnan(retold.values))
    for name in dict.fromkeys(np.array(told.names, dtype=object)[differs.any(axis=0)]):
        columns = [column for column, other in enumerate(told.names) if other == name]
        found = differs[:, columns].any(axis=1)
        row = int(np.argmax(found))
        column = columns[int(np.argmax(differs[row, columns]))]
        yield Change(
            name=name,
            of_ns=int(told.of_ns[row]),
            old=float(told.values[row, column]),
            new=float(retold.values[row, column]),
            rows=int(found.sum()),
        )


def _same_rows(told: Answer, retold: Answer) -> bool:
    return np.array_equal(told.of_ns, retold.of_ns) and np.array_equal(told.known_ns, retold.known_ns)


def _rows_changed(told: Answer, retold: Answer) -> Iterator[Change]:
    """Yield a change of each column for rows that are not in both, or were not known at the same time."""
    before, after = _rows_of(told), _rows_of(retold)
    odd = sorted(before.keys() ^ after.keys())
    for name in dict.fromkeys((*told.names, *retold.names)):
        if odd:
            yield Change(
                name=name,
                of_ns=odd[0][0],
                old=_cell(told, before.get(odd[0]), name),
                new=_cell(retold, after.get(odd[0]), name),
                rows=len(odd),
            )
        else:  # the same rows in another order, or other columns
            yield Change(name=name, of_ns=int(told.of_ns[0]) if len(told.of_ns) else 0, old=None, new=None, rows=0)


def _rows_of(answer: Answer) -> dict[tuple[int, int], int]:
    keys = zip(answer.of_ns.tolist(), answer.known_ns.tolist(), strict=True)
    return {key: row for row, key in enumerate(keys)}


def _cell(answer: Answer, row: int | None, name: str) -> float | None:
    if row is None or name not in answer.names:
        return None
    return float(answer.values[row, answer.names.index(name)])


def _bits(values: Floats | NDArray[np.float32]) -> NDArray[np.integer]:
    block = np.ascontiguousarray(values)
    return block.view(np.int64 if block.dtype == np.float64 else np.int32)
