"""One file, one writer, durable and chained."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.journal.generated import ANY_FACT

from trading_system.blotter.events import BreakerTripped, Decided, Fact, FeedRestored, OrderSubmitted, TimerFired
from trading_system.errors import ConfigurationError, JournalBroken
from trading_system.journal import database, sqlite
from trading_system.journal.chain import START
from trading_system.journal.memory import MemoryJournal
from trading_system.journal.sqlite import SqliteJournal
from trading_system.ports import Entry

SLOW_FIXTURE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a journal may be made; the folder is not there yet."""
    return tmp_path / "runs" / "journal.sqlite3"


@pytest.fixture
def journal(path: Path) -> Iterator[SqliteJournal]:
    """An open writer."""
    with closing(SqliteJournal.open(path)) as opened:
        yield opened


def timers(count: int, start: int = 0) -> list[Fact]:
    """Return facts that can be told apart."""
    return [TimerFired(ts_ns=number) for number in range(start, start + count)]


def written(path: Path, facts: list[Fact]) -> list[Entry]:
    """Write `facts` one by one, close, and return the entries."""
    with closing(SqliteJournal.open(path)) as journal:
        for fact in facts:
            journal.append([fact], fact.ts_ns + 1)
        return list(journal.read())


def read(path: Path) -> list[Entry]:
    """Return the entries as another process would read them."""
    return list(SqliteJournal.open(path, writer=False).read())


def files(path: Path) -> list[str]:
    """Return the names of all files beside the journal."""
    return sorted(file.name for file in path.parent.iterdir())


def test_what_was_appended_is_read_in_order(journal: SqliteJournal, path: Path, decided: Decided) -> None:
    """By the writer, by a reader beside it, and after both are gone; numbered from 1, with the time of writing."""
    facts = [*timers(2), decided, OrderSubmitted(ts_ns=9, client_order_id="ts-a")]
    journal.append(facts[:3], 100)
    journal.append([], 150)
    journal.append(facts[3:], 200)
    entries = list(journal.read())
    assert [entry.fact for entry in entries] == facts
    assert [(entry.seq, entry.recorded_ns) for entry in entries] == [(1, 100), (2, 100), (3, 100), (4, 200)]
    assert read(path) == entries
    journal.close()
    assert read(path) == entries


@given(batches=st.lists(st.lists(ANY_FACT, max_size=3), max_size=3))
@SLOW_FIXTURE
def test_disk_and_memory_tell_the_same(tmp_path_factory: pytest.TempPathFactory, batches: list[list[Fact]]) -> None:
    """Same facts, same entries, same hashes, whatever the facts are and wherever they are kept."""
    memory = MemoryJournal()
    path = tmp_path_factory.mktemp("journal") / "journal.sqlite3"
    with closing(SqliteJournal.open(path)) as disk:
        for number, facts in enumerate(batches):
            memory.append(facts, number)
            disk.append(facts, number)
        assert disk.head() == memory.head()
    assert read(path) == list(memory.read())


def test_a_journal_goes_on_where_it_stopped(path: Path) -> None:
    """A restart chains to the last entry; one run or two, the hashes are the same."""
    written(path, timers(3))
    assert written(path, timers(2, start=3)) == written(path.with_name("other"), timers(5))


def test_long_journals_are_read_in_pieces(journal: SqliteJournal, path: Path) -> None:
    """The joints between the pieces are checked like any other link."""
    journal.append(timers(2 * sqlite.CHUNK + 1), 1)
    assert len(read(path)) == 2 * sqlite.CHUNK + 1


def test_a_refused_fact_leaves_the_journal_as_it_was(journal: SqliteJournal) -> None:
    """All or none: the good ones of the batch are not written either, and the next batch is."""
    with pytest.raises(JournalBroken, match="not a kind"):
        journal.append([TimerFired(ts_ns=1), Fact(ts_ns=2)], 3)
    assert journal.head() == START
    journal.append(timers(1), 4)
    assert [entry.fact for entry in journal.read()] == timers(1)


def test_a_commit_waits_for_the_disk(path: Path) -> None:
    """No test pulls the plug; what SQLite promises then hangs on these two settings (FULL is 2)."""
    path.parent.mkdir()
    with closing(database.for_writing(path)) as connection:
        found = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    assert found == ["wal", 2]


# --- who may write, and who may read ----------------------------------------------------------------


def test_a_second_writer_is_refused_by_name(journal: SqliteJournal, path: Path) -> None:
    """Two engines on one account would double its orders; the second learns who was first."""
    journal.append(timers(1), 1)
    with pytest.raises(ConfigurationError, match=r"written by process \d+ on .+ already"):
        SqliteJournal.open(path)
    journal.append(timers(1), 2)
    journal.close()
    SqliteJournal.open(path).close()


def test_another_name_for_the_same_journal_does_not_help(journal: SqliteJournal, path: Path) -> None:
    """The lock belongs to the file, not to the way one calls it."""
    link = path.with_name("link.sqlite3")
    link.symlink_to(path)
    with pytest.raises(ConfigurationError, match="already"):
        SqliteJournal.open(link)


def test_nothing_is_written_by_a_reader_or_after_closing(journal: SqliteJournal, path: Path) -> None:
    """Whoever has no lock has no say."""
    journal.append(timers(1), 1)
    journal.close()
    for silent in (journal, SqliteJournal.open(path, writer=False)):
        with pytest.raises(JournalBroken, match="takes no more entries"):
            silent.append(timers(1), 1)
        assert [entry.seq for entry in silent.read()] == [1]


def test_reading_creates_no_file(path: Path) -> None:
    """Looking at a journal, finished or in use, leaves the folder as it was; a wrong path stays empty."""
    written(path, timers(2))
    before = files(path)
    assert len(read(path)) == 2
    assert files(path) == before
    with closing(SqliteJournal.open(path)) as journal:
        journal.append(timers(1), 1)
        before = files(path)
        assert len(read(path)) == 3
        assert files(path) == before
    missing = path.parent / "none.sqlite3"
    with pytest.raises(ConfigurationError, match="there is no journal"):
        SqliteJournal.open(missing, writer=False)
    assert not missing.exists()


def test_a_reader_sees_what_was_there_when_it_began(journal: SqliteJournal, path: Path) -> None:
    """An engine that writes meanwhile neither waits for the reader nor confuses it."""
    journal.append(timers(sqlite.CHUNK + 1), 1)
    reader = SqliteJournal.open(path, writer=False)
    entries = reader.read()
    assert next(entries).seq == 1
    journal.append(timers(1), 2)
    assert [entry.seq for entry in entries][-1] == sqlite.CHUNK + 1
    assert reader.head().seq == sqlite.CHUNK + 2


def test_a_file_that_is_no_journal_is_left_alone(path: Path) -> None:
    """Neither read nor written: it belongs to somebody else."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as stranger, stranger:
        stranger.execute("CREATE TABLE shopping (item)")
    before = path.read_bytes()
    for writer in (True, False):
        with pytest.raises(ConfigurationError, match="is not a journal of this system"):
            SqliteJournal.open(path, writer=writer)
    assert path.read_bytes() == before


# --- damage -----------------------------------------------------------------------------------------

MISCHIEF: dict[str, tuple[str, int]] = {
    "changed text": ("UPDATE facts SET body = replace(body, '4', '5') WHERE seq = 5", 5),
    "changed kind": ("UPDATE facts SET kind = 'FeedRestored' WHERE seq = 5", 5),
    "changed order": ("UPDATE facts SET client_order_id = 'ts-b' WHERE seq = 5", 5),
    "changed time": ("UPDATE facts SET ts_ns = ts_ns + 1 WHERE seq = 5", 5),
    "changed time of writing": ("UPDATE facts SET recorded_ns = recorded_ns + 1 WHERE seq = 5", 5),
    "changed hash": ("UPDATE facts SET hash = zeroblob(32) WHERE seq = 5", 5),
    "first removed": ("DELETE FROM facts WHERE seq = 1", 1),
    "one removed": ("DELETE FROM facts WHERE seq = 5", 5),
    "one removed and the gap closed": (
        "DELETE FROM facts WHERE seq = 5; UPDATE facts SET seq = seq - 1 WHERE seq > 5; UPDATE head SET seq = 8",
        5,
    ),
    "last removed": ("DELETE FROM facts WHERE seq = 9", 9),
    "end removed": ("DELETE FROM facts WHERE seq > 6", 7),
    "all removed": ("DELETE FROM facts", 1),
    "two swapped": (
        "UPDATE facts SET seq = -5 WHERE seq = 5; UPDATE facts SET seq = 5 WHERE seq = 6; "
        "UPDATE facts SET seq = 6 WHERE seq = -5",
        5,
    ),
    "one doubled": (
        "INSERT INTO facts SELECT 10, ts_ns, recorded_ns, kind, client_order_id, body, hash FROM facts WHERE seq = 9",
        10,
    ),
    "end removed and the head moved": (
        "DELETE FROM facts WHERE seq > 6; UPDATE head SET seq = 6",
        6,
    ),
}


@pytest.mark.parametrize("what", MISCHIEF)
def test_mischief_is_found_where_it_was_done(path: Path, what: str) -> None:
    """An edit, a gap, a swap, a cut: each breaks the chain, and the message names the entry."""
    written(path, timers(9))
    statements, seq = MISCHIEF[what]
    with closing(sqlite3.connect(path)) as vandal, vandal:
        vandal.executescript(statements)
    with pytest.raises(JournalBroken, match=f"breaks at seq {seq}:"):
        read(path)


def test_a_writer_does_not_continue_a_journal_that_was_cut(path: Path) -> None:
    """Appending to what is left would hide the cut for good."""
    written(path, timers(9))
    with closing(sqlite3.connect(path)) as vandal, vandal:
        vandal.execute("DELETE FROM facts WHERE seq = 9")
    with pytest.raises(JournalBroken, match="breaks at seq 9:"):
        SqliteJournal.open(path)
    with pytest.raises(JournalBroken, match="breaks at seq 9:"):  # and the lock was let go
        SqliteJournal.open(path)


FACTS: list[Fact] = [FeedRestored(ts_ns=n, feed="x" * n) for n in range(60)]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[Entry]]:
    """The bytes of a whole journal, and its entries."""
    path = tmp_path_factory.mktemp("sound") / "journal.sqlite3"
    entries = written(path, FACTS)
    return path.read_bytes(), entries


def same_or_broken(path: Path, damaged: bytes, entries: list[Entry]) -> bool:
    """Write `damaged` and read it: True where it was found, False where every entry is still the same."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(damaged)
    try:
        assert read(path) == entries
    except (JournalBroken, ConfigurationError):
        return True
    return False


@given(data=st.data())
@settings(SLOW_FIXTURE, max_examples=300)
def test_a_flipped_bit_is_found_or_changes_nothing(
    path: Path, sound: tuple[bytes, list[Entry]], data: st.DataObject
) -> None:
    """Wherever in the file it is: in an entry it breaks the chain; never is something else read as true."""
    content, entries = sound
    at, bit = data.draw(st.integers(0, len(content) - 1)), data.draw(st.integers(0, 7))
    damaged = content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]
    same_or_broken(path, damaged, entries)


def flips(content: bytes, places: Iterable[int]) -> Iterator[bytes]:
    """Return `content` with each bit of the bytes at `places` flipped, one at a time."""
    for at in places:
        for bit in range(8):
            yield content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]


def test_every_flipped_bit_of_an_entry_is_found(path: Path, sound: tuple[bytes, list[Entry]]) -> None:
    """Each bit of one entry's stored bytes, one after the other."""
    content, entries = sound
    stored = b'FeedRestored{"v":1,"fact":{"ts_ns":3,"feed":"xxx"}}' + entries[3].hash
    start = content.index(stored)
    for damaged in flips(content, range(start, start + len(stored))):
        assert same_or_broken(path, damaged, entries)


def test_every_flipped_bit_of_the_end_is_found_or_changes_nothing(path: Path, sound: tuple[bytes, list[Entry]]) -> None:
    """The row that says where the chain ends, with the types of its columns, and the header of every page."""
    content, entries = sound
    page = int.from_bytes(content[16:18])
    end = content.index(entries[-1].hash, 2 * page)
    headers = [start + at for start in range(0, len(content), page) for at in range(12)]
    for damaged in flips(content, [*range(end - 8, end), *headers]):
        same_or_broken(path, damaged, entries)
    for damaged in flips(content, range(end, end + 32)):
        assert same_or_broken(path, damaged, entries)


@given(size=st.integers(0, 100))
@SLOW_FIXTURE
def test_a_file_cut_short_is_found(path: Path, sound: tuple[bytes, list[Entry]], size: int) -> None:
    """A torn copy is no shorter journal: none of its entries is taken for the last."""
    content, entries = sound
    assert same_or_broken(path, content[: (len(content) - 1) * size // 100], entries)


@pytest.mark.parametrize("broken", [lambda: 2**63, lambda: 2**80])
def test_a_time_that_no_column_holds_is_refused(journal: SqliteJournal, broken: Callable[[], int]) -> None:
    """The failure has the journal's name, not the driver's."""
    with pytest.raises(JournalBroken, match="cannot be written"):
        journal.append([BreakerTripped(ts_ns=broken(), objections=1)], 1)
