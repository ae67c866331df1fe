"""Windows: the ring and the strided view show the same rows, and never one from behind a hole."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.data_pipeline.normalizers.features import feature_table
from trading_system.data_pipeline.normalizers.windows import Windows, strided, window_ends


@given(
    rows=st.lists(st.none() | st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), max_size=40),
    length=st.integers(1, 8),
)
def test_the_ring_and_the_strided_view_are_the_same_windows(rows, length):
    """Streaming emits at exactly the rows that `window_ends` names, and emits the same float32 bits."""
    values = np.array([row or (math.nan, math.nan) for row in rows], dtype=np.float64).reshape(-1, 2)
    ring = Windows(length=length, width=2)
    streamed = {}
    for index, row in enumerate(rows):
        window = ring.push(row)
        if window is not None:
            streamed[index] = window.copy()
    assert list(streamed) == window_ends(values, length).tolist()
    for index, window in streamed.items():
        assert window.flags.c_contiguous
        assert window.shape == (length, 2)
        assert window.tobytes() == strided(values, length)[index - length + 1].tobytes()


def test_a_window_holds_its_last_rows_oldest_first():
    """By hand: of rows 0, 1, 2, 3 a window of three ends with 3 and begins with 1."""
    ring = Windows(length=3, width=1)
    assert [ring.push((float(value),)) for value in range(2)] == [None, None]
    ring.push((2.0,))
    window = ring.push((3.0,))
    assert window is not None
    assert window[:, 0].tolist() == [1.0, 2.0, 3.0]


def test_an_undefined_row_empties_the_ring():
    """After a hole, a full window of new rows is needed."""
    ring = Windows(length=2, width=1)
    assert ring.push((1.0,)) is None
    assert ring.push((2.0,)) is not None
    assert ring.push(None) is None
    assert ring.push((3.0,)) is None
    assert ring.push((4.0,)) is not None


def test_no_window_reaches_over_a_gap_in_the_bars(make_bars):
    """The last window before a hole ends there; the next begins only behind it."""
    bars = make_bars(400)
    values = feature_table(bars[:200] + bars[201:]).values
    ends = window_ends(values, 32)
    assert not any(end - 31 < 200 <= end for end in ends)
    assert 199 in ends
    assert ends.max() == 398


def test_the_strided_view_copies_nothing():
    """Every window is a view of one block: a million bars cost one block of float32, not T of them."""
    view = strided(np.arange(20, dtype=np.float64).reshape(10, 2), 4)
    assert view.shape == (7, 4, 2)
    assert not view.flags.owndata
    assert np.shares_memory(view[0], view[1])


def test_a_view_of_too_few_rows_is_refused():
    """There is no window in fewer rows than its length."""
    with pytest.raises(ValueError, match="window"):
        strided(np.zeros((3, 2)), 4)
    assert window_ends(np.zeros((3, 2)), 4).size == 0
