"""Missing bars, filled with the last close where that is chosen."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trading_system.backtest.gap_filling import filled
from trading_system.data_pipeline.bar_checks import Columns
from trading_system.data_pipeline.reading import Reading, reading_of
from trading_system.market import catalog

HOUR_NS = 3_600_000_000_000


def read(hours: list[int]) -> Reading:
    """Return hourly bars that open at `hours`; the n-th has the prices 100 n + 10, 30, 5, 20 and the volume n + 1."""
    count = np.arange(len(hours))
    prices = [100 * count + offset for offset in (10, 30, 5, 20)]
    columns = Columns(np.array(hours, dtype=np.int64) * HOUR_NS, *prices, count + 1)
    return reading_of(columns, catalog.derived("BTCUSDT", 2), HOUR_NS, bad=(), notes=("one",))


def test_a_missing_bar_has_the_close_before_it_and_no_volume() -> None:
    """Two hours are missing behind the second bar; they are still told as missing, and that they were filled."""
    before = read([5, 6, 9])
    after = filled(before)
    assert after.bars.close_ns.tolist() == [hour * HOUR_NS for hour in (6, 7, 8, 9, 10)]
    assert after.bars.open.tolist() == [10, 110, 120, 120, 210]
    assert after.bars.high.tolist() == [30, 130, 120, 120, 230]
    assert after.bars.low.tolist() == [5, 105, 120, 120, 205]
    assert after.bars.close.tolist() == [20, 120, 120, 120, 220]
    assert after.bars.volume_atoms.tolist() == [1, 2, 0, 0, 3]
    assert (after.missing, after.gaps, after.sha256) == (2, 1, before.sha256)
    assert after.notes == ("one", "BTCUSDT: 2 missing bars were filled with the close before them and no volume.")


def test_where_nothing_is_missing_nothing_changes() -> None:
    """Nor is anything copied."""
    before = read([5, 6, 7])
    assert filled(before) is before


@given(hours=st.lists(st.integers(0, 60), min_size=1, max_size=20, unique=True).map(sorted))
def test_every_bar_that_there_was_is_still_there(hours: list[int]) -> None:
    """In its place, and between the first and the last none is missing."""
    before = read(hours)
    after = filled(before)
    assert np.diff(after.bars.close_ns).tolist() == [HOUR_NS] * (hours[-1] - hours[0])
    there = np.isin(after.bars.close_ns, before.bars.close_ns)
    for name in ("open", "high", "low", "close", "volume_atoms"):
        assert np.array_equal(getattr(after.bars, name)[there], getattr(before.bars, name))
    assert (after.bars.volume_atoms[~there] == 0).all()
