"""A journal that is gone with its process: for tests, and for replays whose facts nobody needs tomorrow."""

from collections.abc import Iterator, Sequence

from trading_system.blotter.events import Fact
from trading_system.journal import chain
from trading_system.journal.chain import Head, Row
from trading_system.ports import Entry


class MemoryJournal:
    """The Journal port over a list; what it refuses and how it is chained is the same as on disk."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._head = chain.START

    def append(self, facts: Sequence[Fact], recorded_ns: int) -> None:
        """Keep `facts`, all or none, in this order; JournalBroken where one would not survive on disk."""
        head, rows = chain.extended(self._head, facts, recorded_ns)
        self._rows.extend(rows)
        self._head = head

    def read(self) -> Iterator[Entry]:
        """Return every entry in order."""
        head = chain.START
        for row in self._rows:
            yield chain.entry(head, row)
            head = Head(row.seq, row.hash)

    def head(self) -> Head:
        """Return the end of the chain."""
        return self._head
