"""Every closed bar from a moment on, from history and stream, with every gap healed: for the store and for the desk.

There is one logic of gaps: `follow`. It asks history for what is missing at its start, whenever the news say that
something may have been missed, and before a bar is passed on that opens later than one that is due. What is done with
the answers is another matter: the desk takes bars (`bars_of`), the store whole pages (`keeping.Keeper`).
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial

from trading_system.data_pipeline.collectors.asked import SETTLED_NS
from trading_system.data_pipeline.collectors.pages import Told, checked, told
from trading_system.data_pipeline.collectors.spans import Span, later, merged, without
from trading_system.data_pipeline.normalizers.quality import Gate
from trading_system.errors import DataError
from trading_system.market.bars import Bar, interval_ns
from trading_system.market.instruments import Instrument
from trading_system.market.timestamps import iso
from trading_system.ports import BarRecord, BarSource

News = AsyncIterator[BarRecord | None]
"""Closed bars as a venue tells them; None where some may have been missed, so that history should be asked now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """Bars that neither the stream nor the history have: the venue did not trade, or lost them.

    Attributes:
        symbol: Of which instrument.
        start_ns, end_ns: The time without bars, UTC ns.
    """

    symbol: str
    start_ns: int
    end_ns: int


@dataclass(slots=True, kw_only=True)
class _Due:
    """What is still to come, all UTC ns.

    Attributes:
        next_ns: Nobody was asked for what opens from here on.
        ordered: What lies before a bar that was told is given up: whoever listens could not use it any more.
        now_ns: The latest that is known of the venue's time.
        told: The time of bars that were told in the last hour; stream and history do not know of each other.
        absent: Before `next_ns`, and not there when it was asked for: a venue may be late with a bar.
    """

    next_ns: int
    ordered: bool
    now_ns: int = 0
    told: list[Span] = field(default_factory=list)
    absent: list[Span] = field(default_factory=list)

    @property
    def first_ns(self) -> int:
        """When the first bar opens that is due."""
        return self.absent[0].start_ns if self.absent else self.next_ns

    def hear(self, part: Told) -> None:
        """Note what was told, and expect no longer what has been absent for `SETTLED_NS`."""
        found = [Span(each.bar.open_ns, each.bar.close_ns) for each in part.records if each.bar is not None]
        settled_ns = self.now_ns - SETTLED_NS
        self.next_ns = max(self.next_ns, part.end_ns)
        self.told = later(merged([*self.told, *found]), settled_ns)
        asked = merged([*self.absent, Span(part.start_ns, part.end_ns)])
        absent = [left for span in asked for left in without(span, self.told)]
        given_up_ns = self.told[-1].end_ns if self.ordered and self.told else 0
        self.absent = later(absent, max(settled_ns, given_up_ns))


async def follow(
    source: BarSource,
    news: News,
    *,
    instrument: Instrument,
    interval: str,
    start_ns: int,
    now_ns: Callable[[], Awaitable[int]],
    lag_ns: int = 0,
    ordered: bool = False,
) -> AsyncIterator[Told]:
    """Yield all that `source` and `news` tell of the time from `start_ns` on; of no bar that could be had none is left.

    A stretch that the news passed over is asked for before what came behind it is passed on. A bar that is not there
    yet stays due for `SETTLED_NS` and is asked for again at every question, and before every bar of the news. What the
    news say of time that was told of already is passed on too: whoever listens compares it with what they have.

    A bar of the news that closes after the venue's now is wrong: it is passed on without its bar, and moves nothing.

    Args:
        source: Asked page by page; and for the venue's time where a bar seems to come too early.
        news: Of the same series, as the venue tells them.
        instrument: The series' instrument.
        interval: Length of a bar as venues write it.
        start_ns: UTC ns; rounded up to the start of a bar.
        now_ns: The venue's time as the caller knows it, by which it is known which bars are closed.
        lag_ns: How long after its close history is not asked for a bar yet.
        ordered: Never yield a bar that is older than one which was yielded before, unless the news bring it.

    Raises:
        VenueError: The history could not be read; call again from the last bar's close.
    """
    length = interval_ns(interval)
    start_ns = -(-start_ns // length) * length
    due = _Due(next_ns=start_ns, ordered=ordered)

    async def asked(until_ns: int) -> AsyncIterator[Told]:
        async for part in told(source, instrument, interval, due.first_ns, until_ns):
            due.hear(part)
            yield part

    while True:  # first history, then whatever comes
        due.now_ns = max(due.now_ns, await now_ns())
        async for part in asked((due.now_ns - lag_ns) // length * length):
            yield part
        async for record in news:
            if record is None:
                break
            record = checked(record, instrument, interval, max(0, start_ns - SETTLED_NS))
            record = await _closed(record, due, now_ns, source)
            if record.bar is None:
                yield Told(records=(record,), start_ns=due.next_ns, end_ns=due.next_ns)
                break  # history may have it
            async for part in asked(record.bar.open_ns):
                yield part
            part = Told(records=(record,), start_ns=record.bar.open_ns, end_ns=record.bar.close_ns)
            due.hear(part)
            yield part
        else:
            return


async def _closed(record: BarRecord, due: _Due, now_ns: Callable[[], Awaitable[int]], source: BarSource) -> BarRecord:
    """Return `record`, without its bar where that closes in the future; in doubt the venue is asked for its time."""
    for ask in (now_ns, source.now_ns):
        if record.bar is None or record.bar.close_ns <= due.now_ns:
            return record
        due.now_ns = max(due.now_ns, await ask())
    if record.bar is None or record.bar.close_ns <= due.now_ns:
        return record
    wrong = f"bar at {iso(record.bar.open_ns)} closes after now, {iso(due.now_ns)}"
    return replace(record, bar=None, wrong=wrong)


async def bars_of(
    parts: AsyncIterator[Told], gate: Gate, *, symbol: str, start_ns: int, notice: Callable[[Hole], None]
) -> AsyncIterator[Bar]:
    """Yield the bars that `parts` tell, in order, each once; what cannot be used goes through `gate` to the quarantine.

    A bar that comes after one behind it was told as part of a hole, and is refused by the gate as out of order.

    Args:
        parts: What `follow` yields.
        gate: Of this series; nothing has passed it yet.
        symbol: The series' symbol.
        start_ns: When the first bar is due, UTC ns.
        notice: Told of each hole before the bar behind it is yielded.
    """
    due_ns = start_ns
    async for part in parts:
        for record in part.records:
            bar = gate.admit(record.raw, partial(_read, record), form=record.form, columns=record.columns)
            if bar is None:
                continue
            if bar.open_ns > due_ns:
                notice(Hole(symbol=symbol, start_ns=due_ns, end_ns=bar.open_ns))
            due_ns = bar.close_ns
            yield bar


def _read(record: BarRecord, raw: bytes) -> Bar:
    if record.bar is None:
        raise DataError(record.wrong)
    return record.bar
