"""The parameters that ship are those that the recorded bars give; and the page shows what they make."""

import json
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from scripts.calibrate import PRICES
from scripts.calibration.facts import FACTS, recorded
from scripts.calibration.fit import by_moments, exponentials, simulated
from scripts.calibration.page import CHECKED_ON, FITTED_ON

from trading_system.testnet.climate import STEP_S, climate_of

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("symbol", sorted(PRICES))
def test_the_recorded_bars_still_give_the_parameters(shared_data: Path, symbol: str) -> None:
    """All that follows from moments is worked out again from the whole fitted year, to the digits that are written."""
    bars = recorded(shared_data / "ohlcv" / f"binance_{symbol}_5m.parquet", STEP_S).between(*FITTED_ON)
    again, ships = asdict(by_moments(bars, price=PRICES[symbol])), asdict(climate_of(symbol))
    searched = {"wick", "volume_move", "volume_noise", "usual_volume"}
    for name in set(ships) - searched:
        if name in ("clusters", "activity"):
            assert [each["memory_s"] for each in again[name]] == [each["memory_s"] for each in ships[name]], name
            told = [each["variance"] for each in again[name]]
            assert told == pytest.approx([each["variance"] for each in ships[name]], rel=1e-3), name
        else:
            assert again[name] == pytest.approx(ships[name], rel=1e-3), name


@pytest.mark.parametrize("symbol", sorted(PRICES))
def test_synthetic_bars_have_the_facts_of_bars_that_the_fit_never_saw(shared_data: Path, symbol: str) -> None:
    """Against the checked period: memory, volume, range and hours within a third of the real one, tails within half."""
    bars = recorded(shared_data / "ohlcv" / f"binance_{symbol}_5m.parquet", STEP_S).between(*CHECKED_ON)
    ours = simulated(climate_of(symbol), len(bars.returns), (1, 2), start_s=int(bars.open_s[0]))
    for name, tolerance in TOLERANCES.items():
        made = float(np.mean([FACTS[name](each) for each in ours]))
        assert made == pytest.approx(FACTS[name](bars), rel=tolerance), name


TOLERANCES = {
    "99 % quantile of \\|r\\| over its median": 0.5,
    "99.9 % quantile of \\|r\\| over its median": 0.5,
    "tail index (Hill, largest 0.5 %)": 0.5,
    "autocorrelation of \\|r\\|, lag 1": 0.2,
    "autocorrelation of \\|r\\|, lag 6": 0.2,
    "autocorrelation of \\|r\\|, lag 24": 0.33,
    "mean range over mean \\|r\\|": 0.05,
    "correlation of \\|r\\| and volume": 0.15,
    "autocorrelation of log volume, lag 1": 0.1,
    "autocorrelation of log volume, lag 24": 0.2,
    "\\|r\\|, weekend over weekdays": 0.15,
    "volume, weekend over weekdays": 0.15,
    "\\|r\\|, busiest hour over quietest": 0.2,
    "volume, busiest hour over quietest": 0.25,
}


def test_exponentials_are_found_again() -> None:
    """0.5 that is forgotten in 90 minutes and 1.5 in 13.5 days: exact moments give both back and nothing else."""
    lags = (1, 3, 9, 27, 81, 243, 729, 2_187)
    moments = sum(
        size * np.exp(-np.array(lags) * 300 / memory_s) for size, memory_s in ((0.5, 5_400), (1.5, 1_166_400))
    )
    found = exponentials(moments, lags)
    assert [each.memory_s for each in found] == [5_400, 1_166_400]
    assert [each.variance for each in found] == pytest.approx([0.5, 1.5])


def test_nothing_is_fitted_to_nothing() -> None:
    """Moments below zero have no factor that is a variance."""
    assert exponentials(np.array([-1.0, -0.5, -0.1]), (1, 10, 100)) == ()


def test_parameters_say_where_they_come_from() -> None:
    """Source, both periods, and the day of the calibration stand beside the numbers; the habits are means of one."""
    told = json.loads(files("trading_system.testnet").joinpath("climates.json").read_text(encoding="utf-8"))
    for symbol, each in told.items():
        assert symbol in each["source"]
        assert (tuple(each["fitted_from_until"]), tuple(each["checked_from_until"])) == (FITTED_ON, CHECKED_ON)
        assert each["date"] > "2025"
        for name in ("hourly_variance", "daily_variance", "hourly_volume", "daily_volume"):
            assert np.mean(each["climate"][name]) == pytest.approx(1.0, abs=1e-3)


def test_the_page_shows_every_fact_and_picture_and_says_synthetic() -> None:
    """Each fact has its row; each picture that the page names is there, small, and labeled."""
    page = (ROOT / "docs/synthetic-market.md").read_text(encoding="utf-8")
    assert all(f"| {name} |" in page for name in FACTS)
    pictures = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs/synthetic-market").glob("*.svg")}
    assert pictures
    assert all(f"(synthetic-market/{name})" in page for name in pictures)
    assert page.count("(synthetic-market/") == len(pictures)
    assert all("synthetic" in drawn and len(drawn) < 20_000 for drawn in pictures.values())
