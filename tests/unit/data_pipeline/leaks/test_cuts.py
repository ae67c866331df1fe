"""Where a series is cut: a few rows of every kind of place, and all of them where there are cuts enough."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.leaks.markets import columns_of
from tests.unit.data_pipeline.conftest import bars_of

from trading_system.data_pipeline.leaks.cuts import cuts_of
from trading_system.data_pipeline.leaks.search import worlds_of

HOUR_NS = 3_600_000_000_000
TORN = worlds_of(columns_of(bars_of(900, seed=4)), 4)["with holes"].bars


@given(count=st.integers(1, 1_000), bars=st.integers(1, 200), seed=st.integers(0, 100))
def test_there_are_as_many_as_asked_for_each_once_and_in_order(count, bars, seed):
    """Or every row, if that is fewer."""
    series = columns_of(bars_of(bars, seed=seed))
    rows = cuts_of(series, count, np.random.default_rng(seed)).tolist()
    assert rows == sorted(set(rows))
    assert len(rows) == min(count, bars)
    assert 0 <= rows[0] <= rows[-1] < bars


@given(seed=st.integers(0, 1_000))
def test_sixty_cuts_reach_every_hour_and_both_sides_of_gaps_and_quiet_bars(seed):
    """A leak that is there in one place only needs a cut there: chance alone would leave some out."""
    rows = cuts_of(TORN, 60, np.random.default_rng(seed))
    opens = TORN.close_ns[rows] - TORN.interval_ns
    assert set((opens // HOUR_NS % 24).tolist()) == set(range(24))
    gaps = np.flatnonzero(np.diff(TORN.close_ns) != TORN.interval_ns)
    quiet = np.flatnonzero(TORN.volume_atoms == 0)
    for wanted in (gaps, gaps + 1, gaps + 2, quiet, quiet - 1, quiet + 1):
        assert np.intersect1d(rows, wanted).size
    assert rows[0] < 3
    assert rows[-1] >= len(TORN) - 3
    assert (TORN.close_ns[rows] % HOUR_NS == 0).any()
