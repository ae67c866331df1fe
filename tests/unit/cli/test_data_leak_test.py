"""`data leak-test` from the shell's point of view: 0 clean, 1 a leak, 2 could not be tested, with one message."""

import json
from pathlib import Path

import pytest
from tests.leaks import honest, planted
from tests.unit.cli.market_files import MINUTE_MS, START_MS, Run, bar_file, rows

from trading_system.data_pipeline.leaks.futures import FUTURES
from trading_system.data_pipeline.normalizers.features import HOUSE_SET

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
FEW = ("--cuts", "12")


def test_the_house_is_clean(run: Run, bars: Path) -> None:
    """With nothing but a file: features, windows, scalers, labels, joined metrics."""
    told = run("data", "leak-test", "--bars", bars, *FEW)
    assert (told.code, told.err) == (0, "")
    assert "LEAK" not in told.out
    assert "BTCUSDT, 600 bars, 2024-01-01T00:01:00.000Z" in told.out
    for name in (*HOUSE_SET.names, "windows", "scalers", "label_16", "joined metric"):
        assert name in told.out


def test_clean_is_said_of_the_cuts_that_were_tried(run: Run, bars: Path) -> None:
    """A few of them may miss a single row that looks ahead: that is said, and how to try them all."""
    few = run("data", "leak-test", "--bars", bars, "--features", "body", "--cuts", "12")
    told = json.loads(run("data", "leak-test", "--bars", bars, "--features", "body", "--cuts", "12", "--json").out)
    assert 24 <= told["cuts"] < told["possible_cuts"] <= 1_200
    assert f"clean at {told['cuts']} of {told['possible_cuts']:,} cuts: body, windows, scalers\n" in few.out
    assert "a single row may still look ahead; all of them: --cuts 600" in few.out


def test_every_cut_leaves_nothing_to_be_said(tmp_path: Path, run: Run) -> None:
    """With as many cuts as bars each row has one."""
    short = bar_file(tmp_path / "BTCUSDT.csv", rows(80))
    out = run("data", "leak-test", "--bars", short, "--features", "body", "--cuts", "80", "--window", "4").out
    assert "single row" not in out
    (line,) = (line for line in out.splitlines() if line.startswith("clean at "))
    tried, possible = line.removeprefix("clean at ").split(" cuts:")[0].split(" of ")
    assert tried == possible


def test_features_are_chosen_by_name(run: Run, bars: Path) -> None:
    """By comma or by repeating; each with its windows and scalers."""
    asked = ("--features", "rsi_14,return_4", "--features", "body")
    told = json.loads(run("data", "leak-test", "--bars", bars, *asked, *FEW, "--json").out)
    assert [column["name"] for column in told["columns"]] == ["rsi_14", "return_4", "body", "windows", "scalers"]
    assert {column["verdict"] for column in told["columns"]} == {"clean"}
    assert all(column["compared"] > 0 for column in told["columns"])
    assert told["leaks"] == []


def test_leaks_are_told_to_people_and_to_machines(run: Run, bars: Path) -> None:
    """The exit code is 1; each finding with cut, row, old and new value; times are closes, epoch ms."""
    asked = ("data", "leak-test", "--bars", bars, "--feature-file", planted.__file__, *FEW)
    told = run(*asked)
    assert (told.code, told.err) == (1, "")
    assert "LEAK  next_close: what comes after 2024-01-01T" in told.out
    assert "it looks 1 bar ahead or more" in told.out
    assert "LEAK  noise: asked twice about the same bars it says" in told.out
    told = run(*asked, "--json")
    assert told.code == 1
    found = json.loads(told.out)
    assert found["futures"] == list(FUTURES)
    assert (found["symbol"], found["interval_ms"], found["bars"]) == ("BTCUSDT", MINUTE_MS, 600)
    verdicts = {column["name"]: column["verdict"] for column in found["columns"]}
    assert verdicts["next_close"] == "leak"
    assert verdicts["several_columns_one_of_which_leaks[0]"] == "clean"
    (leak,) = (
        leak
        for leak in found["leaks"]
        if (leak["name"], leak["world"], leak["future"]) == ("next_close", "as it is", "no bars")
    )
    assert leak["cut"] == leak["row"]
    assert (leak["cut"] - START_MS) % MINUTE_MS == 0
    assert leak["old"] > 0
    assert leak["new"] is None
    assert leak["ahead"] == 1
    assert 10 <= leak["cuts"] <= leak["tried"] == 12


def test_honest_features_are_clean(run: Run, bars: Path) -> None:
    """Of a user's own file."""
    assert run("data", "leak-test", "--bars", bars, "--feature-file", honest.__file__, *FEW).code == 0


def test_a_feature_declared_by_its_step_is_tested_like_those_of_the_house(run: Run, bars: Path) -> None:
    """At once and bar by bar, with its windows and scalers; it may stand among others by comma."""
    own = EXAMPLES / "features/run_strength.py"
    told = json.loads(run("data", "leak-test", "--bars", bars, "--feature-file", own, *FEW, "--json").out)
    assert [column["name"] for column in told["columns"]] == ["run_strength", "windows", "scalers"]
    assert told["leaks"] == []
    told = json.loads(run("data", "leak-test", "--bars", bars, "--features", f"body,{own}", *FEW, "--json").out)
    assert [column["name"] for column in told["columns"]][:2] == ["body", "run_strength"]


def test_the_example_of_a_strategy_is_clean(run: Run, bars: Path) -> None:
    """The scripts that a new user starts from do not look ahead."""
    scripts = {path.name: path for path in (EXAMPLES / "strategies").glob("*.py")}
    del scripts["given_signals.py"]  # it reads them from a file of the user's
    assert scripts
    for script in scripts.values():
        assert run("data", "leak-test", "--bars", bars, "--script", script, *FEW).code == 0


def test_a_script_is_tested(run: Run, bars: Path) -> None:
    """One that looks at its own window, and one that looks at the next."""
    Path("good.py").write_text("WINDOW = 3\ndef view(bars):\n    return 0.5 + 0 * bars.close[:, -1]\n")
    Path("bad.py").write_text(
        "import numpy as np\nWINDOW = 3\ndef view(bars):\n"
        "    return 0.4 + 0.2 * (np.append(bars.close[1:, -1], 0) > bars.close[:, -1])\n"
    )
    assert run("data", "leak-test", "--bars", bars, "--script", "good.py", *FEW).code == 0
    told = run("data", "leak-test", "--bars", bars, "--script", "bad.py", *FEW)
    assert told.code == 1
    assert "LEAK  view" in told.out


def test_bars_may_come_from_a_store(run: Run, bars: Path) -> None:
    """One series needs no name; of several, which is said."""
    for symbol in ("BTCUSDT", "ETHUSDT"):
        assert run("data", "import", bars, "--store", "store", "--symbol", symbol, "--interval", "1m").code == 0
    asked = ("data", "leak-test", "--bars", "store", "--features", "body", *FEW)
    told = run(*asked)
    assert told.code == 2
    assert "name one series with --symbol, --interval and --venue; of binance there are: BTCUSDT 1m, ETHUSDT 1m" in (
        told.err
    )
    assert run(*asked, "--symbol", "ETHUSDT").code == 0
    assert "there are: none" in run(*asked, "--venue", "bybit").err


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--features", "rsi_fourteen"), "rsi_fourteen"),
        (("--feature-file", "none.py"), "none.py"),
        (("--features", "body", "--script", "x.py"), "one at a time"),
        (("--features", "return_96", "--length", "50"), "nothing is known of return_96, windows, scalers"),
        (("--interval", "1 minute"), "1 minute"),
    ],
)
def test_what_cannot_be_tested_is_told(run: Run, bars: Path, asked: tuple[str, ...], said: str) -> None:
    """Exit code 2 and one message: neither a traceback nor a clean bill."""
    told = run("data", "leak-test", "--bars", bars, *asked, *FEW)
    assert told.code == 2
    assert said in told.err
    assert "Traceback" not in told.err


def test_bad_bars_are_told(run: Run, bare_environment: Path) -> None:
    """A row that is no bar: bars are looked over before features are."""
    lines = rows(100)
    lines[50] = lines[49]
    bar_file(bare_environment / "BTCUSDT.csv", lines)
    told = run("data", "leak-test", "--bars", "BTCUSDT.csv", "--features", "body")
    assert told.code == 2
    assert "duplicate" in told.err
    assert run("data", "leak-test", "--bars", "nothing.csv").code == 2


def test_the_seed_is_all_the_chance_there_is(run: Run, bars: Path) -> None:
    """The same again, byte for byte; noise aside."""
    asked = ("data", "leak-test", "--bars", bars, "--features", "rsi_14", *FEW, "--json")
    assert run(*asked) == run(*asked)


def test_the_help_shows_an_example(run: Run) -> None:
    """And what the exit codes mean."""
    told = run("data", "leak-test", "--help")
    assert told.code == 0
    assert "trading-system data leak-test --bars BTCUSDT_5m.parquet" in told.out
    assert "0 where nothing leaks, 1 where something does, 2 where it could not be tested" in " ".join(told.out.split())
