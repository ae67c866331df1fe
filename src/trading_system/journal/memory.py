"""A journal that is gone with its process: for tests, and for replays whose facts nobody needs tomorrow."""

from collections.abc import Iterator, Sequence

from trading_system.blotter.events import Fact
from trading_system.journal import chain, codec
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


class DraftJournal:
    """The Journal port over drafts: facts become bytes at once, and are checked and chained when they are first read.

    For replays, in which that takes longer than deciding. What a disk would refuse is refused by the first reading.
    """

    def __init__(self) -> None:
        self._drafts: list[tuple[str, bytes, int]] = []
        self._fair = MemoryJournal()

    def append(self, facts: Sequence[Fact], recorded_ns: int) -> None:
        """Keep `facts`, all or none, in this order; JournalBroken where one cannot become bytes."""
        self._drafts += [(codec.kind_of(fact), codec.draft(fact), recorded_ns) for fact in facts]

    def read(self) -> Iterator[Entry]:
        """Return every entry in order; JournalBroken where a fact would not have survived on disk."""
        return self._copied().read()

    def head(self) -> Head:
        """Return the end of the chain; JournalBroken where a fact would not have survived on disk."""
        return self._copied().head()

    def _copied(self) -> MemoryJournal:
        drafts, self._drafts = self._drafts, []
        for kind, draft, recorded_ns in drafts:
            self._fair.append([codec.fair(kind, draft)], recorded_ns)
        return self._fair
