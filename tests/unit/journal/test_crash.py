"""What is left when the process or the disk gives up in the middle of writing. Real processes, really killed."""

import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from trading_system.journal.sqlite import SqliteJournal
from trading_system.ports import Entry

WRITER = """
import sys
from pathlib import Path
from trading_system.blotter.events import FeedRestored
from trading_system.journal.sqlite import SqliteJournal

journal = SqliteJournal.open(Path(sys.argv[1]))
number = journal.head().seq
print("open", flush=True)
while True:
    facts = [FeedRestored(ts_ns=number + n, feed="x" * (number % 997)) for n in range(1 + number % 3)]
    journal.append(facts, number)
    number += len(facts)
    print(number, flush=True)
"""
"""Appends one to three facts at a time for ever, and says how many are durable each time `append` returned."""

FULL_DISK = """
import resource, sys
from pathlib import Path
from trading_system.blotter.events import TimerFired
from trading_system.errors import JournalBroken
from trading_system.journal.sqlite import SqliteJournal

journal = SqliteJournal.open(Path(sys.argv[1]))
journal.append([TimerFired(ts_ns=1)], 1)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
durable = 1
try:
    while True:
        journal.append([TimerFired(ts_ns=1)] * 10, 1)
        durable += 10
except JournalBroken as error:
    print(error, file=sys.stderr)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
try:
    journal.append([TimerFired(ts_ns=1)], 1)  # there is room again, but what the disk holds is not known
except JournalBroken as error:
    print(error, file=sys.stderr)
print(durable, journal.head().seq)
"""


def entries(path: Path) -> Sequence[Entry]:
    """Return what a reader finds; raises where the chain does not hold."""
    return list(SqliteJournal.open(path, writer=False).read())


@pytest.mark.parametrize("lines", [1, 2, 3, 10, 100, 400])
def test_a_kill_in_the_middle_loses_nothing_that_was_promised(tmp_path: Path, lines: int) -> None:
    """SIGKILL while it appends: what is left verifies, holds whole batches, and all that `append` returned for.

    Three times over on one journal: the writer that comes next finds the lock free and goes on.
    """
    path = tmp_path / "journal.sqlite3"
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            for _ in range(lines):
                promised = int(process.stdout.readline())
            process.kill()  # the writer is in the middle of one of its next appends
            promised = max(promised, *map(int, process.stdout.read().split() or ["0"]))
        found = entries(path)
        assert len(found) >= promised
        batches = {entry.recorded_ns: 1 + entry.recorded_ns % 3 for entry in found}
        assert len(found) == sum(batches.values())
        with closing(SqliteJournal.open(path)) as journal:
            assert list(journal.read()) == found


def test_a_full_disk_stops_the_journal_and_keeps_what_it_had(tmp_path: Path) -> None:
    """No room: JournalBroken at once and from then on; every earlier entry verifies, by this process and the next."""
    path = tmp_path / "journal.sqlite3"
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=True)
    durable, head = map(int, done.stdout.split())
    assert durable == head > 100
    first, later = done.stderr.splitlines()
    assert "cannot be written" in first
    assert "takes no more entries" in later
    assert len(entries(path)) == durable
    with closing(SqliteJournal.open(path)) as journal:
        assert journal.head().seq == durable
