"""Other futures: they change what comes after a cut, and nothing before it; every bar in them could be one."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.leaks.markets import COLUMNS, columns_of
from tests.unit.data_pipeline.conftest import bars_of

from trading_system.data_pipeline.leaks.futures import FUTURES
from trading_system.data_pipeline.leaks.house import each_bar
from trading_system.data_pipeline.leaks.search import worlds_of

BARS = columns_of(bars_of(120, seed=2))
WORLDS = [world for seed in range(3) for world in worlds_of(BARS, seed).values()]


def public(metrics, until_ns):
    """Return the records public by a moment, as rows."""
    return [row for row in zip(*(column.tolist() for column in metrics), strict=True) if row[1] <= until_ns]


@pytest.mark.parametrize("name", FUTURES)
@given(world=st.sampled_from(WORLDS), place=st.floats(0, 1), seed=st.integers(0, 2**32))
def test_the_past_is_what_it_was_and_every_bar_could_be_one(name, world, place, seed):
    """Up to the cut, bars and what was public of the metric are the same, in the same order; times rise on the grid."""
    row = int(place * (len(world.bars) - 1))
    until_ns = int(world.bars.close_ns[row])
    other = FUTURES[name](world, row, np.random.default_rng(seed))
    for column in COLUMNS:
        assert getattr(other.bars, column)[: row + 1].tolist() == getattr(world.bars, column)[: row + 1].tolist()
    assert (other.bars.close_ns[row + 1 :] > until_ns).all()
    assert public(other.metrics, until_ns) == public(world.metrics, until_ns)
    bars = list(each_bar(other.bars))  # each is checked as it is made
    assert all(one.close_ns <= two.open_ns for one, two in pairwise(bars))
    assert all(bar.open_ns % BARS.interval_ns == 0 for bar in bars)
    keys = list(zip(other.metrics.event_ns.tolist(), other.metrics.revision.tolist(), strict=True))
    assert keys == sorted(keys)


def follows(world, row):
    """Return all that comes after a row, as bytes."""
    after = [getattr(world.bars, column)[row + 1 :].tobytes() for column in COLUMNS]
    later = world.metrics.available_ns > world.bars.close_ns[row]
    return after, [column[later].tobytes() for column in world.metrics]


@pytest.mark.parametrize("name", FUTURES)
@given(world=st.sampled_from(WORLDS), place=st.floats(0, 0.9), seed=st.integers(0, 2**32))
def test_the_future_is_another_and_the_same_chance_gives_the_same_one(name, world, place, seed):
    """No future is by chance the one that was; and a finding can be had again."""
    row = int(place * (len(world.bars) - 1))
    other, again = (FUTURES[name](world, row, np.random.default_rng(seed)) for _ in range(2))
    assert follows(other, row) == follows(again, row)
    bars, metrics = follows(world, row)
    other_bars, other_metrics = follows(other, row)
    assert other_bars != bars
    assert other_metrics != metrics or not metrics[0]  # what never comes cannot fail to come


@given(world=st.sampled_from(WORLDS), place=st.floats(0, 0.9), seed=st.integers(0, 2**32))
def test_what_each_future_is_for(world, place, seed):
    """Above and below all that was; one bar only; none; fewer; and at least one that was not there."""
    row = int(place * (len(world.bars) - 1))
    other = {name: future(world, row, np.random.default_rng(seed)).bars for name, future in FUTURES.items()}
    before, bars = slice(0, row + 1), world.bars
    assert (other["prices above"].close[row + 1 :] > bars.high[before].max()).all()
    assert (other["prices below"].close[row + 1 :] < bars.low[before].min()).all()
    assert not other["prices below"].volume_atoms[row + 1 :].any()
    assert other["another next bar"].close_ns.tolist() == bars.close_ns.tolist()
    assert other["another next bar"].close[row + 2 :].tolist() == bars.close[row + 2 :].tolist()
    assert other["another next bar"].volume_atoms[row + 1] != bars.volume_atoms[row + 1]
    assert len(other["no bars"]) == row + 1
    assert bars.close_ns[row + 1] not in other["missing bars"].close_ns
    assert set(bars.close_ns.tolist()) < set(other["more bars"].close_ns.tolist())
    assert other["more bars"].close_ns[row + 1] == bars.close_ns[row] + bars.interval_ns


def test_a_torn_world_has_holes_and_quiet_bars_and_its_ends():
    """They are where leaks hide; and the first and last bar stay, so that the span is the same."""
    for seed in range(5):
        bars = worlds_of(BARS, seed)["with holes"].bars
        assert (np.diff(bars.close_ns) > bars.interval_ns).sum() >= 3
        assert ((bars.volume_atoms == 0) & (bars.high == bars.low)).sum() >= 5
        assert bars.close_ns[[0, -1]].tolist() == BARS.close_ns[[0, -1]].tolist()


def test_the_made_up_metric_is_late_out_of_order_and_restated():
    """As real ones are; and no value is public before the span that it is about is over."""
    metrics = worlds_of(columns_of(bars_of(600)), 1)["as it is"].metrics
    assert (metrics.available_ns >= metrics.event_ns).all()
    assert (np.diff(metrics.available_ns[metrics.revision == 0]) < 0).any()
    assert 0.1 < (metrics.revision == 1).mean() < 0.35
    assert (metrics.value > 0.0).all()
