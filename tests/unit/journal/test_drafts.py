"""A journal of drafts reads as one that was written carefully; what would not have survived is found by reading."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.journal.generated import ANY_FACT

from trading_system.blotter.events import Decided, Fact, TimerFired
from trading_system.errors import JournalBroken
from trading_system.journal.chain import Head
from trading_system.journal.memory import DraftJournal, MemoryJournal


@given(batches=st.lists(st.lists(ANY_FACT, max_size=3), max_size=4))
def test_drafts_read_as_a_careful_journal_does(batches: list[list[Fact]]) -> None:
    """The same entries, times and hashes, whether read in the middle or at the end."""
    careful, drafts = MemoryJournal(), DraftJournal()
    for recorded_ns, batch in enumerate(batches):
        careful.append(batch, recorded_ns)
        drafts.append(batch, recorded_ns)
        assert drafts.head() == careful.head()
    assert list(drafts.read()) == list(careful.read())


def test_a_number_that_is_not_finite_is_found_by_reading(decided: Decided) -> None:
    """NaN becomes null, and null is no number."""
    drafts = DraftJournal()
    drafts.append([replace(decided, view=decided.view._replace(gain=float("nan")))], 1)
    with pytest.raises(JournalBroken, match="NaN and infinity do not survive"):
        list(drafts.read())


def test_what_has_no_form_at_all_is_refused_at_once(decided: Decided) -> None:
    """And nothing of its batch is kept."""
    drafts = DraftJournal()
    with pytest.raises(JournalBroken, match="cannot be written down"):
        drafts.append([TimerFired(ts_ns=1), replace(decided, features=(object(),))], 1)  # type: ignore[arg-type]
    assert drafts.head() == Head(0, bytes(32))


def test_a_class_that_is_no_kind_is_refused_at_once() -> None:
    """A journal holds facts only."""

    class Rumor(TimerFired):
        """Not a fact."""

    with pytest.raises(JournalBroken, match="not a kind of fact"):
        DraftJournal().append([Rumor(ts_ns=1)], 1)
