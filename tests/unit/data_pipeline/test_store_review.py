"""What is odd about stored bars: told of the whole series as it is, whichever way it came."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_system.data_pipeline.bar_checks import Columns
from trading_system.data_pipeline.bar_store import BarStore
from trading_system.data_pipeline.store_review import flagged
from trading_system.errors import ConfigurationError
from trading_system.market.bar_flags import AFTER_GAP, SPIKE, ZERO_BAR

HOUR_NS = 3_600_000_000_000
SERIES = ("binance", "BTCUSDT", "12h")


def bars(make_bars):
    """120 bars of half a day, in atoms; some of them are empty."""
    told = make_bars(120, interval_ns=12 * HOUR_NS, start_ns=1_706_054_400_000_000_000)
    prices = ([getattr(bar, name) * 10**6 for bar in told] for name in ("open", "high", "low", "close"))
    columns = ([bar.open_ns for bar in told], *prices, [bar.volume_atoms for bar in told])
    return Columns(*(np.array(column, dtype=np.int64) for column in columns))


def part(columns, rows):
    return Columns(*(column[rows] for column in columns))


@given(gone=st.sets(st.integers(0, 119), max_size=60), start=st.integers(-1, 120), later=st.booleans())
def test_a_bar_behind_absent_ones_says_so_whatever_the_span(make_bars, tmp_path_factory, gone, start, later):
    """Told from what is there: also where the gap lies before the span, and not any more when it was filled."""
    store, whole = BarStore(tmp_path_factory.mktemp("gaps")), bars(make_bars)
    there = np.array([number not in gone for number in range(120)])
    store.append(part(whole, there), *SERIES)
    if later:
        store.append(part(whole, ~there), *SERIES)
        there[:] = True
    begin = 0 if start < 0 else int(whole.open_ns[0]) + start * 12 * HOUR_NS
    asked = np.flatnonzero(there & (whole.open_ns >= begin))
    if not len(asked):
        with pytest.raises(ConfigurationError, match="in that span"):
            flagged(store, *SERIES, start_ns=begin)
        return
    columns, flags = flagged(store, *SERIES, start_ns=begin)
    assert columns.open_ns.tolist() == whole.open_ns[asked].tolist()
    first = int(np.flatnonzero(there)[0])
    behind = [row > first and not there[row - 1] for row in asked.tolist()]
    assert ((flags & AFTER_GAP) != 0).tolist() == behind
    assert ((flags & ZERO_BAR) != 0).tolist() == (whole.volume[asked] == 0).tolist()


@settings(max_examples=20)
@given(cuts=st.lists(st.integers(0, 300), max_size=4))
def test_the_flags_of_a_series_do_not_depend_on_the_pieces_it_came_in(make_bars, tmp_path_factory, cuts):
    """A bad tick right at a seam is one all the same, in a span that holds nothing of its surroundings too."""
    whole = bars(lambda count, **terms: make_bars(300, **terms))
    whole.high[150] *= 10
    store = BarStore(tmp_path_factory.mktemp("pieces"))
    for rows in np.split(np.arange(300), sorted([*cuts, 150])):
        store.append(part(whole, rows), *SERIES)
    flags = flagged(store, *SERIES)[1]
    assert np.flatnonzero(flags & SPIKE).tolist() == [150]
    at = int(whole.open_ns[150])
    assert flagged(store, *SERIES, start_ns=at, end_ns=at + 1)[1].tolist() == [flags[150]]
