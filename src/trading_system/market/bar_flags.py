"""What is odd about a bar that is kept all the same: bits of one small integer a bar.

A flagged bar stays in its series with the numbers that its source told. Who trains or trades on it may leave it out;
nobody may change it.
"""

from collections.abc import Mapping
from typing import Final

NONE: Final = 0
SPIKE: Final = 1 << 0
"""A price that jumps out of its surroundings and is back within three bars: a bad tick."""
STALE: Final = 1 << 1
"""A bar that repeats the one before it more often than this market does: a feed that stood still."""
ZERO_BAR: Final = 1 << 2
"""A bar in which nothing was traded."""
AFTER_GAP: Final = 1 << 3
"""The first bar behind one or more that are absent: what is worked out across it is undefined."""
END_STAMP: Final = 1 << 5
"""A bar whose time was that of its end, and was put right."""

WORDS: Final[Mapping[int, str]] = {
    SPIKE: "spike",
    STALE: "stale",
    ZERO_BAR: "zero bar",
    AFTER_GAP: "after a gap",
    END_STAMP: "stamped at its end",
}


def words_of(flags: int) -> tuple[str, ...]:
    """Return the words for the bits set in `flags`, in the order of `WORDS`.

    >>> words_of(SPIKE | ZERO_BAR)
    ('spike', 'zero bar')
    """
    return tuple(word for bit, word in WORDS.items() if flags & bit)
