"""When a series was last asked for: what was not there then was not public, whatever is said later."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from trading_system.data_pipeline.store_files import replace_file

_NAME: Final = "asked.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """A question that was answered whole.

    Attributes:
        since_ns: It was about spans that end after this moment, UTC ns,
        asked_ns: and it was put at this one.
    """

    since_ns: int
    asked_ns: int

    def missed(self, end_ns: int) -> bool:
        """Return whether a span that ends at `end_ns`, and of which nothing is stored, was over and not told of."""
        return self.since_ns < end_ns <= self.asked_ns


def missed(polls: Sequence[Poll], end_ns: int) -> bool:
    """Return whether any of `polls` missed a span that ends at `end_ns`."""
    return any(poll.missed(end_ns) for poll in polls)


def read_polls(folder: Path) -> list[Poll]:
    """Return the polls noted in a series' folder, by time and apart; none where none can be read."""
    try:
        return msgspec.json.decode((folder / _NAME).read_bytes(), type=list[Poll])
    except (OSError, msgspec.DecodeError):
        return []


def write_poll(folder: Path, poll: Poll) -> None:
    """Note `poll` beside the earlier ones; the writer's lock of the folder is held."""
    polls = read_polls(folder)
    if (noted := joined(polls, poll)) != polls:
        replace_file(folder / _NAME, msgspec.json.encode(noted))


def joined(polls: Sequence[Poll], poll: Poll) -> list[Poll]:
    """Return `polls` and `poll` as stretches that do not touch, by time.

    Stretches that overlap or touch become one; between two that do not, nobody asked, and nothing was missed.

    >>> first, last = Poll(since_ns=0, asked_ns=2), Poll(since_ns=5, asked_ns=9)
    >>> joined([last], first) == [first, last]
    True
    >>> joined([first, last], Poll(since_ns=2, asked_ns=5))
    [Poll(since_ns=0, asked_ns=9)]
    """
    apart: list[Poll] = []
    for each in sorted([*polls, poll], key=lambda each: each.since_ns):
        if each.since_ns >= each.asked_ns:
            continue  # it asked about nothing: no span was due
        if apart and each.since_ns <= apart[-1].asked_ns:
            before = apart.pop()
            each = Poll(since_ns=before.since_ns, asked_ns=max(before.asked_ns, each.asked_ns))
        apart.append(each)
    return apart
