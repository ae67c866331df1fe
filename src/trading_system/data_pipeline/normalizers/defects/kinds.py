"""The kinds of defects, what is done about each, and how one is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class DefectKind(StrEnum):
    """What is wrong; docs/data/quality.md defines each exactly."""

    GAP = "gap"
    DUPLICATE = "duplicate"
    OUT_OF_ORDER = "out_of_order"
    OHLC = "ohlc"
    NON_POSITIVE = "non_positive"
    ZERO_BAR = "zero_bar"
    NAN = "nan"
    SPIKE = "spike"
    STALE = "stale"
    STAMPED_AT_END = "stamped_at_end"
    WRONG_INTERVAL = "wrong_interval"
    UNREADABLE = "unreadable"


class Action(StrEnum):
    """What becomes of the rows."""

    REPAIR = "repair"
    """What was meant is certain, and is put right."""
    FLAG = "flag"
    """Kept as told, with a flag that says what is odd."""
    QUARANTINE = "quarantine"
    """Set aside with the reason and as it was received."""


ACTION: Final[Mapping[DefectKind, Action]] = {
    DefectKind.GAP: Action.FLAG,
    DefectKind.DUPLICATE: Action.REPAIR,  # of equals the first stays; rows that contradict each other: quarantine
    DefectKind.OUT_OF_ORDER: Action.REPAIR,
    DefectKind.OHLC: Action.QUARANTINE,
    DefectKind.NON_POSITIVE: Action.QUARANTINE,
    DefectKind.ZERO_BAR: Action.FLAG,
    DefectKind.NAN: Action.QUARANTINE,
    DefectKind.SPIKE: Action.FLAG,
    DefectKind.STALE: Action.FLAG,
    DefectKind.STAMPED_AT_END: Action.REPAIR,  # where only a pattern speaks for it and no stamp proves it: flag
    DefectKind.WRONG_INTERVAL: Action.QUARANTINE,
    DefectKind.UNREADABLE: Action.QUARANTINE,
}
"""What is done where a finder knows nothing better about the case before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """One stretch of rows with the same fault.

    Attributes:
        kind: What is wrong.
        first_ns, last_ns: Opens of the first and the last bar concerned, UTC ns; of a gap, of the bars that are
            absent. None where no time could be read.
        rows: Rows concerned; of a gap, bars absent.
        action: What becomes of them.
        detail: What a person needs to see it, in a few words.
    """

    kind: DefectKind
    first_ns: int | None
    last_ns: int | None
    rows: int
    action: Action
    detail: str
