"""The demonstration from end to end: real processes, a real SIGKILL, the same hashes twice."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from trading_system.bootstrap import read_journal
from trading_system.desk.audit import compare

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo")]

DAYS: Final = "12"
PATIENCE_S: Final = 120.0


def command(out: Path, days: str = DAYS) -> list[str]:
    """The command line of a demonstration into `out`."""
    return [sys.executable, "-m", "trading_system", "demo", "--days", days, "--out", str(out)]


def hashes_in(text: str) -> Mapping[str, str]:
    """The hashes that a demonstration printed, by their names."""
    return dict(re.findall(r"^(\w+) +([0-9a-f]{64})$", text, re.MULTILINE))


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder and the words of one demonstration."""
    out = tmp_path_factory.mktemp("demo") / "first"
    run = subprocess.run(command(out), capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return out, run.stdout


def test_a_killed_engine_recovers_to_equal_books(ran: tuple[Path, str]) -> None:
    """It was killed, started again, asked instead of sending again, and every row is the exchange's."""
    out, said = ran
    assert "SIGKILL to process" in said
    assert "engine started again" in said
    assert "asked: The venue was asked for it by its name" in said
    assert "Books against the exchange's ledger: EQUAL" in said
    assert "No edge is claimed: synthetic market with a planted pattern." in said
    ledger = json.loads((out / "ledger.json").read_text(encoding="utf-8"))
    assert ledger["market"] == "synthetic"
    assert len(ledger["fills"]) > 1
    assert compare(read_journal(out / "journal.sqlite3"), ledger) == []


def test_the_order_at_the_kill_had_filled_and_was_sent_once(ran: tuple[Path, str]) -> None:
    """The hardest case: the exchange executed it, and nobody told us."""
    out, said = ran
    found = re.search(r"SIGKILL to process \d+: order (ts-\w+) is at the exchange", said)
    assert found is not None
    ledger = json.loads((out / "ledger.json").read_text(encoding="utf-8"))
    (order,) = [order for order in ledger["orders"] if order["client_order_id"] == found[1]]
    assert (order["side"], order["type"], order["status"]) == ("BUY", "MARKET", "FILLED")
    assert ledger["requests"][found[1]] == {"seen": 1, "lost": 0}


def test_a_second_run_prints_the_same_hashes(ran: tuple[Path, str], tmp_path: Path) -> None:
    """Data, ledger, journal, model and page depend on seed and code, on no clock, port, folder or race."""
    again = subprocess.run(command(tmp_path), capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    first = hashes_in(ran[1])
    assert set(first) == {"data", "ledger", "journal", "model", "page"}
    assert hashes_in(again.stdout) == first


def test_the_report_is_one_file_that_tells_of_the_kill(ran: tuple[Path, str]) -> None:
    """Its contents are the page's own tests' affair; here it only must be there, whole."""
    page = (ran[0] / "report.html").read_text(encoding="utf-8")
    assert page.rstrip().endswith("</html>")
    assert "What happened at the kill" in page


@contextmanager
def started(out: Path) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """A long demonstration whose engine runs, and that engine's process; nothing is left of it afterwards."""
    with subprocess.Popen(
        command(out, days="200"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as run:
        try:
            assert run.stdout is not None
            line = next(line for line in run.stdout if line.startswith("engine started, process "))
            yield run, int(line.rsplit(" ", 1)[1])
        finally:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)


def is_gone(pid: int) -> bool:
    """Whether no process of this number runs any more, given some seconds to vanish."""
    deadline = time.monotonic() + 10.0
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
    return False


def test_an_engine_that_dies_unasked_ends_the_demonstration_with_its_last_words(tmp_path: Path) -> None:
    """Not every SIGKILL is ours: one that nobody planned is a failure, and says so."""
    with started(tmp_path) as (run, engine):
        os.kill(engine, signal.SIGKILL)
        _, complaint = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 3
    assert "the engine ended by signal 9 before the market did" in complaint
    assert "Traceback" not in complaint


def test_an_interrupt_leaves_no_process_behind(tmp_path: Path) -> None:
    """Ctrl-C ends both at once, with the exit code of an interrupt."""
    with started(tmp_path) as (run, engine):
        run.send_signal(signal.SIGINT)
        _, complaint = run.communicate(timeout=PATIENCE_S)
        assert is_gone(engine)
    assert run.returncode == 130
    assert "Traceback" not in complaint


def test_two_demonstrations_do_not_share_a_folder(tmp_path: Path) -> None:
    """The second would delete the first one's journal: it is refused, and nothing of the first is touched."""
    with started(tmp_path):
        second = subprocess.run(command(tmp_path), capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert (tmp_path / "journal.sqlite3").exists()
    assert second.returncode == 2
    assert "another demonstration runs in" in second.stderr
