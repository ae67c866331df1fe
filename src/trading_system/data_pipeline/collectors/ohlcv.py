"""Every closed bar from a moment on, from history and stream, with every gap healed: for the store and for the desk.

There is one logic of gaps: `follow`. It asks history for what is missing at its start, whenever the news say that
something may have been missed, and whenever a bar opens later than the one that was due. What is done with the answers
is another matter: the desk takes bars (`bars_of`), the store whole pages (`keeping.Keeper`).
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

from trading_system.data_pipeline.normalizers.quality import Gate
from trading_system.errors import DataError, OutcomeUnknown
from trading_system.market.bars import Bar, interval_ns
from trading_system.market.instruments import Instrument
from trading_system.market.timestamps import iso
from trading_system.ports import BarPage, BarRecord, BarSource
from trading_system.utils.error_handling.retries import answered

News = AsyncIterator[BarRecord | None]
"""Closed bars as a venue tells them; None where some may have been missed, so that history should be asked now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a source told, and of what time.

    Attributes:
        records: Oldest first.
        start_ns, end_ns: All that the source has of this time, UTC ns, is in `records`.
    """

    records: tuple[BarRecord, ...]
    start_ns: int
    end_ns: int


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
    while start_ns < end_ns:
        page = await source.page(instrument, interval, start_ns, end_ns)
        until_ns = min(page.told_ns, end_ns)
        records = tuple(_checked(each, instrument, interval, start_ns, end_ns) for each in page.records)
        yield Told(records=records, start_ns=start_ns, end_ns=max(start_ns, until_ns))
        if until_ns <= start_ns:
            raise OutcomeUnknown(f"{instrument.symbol}: asked for bars from {iso(start_ns)}, the venue told of others")
        start_ns = until_ns


async def follow(
    source: BarSource,
    news: News,
    *,
    instrument: Instrument,
    interval: str,
    start_ns: int,
    now_ns: Callable[[], Awaitable[int]],
) -> AsyncIterator[Told]:
    """Yield all that `source` and `news` tell of the time from `start_ns` on; of no bar that could be had none is left.

    A stretch that the news passed over is asked for before what came behind it is passed on. What the news say of
    time that was told of already is passed on too: whoever listens compares it with what they have.

    Args:
        source: Asked page by page.
        news: Of the same series, as the venue tells them.
        instrument: The series' instrument.
        interval: Length of a bar as venues write it.
        start_ns: UTC ns; rounded up to the start of a bar.
        now_ns: The venue's time, by which it is known which bars are closed.

    Raises:
        VenueError: The history could not be read; call again from the last bar's close.
    """
    length = interval_ns(interval)
    due_ns = -(-start_ns // length) * length
    while True:  # first history, then whatever comes
        until_ns = await now_ns() // length * length
        async for part in told(source, instrument, interval, due_ns, until_ns):
            due_ns = part.end_ns
            yield part
        async for record in news:
            if record is None:
                break
            record = _checked(record, instrument, interval, 0, None)
            if record.bar is None:
                yield Told(records=(record,), start_ns=due_ns, end_ns=due_ns)
                break  # history may have it
            async for part in told(source, instrument, interval, due_ns, record.bar.open_ns):
                due_ns = part.end_ns
                yield part
            yield Told(records=(record,), start_ns=record.bar.open_ns, end_ns=record.bar.close_ns)
            due_ns = max(due_ns, record.bar.close_ns)
        else:
            return


async def bars_of(
    parts: AsyncIterator[Told], gate: Gate, *, symbol: str, start_ns: int, notice: Callable[[Hole], None]
) -> AsyncIterator[Bar]:
    """Yield the bars that `parts` tell, in order, each once; what cannot be used goes through `gate` to the quarantine.

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


def _checked(record: BarRecord, instrument: Instrument, interval: str, start_ns: int, end_ns: int | None) -> BarRecord:
    """Return `record`, without its bar where that is none of the series, or none that was asked for."""
    bar, length = record.bar, interval_ns(interval)
    if bar is None:
        return record
    if bar.symbol != instrument.symbol or bar.close_ns - bar.open_ns != length or bar.open_ns % length:
        wrong = f"bar of {bar.symbol} at {iso(bar.open_ns)} is no {interval} bar of {instrument.symbol}"
    elif bar.open_ns < start_ns or (end_ns is not None and bar.open_ns >= end_ns):
        wrong = f"bar at {iso(bar.open_ns)} was not asked for: from {iso(start_ns)} to before {iso(end_ns or 0)}"
    else:
        return record
    return replace(record, bar=None, wrong=wrong)
