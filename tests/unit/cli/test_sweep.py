"""`sweep` from the shell's point of view: a file of bars and ranges in, the best run's folder and all trials out."""

import json
from pathlib import Path

import polars as pl
import pytest
from tests.unit.cli.market_files import Run, bar_file, rows

from trading_system.backtest.run_folder import A_RUNS

pytestmark = pytest.mark.slow

CROSSES = ("--strategy", "sma_cross", "--set", "fast=5,8", "--set", "slow=20")


def test_the_best_of_all_trials_is_reported_with_their_number(run: Run, bars: Path) -> None:
    """Two averages, two trials: the folder is the better one's, which says of how many it is the best."""
    told = run("sweep", "--bars", bars, *CROSSES, "--out", "runs/best", "--json")
    assert (told.code, told.err) == (0, "")
    found = json.loads(told.out)
    assert found["sweep"]["trials"] == found["statistics"]["trials"] == 2
    assert found["sweep"]["best"] == found["sweep"]["top"][0]["set"]
    assert {path.name for path in Path("runs/best").iterdir()} == A_RUNS - {"quarantine.jsonl"}
    assert len(pl.read_parquet("runs/best/trials.parquet")) == 2
    assert json.loads(Path("runs/best/report.json").read_text())["trials"]["count"] == 2


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("from", "2024-01-01,2024-01-01T02:00:00Z"),
        ("bars.gaps", "leave,fill"),
        ("min_notional", "5,9000"),
        ("BTCUSDT.lot", "0.001,0.1"),
        ("quote", "USDT,auto"),
    ],
)
def test_bars_and_terms_cannot_be_varied(run: Run, bars: Path, name: str, values: str) -> None:
    """They are read once for all trials; a second value would be printed and never tried."""
    told = run("sweep", "--bars", bars, "--strategy", "sma_cross", "--set", f"{name}={values}")
    assert (told.code, told.out) == (2, "")
    assert f"{name.rpartition('.')[2]} cannot be varied" in told.err


def test_bad_rows_are_set_aside_for_all_trials(run: Run, bare_environment: Path) -> None:
    """One row of 600 is no bar: the trials run without it, and the best one's folder holds it."""
    lines = rows(600)
    lines[40] = lines[40].replace(",", ",-", 1)
    bar_file(bare_environment / "BTCUSDT.csv", lines)
    setting_aside = ("sweep", "--bars", "BTCUSDT.csv", *CROSSES, "--on-bad-data", "quarantine")
    assert run(*setting_aside, "--out", "best").code == 0
    assert len(Path("best/quarantine.jsonl").read_text().splitlines()) == 1
    told = run(*setting_aside)
    assert (told.code, told.out) == (2, "")
    assert "needs --out DIR" in told.err


def test_a_folder_that_is_no_runs_is_refused(run: Run, bars: Path) -> None:
    """What lies in it stays."""
    Path("notes").mkdir()
    Path("notes/today.txt").write_text("mine")
    told = run("sweep", "--bars", bars, *CROSSES, "--out", "notes")
    assert told.code == 2
    assert "holds today.txt" in told.err
    assert [path.name for path in Path("notes").iterdir()] == ["today.txt"]


def test_combinations_that_cannot_be_are_left_out_and_counted(run: Run, bars: Path) -> None:
    """A fast average must be faster than the slow one: of 5, 10 and 15 against 10 one pair is left."""
    sets = ("--set", "fast=5..15:5", "--set", "slow=10")
    told = json.loads(run("sweep", "--bars", str(bars), "--strategy", "sma_cross", *sets, "--json").out)
    assert (told["sweep"]["trials"], told["sweep"]["impossible"]) == (1, 2)
    never = run("sweep", "--bars", str(bars), "--strategy", "sma_cross", "--set", "fast=10,15", "--set", "slow=10")
    assert never.code == 2
    assert "must be less than slow" in never.err
