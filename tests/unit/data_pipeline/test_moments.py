"""Moments: read exactly, or refused."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.data_pipeline.moments import moment_ns
from trading_system.errors import DataError


@given(st.integers(0, 4_000_000_000), st.integers(0, 999_999_999))
def test_a_moment_is_read_to_the_nanosecond(seconds, nanoseconds):
    """What a provider writes with nine decimals is the very nanosecond."""
    text = f"{datetime.fromtimestamp(seconds, tz=UTC):%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"
    assert moment_ns(text) == seconds * 1_000_000_000 + nanoseconds


@pytest.mark.parametrize("text", ["", "yesterday", "2024-13-01", "2024-02-30", "1704067200", "2024-01-01T25:00:00Z"])
def test_what_is_no_moment_is_refused(text):
    """Nothing is guessed: an impossible day, an epoch, a word."""
    with pytest.raises(DataError, match="no moment"):
        moment_ns(text)
