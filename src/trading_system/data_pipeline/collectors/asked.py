"""Time of which a source said that it has no bars, kept beside the bars, so that an outage is not asked for again.

A source may be late with a bar, so emptiness is believed only of time that was an hour past when the source was asked.
Of anything younger nothing is written down: it is asked for again next time.

What a whole archive does not have is kept apart: the archive need not be read again, but the venue may have it.
"""

from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec

from trading_system.data_pipeline.collectors.spans import Span, without
from trading_system.data_pipeline.store_files import one_writer, replace_file
from trading_system.errors import DataError
from trading_system.market.timestamps import NS_PER_S

FILE: Final = "asked.json"
SETTLED_NS: Final = 3_600 * NS_PER_S
"""How long after its end a stretch without bars is believed to stay without."""


class Empty(NamedTuple):
    """A stretch without bars, and when the source said so, all UTC ns."""

    start_ns: int
    end_ns: int
    asked_ns: int


Who = Literal["empty", "archived"]
"""Who had nothing: the source, or an archive."""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    empty: list[Empty] = []
    archived: list[Empty] = []


class Asked:
    """What the sources of one series said that they do not have.

    Args:
        folder: Of the series, in the store. `asked.json` lies there, and is replaced whole or not at all.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / FILE

    def empty(self, who: Who = "empty") -> list[Empty]:
        """Return the stretches without bars, in order of time.

        Raises:
            DataError: The file is none of ours; it may be deleted, then everything missing is asked for once more.
        """
        file = self._read()
        return file.archived if who == "archived" else file.empty

    def _read(self) -> _File:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=_File)
        except FileNotFoundError:
            return _File(version=1)
        except msgspec.DecodeError as error:
            raise DataError(f"{self._path}: cannot be read ({error}): delete it, it will be found out anew") from error

    def remember(self, spans: list[Span], asked_ns: int, who: Who = "empty") -> None:
        """Write down that `spans` were without bars at `asked_ns`; of what is too young to believe it, nothing."""
        settled_ns = asked_ns - SETTLED_NS
        new = [Empty(start, min(end, settled_ns), asked_ns) for start, end in spans if start < settled_ns]
        if not new:
            return
        with one_writer(self._folder):
            file, found = self._read(), list[Empty]()
            for each in sorted([*_older(getattr(file, who), new), *new]):
                if found and each.start_ns == found[-1].end_ns and each.asked_ns == found[-1].asked_ns:
                    found[-1] = found[-1]._replace(end_ns=each.end_ns)
                else:
                    found.append(each)
            replace_file(self._path, msgspec.json.encode(msgspec.structs.replace(file, **{who: found})))


def _older(old: list[Empty], new: list[Empty]) -> list[Empty]:
    """Return what was remembered before, `old`, of other times than `new`."""
    again = [Span(start, end) for start, end, _ in new]
    return [
        Empty(start, end, each.asked_ns)
        for each in old
        for start, end in without(Span(each.start_ns, each.end_ns), again)
    ]
