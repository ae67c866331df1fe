"""From a run alone to its folder: what is worked out is what is shown."""

import json
from pathlib import Path

import pytest
from tests.unit.backtest.report.results import make_result, make_sharpes

from trading_system.backtest.report.findings import findings_of
from trading_system.backtest.report.folder import rebuild, write
from trading_system.market.money import ATOMS


def test_the_findings_fit_the_run() -> None:
    """40 trips are 40 returns; both curves begin with what the account had, costs of the first purchase aside."""
    result = make_result(bars=3_000)
    found = findings_of(result)
    assert len(found.trade_returns) == 40
    assert found.start == result.equity_atoms[0] / ATOMS
    assert len(found.held) == len(result.close_ns)
    assert found.held[0] == pytest.approx(found.start, rel=2e-3)
    assert [(month.year, month.month) for month in found.months] == [(2024, 1)]


def test_a_folder_written_from_the_run_alone_says_what_was_found(tmp_path: Path) -> None:
    """Every statistic stands in the JSON, a number or the reason why there is none; the page is made again from it."""
    result = make_result(bars=3_000, trials=16, trial_sharpes=make_sharpes(16), pbo=0.5)
    write(result, tmp_path)
    told = json.loads((tmp_path / "report.json").read_text())
    found = {each.name: each for each in findings_of(result).statistics}
    assert {each["name"] for each in told["statistics"]} == set(found)
    for each in told["statistics"]:
        assert each["value"] == found[each["name"]].value
        assert (each["value"] is None) == bool(each["why"])
    page = (tmp_path / "report.html").read_bytes()
    rebuild(tmp_path)
    assert (tmp_path / "report.html").read_bytes() == page


def test_costs_in_the_table_of_costs_are_those_of_the_statistics(tmp_path: Path) -> None:
    """Two ways to the same sums: by fill for the charts, by sleeve for the statistics."""
    write(make_result(symbols=("BTCUSDT", "ETHUSDT"), strategies=("a", "b")), tmp_path)
    told = json.loads((tmp_path / "report.json").read_text())
    numbers = {each["name"]: each["value"] for each in told["statistics"]}
    for kind in ("spread", "slippage", "fees"):
        assert sum(cost[kind] for cost in told["costs"]) == pytest.approx(numbers[kind], rel=1e-9)
