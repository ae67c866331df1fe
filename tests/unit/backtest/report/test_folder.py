"""The run's folder: whole, exact, the same every time, and enough to make the page again."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import pytest
import yaml
from tests.unit.backtest.report.results import (
    CONFIG,
    MINUTE_NS,
    START_NS,
    STATISTICS,
    make_findings,
    make_result,
    make_sharpes,
    make_statistic,
)

from trading_system.backtest.report.folder import read, rebuild, write
from trading_system.backtest.result import Result
from trading_system.errors import ConfigurationError, DataError
from trading_system.market.money import ATOMS

FILES: Final = {
    "buy_and_hold.parquet",
    "config.yaml",
    "equity.parquet",
    "fills.parquet",
    "prices.parquet",
    "report.html",
    "report.json",
}


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of `folder` by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def written(folder: Path, result: Result | None = None, **found: Any) -> Path:
    """Write a run into `folder` and return it."""
    result = make_result() if result is None else result
    write(result, folder, findings=make_findings(result, **found))
    return folder


def in_json(folder: Path) -> dict[str, Any]:
    """Return `report.json` as a strict reader takes it."""

    def refused(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    told: dict[str, Any] = json.loads((folder / "report.json").read_text(), parse_constant=refused)
    return told


def test_a_run_leaves_these_files_and_no_others(tmp_path: Path) -> None:
    """What is promised is there, in a folder that was not; nothing half-written stays behind."""
    assert set(contents(written(tmp_path / "new" / "run"))) == FILES


def test_the_same_run_gives_the_same_bytes_wherever_it_is_written(tmp_path: Path) -> None:
    """No date, no path, no order of a set: two folders of one run are equal, byte for byte."""
    one, other = (
        written(tmp_path / name, make_result(symbols=("BTCUSDT", "ETHUSDT"), strategies=("a", "b")))
        for name in ("one", "a much longer name")
    )
    assert contents(one) == contents(other)


@pytest.mark.parametrize("bars", [1, 2, 50, 9_001])
def test_the_page_can_be_made_again_from_the_other_files(tmp_path: Path, bars: int) -> None:
    """`report` needs the folder alone, and gives what the run gave, whether points were left out or not."""
    folder = written(tmp_path, make_result(bars=bars, trips=min(40, (bars - 1) // 2)))
    page = (folder / "report.html").read_bytes()
    (folder / "report.html").unlink()
    assert rebuild(folder) == folder / "report.html"
    assert (folder / "report.html").read_bytes() == page


def test_what_was_written_is_what_is_read(tmp_path: Path) -> None:
    """Numbers come back to the last bit."""
    result = make_result()
    _, series = read(written(tmp_path, result))
    assert (series.equity["equity"].to_numpy() == result.equity_atoms / ATOMS).all()
    assert (series.equity["cash_atoms"].to_numpy() == result.cash_atoms).all()


def test_fills_are_told_in_words_and_whole_numbers(tmp_path: Path) -> None:
    """The columns that were promised, and each value as the fill had it."""
    result = make_result(trips=5)
    fills = pl.read_parquet(written(tmp_path, result) / "fills.parquet")
    assert fills.columns[:10] == [
        "time_ns",
        "instrument",
        "strategy",
        "side",
        "lots",
        "price_ticks",
        "fee_atoms",
        "fee_asset",
        "reason",
        "client_order_id",
    ]
    assert fills["side"].to_list() == ["buy", "sell"] * 5
    assert fills["fee_asset"].to_list() == ["BTC", "USDT"] * 5
    assert fills["reason"].to_list()[1::2] == ["exit", "stop", "take_profit", "time_out", "unprotected"]
    assert fills["client_order_id"].to_list()[3] == "bt-0000003"
    for column, values in (
        ("time_ns", START_NS + MINUTE_NS * (result.fills.slice + 1)),
        ("lots", result.fills.lots),
        ("price_ticks", result.fills.price_ticks),
        ("fee_atoms", result.fills.fee_atoms),
    ):
        assert fills[column].to_list() == values.tolist()


def test_equity_is_told_in_quote_units_beside_its_drawdown(tmp_path: Path) -> None:
    """100, 125, 75, 150: the fall is 50 of 125."""
    result = make_result(bars=4, trips=0, equity_atoms=np.array([100, 125, 75, 150]) * ATOMS)
    equity = pl.read_parquet(written(tmp_path, result) / "equity.parquet")
    assert equity.schema == {
        "time_ns": pl.Int64,
        "equity": pl.Float64,
        "cash_atoms": pl.Int64,
        "drawdown": pl.Float64,
    }
    assert equity["equity"].to_list() == [100.0, 125.0, 75.0, 150.0]
    assert equity["drawdown"].to_list() == [0.0, 0.0, 0.4, 0.0]
    assert equity["time_ns"].to_list() == result.close_ns.tolist()


def test_every_choice_stands_sorted_in_the_configuration(tmp_path: Path) -> None:
    """And beside it what else it takes to make the run again."""
    text = (written(tmp_path, make_result(seed=11)) / "config.yaml").read_text()
    told = yaml.safe_load(text)
    made_with = {"code_version": "0.1.0", "command": "backtest", "data_sha256": {"BTCUSDT": f"{1:064x}"}, "seed": 11}
    assert told == {**CONFIG, **made_with}
    assert list(told) == sorted(told)
    assert list(told["costs"]) == sorted(told["costs"])


def test_no_number_in_the_json_is_nan(tmp_path: Path) -> None:
    """What cannot be worked out is null and says why; infinity in a configuration is told in words."""
    result = make_result(config={**CONFIG, "policy": {"max_drawdown": float("inf")}})
    broken = make_statistic("ratio", "Ratio", "risk", "ratio", float("nan"))
    told = in_json(written(tmp_path, result, statistics=[*STATISTICS, broken]))
    numbers = {each["name"]: each for each in told["statistics"]}
    assert (numbers["ratio"]["value"], numbers["ratio"]["why"]) == (None, "it came out as nan")
    assert (numbers["calmar"]["value"], numbers["calmar"]["why"]) == (None, "it never fell")
    assert told["config"]["policy"]["max_drawdown"] == "inf"
    page = (tmp_path / "report.html").read_bytes()
    rebuild(tmp_path)
    assert (tmp_path / "report.html").read_bytes() == page


def test_the_json_says_what_the_page_says(tmp_path: Path) -> None:
    """Machines read the same report: what was traded and found, the data's hash, the seed, how many were tried."""
    result = make_result(
        bars=200, trips=5, trials=512, trial_sharpes=make_sharpes(512), pbo=0.25, optimistic=("touch",)
    )
    told = in_json(written(tmp_path, result))
    assert told["trials"]["count"] == 512
    assert sum(told["trials"]["sharpes"]["counts"]) == told["trials"]["sharpes"]["total"] == 512
    assert told["trials"]["pbo"] == 0.25
    assert told["optimistic"] == ["touch"]
    assert told["markets"][0]["sha256"] == f"{1:064x}"
    assert told["span"] == {
        "first": "2024-01-01T00:01:00.000Z",
        "last": "2024-01-01T03:20:00.000Z",
        "interval_s": 60.0,
        "slices": 200,
    }
    assert told["fills"] == {"entry": 5, "exit": 1, "stop": 1, "take_profit": 1, "time_out": 1, "unprotected": 1}
    assert told["months"][0] == {"year": 2023, "month": 12, "value": -0.0321}
    assert told["denials"] == dict(result.denials)
    assert told["seed"] == 7


@pytest.mark.parametrize(
    ("result", "found", "missing"),
    [
        ({"config": {"strategy": "x"}}, {}, "its costs"),
        ({"config": {"costs": {}}}, {}, "its costs"),
        ({"traded": (replace(make_result(bars=9, trips=1).traded[0], sha256=""),)}, {}, "the hash of its data"),
        ({"seed_": None}, {}, "a seed"),
        ({"code_version": ""}, {}, "the version of its code"),
        ({"trials": 0}, {}, "the number of its trials"),
        ({}, {"held": np.zeros(0)}, "its baseline"),
        ({}, {"statistics": [each for each in STATISTICS if each.name != "deflated_sharpe"]}, "how sure that is"),
    ],
)
def test_a_report_without_its_conditions_is_no_report(
    tmp_path: Path, result: dict[str, Any], found: dict[str, Any], missing: str
) -> None:
    """House rule: without costs, seed, data hash and baseline beside it nothing is written at all."""
    run = make_result(bars=9, trips=1)
    run = replace(run, **{name.rstrip("_"): value for name, value in result.items()})
    with pytest.raises(ConfigurationError, match=missing):
        written(tmp_path / "run", run, **found)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", sorted(FILES - {"report.html"}))
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    """The page needs all of them; who reads the message knows which is gone."""
    folder = written(tmp_path)
    (folder / name).unlink()
    with pytest.raises(ConfigurationError, match=name):
        rebuild(folder)


def cut(content: bytes) -> bytes:
    """Return the first half."""
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    """Return the same with one bit turned in the middle."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize("damage", [cut, flipped])
@pytest.mark.parametrize("name", sorted(FILES - {"report.html", "report.json"}))
def test_a_damaged_file_is_named(tmp_path: Path, name: str, damage: Callable[[bytes], bytes]) -> None:
    """A page is made of what the run wrote or not at all."""
    folder = written(tmp_path)
    page = (folder / "report.html").read_bytes()
    (folder / name).write_bytes(damage((folder / name).read_bytes()))
    with pytest.raises(DataError, match=name):
        rebuild(folder)
    assert (folder / "report.html").read_bytes() == page


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"format": 1}', b'{"format": "one"}', b"\xff"])
def test_a_report_that_is_no_report_is_named(tmp_path: Path, text: bytes) -> None:
    """Whatever stands in the file, one message and no traceback."""
    (written(tmp_path) / "report.json").write_bytes(text)
    with pytest.raises(DataError, match=r"report\.json: is damaged"):
        rebuild(tmp_path)


def test_a_report_of_another_version_is_said_to_be_one(tmp_path: Path) -> None:
    """It is not damaged: another program made it."""
    (written(tmp_path) / "report.json").write_bytes(b'{"format": 2, "soul": true}')
    with pytest.raises(ConfigurationError, match="another version"):
        rebuild(tmp_path)


def test_a_folder_of_two_runs_is_noticed(tmp_path: Path) -> None:
    """A process that dies while it replaces the files of an older run leaves a mixture; it makes no page."""
    old, new = written(tmp_path / "old"), written(tmp_path / "new", make_result(seed=8))
    (old / "equity.parquet").write_bytes((new / "equity.parquet").read_bytes())
    with pytest.raises(DataError, match=r"equity\.parquet"):
        read(old)


def test_a_run_replaces_the_files_of_an_older_one(tmp_path: Path) -> None:
    """The folder then is that of the new run alone."""
    written(tmp_path / "both", make_result(bars=100, trips=3))
    assert contents(written(tmp_path / "both")) == contents(written(tmp_path / "new"))


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(ConfigurationError, match="taken"):
        written(tmp_path / "taken")


def test_what_cannot_be_put_in_its_place_leaves_nothing_behind(tmp_path: Path) -> None:
    """A folder stands where a file should be: it is named, and the half-finished file is gone."""
    (written(tmp_path) / "report.html").unlink()
    (tmp_path / "report.html").mkdir()
    with pytest.raises(ConfigurationError, match=r"report\.html"):
        rebuild(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == FILES
