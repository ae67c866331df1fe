"""What becomes of each row that a file offers: kept, put right, set aside, or known from another row of the file.

`data check` says what is wrong with a file; what it calls repair is put right here, what it calls flag is kept, and
what it calls quarantine is set aside, by the very same finders (`normalizers.defects`). Beyond them, a bar of the store
opens on the grid of its interval, and is closed.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from trading_system.data_pipeline.bar_checks import GOOD, MONDAY_NS, WEEK_NS, Columns, Kind, Mask
from trading_system.data_pipeline.bar_offers import Offer, own_faults
from trading_system.data_pipeline.bar_store import Flags
from trading_system.data_pipeline.normalizers.defects import stamps
from trading_system.data_pipeline.normalizers.defects.examine import Findings, examine
from trading_system.data_pipeline.normalizers.defects.kinds import Action, Defect, DefectKind
from trading_system.data_pipeline.normalizers.defects.rows import Positions, Rows, length_words
from trading_system.data_pipeline.normalizers.defects.steps import told_interval
from trading_system.data_pipeline.normalizers.quality import OPEN
from trading_system.data_pipeline.raw_rows import Doubt
from trading_system.data_pipeline.resampling import PARTIAL
from trading_system.errors import ConfigurationError
from trading_system.market.columns import Ints
from trading_system.market.timestamps import iso

PART_ABSENT: Final = "misses a part"
"""The kind of a bar of which a part is absent, by the flag that `data resample --partial` gave it."""
UNFINISHED: Final = frozenset({OPEN, PART_ABSENT})
"""Kinds of rows that come too early: a file of them is no bad file."""

_AGAIN: Final = "tells a bar again, in the same words"
_ENOUGH: Final = 10
"""Rows from which on their own step is believed more than what was said."""
_TOLD: Final = 5
_WHERE: Final = re.compile(r"^rows? \d+(?: to \d+)?: ")
"""How a defect begins: rows counted among those that were examined."""
_KINDS: Final[Mapping[DefectKind, str]] = {DefectKind.DUPLICATE: Kind.CONTRADICTION.value}
"""What the quarantine calls a row where a defect's kind says less: of equals none is set aside."""
_SPEAKING: Final = (DefectKind.STAMPED_AT_END, DefectKind.DUPLICATE, DefectKind.WRONG_INTERVAL)
"""Kinds of rows that are kept as told and bear no flag of their own, so that a note must say it."""


class Judged(NamedTuple):
    """What becomes of the rows of a file.

    Attributes:
        interval_ns: Length of a bar, ns.
        places: (K,) positions of the rows that are kept.
        columns: (K,) those, stamps put right; each time once, in any order.
        shifts_ns: (K,) what was added to the time that each says, ns.
        flags: (K,) what is odd about each.
        aside: Rows that are set aside.
        repeats: Rows that say what one that is kept says.
        repaired: Rows that were put right, by the word of `DefectKind`.
        notes: What was put right, and what is odd and bears no flag, in sentences.
    """

    interval_ns: int
    places: Positions
    columns: Columns
    shifts_ns: Ints
    flags: Flags
    aside: dict[int, Doubt]
    repeats: dict[int, Doubt]
    repaired: dict[str, int]
    notes: tuple[str, ...]


def judged(offer: Offer, now_ns: int) -> Judged:
    """Return what becomes of the rows of `offer`.

    Args:
        offer: The rows.
        now_ns: The time, UTC ns: a bar that ends later is not closed.

    Raises:
        ConfigurationError: Nothing tells the interval, or the rows come at another than was said.
    """
    times = offer.columns.open_ns
    early = (offer.verdicts == GOOD) & (times > now_ns)
    unfinished = np.zeros_like(early) if offer.marks is None else (offer.marks & np.uint16(PARTIAL)) != 0
    places = np.flatnonzero((offer.verdicts == GOOD) & ~early & ~unfinished)
    rows = offer.columns if len(places) == len(times) else part(offer.columns, places)
    found = examine(_floats(rows), offer.said_ns or offer.named_ns, ends=offer.ends)
    length = _length(offer, found, len(places))
    opens = found.open_ns
    still_open = opens + length > now_ns
    keep = found.keep & ~still_open
    off_grid = keep & ((opens - (MONDAY_NS if length % WEEK_NS == 0 else 0)) % length != 0)
    keep &= ~off_grid
    put_right = rows._replace(open_ns=opens)
    shifts = opens - rows.open_ns
    kept, left = np.flatnonzero(keep), np.flatnonzero(~keep)
    again = _among(part(put_right, left), part(put_right, kept)) if len(left) else np.zeros(0, dtype=np.bool_)

    def doubt(at: int, kind: str, reason: str) -> tuple[int, Doubt]:
        return int(places[at]), Doubt(kind=kind, reason=reason, open_ns=int(opens[at]), shift_ns=int(shifts[at]))

    aside = _unfinished(times, early, unfinished, length) | _own(offer, length)
    reasons = _reasons(opens, left[~again], found.defects)
    for at in left[~again].tolist():
        if still_open[at]:
            told = OPEN, _still_to_come(int(opens[at]), length)
        elif off_grid[at]:
            told = Kind.GRID.value, f"does not open at a multiple of {length_words(length)}"
        else:
            told = reasons.get(at, ("review", "not kept by the review of its series"))
        aside |= [doubt(at, *told)]
    repeats = dict(doubt(at, DefectKind.DUPLICATE.value, _AGAIN) for at in left[again].tolist())
    repaired = _repaired(found.defects, len(repeats))
    return Judged(
        interval_ns=length,
        places=places[kept],
        columns=part(put_right, kept),
        shifts_ns=shifts[kept],
        flags=found.flags[kept],
        aside=aside,
        repeats=repeats,
        repaired=repaired,
        notes=(*_repairs(repaired, found.backwards, length), *_oddities(found.defects)),
    )


def part(columns: Columns, rows: Positions | Mask) -> Columns:
    """Return the rows of `columns` at `rows`."""
    return Columns(*(column[rows] for column in columns))


def _floats(rows: Columns) -> Rows:
    nothing = np.zeros(len(rows.open_ns), dtype=np.bool_)
    first, high, low, last, volume = (column.astype(np.float64) for column in rows[1:])
    return Rows(rows.open_ns, first, high, low, last, volume, timeless=nothing, unreadable=nothing)


def _length(offer: Offer, found: Findings, rows: int) -> int:
    told, said = found.interval_ns, offer.said_ns
    if said is not None:
        if told not in (None, said) and rows >= _ENOUGH:
            raise ConfigurationError(
                f"{offer.path}: its bars come every {length_words(told or 0)}, not every {length_words(said)} as was "
                "said"
            )
        return said
    if told is None:
        told = offer.named_ns or told_interval(np.unique(offer.columns.open_ns[offer.verdicts == GOOD]))
    if told is None:
        raise ConfigurationError(f"{offer.path}: one row does not tell the interval; say how long a bar is")
    return told


def _unfinished(times: Ints, early: Mask, unfinished: Mask, length_ns: int) -> dict[int, Doubt]:
    """Return the rows that are known to come too early before their series is looked at."""
    reasons = dict.fromkeys(np.flatnonzero(unfinished).tolist(), (PART_ABSENT, "a part of the bar is absent"))
    for row in np.flatnonzero(early & ~unfinished).tolist():
        reasons[row] = OPEN, _still_to_come(int(times[row]), length_ns)
    return {row: Doubt(kind=kind, reason=why, open_ns=int(times[row])) for row, (kind, why) in reasons.items()}


def _still_to_come(open_ns: int, length_ns: int) -> str:
    return f"the bar ends {iso(open_ns + length_ns)}, which is still to come"


def _own(offer: Offer, length_ns: int) -> dict[int, Doubt]:
    """Return the rows that are no bars by themselves; their stamps, too, may be those of the ends."""
    bad = np.flatnonzero(own_faults(offer))
    times = offer.columns.open_ns[bad]
    shifts = stamps.to_open(times, length_ns, ends=offer.ends)
    told = zip(bad.tolist(), times.tolist(), shifts.tolist(), strict=True)
    return {row: Doubt(open_ns=time + shift, shift_ns=shift) for row, time, shift in told}


def _among(rows: Columns, kept: Columns) -> Mask:
    """Return which of `rows` say the same as one of `kept`, which bears their time."""
    order = np.argsort(kept.open_ns, kind="stable")
    if not len(order):
        return np.zeros(len(rows.open_ns), dtype=np.bool_)
    places = order[np.searchsorted(kept.open_ns, rows.open_ns, sorter=order) % len(order)]
    alike: Mask = np.logical_and.reduce([a == b[places] for a, b in zip(rows, kept, strict=True)])
    return alike


def _reasons(opens: Ints, left: Positions, defects: tuple[Defect, ...]) -> dict[int, tuple[str, str]]:
    """Return kind and reason of the rows `left` that a defect covers; of several, the first that was found."""
    order = left[np.argsort(opens[left], kind="stable")]
    times = opens[order]
    reasons: dict[int, tuple[str, str]] = {}
    for defect in defects:
        if defect.action is not Action.QUARANTINE or defect.first_ns is None or defect.last_ns is None:
            continue
        begin, end = np.searchsorted(times, defect.first_ns), np.searchsorted(times, defect.last_ns, side="right")
        told = _KINDS.get(defect.kind, defect.kind.value), _WHERE.sub("", defect.detail)
        for at in order[begin:end].tolist():
            reasons.setdefault(at, told)
    return reasons


def _repaired(defects: tuple[Defect, ...], repeats: int) -> dict[str, int]:
    rows: Counter[str] = Counter()
    for defect in defects:
        if defect.action is Action.REPAIR and defect.kind is not DefectKind.DUPLICATE:
            rows[defect.kind.value] += defect.rows
    rows[DefectKind.DUPLICATE.value] = repeats
    return {kind: many for kind, many in sorted(rows.items()) if many}


def _repairs(repaired: Mapping[str, int], backwards: bool, length_ns: int) -> list[str]:
    turned = backwards and repaired.get(DefectKind.OUT_OF_ORDER.value) == 1
    words = {
        DefectKind.OUT_OF_ORDER: "The file runs newest first and was turned around."
        if turned
        else "{} out of place, put in order.",
        DefectKind.DUPLICATE: "{} told a bar again in the same words; each bar is kept once.",
        DefectKind.STAMPED_AT_END: f"{{}} stamped with the bar's end, put right: it opens {length_words(length_ns)} "
        "before.",
    }
    return [
        text.format(f"{many:,} row{'' if many == 1 else 's'}")
        for kind, text in words.items()
        if (many := repaired.get(kind.value, 0))
    ]


def _oddities(defects: tuple[Defect, ...]) -> list[str]:
    odd = [each for each in defects if each.action is Action.FLAG and each.kind in _SPEAKING]
    told = [
        f"Kept as told, though odd: {iso(each.first_ns or 0)} to {iso(each.last_ns or 0)}, {each.kind.value}: "
        f"{_WHERE.sub('', each.detail)}."
        for each in odd[:_TOLD]
    ]
    return told + ([f"{len(odd) - _TOLD:,} more stretches are odd; `data check` lists them."] if odd[_TOLD:] else [])
