"""The quarantine: a row put there is there, with its very bytes, whatever ends the process that put it."""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.errors import ConfigurationError, DataError
from trading_system.utils.error_handling.quarantine import Quarantine, beside
from trading_system.utils.error_handling.quarantine_records import (
    NEXT,
    Kept,
    Mark,
    Record,
    Series,
    State,
    line_of,
    raw_of,
    told_by,
)

SERIES = Series(venue="binance", symbol="BTCUSDT", interval="1h", tick="0.01")


def make_record(line=1, *, raw=b"1704067200000,1,2,0.5,1.5,10\r\n", source="bars.csv", **more):
    return Record(source=source, kind="high below low", reason="line 1: high below low", raw=raw, line=line, **more)


@pytest.fixture
def quarantine(tmp_path):
    return Quarantine(tmp_path / "data" / "quarantine.jsonl", now_ns=lambda: 7)


raws = st.binary() | st.text().map(str.encode)
texts = st.text(st.characters(codec="utf-8"))
all_series = st.none() | st.builds(Series, venue=texts, symbol=texts, interval=texts, tick=texts)
records = st.builds(
    Record,
    source=texts,
    kind=texts,
    reason=texts,
    raw=raws,
    line=st.none() | st.integers(0, 2**53),
    series=all_series,
    form=st.sampled_from(["csv", "json", ""]),
    columns=st.lists(texts).map(tuple),
    shift_ns=st.integers(-(2**62), 2**62),
    open_ns=st.none() | st.integers(0, 2**62),
)


@given(record=records, put_ns=st.integers(0, 2**62))
def test_a_row_comes_back_as_it_was_put(record, put_ns):
    """To the byte, for any bytes; and it is one line of the file."""
    kept = Kept(id=record.id, record=record, put_ns=put_ns)
    line = line_of(kept)
    assert told_by(line) == kept
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")


@given(text=st.text())
def test_text_that_no_encoding_knows_is_written_out_and_stops_nobody(text):
    """A reason or a person's words may hold half a surrogate pair."""
    mark = Mark(id="0" * 16, state=State.RELEASED, by="x", why=text, at_ns=1)
    assert isinstance(told_by(line_of(mark)), Mark)
    kept = Kept(id="", record=Record(source="s", kind="k", reason=text, raw=b""), put_ns=1)
    assert isinstance(told_by(line_of(replace(kept, id=kept.record.id))), Kept)


def test_bytes_that_are_no_utf_8_are_base64_and_text_is_text(quarantine):
    """People read the file, too: only what is no text is coded. 0xff 0x00 is /wA= in base64 (RFC 4648)."""
    quarantine.put_all([make_record(1, raw="3,5 €\n".encode()), make_record(2, raw=b"\xff\x00")])
    first, second = (json.loads(line) for line in quarantine.path.read_bytes().splitlines())
    assert first["raw"] == "3,5 €\n"
    assert second["raw_base64"] == "/wA="


def test_the_same_row_from_the_same_place_is_one_record(quarantine):
    """Put again, by this or another process, for the same or another reason; the first stays."""
    assert quarantine.put_all([make_record(1), make_record(2)]) == 2
    assert quarantine.put_all([replace(make_record(1), reason="now for another one")]) == 0
    assert Quarantine(quarantine.path).put_all([make_record(2), make_record(3)]) == 1
    rows = quarantine.contents().rows.values()
    assert [row.record.line for row in rows] == [1, 2, 3]
    assert {row.record.reason for row in rows} == {"line 1: high below low"}
    assert len(quarantine.path.read_bytes().splitlines()) == 3


@pytest.mark.parametrize(
    "other", [{"line": 2}, {"raw": b"1704067200000,1,2,0.5,1.5,10\n"}, {"source": "BARS.csv"}, {"line": None}]
)
def test_another_line_other_bytes_or_another_source_is_another_row(other):
    """Even where only the end of the line differs."""
    assert replace(make_record(1), **other).id != make_record(1).id


def test_what_became_of_a_row_is_a_line_more(quarantine):
    """Who, when and why; the lines above are never touched."""
    quarantine.put_all([make_record(1), make_record(2)])
    before = quarantine.path.read_bytes()
    key = make_record(1).id
    assert quarantine.mark([key], State.RELEASED, by="ann", why="seen on the venue's page") == 1
    assert quarantine.path.read_bytes().startswith(before)
    row = quarantine.contents().rows[key]
    assert row.marks == (Mark(id=key, state=State.RELEASED, by="ann", why="seen on the venue's page", at_ns=7),)
    assert quarantine.contents().rows[make_record(2).id].state is State.HELD


def test_a_row_that_was_put_again_stays_what_it_became(quarantine):
    """Importing a file a second time does not call back what a person decided."""
    quarantine.put_all([make_record(1)])
    quarantine.mark([make_record(1).id], State.DISCARDED, by="ann", why="a test message")
    assert Quarantine(quarantine.path).put_all([make_record(1)]) == 0
    assert quarantine.contents().rows[make_record(1).id].state is State.DISCARDED


def test_a_mark_that_cannot_follow_is_passed_over_though_it_stands_in_the_file(quarantine):
    """Somebody's hand wrote it: what went into the store cannot be held or discarded any more."""
    key = make_record(1).id
    quarantine.put_all([make_record(1)])
    quarantine.mark([key], State.RELEASED, by="ann", why="right")
    with quarantine.path.open("ab") as file:
        file.write(line_of(Mark(id=key, state=State.DISCARDED, by="bob", why="by hand", at_ns=8)))
    assert quarantine.contents().rows[key].state is State.RELEASED


def test_an_unknown_row_cannot_be_marked(quarantine):
    """Nothing is written for it."""
    quarantine.put_all([make_record(1)])
    before = quarantine.path.read_bytes()
    assert quarantine.mark(["0" * 16], State.RELEASED, by="ann", why="x") == 0
    assert quarantine.path.read_bytes() == before


wishes = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(State), st.booleans()), max_size=12)


@given(wishes=wishes)
def test_only_what_may_follow_follows(wishes):
    """Any wishes for three rows, by one process or several in turn: states are those of the table folded over them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "q.jsonl"
        mine = Quarantine(path)
        mine.put_all(make_record(line) for line in range(3))
        model = [State.HELD] * 3
        for row, state, afresh in wishes:
            teller = Quarantine(path) if afresh else mine
            changed = teller.mark([make_record(row).id], state, by="x", why="y")
            assert changed == (state in NEXT[model[row]])
            model[row] = state if changed else model[row]
        assert [row.state for row in mine.contents().rows.values()] == model


@given(cut=st.floats(0, 1), several=st.booleans())
def test_a_torn_line_costs_no_other_and_is_put_again(cut, several):
    """Wherever the file ends, whole lines are read, the torn one is told, and putting all again makes all be there."""
    rows = [make_record(line, raw=b"\xfe{}\n" if line % 2 else b"a,b\n") for line in range(1, 5)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "q.jsonl"
        Quarantine(path).put_all(rows)
        whole = path.read_bytes()
        path.write_bytes(whole[: int(cut * len(whole))])
        torn = path.read_bytes()
        lines = torn.count(b"\n")
        complete = lines + (not torn.endswith(b"\n") and torn + b"\n" == b"".join(whole.splitlines(True)[: lines + 1]))
        found = Quarantine(path).contents()
        assert [row.record for row in found.rows.values()] == rows[:complete]
        assert found.damaged == ([lines + 1] if torn and not torn.endswith(b"\n") and complete == lines else [])
        again = Quarantine(path)
        added = sum(again.put_all([row]) for row in rows) if several else again.put_all(rows)
        assert added == 4 - complete
        assert [row.record for row in again.contents().rows.values()] == rows
        assert path.read_bytes().startswith(torn)


def test_a_damaged_row_is_told_and_does_not_count(quarantine):
    """A flipped digit in the bytes of a row: its id no longer fits, so that nobody releases what nobody received."""
    quarantine.put_all([make_record(1), make_record(2)])
    text = quarantine.path.read_bytes()
    quarantine.path.write_bytes(text.replace(b"1.5", b"1.6", 1))
    found = quarantine.contents()
    assert found.damaged == [1]
    assert [row.record.line for row in found.rows.values()] == [2]
    with pytest.raises(DataError, match="does not hold what was put there"):
        told_by(quarantine.path.read_bytes().splitlines()[0])


def test_a_file_that_was_taken_away_is_begun_anew(quarantine):
    """Moved or deleted while a process runs: what it puts then is there, though it was put before."""
    quarantine.put_all([make_record(1)])
    quarantine.path.rename(quarantine.path.with_suffix(".old"))
    assert quarantine.put_all([make_record(1)]) == 1
    assert len(quarantine.contents().rows) == 1


def test_no_file_is_an_empty_quarantine(quarantine):
    """Reading makes none."""
    assert quarantine.contents().rows == {}
    assert quarantine.put_all([]) == 0
    assert not quarantine.path.exists()


def test_one_that_cannot_be_written_is_refused_in_one_sentence(tmp_path):
    """Else a row would be dropped without a record."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="the quarantine cannot be written: File exists"):
        Quarantine(tmp_path / "file" / "q.jsonl").put("x", reason="y", source="z")
    with pytest.raises(ConfigurationError, match="the quarantine cannot be read: Is a directory"):
        Quarantine(tmp_path).contents()


@pytest.mark.parametrize(
    ("received", "raw"),
    [
        (b"\xff\n", b"\xff\n"),
        ("3 €", b"3 \xe2\x82\xac"),
        ({"p": Decimal("1.10"), "t": [1, None]}, b'{"p": "1.10", "t": [1, null]}'),
    ],
)
def test_bytes_and_text_are_kept_as_received_and_all_else_as_json(quarantine, received, raw):
    """A `Decimal` keeps its digits."""
    quarantine.put(received, reason="why", source="stream", kind="unreadable", line=3)
    [row] = quarantine.contents().rows.values()
    assert (row.record.raw, raw_of(received)) == (raw, raw)
    assert (row.record.source, row.record.line, row.put_ns) == ("stream", 3, 7)


def test_the_default_place_is_beside_the_store(tmp_path):
    """Not inside: the store's folders hold bars."""
    assert beside(tmp_path / "data" / "bars") == tmp_path / "data" / "quarantine.jsonl"


WRITER = """
import sys
from pathlib import Path
from trading_system.utils.error_handling.quarantine import Quarantine
from trading_system.utils.error_handling.quarantine_records import Record

quarantine = Quarantine(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for line in range(400):
    for source in ("of all writers", sys.argv[2]):
        quarantine.put_all([Record(source=source, kind="k", reason="r" * 5_000, raw=b"x", line=line)])
"""


def test_processes_that_put_at_the_same_time_lose_and_double_nothing(tmp_path):
    """Three writers at one file, each with 400 rows of its own and 400 that all have: each row once, none damaged."""
    path = tmp_path / "q.jsonl"
    command = [sys.executable, "-c", WRITER, str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    writers = [subprocess.Popen([*command, str(writer)], **pipes) for writer in range(3)]
    assert {writer.stdout.readline() for writer in writers} == {b"ready\n"}
    for writer in writers:  # all at once
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
    assert [writer.communicate() and writer.returncode for writer in writers] == [0, 0, 0]
    found = Quarantine(path).contents()
    assert found.damaged == []
    assert len(found.rows) == 4 * 400
    assert path.read_bytes().count(b"\n") == 4 * 400


ENDLESS = """
import sys
from pathlib import Path
from trading_system.utils.error_handling.quarantine import Quarantine
from trading_system.utils.error_handling.quarantine_records import Record

quarantine = Quarantine(Path(sys.argv[1]))
for batch in range(1_000_000):
    first = int(sys.argv[2]) + 500 * batch
    lines = range(first, first + 500)
    quarantine.put_all(Record(source="s", kind="k", reason="r" * 300, raw=b"x", line=line) for line in lines)
    print(first + 500, flush=True)
"""


def test_a_process_killed_at_any_moment_has_put_what_it_said_it_had(tmp_path):
    """kill -9, five times at one file: every batch that was acknowledged is there; a kill tears one line at most."""
    path, chance, first = tmp_path / "q.jsonl", random.Random(20), 0
    kills = 5
    for _ in range(kills):
        process = subprocess.Popen([sys.executable, "-c", ENDLESS, str(path), str(first)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        for _ in range(chance.randrange(1, 9)):
            acknowledged = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
        acknowledged = max([acknowledged, *(int(line) for line in process.stdout.read().split())])
        process.wait()
        found = Quarantine(path).contents()
        lines = sorted(row.record.line for row in found.rows.values())
        assert lines[:acknowledged] == list(range(acknowledged))
        assert lines == list(range(len(lines)))
        first = len(lines)
    assert len(found.damaged) <= kills


DOCS = (Path(__file__).resolve().parents[4] / "docs/data/quarantine.md").read_text(encoding="utf-8")


def cells(head):
    """Return the first two cells of each row of the docs' table whose header begins with `head`."""
    lines = DOCS.split(f"| {head} |")[1].split("\n\n")[0].splitlines()[2:]
    return [tuple(cell.strip() for cell in line.split("|")[1:3]) for line in lines]


def test_the_docs_name_every_field_and_every_step(quarantine):
    """What stands in the file stands in the docs, and nothing else; so do the states and what may follow each."""
    full = {"series": SERIES, "form": "csv", "columns": ("open",), "shift_ns": 1, "open_ns": 1}
    quarantine.put_all([make_record(1, **full), make_record(2, raw=b"\xff", **full)])
    written = {name for line in quarantine.path.read_bytes().splitlines() for name in json.loads(line)}
    assert {name.strip("` ") for names, _ in cells("field") for name in names.split(",")} == written - {"what"}
    steps = {
        State(before): {State(each.strip()) for each in after.split(",") if each} for before, after in cells("from")
    }
    assert steps == NEXT
