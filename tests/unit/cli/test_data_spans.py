"""Moments on the command line: one reader for all commands."""

import pytest

from trading_system.cli.data.spans import moment_ns
from trading_system.errors import ConfigurationError

DAY_NS = 86_400_000_000_000
HALF_PAST_NOON_NS = 30 * DAY_NS + 45_000_000_000_000
"""1970-01-31T12:30Z."""


@pytest.mark.parametrize(
    "text",
    [
        "1970-01-31T12:30Z",
        "1970-01-31T12:30",
        "1970-01-31 12:30",
        "1970-01-31 12:30:00",
        "1970-01-31T12:30:00Z",
        "1970-01-31T12:30:00.000000000Z",
        "1970-01-31T12:30+00:00",
    ],
)
def test_a_moment_may_be_written_in_any_usual_way(text: str) -> None:
    """To the minute or finer, with T or a blank, with or without Z."""
    assert moment_ns(text, "--since") == HALF_PAST_NOON_NS


def test_a_day_is_its_first_moment_and_a_nanosecond_is_kept() -> None:
    """Nothing is rounded."""
    assert moment_ns("1970-01-31", "--since") == 30 * DAY_NS
    assert moment_ns("1970-01-01T00:00:00.000000001Z", "--since") == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("yesterday", "is no moment: write 2024-01-31, 2024-01-31T12:30Z"),
        ("2024-02-30", "is no moment"),
        ("2024-01-31T24:01", "is no moment"),
        ("2024-01-31T12", "is no moment"),
        ("20240131", "is no moment"),
        ("", "is no moment"),
        ("2024-01-31T12:30+01:00", "is not in UTC"),
        ("1969-12-31", "is before 1970"),
    ],
)
def test_what_is_no_moment_is_one_sentence_that_names_the_option(text: str, words: str) -> None:
    """And shows how to write one."""
    with pytest.raises(ConfigurationError, match=r"^--until ") as raised:
        moment_ns(text, "--until")
    assert words in str(raised.value)
