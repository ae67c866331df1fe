"""Probes of the house: features, windows, scalers, labels and joined metrics do not leak; and would be caught."""

import numpy as np
import pytest
from tests.leaks.markets import columns_of
from tests.unit.data_pipeline.conftest import bars_of

from trading_system.data_pipeline.as_of import NO_LIMIT_NS, joined
from trading_system.data_pipeline.leaks.answers import Answer, Probe
from trading_system.data_pipeline.leaks.futures import FUTURES
from trading_system.data_pipeline.leaks.house import (
    each_bar,
    feature_probe,
    label_probe,
    metric_probe,
    probe_of,
)
from trading_system.data_pipeline.leaks.search import STREAMED, search, worlds_of
from trading_system.data_pipeline.normalizers.features import CROSS_SET, FUNDING_SET, HOUSE_SET, set_of

BARS = columns_of(bars_of(600, seed=6))
TRAIN_NS = int(BARS.close_ns[360])


def plain(world):
    """Two honest columns."""
    return np.column_stack((world.bars.close, world.bars.volume_atoms)).astype(np.float64)


def names_of(verdict):
    return {leak.name for leak in verdict.leaks}


@pytest.mark.slow
def test_nothing_that_the_house_makes_of_bars_leaks():
    """Every feature, and what is made of them; each had values to compare, and is the same bar by bar."""
    probe = feature_probe(HOUSE_SET + CROSS_SET + FUNDING_SET, window=16, train_ns=TRAIN_NS)
    verdict = search(BARS, [probe, label_probe(16), metric_probe(), metric_probe(NO_LIMIT_NS // 2)], cuts=40, seed=3)
    assert verdict.leaks == ()
    assert verdict.untested == ()
    assert {*HOUSE_SET.names, "windows", "scalers", "label_16", "joined metric"} <= verdict.compared.keys()


def test_a_window_that_ends_one_row_too_late_is_caught():
    """The off-by-one of windows: the block of the next row, told with the close of this one."""

    def late(world):
        values = plain(world)
        return np.concatenate((values[1:], values[-1:]))

    verdict = search(BARS, [probe_of(("a", "b"), late, late, window=4, train_ns=TRAIN_NS)], cuts=20, seed=3)
    assert names_of(verdict) == {"a", "b", "windows", "scalers"}


def test_a_window_over_a_gap_differs_from_the_ring_and_a_hole_in_it_is_not_filled():
    """Where values never show a gap, batch and ring still agree on where windows begin anew."""
    verdict = search(BARS, [probe_of(("a", "b"), plain, plain, window=4, train_ns=TRAIN_NS)], cuts=20, seed=3)
    assert verdict.leaks == ()
    torn = worlds_of(BARS, 3)["with holes"]
    _, windows, _ = probe_of(("a", "b"), plain, plain, window=4, train_ns=TRAIN_NS).ask(torn)
    gaps = int((np.diff(torn.bars.close_ns) != torn.bars.interval_ns).sum())
    assert len(windows.values) <= len(torn.bars) - 3 - gaps


def test_a_scaler_that_saw_the_rows_to_come_is_caught():
    """Fitted on all rows and used from the end of training on: the plainest of all mistakes with scalers."""

    def ask(world):
        known = np.array([TRAIN_NS], dtype=np.int64)
        if world.bars.close_ns[-1] < TRAIN_NS:
            return [Answer(("scaler",), known[:0], known[:0], np.empty((0, 1)))]
        return [Answer(("scaler",), known, known, plain(world)[:, :1].max(axis=0, keepdims=True))]

    verdict = search(BARS, [Probe(ask=ask)], cuts=20, seed=3)
    assert "prices above" in {leak.future for leak in verdict.leaks}
    assert names_of(verdict) == {"scaler"}


def test_a_feature_whose_stream_is_another_is_told():
    """And with it the windows and scalers that are made of it."""

    def other(world):
        return plain(world) + np.array([0.0, 1.0])

    verdict = search(BARS, [probe_of(("a", "b"), plain, other, window=4, train_ns=TRAIN_NS)], cuts=1, seed=3)
    assert names_of(verdict) == {"b", "windows", "scalers"}
    assert {leak.future for leak in verdict.leaks} == {STREAMED}


def test_a_join_on_the_time_that_a_value_is_about_is_caught():
    """The as-of join with each value public as soon as its span is over: what most people do."""

    def ask(world):
        early = world.metrics._replace(available_ns=world.metrics.event_ns)
        closes = world.bars.close_ns
        return [Answer(("m",), closes, closes, joined(closes, early, NO_LIMIT_NS).reshape(-1, 1))]

    leaks = search(BARS, [Probe(ask=ask)], cuts=20, seed=3).leaks
    assert {leak.future for leak in leaks} >= set(FUTURES) - {"another next bar"}


@pytest.mark.parametrize("name", ["return_1", "rsi_14", "obv_slope_32", "hour_sine", "change_4@btc_close"])
def test_one_feature_may_be_tested_alone(name):
    """With its windows and scalers; a constant of the calendar needs no warm-up, and its windows still stop at gaps."""
    verdict = search(BARS, [feature_probe(set_of([name]), window=8, train_ns=TRAIN_NS)], cuts=8, seed=3)
    assert verdict.leaks == ()
    assert set(verdict.compared) == {name, "windows", "scalers"}


def test_columns_become_the_bars_that_they_were():
    """One by one, each checked."""
    assert list(each_bar(BARS)) == bars_of(600, seed=6)
