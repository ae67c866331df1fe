"""What pages of history tell, and of what time: by what was asked and the order of the rows, not by any one stamp.

A source's clock, or the way from it, may garble the time of a row. One that jumped ahead would make a page seem to tell
of all the time before it, and what lies there would never be asked for. So a row's time is believed only where it fits
between the others: those off the longest rising run are set aside. Of a page that was cut short, the last row has
nobody behind it; where it stands behind a gap it is not used either, and the gap is asked for by itself.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from trading_system.errors import OutcomeUnknown
from trading_system.market.bars import interval_ns
from trading_system.market.columns import Ints
from trading_system.market.instruments import Instrument
from trading_system.market.timestamps import iso
from trading_system.ports import BarPage, BarRecord, BarSource
from trading_system.utils.error_handling.retries import answered

NEVER_NS: Final = 1 << 62
"""Later than any bar, UTC ns: where nobody says until when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a source told, and of what time.

    Attributes:
        records: As they were told.
        start_ns, end_ns: All that the source has of this time, UTC ns, is in `records`.
    """

    records: tuple[BarRecord, ...]
    start_ns: int
    end_ns: int


class PatientSource:
    """A source that is asked until it answers.

    Args:
        lost: Told why each failed try failed.
        tries: How often a question is asked in all; None for as long as it takes.
    """

    def __init__(self, source: BarSource, lost: Callable[[str], None], tries: int | None = None) -> None:
        self._source = source
        self._lost = lost
        self._tries = tries

    async def now_ns(self) -> int:
        """Return the venue's time, UTC ns."""
        return await answered(self._source.now_ns, notice=self._lost, tries=self._tries)

    async def page(self, instrument: Instrument, interval: str, start_ns: int, end_ns: int) -> BarPage:
        """Return what the source answers at last."""
        return await answered(
            lambda: self._source.page(instrument, interval, start_ns, end_ns), notice=self._lost, tries=self._tries
        )


async def told(
    source: BarSource, instrument: Instrument, interval: str, start_ns: int, end_ns: int
) -> AsyncIterator[Told]:
    """Yield what `source` has of [start_ns, end_ns), page by page, until all of that time is told of.

    Raises:
        OutcomeUnknown: An answer that tells of no time at all; asking on would never end.
        VenueError: The source could not be asked.
    """
    until_ns = end_ns
    while start_ns < end_ns:
        page = await source.page(instrument, interval, start_ns, until_ns)
        part, doubtful_ns = read(page, instrument, interval, start_ns, until_ns)
        yield part
        if part.end_ns <= start_ns and doubtful_ns is None:
            raise OutcomeUnknown(f"{instrument.symbol}: asked for bars from {iso(start_ns)}, the venue told of others")
        start_ns = part.end_ns
        if doubtful_ns is not None:
            until_ns = doubtful_ns
        elif start_ns >= until_ns:
            until_ns = end_ns


def read(page: BarPage, instrument: Instrument, interval: str, start_ns: int, end_ns: int) -> tuple[Told, int | None]:
    """Return what an answer tells of the time from `start_ns` on, and where a last row stands that nobody confirms.

    Where there is such a row it is not among the records; the gap before it is to be asked for, and then the row.
    """
    length, until_ns = interval_ns(interval), min(page.until_ns, end_ns)
    records = [checked(each, instrument, interval, start_ns, end_ns) for each in page.records]
    places = [place for place, each in enumerate(records) if each.bar is not None]
    opens = np.array([each.bar.open_ns for each in records if each.bar is not None], dtype=np.int64)
    steps = (opens - start_ns) // length
    run = rising(steps, np.array(places, dtype=np.int64))
    believed = {places[nth] for nth in run}
    told_ns, doubtful_ns = until_ns, None
    if not page.whole:
        told_ns = start_ns
        if run:
            last, before = run[-1], run[-2] if len(run) > 1 else None
            step, place = (int(steps[before]), places[before]) if before is not None else (-1, -1)
            if steps[last] - step > places[last] - place:
                doubtful_ns, told_ns = int(opens[last]), start_ns + (step + 1) * length
            else:
                told_ns = int(opens[last]) + length
    used = [
        each if each.bar is None or place in believed else _misplaced(each, records[:place], believed)
        for place, each in enumerate(records)
        if doubtful_ns is None or each.bar is None or place != places[run[-1]]
    ]
    return Told(records=tuple(used), start_ns=start_ns, end_ns=told_ns), doubtful_ns


def rising(steps: Ints, places: Ints) -> list[int]:
    """Return which of `steps`, the bars' numbers in time, are on the longest rising run.

    Of runs as long, that one is taken in which time goes on as the rows do, so that a row that says the time of its
    neighbor is told from the neighbor.

    Args:
        steps: (S,) how many bars after the first that was asked for each opens.
        places: (S,) the row that each stands in, rising.

    >>> rising(np.array([0, 1, 900, 3]), np.arange(4)), rising(np.array([0, 2, 2, 3]), np.arange(4))
    ([0, 1, 3], [0, 2, 3])
    """
    count = len(steps)
    if count < 2 or bool((np.diff(steps) > 0).all()):
        return list(range(count))
    best, origin = np.zeros(count, dtype=np.int64), np.full(count, -1, dtype=np.int64)
    longer = 2 * count  # a row more counts more than any number of rows that go as time does
    for nth in range(count):
        best[nth] = longer + (steps[nth] == places[nth])
        offered = np.where(
            steps[:nth] < steps[nth],
            best[:nth] + longer + (steps[nth] - steps[:nth] == places[nth] - places[:nth]),
            0,
        )
        if nth and offered.max() > best[nth]:
            origin[nth] = np.argmax(offered)
            best[nth] = offered[origin[nth]]
    run = [int(np.argmax(best))]
    while origin[run[-1]] >= 0:
        run.append(int(origin[run[-1]]))
    return run[::-1]


def checked(
    record: BarRecord, instrument: Instrument, interval: str, start_ns: int, end_ns: int = NEVER_NS
) -> BarRecord:
    """Return `record`, without its bar where that is none of the series, or none that was asked for."""
    bar, length = record.bar, interval_ns(interval)
    if bar is None:
        return record
    if bar.symbol != instrument.symbol or bar.close_ns - bar.open_ns != length or bar.open_ns % length:
        wrong = f"bar of {bar.symbol} at {iso(bar.open_ns)} is no {interval} bar of {instrument.symbol}"
    elif bar.open_ns < start_ns or bar.open_ns >= end_ns:
        until = "" if end_ns == NEVER_NS else f" to before {iso(end_ns)}"
        wrong = f"bar at {iso(bar.open_ns)} was not asked for: from {iso(start_ns)}{until}"
    else:
        return record
    return replace(record, bar=None, wrong=wrong)


def _misplaced(record: BarRecord, before: Sequence[BarRecord], believed: set[int]) -> BarRecord:
    """Return `record` without its bar, unless one before it that is believed has its time: that is another matter."""
    bar = record.bar
    if bar is None or any(
        each.bar is not None and each.bar.open_ns == bar.open_ns
        for place, each in enumerate(before)
        if place in believed
    ):
        return record
    return replace(record, bar=None, wrong=f"bar at {iso(bar.open_ns)} stands among bars of another time")
