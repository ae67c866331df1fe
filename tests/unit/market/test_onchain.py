"""Metrics: exact values about a span, public no earlier than its end."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.errors import DataError
from trading_system.market.onchain import Metric, is_number, metrics_of, same_value

GOOD = {
    "source": "coin_metrics",
    "asset": "btc",
    "name": "AdrActCnt",
    "value": "1014233",
    "start_ns": 0,
    "end_ns": 86_400_000_000_000,
    "available_ns": 100_000_000_000_000,
    "license": "CC BY-NC 4.0",
}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"value": "NaN"}, "no finite number"),
        ({"value": "Infinity"}, "no finite number"),
        ({"value": "1e400"}, "no finite number"),
        ({"value": ""}, "no finite number"),
        ({"value": "12,5"}, "no finite number"),
        ({"available_ns": 86_399_999_999_999}, "backwards"),
        ({"start_ns": 86_400_000_000_001}, "backwards"),
        ({"start_ns": -1}, "1970"),
        ({"available_ns": 2**63}, "2262"),
        ({"end_ns": 10**30}, "2262"),
        ({"revision": -1}, "revision"),
        ({"license": "two\nlines"}, "license"),
        ({"name": "../../etc/passwd"}, "cannot name"),
        ({"asset": ""}, "cannot name"),
        ({"source": ".."}, "cannot name"),
    ],
)
def test_what_cannot_be_a_metric_is_refused(change, why):
    """A value that is no number, a time that runs backwards, a word that would leave its folder."""
    with pytest.raises(DataError, match=why):
        Metric(**{**GOOD, **change})


def test_a_metric_keeps_the_digits_that_were_published():
    """The text is exact; features get the nearest float."""
    metric = Metric(**{**GOOD, "value": "867710158.604494107291"})
    assert metric.value == "867710158.604494107291"
    assert metric.number == 867710158.6044941


@given(st.decimals(allow_nan=False, allow_infinity=False, places=30, min_value=-(10**12), max_value=10**12))
def test_exact_digits_and_the_float_made_of_them_are_the_same_value(exact):
    """A file of floats and the provider's exact text do not restate each other, in either order."""
    text, rounded = format(exact, "f"), repr(float(exact))
    assert same_value(text, rounded)
    assert same_value(rounded, text)
    assert same_value(text, text + "0" if "." in text else text)


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_two_floats_are_the_same_value_only_if_they_are_equal(one, other):
    """No tolerance hides a restatement."""
    assert same_value(repr(one), repr(other)) == (one == other)


def test_two_exact_texts_that_differ_in_a_late_digit_are_two_values():
    """Wei have more digits than a float: a restatement of one wei is one."""
    assert not same_value("120000000000000000001", "120000000000000000002")


@given(st.text(max_size=12))
def test_a_number_is_what_decimal_and_float_both_read(text):
    """Whatever is accepted can be used, exactly and as a float."""
    if is_number(text):
        assert Decimal(text).is_finite()
        assert abs(float(text)) < float("inf")


def test_no_records_make_empty_columns():
    """A series that has nothing yet joins to nothing, and does not fail."""
    assert [len(column) for column in metrics_of([])] == [0, 0, 0, 0]
