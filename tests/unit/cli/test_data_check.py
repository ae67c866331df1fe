"""`trading-system data check`, as a person and as a program use it."""

import json
from pathlib import Path

from tests.unit.cli.market_files import MINUTE_MS, START_MS, bar_file, rows


def test_clean_bars_say_so_and_end_with_zero(run, bars):
    """A file with nothing wrong: its name, its rows, and that it is clean."""
    told = run("data", "check", bars)
    assert (told.code, told.err) == (0, "")
    assert told.out == "BTCUSDT.csv: 600 rows; clean\n"


def test_a_program_is_told_every_field(run, bars):
    """One object for a file, times as epoch ms of the bar's open."""
    left = rows(600)
    bar_file(Path("gap.csv"), left[:100] + left[103:])
    told = run("data", "check", "--json", "gap.csv")
    assert told.code == 1
    assert json.loads(told.out) == {
        "file": "gap.csv",
        "rows": 597,
        "interval_ms": MINUTE_MS,
        "defects": [
            {
                "kind": "gap",
                "first": START_MS + 100 * MINUTE_MS,
                "last": START_MS + 102 * MINUTE_MS,
                "rows": 3,
                "action": "flag",
                "detail": "3 bars absent before row 101",
            }
        ],
    }


def test_several_files_are_a_line_each_and_the_worst_decides(run, bars):
    """Clean, absent, clean: three objects, exit code 2."""
    told = run("data", "check", "--json", bars, "nowhere.csv", bars)
    assert told.code == 2
    seen = [json.loads(line) for line in told.out.splitlines()]
    assert [record["file"] for record in seen] == ["BTCUSDT.csv", "nowhere.csv", "BTCUSDT.csv"]
    assert [[defect["kind"] for defect in record["defects"]] for record in seen] == [[], ["unreadable"], []]
    assert seen[1]["interval_ms"] is None
    assert seen[1]["defects"][0]["first"] is None


def test_a_person_is_shown_the_first_defects_and_how_many_more(run, bars):
    """A table with times in words; --limit says how long."""
    left = rows(600)
    bar_file(Path("gaps.csv"), [row for number, row in enumerate(left) if number % 100 != 50])
    told = run("data", "check", "gaps.csv", "--limit", "2")
    assert told.code == 1
    assert "gaps.csv: 594 rows; gap 6" in told.out
    assert told.out.count("absent") == 2
    assert "and 4 more" in told.out


def test_an_interval_that_was_said_is_held_against_the_bars(run, bars):
    """Minutes that should be hours are told as such; no interval of that name is one message."""
    told = run("data", "check", "--json", "--interval", "1h", bars)
    assert told.code == 1
    assert [defect["kind"] for defect in json.loads(told.out)["defects"]] == ["wrong_interval"]
    told = run("data", "check", "--interval", "hourly", bars)
    assert told.code == 2
    assert "interval 'hourly' is not understood" in told.err
