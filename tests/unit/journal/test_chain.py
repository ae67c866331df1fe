"""What the chain covers, checked against a hash worked out without our code."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.journal.generated import ANY_FACT

from trading_system.blotter.events import Fact, TimerFired
from trading_system.errors import JournalBroken
from trading_system.journal import chain
from trading_system.journal.chain import Head, Row
from trading_system.journal.memory import MemoryJournal


def test_the_chain_is_what_its_page_says() -> None:
    """Anyone can verify a journal with sha256 alone: previous hash, five columns as JSON, a line break, the body."""
    first = hashlib.sha256(bytes(32) + b'[1,7,9,"TimerFired",""]\n{"v":1,"fact":{"ts_ns":7}}').digest()
    second = hashlib.sha256(first + b'[2,8,9,"TimerFired",""]\n{"v":1,"fact":{"ts_ns":8}}').digest()
    journal = MemoryJournal()
    journal.append([TimerFired(ts_ns=7), TimerFired(ts_ns=8)], 9)
    assert [entry.hash for entry in journal.read()] == [first, second]
    assert journal.head() == Head(2, second)


@given(
    facts=st.lists(ANY_FACT, min_size=1, max_size=4),
    column=st.integers(0, len(Row._fields) - 1),
    at=st.integers(0, 3),
)
def test_no_column_of_no_row_can_change_unseen(facts: list[Fact], column: int, at: int) -> None:
    """Number, both times, kind, order, body and hash: another value in any of them breaks the chain there."""
    head, rows = chain.extended(chain.START, facts, 5)
    at %= len(rows)
    was = rows[at][column]
    now = was + 1 if isinstance(was, int) else was + type(was)((65,)) if isinstance(was, bytes) else was + "A"
    head = chain.START if at == 0 else Head(rows[at - 1].seq, rows[at - 1].hash)
    assert chain.entry(head, rows[at]).fact == facts[at]
    with pytest.raises(JournalBroken, match=f"breaks at seq {at + 1}"):
        chain.entry(head, Row._make((*rows[at][:column], now, *rows[at][column + 1 :])))


def test_memory_refuses_a_batch_whole() -> None:
    """All or none, as on disk."""
    journal = MemoryJournal()
    with pytest.raises(JournalBroken):
        journal.append([TimerFired(ts_ns=1), Fact(ts_ns=2)], 3)
    assert (journal.head(), list(journal.read())) == (chain.START, [])
