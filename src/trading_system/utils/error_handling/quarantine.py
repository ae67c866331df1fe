"""Set bad records aside, with the reason, so that they can be looked at and trading goes on."""

import json
from collections.abc import Mapping
from pathlib import Path


class Quarantine:
    """Append refused records to a file, one JSON object a line: `source`, `reason`, `record`.

    Each line is written and flushed whole before `put` returns. A record that holds what JSON does
    not know (a `Decimal`, bytes) is kept as its text; nothing is dropped because it looks odd.

    Attributes:
        path: The file; its folder is made when the first record arrives.
        count: Records set aside by this object.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0

    def put(self, record: Mapping[str, object], *, reason: str, source: str) -> None:
        """Append `record`, as it was received, with where it came from and why it is not trusted."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"source": source, "reason": reason, "record": dict(record)}, default=str)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        self.count += 1
