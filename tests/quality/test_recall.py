"""Faults put into bars on purpose are found, and rows with nothing done to them are left alone.

The long form, over all real files, is scripts/quality_score.py; its tables stand in docs/data/quality.md.
"""

import math
import random

import pytest
from tests.quality.injections import INJECTIONS, ONCE
from tests.quality.score import FACTS, rows_of, trial, written

from trading_system.data_pipeline.normalizers.quality_files import check_file

HOUR_MS = 3_600_000
START_MS = 1_704_067_200_000


def market(count, *, seed=11):
    """Return rows of a liquid market: hourly bars, each opening where the last one closed, volume in its hours."""
    chance = random.Random(seed)
    rows, close = [], 40_000.0
    for index in range(count):
        opened, close = close, round(close * math.exp(chance.gauss(0, 0.004)), 2)
        high = round(max(opened, close) * (1 + chance.uniform(0.0001, 0.003)), 2)
        low = round(min(opened, close) * (1 - chance.uniform(0.0001, 0.003)), 2)
        busy = {0: 0.3, 14: 0.2, 16: 0.2, 11: -0.1, 21: -0.1, 23: -0.1}.get(index % 24, 0.0)
        volume = round(math.exp(chance.gauss(3 + busy, 0.5)), 5)
        rows.append([START_MS + index * HOUR_MS, opened, high, low, close, volume])
    return rows


@pytest.fixture(scope="module")
def clean():
    return market(3_000)


CASES = [(kind, variant) for kind, variants in INJECTIONS.items() for variant in variants if variant not in ONCE[1:]]


@pytest.mark.parametrize(("kind", "variant"), CASES)
def test_every_fault_is_found_and_nothing_else(tmp_path, clean, kind, variant):
    """Five faults of a kind in 3,000 bars of a made-up market: all told, and at most three rows beside them."""
    score = trial(clean, kind, variant, tmp_path / "bars.csv", many=5, seed=1, known=())
    assert score.injected > 0
    assert score.missed == ()
    assert score.false <= 3


def test_a_market_with_nothing_wrong_is_told_as_that(tmp_path, clean):
    """No defect in the bars that the faults are put into."""
    assert check_file(written(clean, tmp_path / "bars.csv")).defects == ()


@pytest.mark.parametrize(
    "name",
    ["binance_ETHUSDT_1h", "binance_SOLUSDT_1h", "binance_XRPUSDT_1h", "binance_ETHUSDT_1m", "bitfinex_ETHUSD_1m"],
)
def test_real_bars_are_let_be(shared_data, tmp_path, name):
    """Crashes of 2020 and 2021, exchanges that stood, minutes without a trade: alarms in less than 0.1 % of rows."""
    seen = check_file(shared_data / "ohlcv" / f"{name}.parquet")
    alarms = sum(defect.rows for defect in seen.defects if defect.kind not in FACTS)
    assert alarms < 0.001 * seen.rows


def test_the_gaps_of_a_real_file_are_those_that_its_readme_counts(shared_data):
    """128 hours of outages in 28 gaps, and four hours without a trade."""
    seen = check_file(shared_data / "ohlcv" / "binance_BTCUSDT_1h.parquet")
    gaps = [defect.rows for defect in seen.defects if defect.kind == "gap"]
    assert (len(gaps), sum(gaps), max(gaps)) == (28, 128, 33)
    assert sum(defect.rows for defect in seen.defects if defect.kind == "zero_bar") == 4


def test_a_wild_export_is_read_to_its_end(shared_data):
    """Newest first, a title line, a clock of twelve hours, 28 hours without volume, five told under two clocks."""
    seen = check_file(shared_data / "dirty" / "cryptodatadownload_Coinbase_BTCUSD_1h.csv.gz")
    assert (seen.rows, seen.interval_ns) == (20_111, HOUR_MS * 1_000_000)
    told = {
        kind: sum(d.rows for d in seen.defects if d.kind == kind) for kind in ("zero_bar", "duplicate", "unreadable")
    }
    assert told == {"zero_bar": 28, "duplicate": 5, "unreadable": 0}


@pytest.mark.parametrize("kind", ["gap", "duplicate", "ohlc", "spike", "stale", "stamped_at_end"])
def test_faults_in_real_bars_are_found(shared_data, tmp_path, kind):
    """The first variant of a kind, ten times in 12,000 real hours."""
    rows = rows_of(shared_data / "ohlcv" / "binance_ETHUSDT_1h.parquet")[20_000:32_000]
    score = trial(rows, kind, next(iter(INJECTIONS[kind])), tmp_path / "bars.csv", many=10, seed=3, known=())
    assert score.missed == ()


def test_a_clock_that_was_wrong_is_found_against_another_venue(shared_data):
    """Six weeks of Coinbase's hours stand four hours early, then a week five, as the data's README measured."""
    dirty = shared_data / "dirty" / "cryptodatadownload_Coinbase_BTCUSD_1h.csv.gz"
    seen = check_file(dirty, against=shared_data / "ohlcv" / "binance_BTCUSDT_1h.parquet")
    moved = [(d.first_ns, d.last_ns, d.detail[:12]) for d in seen.defects if d.kind == "stamped_at_end"]
    assert [words for *_, words in moved] == ["4 bars early", "5 bars early"]
    day = 86_400_000_000_000
    september, november = 17_432 * day, 17_475 * day  # 2017-09-23 and 2017-11-05
    assert abs(moved[0][0] - september) <= 2 * day
    assert abs(moved[0][1] - november) <= 2 * day
    assert abs(moved[1][1] - (november + 6 * day)) <= 2 * day


@pytest.mark.parametrize(("one", "other"), [("ETHUSDT_1h", "SOLUSDT_1h"), ("BTCUSDT_1h", "ETHUSDT_1h")])
def test_clocks_that_agree_are_let_be(shared_data, one, other):
    """Years of two coins at one venue: no window of theirs fits better at another hour."""
    folder = shared_data / "ohlcv"
    seen = check_file(folder / f"binance_{one}.parquet", against=folder / f"binance_{other}.parquet")
    assert [defect for defect in seen.defects if defect.kind == "stamped_at_end"] == []
