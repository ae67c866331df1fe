"""The scaler: bounds from the rows it is given, and a word on what lies beyond them."""

import math

import numpy as np
import pytest

from trading_system.data_pipeline.normalizers.scaler import fit
from trading_system.errors import DataError


def test_bounds_are_the_quantiles_and_the_room_around_the_range():
    """Of 100..200, a tail of 5 % leaves 105..195; with half the range as slack the model may be asked about 50..250."""
    scaler = fit(np.arange(100, 201, dtype=np.float64).reshape(-1, 1), tail=0.05, slack=0.5)
    assert (scaler.low, scaler.high) == ((105.0,), (195.0,))
    assert (scaler.floor, scaler.ceiling) == ((50.0,), (250.0,))


def test_without_a_tail_the_bounds_are_minimum_and_maximum():
    """A tail of 0 is the plain min-max scaler."""
    scaler = fit(np.array([[3.0, -1.0], [7.0, 4.0], [5.0, 0.0]]), tail=0.0)
    assert (scaler.low, scaler.high) == ((3.0, -1.0), (7.0, 4.0))


@pytest.mark.parametrize(
    ("value", "inside"), [(-50.0, True), (150.0, True), (-50.1, False), (150.1, False), (math.nan, False)]
)
def test_what_training_never_came_near_is_outside(value, inside):
    """The edge belongs to the inside; a NaN does not."""
    scaler = fit(np.arange(101, dtype=np.float64).reshape(-1, 1), slack=0.5)
    assert scaler.inside((value,)) is inside


@pytest.mark.parametrize("rows", [np.empty((0, 2)), np.array([[1.0, math.nan]]), np.array([[1.0, math.inf]])])
def test_rows_that_say_nothing_are_refused(rows):
    """Bounds from no rows or from an infinity would make every later value meaningless."""
    with pytest.raises(DataError, match="cannot fit a scaler"):
        fit(rows)
