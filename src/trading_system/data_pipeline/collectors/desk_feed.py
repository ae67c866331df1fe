"""The bars of one instrument for a desk: the last closed ones to warm up with, then every one that closes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from trading_system.data_pipeline.collectors.ohlcv import Hole, News, bars_of, follow
from trading_system.data_pipeline.collectors.pages import PatientSource, told
from trading_system.data_pipeline.normalizers.quality import Gate
from trading_system.market.bars import Bar, interval_ns
from trading_system.market.instruments import Instrument
from trading_system.market.timestamps import iso
from trading_system.ports import BarSource, Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskFeed:
    """One instrument's bars, each told once, in order; what cannot be used is in the quarantine.

    Attributes:
        source: History, asked page by page.
        gate: Of this series; nothing has passed it yet.
        instrument: The series' instrument.
        interval: Length of a bar as venues write it.
        clock: The venue's time.
        missed: Told why bars may be missing, in a sentence, before the bar behind them is.
    """

    source: BarSource
    gate: Gate
    instrument: Instrument
    interval: str
    clock: Clock
    missed: Callable[[str], None]

    async def history(self, count: int, tries: int) -> list[Bar]:
        """Return the closed bars of the last `count` lengths, asking up to `tries` times.

        Raises:
            VenueError: The venue did not answer.
        """
        length = interval_ns(self.interval)
        end_ns = self.clock.now_ns() // length * length
        start_ns = end_ns - count * length
        source = PatientSource(self.source, lambda why: None, tries)
        parts = told(source, self.instrument, self.interval, start_ns, end_ns)
        found = bars_of(parts, self.gate, symbol=self.instrument.symbol, start_ns=start_ns, notice=lambda hole: None)
        return [bar async for bar in found]

    async def follow(self, news: News, start_ns: int, heard: Callable[[Bar], None]) -> None:
        """Tell `heard` every bar that opens at `start_ns` or later, for as long as there are `news`."""
        parts = follow(
            PatientSource(self.source, self.missed),
            news,
            instrument=self.instrument,
            interval=self.interval,
            start_ns=start_ns,
            now_ns=self._now_ns(),
            ordered=True,
        )
        symbol = self.instrument.symbol
        async for bar in bars_of(parts, self.gate, symbol=symbol, start_ns=start_ns, notice=self._hole):
            heard(bar)

    def _now_ns(self) -> Callable[[], Awaitable[int]]:
        async def now_ns() -> int:
            return self.clock.now_ns()

        return now_ns

    def _hole(self, hole: Hole) -> None:
        self.missed(f"no bars of {hole.symbol} between {iso(hole.start_ns)} and {iso(hole.end_ns)}")
