"""`backtest` from the shell's point of view: a file of bars in, a run's folder out, and one message where it cannot."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
import polars as pl
import pytest
import yaml
from tests.unit.cli.market_files import Run, bar_file, rows

from trading_system.backtest.run_folder import A_RUNS
from trading_system.data_pipeline.bar_store import BarStore, read_bars
from trading_system.market.catalog import lookup

pytestmark = pytest.mark.slow

EXAMPLE: Final = Path(__file__).resolve().parents[3] / "examples/policies/steady.py"
CROSS: Final = ("--strategy", "sma_cross", "--set", "fast=5", "--set", "slow=20")
"""Trades a dozen times in 600 minutes."""


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_file_of_bars_becomes_a_runs_folder(run: Run, bars: Path) -> None:
    """Nothing but a file and a name are needed; it trades, and pays."""
    told = run("backtest", "--bars", bars, *CROSS, "--out", "runs/one", "--json")
    assert (told.code, told.err) == (0, "")
    found = json.loads(told.out)
    assert found["command"] == "backtest"
    assert found["trades"] > 5
    assert found["optimistic"] == []
    assert found["sleeves"] == [{"strategy": "sma_cross", "symbol": "BTCUSDT"}]
    assert found["statistics"]["trades"] == found["trades"]
    assert found["statistics"]["fees"] > 0
    assert set(content(Path("runs/one"))) == A_RUNS - {"quarantine.jsonl", "trials.parquet"}
    fills = pl.read_parquet("runs/one/fills.parquet")
    assert len(fills) == found["fills"]
    assert set(fills["reason"]) <= {"entry", "exit", "stop", "unprotected"}
    assert fills["client_order_id"].n_unique() == len(fills)
    assert set(fills["fee_asset"]) == {"BTC", "USDT"}


def test_the_table_is_for_people_and_names_the_report(run: Run, bars: Path) -> None:
    """No JSON, no progress where nobody watches; the page's path at the end."""
    told = run("backtest", "--bars", bars, *CROSS, "--out", "runs/one")
    assert (told.code, told.err) == (0, "")
    assert "sma_cross on BTCUSDT" in told.out
    assert "Sharpe ratio" in told.out
    assert told.out.splitlines()[-1] == "report: runs/one/report.html"


def test_the_same_inputs_give_the_same_bytes_in_any_folder(run: Run, bars: Path) -> None:
    """Neither time nor place is in them."""
    for out in ("runs/one", "elsewhere"):
        assert run("backtest", "--bars", bars, *CROSS, "--out", out).code == 0
    assert content(Path("runs/one")) == content(Path("elsewhere"))


def test_the_configuration_of_a_run_makes_it_again(run: Run, bars: Path, tmp_path: Path) -> None:
    """Whatever was chosen, for all or for one, stands in it under the name under which it is read."""
    bar_file(tmp_path / "ETHUSDT.csv", rows(600, seed=2, price=2_000.0))
    choices = (
        "--strategy", "slow=sma_cross", "--strategy", "donchian", "--set", "slow.fast=7", "--set", "slow.slow=30",
        "--set", "donchian.stop=fixed", "--set", "ETHUSDT.taker_fee_bps=5", "--set", "fill=close", "--set", "cash=5000",
        "--set", "finish=last_close", "--set", "latency_bars=1", "--set", "volume_limit=0.5", "--set", "lot=0.001",
        "--from", "2024-01-01T01:00:00Z", "--set", "take_profit=2.5", "--set", "size=kelly", "--set", "short=allowed",
    )  # fmt: skip
    assert run("backtest", "--bars", bars, "--bars", "ETHUSDT.csv", *choices, "--out", "one").code == 0
    assert run("backtest", "--config", "one/config.yaml", "--out", "two").code == 0
    assert content(Path("one")) == content(Path("two"))
    written = yaml.safe_load(Path("one/config.yaml").read_text())
    assert written["only"] == {"donchian": {"stop": "fixed"}, "ETHUSDT": {"taker_fee_bps": 5.0}}
    assert written["policy"]["size"] == "kelly"


def test_the_command_line_counts_before_the_configuration(run: Run, bars: Path) -> None:
    """One value changes, the rest stays."""
    assert run("backtest", "--bars", bars, *CROSS, "--out", "one").code == 0
    assert run("backtest", "--config", "one/config.yaml", "--set", "fast=6", "--out", "two").code == 0
    one, two = (yaml.safe_load(Path(f"{name}/config.yaml").read_text()) for name in ("one", "two"))
    assert (one["strategies"][0]["set"].pop("fast"), two["strategies"][0]["set"].pop("fast")) == (5, 6)
    assert one == two


def test_a_configuration_by_hand_needs_no_sections(run: Run, bars: Path, tmp_path: Path) -> None:
    """The names of the command line, flat."""
    (tmp_path / "mine.yaml").write_text("bars: BTCUSDT.csv\nstrategy: sma_cross\nfast: 5\nslow: 20\nspread_bps: 0\n")
    told = run("backtest", "--config", "mine.yaml", "--json")
    assert told.code == 0, told.err
    assert json.loads(told.out)["config"]["costs"]["spread_bps"] == 0.0


def test_a_configuration_is_for_the_bars_that_it_was_written_for(run: Run, bars: Path, tmp_path: Path) -> None:
    """Other bars under the same name are noticed; other bars on the command line are meant."""
    assert run("backtest", "--bars", bars, *CROSS, "--out", "one").code == 0
    bar_file(tmp_path / "BTCUSDT.csv", rows(600, seed=9))
    told = run("backtest", "--config", "one/config.yaml", "--out", "two")
    assert told.code == 2
    assert "these are not the bars that the configuration was written for" in told.err
    assert not Path("two").exists()
    assert run("backtest", "--config", "one/config.yaml", "--bars", bars, "--out", "two").code == 0


def test_instruments_share_one_account_and_a_gap_of_one_is_no_gap_of_the_other(
    run: Run, bars: Path, tmp_path: Path
) -> None:
    """BTCUSDT begins an hour before and ends an hour before ETHUSDT."""
    bar_file(tmp_path / "ETHUSDT.csv", rows(600, seed=2, first=60, price=2_000.0))
    told = run("backtest", "--bars", bars, "--bars", "ETHUSDT.csv", *CROSS, "--out", "one", "--json")
    found = json.loads(told.out)
    assert [sleeve["symbol"] for sleeve in found["sleeves"]] == ["BTCUSDT", "ETHUSDT"]
    assert len(pl.read_parquet("one/equity.parquet")) == 660
    assert set(pl.read_parquet("one/fills.parquet")["instrument"]) == {"BTCUSDT", "ETHUSDT"}
    assert [sleeve["size_fraction"] for sleeve in found["config"]["found"]["sleeves"]] == [0.475, 0.475]


def test_two_strategies_trade_one_instrument_each_for_itself(run: Run, bars: Path) -> None:
    """Each has its own orders, under its own name."""
    two = ("--strategy", "sma_cross", "--strategy", "rsi_reversion")
    assert run("backtest", "--bars", bars, *two, "--out", "one").code == 0
    assert set(pl.read_parquet("one/fills.parquet")["strategy"]) == {"sma_cross", "rsi_reversion"}


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ("fill=close", "fill = close"),
        ("limit_fill=touch", "limit_fill = touch"),
        ("limit_fill=open", "limit_fill = open"),
        ("size=at_fill", "size = at_fill"),
        ("short=allowed", "short = allowed"),
        ("taker_fee_bps=0", "taker_fee_bps = 0"),
        ("maker_fee_bps=0", "maker_fee_bps = 0"),
    ],
)
def test_an_optimistic_choice_is_said_aloud(run: Run, bars: Path, choice: str, words: str) -> None:
    """In the JSON, and in the head of the page."""
    told = run("backtest", "--bars", bars, *CROSS, "--set", choice, "--out", "one", "--json")
    assert [line.startswith(words) for line in json.loads(told.out)["optimistic"]] == [True]
    assert json.loads(Path("one/report.json").read_text())["optimistic"][0].startswith(words)
    assert "Optimistic" in Path("one/report.html").read_text()


def test_what_is_open_at_the_end_can_be_sold_with_its_costs(run: Run, bars: Path) -> None:
    """Bought and held: one fill; sold at the last close: two, and a little less money."""
    ends = {}
    for finish in ("hold", "last_close"):
        told = run(
            "backtest", "--bars", bars, "--strategy", "buy_and_hold", "--set", "stop=none", "--set", f"finish={finish}",
            "--out", finish, "--json",
        )  # fmt: skip
        ends[finish] = json.loads(told.out)
    assert [ends[finish]["fills"] for finish in ("hold", "last_close")] == [1, 2]
    assert pl.read_parquet("last_close/fills.parquet")["reason"].to_list() == ["entry", "finish"]
    paid = ends["hold"]["equity"]["end"] - ends["last_close"]["equity"]["end"]
    assert 0.0011 < paid / ends["hold"]["equity"]["end"] < 0.0013  # 10 bps fee, 1 half spread, 1 slippage, on 95 %


def test_bars_come_from_the_store(run: Run, bars: Path) -> None:
    """By symbol; the only interval there is needs no name."""
    instrument = lookup("binance", "BTCUSDT")
    assert instrument is not None
    BarStore(Path("store")).write(read_bars(bars, instrument, 60 * 10**9), instrument, "1m")
    stored = run("backtest", "--bars", "store", "--instrument", "BTCUSDT", *CROSS, "--json")
    filed = run("backtest", "--bars", bars, *CROSS, "--json")
    assert json.loads(stored.out)["data_sha256"] == json.loads(filed.out)["data_sha256"]
    assert json.loads(stored.out)["statistics"] == json.loads(filed.out)["statistics"]


def test_bad_rows_can_be_set_aside_beside_the_run(run: Run, bars: Path, tmp_path: Path) -> None:
    """The file of what was set aside is part of the run's folder."""
    lines = rows(600)
    lines[100] = lines[100].replace(lines[100].split(",")[2], "1.00")
    bar_file(tmp_path / "BTCUSDT.csv", lines)
    refused = run("backtest", "--bars", bars, *CROSS, "--out", "one")
    assert refused.code == 2
    assert "line 102" in refused.err
    assert not Path("one").exists()
    taken = run("backtest", "--bars", bars, *CROSS, "--on-bad-data", "quarantine", "--out", "one", "--json")
    assert json.loads(taken.out)["counts"]["rows_set_aside"] == 1
    assert len(Path("one/quarantine.jsonl").read_text().splitlines()) == 1


def test_a_runs_folder_is_replaced_and_nothing_else_ever_is(run: Run, bars: Path, tmp_path: Path) -> None:
    """Somebody's notes beside a run make it somebody's folder."""
    assert run("backtest", "--bars", bars, *CROSS, "--out", "one").code == 0
    before = content(Path("one"))
    assert run("backtest", "--bars", bars, *CROSS, "--set", "fast=6", "--out", "one").code == 0
    assert content(Path("one")) != before
    (tmp_path / "one/notes.txt").write_text("mine")
    told = run("backtest", "--bars", bars, *CROSS, "--out", "one")
    assert (told.code, told.out) == (2, "")
    assert "notes.txt, which is no run's" in told.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["BTCUSDT.csv", "one"]


def test_a_policy_of_ones_own_takes_the_place_of_ours(run: Run, bars: Path) -> None:
    """The example buys the same number of lots each time; its file's hash stands in the configuration."""
    told = run("backtest", "--bars", bars, *CROSS, "--policy", EXAMPLE, "--set", "lots=300", "--out", "one", "--json")
    assert told.code == 0, told.err
    fills = pl.read_parquet("one/fills.parquet")
    assert set(fills.filter(pl.col("reason") == "entry")["lots"]) == {300}
    config = yaml.safe_load(Path("one/config.yaml").read_text())
    assert config["found"]["policy_sha256"] == sha256(EXAMPLE.read_bytes()).hexdigest()
    assert config["policy"]["lots"] == 300
    assert run("backtest", "--config", "one/config.yaml", "--out", "two").code == 0
    assert content(Path("one")) == content(Path("two"))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("policy.lots if held", "policy.lotz if held", "line 43: decide() failed: AttributeError"),
        ("held = held_lots(sleeve)", "held = int(format(held_lots(sleeve)))", "cannot be compiled"),
    ],
)
def test_a_policy_that_fails_is_told_with_its_line_or_what_the_compiler_says(
    run: Run, bars: Path, old: str, new: str, words: str
) -> None:
    """As Python first, then compiled: one message, no traceback."""
    text = EXAMPLE.read_text()
    assert old in text
    Path("mine.py").write_text(text.replace(old, new))
    told = run("backtest", "--bars", bars, *CROSS, "--policy", "mine.py", "--json")
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("Error: mine.py")
    assert words in told.err


def test_the_page_is_made_again_to_the_byte(run: Run, bars: Path) -> None:
    assert run("backtest", "--bars", bars, *CROSS, "--out", "one").code == 0
    before = Path("one/report.html").read_bytes()
    Path("one/report.html").unlink()
    told = run("report", "one", "--json")
    assert (told.code, json.loads(told.out)) == (0, {"page": "one/report.html"})
    assert Path("one/report.html").read_bytes() == before


def test_a_report_of_nothing_is_refused(run: Run, bars: Path) -> None:
    told = run("report", ".")
    assert (told.code, told.out) == (2, "")
    assert "report.json" in told.err


def test_strategies_are_listed_with_their_parameters(run: Run, bars: Path) -> None:
    """For people and for machines; one by name."""
    found = json.loads(run("strategies", "--json").out)
    assert {each["name"]: each["default"] for each in found["sma_cross"]["parameters"]}["slow"] == 50
    table = run("strategies", "donchian").out
    assert "donchian" in table
    assert "sma_cross" not in table
    assert "did you mean donchian?" in run("strategies", "donchain").err


def test_every_choice_is_listed(run: Run, bars: Path) -> None:
    told = run("backtest", "--choices")
    assert told.code == 0
    assert "taker_fee_bps" in told.out


BAD: Final = {
    "no bars": (["--strategy", "sma_cross"], "say where the bars are"),
    "no strategy": (["--bars", "BTCUSDT.csv"], "say what to run: --strategy NAME; there are: sma_cross"),
    "no such file": (["--bars", "nope.csv", *CROSS], "nope.csv: no such file"),
    "no such strategy": (["--bars", "BTCUSDT.csv", "--strategy", "sma_cros"], "did you mean sma_cross?"),
    "no such choice": (["--bars", "BTCUSDT.csv", *CROSS, "--set", "taker_fee=1"], "did you mean taker_fee_bps?"),
    "no such parameter": (["--bars", "BTCUSDT.csv", *CROSS, "--set", "fats=1"], "did you mean fast?"),
    "no such owner": (["--bars", "BTCUSDT.csv", *CROSS, "--set", "sma_cros.fast=1"], "did you mean sma_cross?"),
    "not of that section": (["--bars", "BTCUSDT.csv", *CROSS, "--set", "costs.stop=none"], "there is no choice 'stop'"),
    "no value": (["--bars", "BTCUSDT.csv", *CROSS, "--set", "fast"], "must be written NAME=VALUE"),
    "out of range": (["--bars", "BTCUSDT.csv", *CROSS, "--set", "max_drawdown=2"], "max_drawdown must be a number"),
    "no number": (["--bars", "BTCUSDT.csv", *CROSS, "--set", "spread_bps=two"], "spread_bps must be a number"),
    "no word": (["--bars", "BTCUSDT.csv", *CROSS, "--set", "stop=tight"], "stop must be one of trailing, fixed, none"),
    "too fine": (["--bars", "BTCUSDT.csv", *CROSS, "--set", "maker_fee_bps=0.00001"], "too fine"),
    "contradiction": (["--bars", "BTCUSDT.csv", *CROSS, "--set", "leave_below=0.6"], "must be less than enter_above"),
    "fast above slow": (["--bars", "BTCUSDT.csv", *CROSS, "--set", "fast=30"], "must be less than slow"),
    "no money": (["--bars", "BTCUSDT.csv", *CROSS, "--set", "cash=0"], "cash: must be more than 0"),
    "too much money": (["--bars", "BTCUSDT.csv", *CROSS, "--set", "cash=1e12"], "out of range"),
    "other currency": (["--bars", "BTCUSDT.csv", *CROSS, "--set", "quote=EUR"], "is traded in USDT"),
    "finer than an atom": (["--bars", "BTCUSDT.csv", *CROSS, "--set", "lot=0.000000001"], "finer than 1e-8"),
    "not those ticks": (["--bars", "BTCUSDT.csv", *CROSS, "--set", "tick=0.5"], "not a whole tick"),
    "no interval": (["--bars", "BTCUSDT.csv", *CROSS, "--interval", "1x"], "is not understood"),
    "another interval": (["--bars", "BTCUSDT.csv", *CROSS, "--interval", "10s"], "no two bars are 10s apart"),
    "no date": (["--bars", "BTCUSDT.csv", *CROSS, "--from", "yesterday"], "is no date"),
    "no span": (["--bars", "BTCUSDT.csv", *CROSS, "--from", "2024-02-01", "--to", "2024-01-01"], "must be before to"),
    "nothing in it": (["--bars", "BTCUSDT.csv", *CROSS, "--from", "2025-01-01"], "no bar between"),
    "twice the same": (["--bars", "BTCUSDT.csv", "--bars", "BTCUSDT.csv", *CROSS], "named twice"),
    "other instrument": (["--bars", "BTCUSDT.csv", "--bars", "X=BTCUSDT.csv", "--instrument", "Y", *CROSS], "Y: none"),
    "one label twice": (["--bars", "BTCUSDT.csv", *CROSS, "--strategy", "sma_cross"], "are called sma_cross"),
    "two ranges": (["--bars", "BTCUSDT.csv", *CROSS, "--strategy", "donchian", "--set", "donchian.atr=7"], "alike"),
    "no script": (["--bars", "BTCUSDT.csv", "--strategy", "script"], "say which file"),
    "no such script": (["--bars", "BTCUSDT.csv", "--strategy", "script", "--set", "file=a.py"], "a.py: cannot be read"),
    "no such policy": (["--bars", "BTCUSDT.csv", *CROSS, "--policy", "a.py"], "a.py: cannot be read"),
    "no store": (["--bars", ".", "--instrument", "BTCUSDT", *CROSS], "no bars of BTCUSDT at binance"),
    "no such config": (["--config", "a.yaml"], "--config a.yaml: cannot be read"),
    "no place for bad rows": (["--bars", "BTCUSDT.csv", *CROSS, "--on-bad-data", "quarantine"], "needs --out DIR"),
    "a file in the way": (["--bars", "BTCUSDT.csv", *CROSS, "--out", "BTCUSDT.csv"], "is no folder"),
    "a folder in use": (["--bars", "BTCUSDT.csv", *CROSS, "--out", "."], "holds BTCUSDT.csv, which is no run's"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "words"), BAD.values(), ids=BAD.keys())
def test_bad_input_ends_in_one_message_and_exit_code_2(run: Run, bars: Path, arguments: list[str], words: str) -> None:
    """A traceback would be an exception here; nothing is printed for machines, and nothing is left behind."""
    told = run("backtest", *arguments, "--json")
    assert (told.code, told.out) == (2, "")
    assert words in told.err
    assert [path.name for path in Path.cwd().iterdir()] == ["BTCUSDT.csv"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a\n", "must map names to values"),
        ("a: [b\n", "is not YAML"),
        ("strategies: 3\n", "must be a list"),
        ("bars: 3\n", "must be a text or a list of texts"),
        ("bars: BTCUSDT.csv\nstrategy: sma_cross\nfast: [1, 2]\n", "fast must be one value"),
        ("bars: BTCUSDT.csv\nstrategy: sma_cross\nnope: 1\n", "there is no choice 'nope'"),
    ],
)
def test_a_configuration_that_cannot_be_understood_is_refused(
    run: Run, bars: Path, tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    told = run("backtest", "--config", "mine.yaml")
    assert (told.code, told.out) == (2, "")
    assert words in told.err


def test_report_json_is_the_run_that_was_printed(run: Run, bars: Path) -> None:
    """The two tell the same numbers."""
    printed = json.loads(run("backtest", "--bars", bars, *CROSS, "--out", "one", "--json").out)
    report = msgspec.json.decode(Path("one/report.json").read_bytes())
    assert {each["name"]: each["value"] for each in report["statistics"]} == printed["statistics"]
    assert report["config"] == json.loads(json.dumps(printed["config"]))
