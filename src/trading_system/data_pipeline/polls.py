"""When a series was last asked for: what was not there then was not public, whatever is said later."""

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


def read_poll(folder: Path) -> Poll | None:
    """Return the last poll noted in a series' folder; None where there is none that can be read."""
    try:
        return msgspec.json.decode((folder / _NAME).read_bytes(), type=Poll)
    except (OSError, msgspec.DecodeError):
        return None


def write_poll(folder: Path, poll: Poll) -> None:
    """Note `poll`, together with an earlier one that it continues; the writer's lock of the folder is held."""
    before = read_poll(folder)
    if before is not None and poll.since_ns <= before.asked_ns:
        poll = Poll(since_ns=min(before.since_ns, poll.since_ns), asked_ns=max(before.asked_ns, poll.asked_ns))
    replace_file(folder / _NAME, msgspec.json.encode(poll))
