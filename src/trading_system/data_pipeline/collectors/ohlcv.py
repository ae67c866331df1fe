"""Back-fill, then follow: every closed bar from a moment on, no bar twice, none missing, none open."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from trading_system.errors import DataError
from trading_system.market.bars import Bar, interval_ns
from trading_system.market.instruments import Instrument
from trading_system.market.timestamps import iso
from trading_system.utils.error_handling.retries import answered


class BarHistory(Protocol):
    """Where past bars can be asked for; every `Venue` is one."""

    async def bars(self, instrument: Instrument, interval: str, start_ns: int, end_ns: int) -> Sequence[Bar]:
        """Return closed bars that open in [start_ns, end_ns), oldest first; perhaps only the first page of them."""
        ...


class PatientHistory:
    """A history that is asked until it answers; `lost` is told why each failed try failed."""

    def __init__(self, history: BarHistory, lost: Callable[[str], None]) -> None:
        self._history = history
        self._lost = lost

    async def bars(self, instrument: Instrument, interval: str, start_ns: int, end_ns: int) -> Sequence[Bar]:
        """Return closed bars that open in [start_ns, end_ns), oldest first; perhaps only the first page of them."""
        return await answered(lambda: self._history.bars(instrument, interval, start_ns, end_ns), notice=self._lost)


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


async def follow(
    history: BarHistory,
    stream: AsyncIterator[Bar],
    *,
    instrument: Instrument,
    interval: str,
    start_ns: int,
    now_ns: Callable[[], int],
    notice: Callable[[Hole], None],
) -> AsyncIterator[Bar]:
    """Yield every closed bar that opens at or after `start_ns`: first the history's, then the stream's.

    A bar missing from the stream (a reconnection, the moments between history and stream) is fetched
    from the history before the late bar is passed on. What the stream says a second time is dropped.

    Args:
        history: Asked page by page.
        stream: Closed bars of the same series, as the venue tells them.
        instrument: The series' instrument.
        interval: Length of a bar as venues write it.
        start_ns: UTC ns; rounded up to the start of a bar.
        now_ns: The venue's time, asked once, to know which bars are closed.
        notice: Told of each hole before the bar behind it is yielded.

    Raises:
        DataError: The venue sent a bar of another series or length.
        VenueError: The history could not be read; call again from the last bar's close.
    """
    length = interval_ns(interval)
    expected_ns = -(-start_ns // length) * length

    def next_of(bar: Bar) -> Bar:
        """Take note that `bar` is the next to be yielded."""
        nonlocal expected_ns
        if bar.open_ns > expected_ns:
            notice(Hole(symbol=bar.symbol, start_ns=expected_ns, end_ns=bar.open_ns))
        expected_ns = bar.close_ns
        return bar

    async for bar in _past(history, instrument, interval, expected_ns, now_ns() // length * length):
        yield next_of(bar)
    async for late in stream:
        _check(late, instrument, length)
        if late.open_ns < expected_ns:
            continue
        async for bar in _past(history, instrument, interval, expected_ns, late.open_ns):
            yield next_of(bar)
        yield next_of(late)


async def _past(
    history: BarHistory, instrument: Instrument, interval: str, start_ns: int, end_ns: int
) -> AsyncIterator[Bar]:
    """Yield the history's bars in [start_ns, end_ns), page by page, each once."""
    while start_ns < end_ns:
        page = await history.bars(instrument, interval, start_ns, end_ns)
        before_ns = start_ns
        for bar in page:
            _check(bar, instrument, interval_ns(interval))
            if start_ns <= bar.open_ns < end_ns:
                start_ns = bar.close_ns
                yield bar
        if start_ns == before_ns:  # nothing new: the rest does not exist
            return


def _check(bar: Bar, instrument: Instrument, length_ns: int) -> None:
    if bar.symbol != instrument.symbol or bar.close_ns - bar.open_ns != length_ns or bar.open_ns % length_ns:
        raise DataError(f"the venue sent a bar of {bar.symbol} at {iso(bar.open_ns)} that is not of this series: {bar}")
