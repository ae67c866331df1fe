"""UTC nanoseconds, and the only conversions to and from other forms of time."""

from datetime import UTC, datetime
from typing import Final

NS_PER_MS: Final = 1_000_000
NS_PER_S: Final = 1_000_000_000


def from_ms(milliseconds: int) -> int:
    """Return nanoseconds since 1970 for the `milliseconds` that venues speak."""
    return milliseconds * NS_PER_MS


def to_ms(ns: int) -> int:
    """Return whole milliseconds since 1970, rounded down.

    >>> to_ms(1_999_999)
    1
    """
    return ns // NS_PER_MS


def iso(ns: int) -> str:
    """Return `ns` as ISO 8601 in UTC, to the millisecond.

    >>> iso(1_700_000_000_123_000_000)
    '2023-11-14T22:13:20.123Z'
    """
    moment = datetime.fromtimestamp(ns // NS_PER_S, tz=UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ns % NS_PER_S // NS_PER_MS:03d}Z"
