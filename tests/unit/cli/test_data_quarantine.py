"""`data quarantine`: rows set aside can be looked at, released, judged again; every answer is one clear sentence."""

import json
from pathlib import Path

import pytest
from tests.unit.cli.market_files import MINUTE_MS, START_MS, bar_file, rows

from trading_system.data_pipeline.bar_files import read_columns
from trading_system.data_pipeline.bar_store import BarStore
from trading_system.utils.error_handling.quarantine import Quarantine
from trading_system.utils.error_handling.quarantine_records import Record, Series

FILE = Path("data/quarantine.jsonl")
MINUTE_NS = MINUTE_MS * 1_000_000
GOOD_HIGH = "30100.005,29900,30000.00,1"
"""Its high is no whole tick of 0.01."""


def line_of(minute, rest):
    return f"{START_MS + minute * MINUTE_MS},30000.00,{rest}"


@pytest.fixture
def quarantine(bare_environment) -> Quarantine:
    """Three of 600 minutes set aside: the fifth is off the tick, the eighth has its high below its low, both of the
    twelfth contradict each other."""
    lines = rows(600)
    lines[4] = line_of(4, GOOD_HIGH)
    lines[7] = line_of(7, "29900.00,30100.00,30000.00,1")
    lines.insert(12, lines[11].rpartition(",")[0] + ",99")
    read_columns(
        bar_file(Path("BTCUSDT.csv"), lines),
        instrument=None,
        symbol="BTCUSDT",
        interval_ns=MINUTE_NS,
        on_bad_data="quarantine",
        quarantine=Quarantine(FILE),
    )
    return Quarantine(FILE)


def ids(quarantine, kind):
    return [row.id for row in quarantine.contents().rows.values() if row.record.kind == kind]


def stored():
    """Return the opens of all minutes in the store, counted from the first."""
    opens = BarStore(Path("data/bars")).columns("binance", "BTCUSDT", "1m").open_ns
    return ((opens // 1_000_000 - START_MS) // MINUTE_MS).tolist()


def test_ls_counts_by_source_and_kind(run, quarantine):
    """People get a table, machines one object; both say where the file is."""
    told = run("data", "quarantine", "ls")
    assert told.code == 0
    assert [line.split() for line in told.out.splitlines()] == [
        ["source", "kind", "held", "released", "replayed", "discarded"],
        ["BTCUSDT.csv", "contradicting", "duplicate", "2"],
        ["BTCUSDT.csv", "high", "below", "low", "1"],
        ["BTCUSDT.csv", "not", "a", "whole", "tick", "1"],
        ["4", "rows", "in", "data/quarantine.jsonl"],
    ]
    answer = json.loads(run("data", "quarantine", "ls", "--json").out)
    assert answer["file"] == str(FILE)
    assert answer["states"] == {"held": 4, "released": 0, "replayed": 0, "discarded": 0}
    assert {(each["kind"], each["rows"]) for each in answer["counts"]} == {
        ("contradicting duplicate", 2),
        ("high below low", 1),
        ("not a whole tick", 1),
    }


@pytest.mark.parametrize(
    ("filters", "many"),
    [
        ((), 4),
        (("--kind", "high below low"), 1),
        (("--kind", "high below low", "--kind", "not a whole tick"), 2),
        (("--kind", "spike"), 0),
        (("--series", "binance/BTCUSDT/1m"), 4),
        (("--series", "binance"), 4),
        (("--series", "*/BTC*"), 4),
        (("--series", "binance/BTC"), 0),
        (("--series", "binance/ETHUSDT"), 0),
        (("--state", "held"), 4),
        (("--state", "released"), 0),
    ],
)
def test_ls_is_narrowed_by_series_kind_and_state(run, quarantine, filters, many):
    """A series may be named by its first parts; a star stands for any text."""
    assert json.loads(run("data", "quarantine", "ls", *filters, "--json").out)["rows"] == many


def test_ls_lists_the_rows_too(run, quarantine):
    """Each with its id, line, time and reason."""
    answer = json.loads(run("data", "quarantine", "ls", "--rows", "--json", "--kind", "high below low").out)
    [row] = answer["each"]
    assert (row["id"], row["line"], row["opens"]) == (
        ids(quarantine, "high below low")[0], 9, "2024-01-01T00:07:00.000Z",
    )  # fmt: skip
    told = run("data", "quarantine", "ls", "--rows", "--kind", "high below low").out
    assert row["id"] in told
    assert row["reason"] in told


def test_show_tells_all_of_a_row(run, quarantine):
    """By the beginning of its id: bytes, cells, where it stood, and what became of it."""
    [key] = ids(quarantine, "not a whole tick")
    told = run("data", "quarantine", "show", key[:8]).out
    raw = line_of(4, GOOD_HIGH)
    assert f"raw       b'{raw}\\n'" in told
    assert "high 30100.005" in told
    run("data", "quarantine", "discard", key, "--reason", "the venue's test message")
    told = run("data", "quarantine", "show", key).out
    assert told.splitlines()[-1].endswith(": the venue's test message")
    answer = json.loads(run("data", "quarantine", "show", key, "--json").out)
    assert bytes.fromhex(answer["raw_hex"]) == f"{raw}\n".encode()
    assert answer["cells"]["high"] == "30100.005"
    assert [mark["state"] for mark in answer["marks"]] == ["discarded"]


def test_what_a_row_says_cannot_steer_a_terminal(run, bare_environment):
    """A source may send escape sequences; people who look at them see them written out."""
    Quarantine(FILE).put_all(
        [Record(source="\x1b[2Jevil", kind="\x1b]0;kind", reason="\x07why\n", raw=b"\x1b[31m\xff", line=1)]
    )
    key = next(iter(Quarantine(FILE).contents().rows))
    for arguments in (("ls",), ("ls", "--rows"), ("show", key)):
        told = run("data", "quarantine", *arguments).out
        assert told.replace("\n", "").isprintable()
        assert "evil" in told
    assert json.loads(run("data", "quarantine", "show", key, "--json").out)["raw_hex"] == "1b5b33316dff"


def test_release_puts_a_row_into_the_store_for_a_reason(run, quarantine):
    """A person knows which of two contradicting rows is right; the reason is kept beside the row."""
    key = ids(quarantine, "contradicting duplicate")[1]
    told = run("data", "quarantine", "release", key, "--reason", "the venue's page says 99", "--json")
    assert (told.code, json.loads(told.out)["stored"]) == (0, 1)
    assert stored() == [11]
    assert quarantine.contents().rows[key].marks[0].why == "the venue's page says 99"
    again = run("data", "quarantine", "release", key, "--reason", "once more")
    assert (again.code, stored()) == (0, [11])
    assert "it was released before" in again.out


def test_what_cannot_be_a_bar_cannot_be_released(run, quarantine):
    """Exit code 2 and why; the others of the same call are released."""
    [bad] = ids(quarantine, "high below low")
    good = ids(quarantine, "contradicting duplicate")[0]
    told = run("data", "quarantine", "release", bad, good, "--reason", "trust me")
    assert told.code == 2
    assert f"1 of 2 rows cannot be released\n  {bad}: cannot be a bar: high below low" in told.err
    assert "Traceback" not in told.err
    assert stored() == [11]


def test_a_row_off_the_tick_is_released_once_the_tick_is_named(run, quarantine):
    """30100.005 is a whole number of thousandths."""
    [key] = ids(quarantine, "not a whole tick")
    assert "(the tick is 0.01)" in run("data", "quarantine", "release", key, "--reason", "right").err
    assert run("data", "quarantine", "release", key, "--reason", "right", "--tick", "0.001").code == 0
    assert stored() == [4]


def test_replay_judges_all_again_and_tells_what_happened(run, quarantine):
    """With the right tick one row passes; the others stay, each with its reason; twice changes nothing."""
    told = run("data", "quarantine", "replay", "--tick", "0.001")
    assert told.code == 0
    assert told.out.splitlines()[-1] == "4 rows: 1 stored, 0 known, 3 stays"
    assert told.out.count("another row says otherwise of the same bar") == 2
    assert stored() == [4]
    before = FILE.read_bytes()
    answer = json.loads(run("data", "quarantine", "replay", "--tick", "0.001", "--json").out)
    assert (answer["stored"], answer["known"], answer["stays"]) == (0, 0, 3)
    assert FILE.read_bytes() == before


def test_a_quarantine_elsewhere_is_named(run, quarantine):
    """A run's folder has its own; what passes goes into the store that is named."""
    quarantine.path.rename("quarantine.jsonl")
    answer = json.loads(run("data", "quarantine", "ls", "--file", "quarantine.jsonl", "--json").out)
    assert answer["rows"] == 4
    assert json.loads(run("data", "quarantine", "ls", "--json").out)["rows"] == 0


def test_a_damaged_line_is_told(run, quarantine):
    """On standard error, for standard output is for the rows."""
    with FILE.open("ab") as file:
        file.write(b'{"what":"row","id":"0123')
    told = run("data", "quarantine", "ls")
    assert told.out.splitlines()[-1] == "4 rows in data/quarantine.jsonl"
    assert "1 line of the file is torn or damaged and was passed over: 5" in told.err
    assert json.loads(run("data", "quarantine", "ls", "--json").out)["damaged_lines"] == [5]


def test_many_rows_are_told_by_their_number(run, bare_environment):
    """Of 30 that stay, 20 are named."""
    series = Series(venue="binance", symbol="BTCUSDT", interval="1m")
    Quarantine(FILE).put_all(
        Record(source="s", kind="k", reason="r", raw=b"x", line=line, series=series, form="csv", columns=("open",))
        for line in range(30)
    )
    told = run("data", "quarantine", "replay").out.splitlines()
    assert sum(" stays: " in line for line in told) == 20
    assert told[-2:] == ["and 10 more stay", "30 rows: 0 stored, 0 known, 30 stays"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "zz"], "'zz': no such row; `data quarantine ls --rows` lists them"),
        (["show", ""], "no such row"),
        (["release", "zz", "--reason", "x"], "no such row"),
        (["release", "ID", "--reason", " "], "--reason: say why, in words"),
        (["release", "ID", "--reason", "x", "--tick", "zero"], "a tick is a number like 0.01"),
        (["replay", "--series", "binance", "--interval", "1 hour"], "interval '1 hour' is not understood"),
        (["replay", "--interval", "1h"], "--interval holds for one series"),
        (["ls", "--file", "."], "cannot be read"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(run, quarantine, arguments, words):
    """Exit code 2, no traceback, nothing changed."""
    before = FILE.read_bytes()
    [key] = ids(quarantine, "not a whole tick")
    told = run("data", "quarantine", *(key if each == "ID" else each for each in arguments))
    assert told.code == 2
    assert words in told.err
    assert "Traceback" not in told.err
    assert FILE.read_bytes() == before


def test_an_id_must_be_the_only_one_that_begins_so(run, bare_environment):
    """Of seventeen ids in hexadecimal digits, two begin alike."""
    Quarantine(FILE).put_all(Record(source="s", kind="k", reason="r", raw=b"x", line=line) for line in range(17))
    firsts = [key[0] for key in Quarantine(FILE).contents().rows]
    twice = next(first for first in firsts if firsts.count(first) > 1)
    told = run("data", "quarantine", "show", twice)
    assert told.code == 2
    assert f"{firsts.count(twice)} ids begin so" in told.err
