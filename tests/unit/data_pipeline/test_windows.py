"""Windows: the ring and the strided view show the same rows, and never one from behind a hole."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.data_pipeline.normalizers.features import feature_table
from trading_system.data_pipeline.normalizers.windows import Windows, behind_gaps, strided, window_ends

ROW = st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6) | st.just(math.nan))


@given(rows=st.lists(st.tuples(st.none() | ROW, st.booleans()), max_size=40), length=st.integers(1, 8))
def test_the_ring_and_the_strided_view_are_the_same_windows(rows, length):
    """Streaming emits at exactly the rows that `window_ends` names, and the same float32 bits; so says the definition.

    A row is undefined as a whole, or in one of its numbers; and it may stand behind a gap.
    """
    values = np.array([row or (math.nan, math.nan) for row, _ in rows], dtype=np.float64).reshape(-1, 2)
    begins = np.array([broken for _, broken in rows], dtype=np.bool_)
    ring = Windows(length=length, width=2)
    streamed = {}
    for index, (row, broken) in enumerate(rows):
        window = ring.push(row, follows=not broken)
        if window is not None:
            streamed[index] = window.copy()
    assert list(streamed) == window_ends(values, length, begins=begins).tolist()
    assert list(streamed) == [
        end
        for end in range(length - 1, len(rows))
        if not np.isnan(values[end - length + 1 : end + 1]).any() and not begins[end - length + 2 : end + 1].any()
    ]
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


def test_features_that_never_look_back_show_no_gap_and_are_told_of_it():
    """By hand: bars close at 1, 2, 4, 5, 6; the third begins behind a gap, and may stand at a window's top only."""
    begins = behind_gaps(np.array([1, 2, 4, 5, 6], dtype=np.int64), 1)
    assert begins.tolist() == [False, False, True, False, False]
    assert window_ends(np.ones((5, 1)), 2, begins=begins).tolist() == [1, 3, 4]
    assert window_ends(np.ones((5, 1)), 3, begins=begins).tolist() == [4]
    assert window_ends(np.ones((5, 1)), 1, begins=begins).tolist() == [0, 1, 2, 3, 4]


def test_the_strided_view_copies_nothing():
    """Every window of a float32 block is a view of that very block, and nobody can write through one."""
    block = np.arange(20, dtype=np.float32).reshape(10, 2)
    view = strided(block, 4)
    assert view.shape == (7, 4, 2)
    assert all(np.shares_memory(window, block) for window in view)
    block[5, 1] = -1.0
    assert view[5, 0, 1] == view[2, 3, 1] == -1.0
    assert not view.flags.writeable


def test_rows_of_float64_are_copied_once_and_not_once_a_window():
    """One block of float32 stands behind all windows."""
    view = strided(np.arange(20, dtype=np.float64).reshape(10, 2), 4)
    assert not view.flags.owndata
    assert all(np.shares_memory(one, two) for one, two in zip(view[1:], view[:-1], strict=True))


MEASURED = """
import json, resource, sys
import numpy as np
from trading_system.data_pipeline.normalizers.windows import strided

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

block = np.ones((1_000_000, 20), dtype=np.float32)
strided(block[:100], 60)
before = peak()
view = strided(block, 60)
touched = sum(float(window.sum()) for window in view[::997])
print(json.dumps([view.shape, touched, peak() - before, bool(np.shares_memory(view, block)), block.nbytes]))
"""


def test_windows_of_60_by_20_over_a_million_bars_cost_no_memory():
    """Measured in a process of its own: as copies they would be 4.8 GB; the peak grows by less than a block's tenth."""
    done = subprocess.run([sys.executable, "-c", MEASURED], capture_output=True, text=True, timeout=120, check=True)
    shape, touched, grown, shared, block = json.loads(done.stdout)
    assert shape == [999_941, 60, 20]
    assert touched == 1_200.0 * 1_003
    assert shared
    assert block == 80_000_000
    assert grown < block / 10


def test_a_view_of_too_few_rows_is_refused():
    """There is no window in fewer rows than its length."""
    with pytest.raises(ValueError, match="window"):
        strided(np.zeros((3, 2)), 4)
    assert window_ends(np.zeros((3, 2)), 4).size == 0
