"""docs/data/store.md: what it shows runs, on a store where it says the store is."""

import re
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import polars as pl
import pytest

from trading_system.data_pipeline.bar_checks import Columns
from trading_system.data_pipeline.bar_store import BARS, BarStore
from trading_system.data_pipeline.trade_store import TRADES

PAGE: Final = (Path(__file__).resolve().parents[3] / "docs/data/store.md").read_text(encoding="utf-8")


def blocks(language):
    found = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """Two minutes of BTCUSDT, in the current folder."""
    monkeypatch.chdir(tmp_path)
    prices = (
        np.array([atoms, atoms]) for atoms in (100_010_000_000, 100_200_000_000, 100_000_000_000, 100_125_000_000)
    )
    minutes = np.array([1_704_067_200, 1_704_067_260]) * 10**9
    bars = Columns(minutes, *prices, np.array([1, 2]))
    BarStore(Path("data/bars")).append(bars, "binance", "BTCUSDT", "1m")


def test_the_sql_gives_exact_decimals_and_real_times(stored):
    """The first bar of the two."""
    [sql] = blocks("sql")
    [(when, close), _] = duckdb.sql(sql).fetchall()
    assert (f"{when:%Y-%m-%d %H:%M}", str(close)) == ("2024-01-01 00:00", "1001.25000000")


def test_the_python_gives_the_same(stored):
    """Decimals by Polars; atoms and ticks by us."""
    told: dict = {}
    for block in blocks("python"):
        exec(block, told)
    frame = told["bars"].collect()
    assert frame["close"].dtype == pl.Decimal(38, 8)
    assert [str(value) for value in frame["volume"]] == ["1E-8", "2E-8"]
    assert told["columns"].close.tolist() == [100_125_000_000] * 2
    assert told["reading"].bars.close.tolist() == [100_125] * 2


def test_the_page_names_every_column():
    """A column nobody explains is a column nobody can use."""
    for name in (*BARS.columns, *TRADES.columns):
        assert f"`{name}`" in PAGE
