"""`data import` killed at random moments loses nothing and doubles nothing. `python -m tests.proofs.import_crash N`."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.proofs.import_crash import ROOT, SERIES, trials
from tests.unit.cli.market_files import bar_file, rows

from trading_system.data_pipeline.bar_store import BarStore

pytestmark = pytest.mark.slow


def test_a_killed_import_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Ten times: the store opens, holds what it held and nothing wrong; done again, it equals one made in one go."""
    outcomes = trials(10, 1, tmp_path)
    assert [outcome for outcome in outcomes if outcome.violations] == []
    assert any(outcome.moment == "writing" for outcome in outcomes), "no trial hit the import while it wrote"


def test_imports_at_once_lose_nothing_of_each_other(tmp_path: Path) -> None:
    """Three processes, the first, the middle and the last two thirds of a file: all of it, as in one go."""
    lines = rows(60_000)
    pieces = [lines[:40_000], lines[10_000:50_000], lines[20_000:], lines]
    files = [bar_file(tmp_path / f"BTCUSDT-{number}.csv", piece) for number, piece in enumerate(pieces)]
    stores = [tmp_path / name / "bars" for name in ("split", "split", "split", "whole")]
    imports = [
        subprocess.Popen(
            [sys.executable, "-m", "trading_system", "data", "import", str(file), "--store", str(store)],
            cwd=ROOT, stdout=subprocess.DEVNULL,
        )
        for file, store in zip(files, stores, strict=True)
    ]  # fmt: skip
    assert [each.wait(60) for each in imports] == [0, 0, 0, 0]
    series = (*SERIES[:2], "1m")
    found, whole = (BarStore(tmp_path / name / "bars").columns(*series) for name in ("split", "whole"))
    assert [column.tolist() for column in found] == [column.tolist() for column in whole]
    assert len(found.open_ns) == 60_000
