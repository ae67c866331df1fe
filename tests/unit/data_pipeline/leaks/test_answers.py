"""Two answers held against each other: to the bit, with one NaN like another, and with rows that come and go."""

import numpy as np
import pytest

from trading_system.data_pipeline.leaks.answers import Answer, Change, changes


def answer(rows, *, names=("a", "b"), known=None, dtype=np.float64):
    """Return an answer of rows that are about 1, 2, 3, … and known then, or when it is said."""
    of = np.arange(1, len(rows) + 1, dtype=np.int64)
    known = of if known is None else np.array(known, dtype=np.int64)
    return Answer(names, of, known, np.array(rows, dtype=dtype).reshape(len(rows), len(names)))


NAN = float("nan")


def test_what_is_the_same_is_the_same():
    """Whatever a NaN is made of."""
    told = answer([(NAN, 1.0), (2.0, -0.0)])
    other = told._replace(values=told.values.copy())
    other.values.view(np.int64)[0, 0] ^= 1
    assert np.isnan(other.values[0, 0])
    assert list(changes(told, other)) == []


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("old", "new"), [(1.0, 1.0 + 2**-23), (0.0, -0.0), (1.0, NAN), (NAN, 1.0), (1.0, np.inf)])
def test_a_difference_of_one_bit_is_a_difference(dtype, old, new):
    """The sign of a zero and the last binary place among them; the first row is told, and how many there are."""
    told = answer([(0.5, 7.0), (old, 7.0), (old, 7.0)], dtype=dtype)
    (found,) = changes(told, answer([(0.5, 7.0), (new, 7.0), (new, 7.0)], dtype=dtype))
    assert found[:2] == ("a", 2)
    assert repr(found.old) == repr(old)
    assert repr(found.new) == repr(new)
    assert found.rows == 2


def test_columns_of_one_name_are_told_as_one():
    """As the cells of a window are; the first cell that differs is shown."""
    found = list(changes(answer([(1.0, 2.0)], names=("w", "w")), answer([(1.0, 3.0)], names=("w", "w"))))
    assert found == [Change("w", 1, 2.0, 3.0, 1)]


def test_a_row_that_comes_or_goes_is_a_change_of_every_column():
    """With nothing in the place of the value that is not there."""
    two, three = answer([(1.0, 2.0), (3.0, 4.0)]), answer([(1.0, 2.0), (3.0, 4.0), (5.0, 6.0)])
    assert list(changes(two, three)) == [Change("a", 3, None, 5.0, 1), Change("b", 3, None, 6.0, 1)]
    assert list(changes(three, two)) == [Change("a", 3, 5.0, None, 1), Change("b", 3, 6.0, None, 1)]


def test_the_same_value_known_at_another_time_is_a_change():
    """When something is known is part of what is said."""
    found = list(changes(answer([(1.0, 2.0)], known=[4]), answer([(1.0, 2.0)], known=[5])))
    assert [(one.name, one.old, one.new, one.rows) for one in found] == [("a", 1.0, None, 2), ("b", 2.0, None, 2)]


def test_other_columns_are_a_change():
    """A feature that answers with more columns when there are more bars."""
    found = list(changes(answer([(1.0,)], names=("a",)), answer([(1.0, 2.0)])))
    assert {one.name for one in found} == {"a", "b"}


def test_until_keeps_what_is_known_by_then():
    """A row known at the very moment counts."""
    known = answer([(1.0, 2.0), (3.0, 4.0), (5.0, 6.0)], known=[10, 20, 20]).until(20)
    assert len(known.values) == 3
    assert len(answer([(1.0, 2.0), (3.0, 4.0)], known=[10, 20]).until(19).values) == 1
    assert len(answer([(1.0, 2.0)], known=[10]).until(9).values) == 0
