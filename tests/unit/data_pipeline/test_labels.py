"""Labels: how far the price moved, from when on it can be known, and the same as training uses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories import make_bars
from tests.leaks.markets import columns_of
from tests.unit.data_pipeline.conftest import bars_of

from trading_system.core_ai.training.dataset import dataset_of
from trading_system.data_pipeline.labels import labels_of
from trading_system.errors import ConfigurationError


def test_a_label_is_the_move_over_the_horizon_known_at_its_end():
    """By hand: closes 100, 110, 99, 99, two bars ahead. 99/100 - 1 = -0.01; 99/110 - 1 = -0.1."""
    bars = columns_of(make_bars([100, 110, 99, 99]))
    labels = labels_of(bars, 2)
    assert labels.rows.tolist() == [0, 1]
    assert labels.known_ns.tolist() == bars.close_ns[2:].tolist()
    assert labels.moves.tolist() == pytest.approx([-0.01, -0.1])
    assert labels.rises.tolist() == [False, False]


def test_standing_still_is_no_rise():
    """A label of zero is not up."""
    assert labels_of(columns_of(make_bars([100, 100, 101])), 1).rises.tolist() == [False, True]


@pytest.mark.parametrize(("horizon", "rows"), [(1, [0, 2, 3]), (2, [2]), (3, []), (9, [])])
def test_no_label_reaches_over_a_gap_or_past_the_end(horizon, rows):
    """Of six bars the third is missing: 0 1 _ 3 4 5, which are rows 0 to 4."""
    bars = make_bars([100, 101, 102, 103, 104, 105])
    assert labels_of(columns_of(bars[:2] + bars[3:]), horizon).rows.tolist() == rows


def test_a_horizon_is_at_least_one_bar():
    """A label of the bar itself would be no label."""
    with pytest.raises(ConfigurationError, match="1 bar ahead or more, not 0"):
        labels_of(columns_of(make_bars([100, 101])), 0)


@given(missing=st.sets(st.integers(150, 390), max_size=6), horizon=st.integers(1, 20))
def test_training_learns_from_these_very_labels(missing, horizon):
    """The moves of a training set are those of `labels_of`, at the rows where it has a window, to the bit."""
    bars = [bar for place, bar in enumerate(bars_of(400, seed=9)) if place not in missing]
    dataset = dataset_of(bars, window=8, horizon=horizon)
    labels = labels_of(columns_of(bars), horizon)
    places = np.searchsorted(labels.rows, dataset.ends)
    assert labels.rows[places].tolist() == dataset.ends.tolist()
    assert labels.moves[places].tobytes() == dataset.moves.tobytes()
