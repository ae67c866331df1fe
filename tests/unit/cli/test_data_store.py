"""`trading-system data import`, `ls`, `export` and `resample`, as a person and as a program use them."""

import hashlib
import json
from pathlib import Path

import polars as pl
import pytest
from tests.unit.cli.market_files import MINUTE_MS, START_MS, bar_file, rows


def told(done):
    """The JSON objects that a command printed."""
    assert done.code == 0, done.err
    return [json.loads(line) for line in done.out.splitlines()]


def files(folder):
    return {path: path.read_bytes() for path in Path(folder).rglob("*") if path.is_file() and path.name != ".lock"}


@pytest.fixture
def stored(run, bars):
    """600 minutes of BTCUSDT in the store of the current folder."""
    [done] = told(run("data", "import", bars, "--json"))
    assert (done["symbol"], done["interval"], done["new"], done["set_aside"]) == ("BTCUSDT", "1m", 600, 0)


def test_import_says_what_became_of_each_file_and_again_changes_nothing(run, bars, stored):
    """Symbol by the file's name, interval by its rows; the second time all is known."""
    before = files("data")
    done = run("data", "import", bars, bars)
    assert (done.code, files("data")) == (0, before)
    assert done.out.count("BTCUSDT.csv: binance BTCUSDT 1m: 600 bars read, 0 of them new") == 2


def test_import_sets_bad_rows_aside_and_says_so(run, bare_environment):
    """One row is no bar, another contradicts what is stored; the rest goes in, and the command has done its work."""
    lines = rows(50)
    bar_file(Path("BTCUSDT.csv"), lines[:40])
    run("data", "import", "BTCUSDT.csv")
    lines[10] = lines[10].replace(lines[10].split(",")[5], "77")
    lines[45] = lines[45].replace(lines[45].split(",")[2], "1")
    bar_file(Path("BTCUSDT-again.csv"), lines)
    done = run("data", "import", "BTCUSDT-again.csv")
    assert done.code == 0
    assert "49 bars read, 9 of them new" in done.out
    assert "1 rows that are no bars, 1 that contradict the store" in done.out
    assert "absent: 1 bars in 1 gaps" in done.out
    [row, other] = [json.loads(line) for line in Path("data/quarantine.jsonl").read_text().splitlines()]
    assert {row["kind"], other["kind"]} >= {"contradiction"}


def test_a_file_that_fails_does_not_stop_the_others(run, bars):
    """The second and the fourth of five are none; each is told, and the exit code is 2."""
    done = run("data", "import", bars, "none.csv", bars, "other.csv", bars, "--json")
    assert (done.code, "2 of 5 files" in done.err, "none.csv: no such file" in done.err) == (2, True, True)
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [line.get("new") for line in lines] == [600, None, 0, None, 0]
    assert lines[1]["error"] == "none.csv: no such file"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["import", "none.csv"], "none.csv: no such file"),
        (["import"], "Missing argument"),
        (["import", "BTCUSDT.csv", "--interval", "fortnight"], "interval 'fortnight' is not understood"),
        (["import", "BTCUSDT.csv", "--tick", "cheap"], "must be numbers"),
        (["import", "BTCUSDT.csv", "--tick", "nan"], "must be numbers above 0"),
        (["import", "BTCUSDT.csv", "--tick", "0"], "must be numbers above 0"),
        (["import", "BTCUSDT.csv", "--trades"], "no column trade_id"),
        (["import", "BTCUSDT.csv", "--trades", "--interval", "1m"], "neither --interval nor --tick"),
        (["export", "none/x.csv", "--symbol", "BTCUSDT", "--interval", "1m"], "none/x.csv: No such file"),
        (["export", "x.txt", "--symbol", "BTCUSDT", "--interval", "1m"], "end in .csv, .parquet"),
        (["export", "x.csv", "--symbol", "ETHUSDT", "--interval", "1m"], "no bars of ETHUSDT 1m"),
        (["export", "x.csv", "--symbol", "BTCUSDT", "--interval", "1m", "--since", "2030-01-01"], "in that span"),
        (["export", "x.csv", "--symbol", "BTCUSDT", "--interval", "1m", "--since", "soon"], "'soon'"),
        (["resample", "--symbol", "BTCUSDT", "--from", "1m", "--to", "90s"], "must be a multiple"),
        (["resample", "--symbol", "BTCUSDT", "--from", "trades", "--to", "1m"], "no trades of BTCUSDT"),
        (["resample", "--symbol", "BTCUSDT", "--from", "1m", "--to", "1h", "--partial"], "--partial needs --out"),
    ],
)
def test_bad_input_is_told_in_one_message(run, stored, arguments, words):
    """Exit code 2, and nothing written."""
    before = files(".")
    done = run("data", *arguments)
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert files(".") == before


def test_ls_says_what_there_is(run, bars, stored):
    """A line a series for people, with its files on demand; an object a series for programs."""
    run("data", "resample", "--symbol", "BTCUSDT", "--from", "1m", "--to", "1h")
    done = run("data", "ls", "--months", "--verify")
    assert "binance BTCUSDT 1h  10 bars in 1 months, 2024-01-01T00:00Z to 2024-01-01T09:00Z; absent 0 in 0" in done.out
    hours, minutes = told(run("data", "ls", "--json"))
    assert (hours["interval"], minutes["interval"]) == ("1h", "1m")
    assert (minutes["bars"], minutes["missing"], minutes["gaps"], minutes["wrong"]) == (600, 0, 0, "")
    [month] = minutes["months"]
    assert (month["month"], month["bars"], len(month["sha256"])) == ("2024-01", 600, 64)
    assert month["sha256"][:16] in done.out
    assert minutes["sha256"] == hashlib.sha256(month["sha256"].encode()).hexdigest()
    assert run("data", "ls", "--symbol", "ETHUSDT").out == "nothing under data/bars\n"


def test_ls_counts_what_is_absent_within_and_between_months(run, bare_environment):
    """Hours of the last day of January and the first of February: one absent within, three across midnight."""
    hour = 60 * MINUTE_MS
    start = START_MS + 30 * 24 * hour
    there = [n for n in range(48) if n not in {5, 23, 24, 25}]
    bar_file(Path("BTCUSDT.csv"), [f"{start + n * hour},10,11,9,10.{n:02},{1 + n}" for n in there])
    run("data", "import", "BTCUSDT.csv")
    [hours] = told(run("data", "ls", "--json"))
    assert (hours["bars"], hours["missing"], hours["gaps"]) == (44, 4, 2)
    assert [month["gaps"] for month in hours["months"]] == [1, 0]


def test_ls_finds_a_changed_file_and_a_lost_one(run, stored):
    """Exit code 2: by its hash where that is asked for, by the manifest always."""
    path = Path("data/bars/binance/BTCUSDT/1m/2024-01.parquet")
    content = bytearray(path.read_bytes())
    content[300] ^= 1
    path.write_bytes(content)
    assert run("data", "ls").code == 0
    done = run("data", "ls", "--verify")
    assert (done.code, "WRONG: " in done.out, str(path) in done.out) == (2, True, True)
    path.rename("2024-01.parquet")
    run("data", "import", bar_file(Path("later.csv"), rows(9, first=60 * 24 * 40)), "--symbol", "BTCUSDT")
    done = run("data", "ls")
    assert (done.code, "gone: 2024-01 (600 rows)" in done.out) == (2, True)


def test_ls_tells_of_a_series_of_which_all_is_lost_and_of_a_broken_one_beside_sound_ones(run, stored):
    """Exit code 2 for them, 0 for the sound one alone; a lost series is not nothing."""
    run("data", "import", bar_file(Path("other.csv"), rows(9)), "--symbol", "ETHUSDT")
    run("data", "import", bar_file(Path("other.csv"), rows(9)), "--symbol", "SOLUSDT")
    Path("data/bars/binance/BTCUSDT/1m/2024-01.parquet").unlink()
    Path("data/bars/binance/ETHUSDT/1m/2024-01.parquet").write_bytes(b"no parquet")
    done = run("data", "ls")
    assert done.code == 2
    assert "BTCUSDT 1m  0 bars in 0 months" in done.out
    assert "gone: 2024-01 (600 rows)" in done.out
    assert "is no file of this store" in done.out
    assert run("data", "ls", "--symbol", "SOLUSDT").code == 0
    wrong = [json.loads(line)["wrong"] != "" for line in run("data", "ls", "--json").out.splitlines()]
    assert wrong == [True, True, False]


def test_ls_counts_what_is_odd_where_that_is_asked_for(run, bare_environment):
    """By a review of the series as it is: an hour without trades, and the bar behind the absent one."""
    lines = rows(600)
    lines[30] = ",".join([*lines[30].split(",")[:5], "0"])
    bar_file(Path("BTCUSDT.csv"), lines[:70] + lines[71:])
    run("data", "import", "BTCUSDT.csv")
    [row] = told(run("data", "ls", "--flags", "--json"))
    assert row["flagged"] == {"zero bar": 1, "after a gap": 1}
    assert "flagged: 1 zero bar, 1 after a gap" in run("data", "ls", "--flags").out
    assert "flagged" not in run("data", "ls").out


def test_what_is_exported_and_imported_again_is_the_same_store(run, stored):
    """To the byte, by CSV and by Parquet; a span is cut where it says."""
    for name in ("BTCUSDT.csv", "BTCUSDT.parquet"):
        out = Path("out") / name
        out.parent.mkdir(exist_ok=True)
        [done] = told(run("data", "export", out, "--symbol", "BTCUSDT", "--interval", "1m", "--json"))
        assert done["rows"] == 600
        run("data", "import", out, "--store", f"again/{name}/bars")
        ours, again = files("data/bars/binance"), files(f"again/{name}/bars/binance")
        assert {path.name: content for path, content in ours.items()} == {
            path.name: content for path, content in again.items()
        }
    span = ("--since", "2024-01-01T01:00", "--until", "2024-01-01T01:30")
    assert run("data", "export", "part.csv", "--symbol", "BTCUSDT", "--interval", "1m", *span).code == 0
    part = pl.read_csv("part.csv", infer_schema=False)
    assert part.height == 30
    assert part["timestamp"][0] == str(START_MS + 60 * MINUTE_MS)
    assert part.row(0)[1:6] == tuple(rows(600)[60].split(",")[1:])
    assert not list(Path().rglob("*.part"))


def test_resample_keeps_a_bar_that_misses_a_part_only_in_a_file(run, bare_environment):
    """Ten hours of minutes without the 70th: nine hours, one left out; in a file it is kept and flagged."""
    lines = rows(600)
    bar_file(Path("BTCUSDT.csv"), lines[:70] + lines[71:])
    run("data", "import", "BTCUSDT.csv")
    hours = ("data", "resample", "--symbol", "BTCUSDT", "--from", "1m", "--to", "1h", "--json")
    [done] = told(run(*hours))
    assert (done["rows"], done["new"], done["partial"]) == (9, 9, 1)
    [done] = told(run(*hours, "--partial", "--out", "hours.parquet"))
    assert (done["rows"], done["partial"]) == (10, 1)
    flags = pl.read_parquet("hours.parquet")["flags"].to_list()
    assert [flag for flag in flags if flag] == [flags[1]]
    words = run("data", "resample", "--symbol", "BTCUSDT", "--from", "1m", "--to", "1h").out
    assert "of which 0 are new" in words
    assert "1 that miss a part, left out" in words


def test_resample_changes_no_bar_that_the_venue_told_otherwise(run, stored):
    """Two hours are there already, one of them with another close: it stays, and is counted."""
    run("data", "resample", "--symbol", "BTCUSDT", "--from", "1m", "--to", "1h", "--out", "hours.csv")
    header, first, second, *_ = Path("hours.csv").read_text().splitlines()
    cells = second.split(",")
    cells[4] = cells[1]
    Path("BTCUSDT.csv").write_text("\n".join([header, first, ",".join(cells)]) + "\n")
    run("data", "import", "BTCUSDT.csv")
    hours = ("data", "resample", "--symbol", "BTCUSDT", "--from", "1m", "--to", "1h")
    [done] = told(run(*hours, "--json"))
    assert (done["rows"], done["new"], done["known"], done["contradicted"]) == (10, 8, 1, 1)
    assert "1 contradict it and are set aside in data/quarantine.jsonl" in run(*hours).out
    [row] = [json.loads(line) for line in Path("data/quarantine.jsonl").read_text().splitlines()]
    assert (row["kind"], row["series"]["interval"], json.loads(row["raw"])[0]) == (
        "contradiction", "1h", START_MS + 60 * MINUTE_MS,
    )  # fmt: skip
    assert run("data", "quarantine", "replay", "--json").code == 0


def test_trades_are_imported_and_make_bars(run, bare_environment):
    """Seven trades in five minutes make three whole ones; the second time they are known; `ls` lists them too."""
    lines = [f"{n},{START_MS + n * 40_000},{100 + n}.5,0.{n + 1},buy" for n in range(7)]
    Path("BTCUSDT.csv").write_text("\n".join(["id,time,price,qty,side", *lines]))
    assert "BTCUSDT trades: 7 trades read, 7 of them new" in run("data", "import", "--trades", "BTCUSDT.csv").out
    [done] = told(run("data", "import", "--trades", "BTCUSDT.csv", "--json"))
    assert (done["new"], done["known"]) == (0, 7)
    minutes = ("data", "resample", "--symbol", "BTCUSDT", "--from", "trades", "--to", "1m")
    words = run(*minutes).out
    assert "3 bars of BTCUSDT 1m, of which 3 are new" in words
    assert "2 that miss a part, left out" in words
    run("data", "export", "bars.csv", "--symbol", "BTCUSDT", "--interval", "1m")
    assert Path("bars.csv").read_text().splitlines()[1:] == [
        f"{START_MS + MINUTE_MS},102.5,102.5,102.5,102.5,0.3,0",
        f"{START_MS + 2 * MINUTE_MS},103.5,104.5,103.5,104.5,0.9,0",
        f"{START_MS + 3 * MINUTE_MS},105.5,105.5,105.5,105.5,0.6,0",
    ]
    assert [row["interval"] for row in told(run("data", "ls", "--json", "--verify"))] == ["1m", "trades"]
    [done] = told(run(*minutes, "--partial", "--out", "all.csv", "--json"))
    assert (done["rows"], done["partial"]) == (5, 2)
    done = run(*minutes, "--since", "2030-01-01")
    assert (done.code, "no trades of BTCUSDT" in done.err) == (2, True)


def test_an_unfinished_bar_of_trades_does_not_keep_the_true_one_out(run, bare_environment):
    """The trades of half a minute, then all of them: the bar comes once it is whole, and nothing contradicts it."""
    lines = [f"{n},{START_MS + n * 20_000},{100 + n}.5,1,buy" for n in range(12)]
    minutes = ("data", "resample", "--symbol", "BTCUSDT", "--from", "trades", "--to", "1m", "--json")
    for some, expected in ((lines[:5], (0, 2)), (lines, (2, 2))):
        Path("BTCUSDT.csv").write_text("\n".join(["id,time,price,qty,side", *some]))
        run("data", "import", "--trades", "BTCUSDT.csv")
        [done] = told(run(*minutes))
        assert (done["new"], done["partial"]) == expected
        assert done["contradicted"] == 0


def test_a_trade_that_contradicts_the_store_is_set_aside_and_told(run, bare_environment):
    """As a bar is: exit code 0, the counts say it, and the quarantine has the row; a second look leaves it there."""
    Path("BTCUSDT.csv").write_text(f"id,time,price,qty,side\n1,{START_MS},100,0.2,buy\n2,{START_MS},100,0.2,buy\n")
    run("data", "import", "--trades", "BTCUSDT.csv")
    Path("BTCUSDT.csv").write_text(f"id,time,price,qty,side\n1,{START_MS},7,0.2,buy\n2,{START_MS},100,0.2,buy\n")
    done = run("data", "import", "--trades", "BTCUSDT.csv", "--quarantine", "aside.jsonl")
    assert (done.code, "0 rows that are no trades, 1 that contradict the store" in done.out) == (0, True)
    [row] = [json.loads(line) for line in Path("aside.jsonl").read_text().splitlines()]
    assert (row["kind"], row["line"], row["raw"]) == ("contradiction", 2, f"1,{START_MS},7,0.2,buy\n")
    replayed = run("data", "quarantine", "replay", "--file", "aside.jsonl", "--json")
    assert replayed.code == 0
