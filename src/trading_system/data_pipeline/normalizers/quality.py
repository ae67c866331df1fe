"""The gate between what a source sent and what the house believes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trading_system.errors import DataError
from trading_system.market.bars import Bar
from trading_system.market.timestamps import iso
from trading_system.utils.error_handling.quarantine import Quarantine

Record = Mapping[str, object]


@dataclass(slots=True)
class Tally:
    """What one gate has met so far, records; `missing_ns` is the time that gaps left uncovered."""

    passed: int = 0
    duplicates: int = 0
    quarantined: int = 0
    gaps: int = 0
    missing_ns: int = 0


class Gate:
    """Lets the bars of one series through, in order, each once.

    What cannot be a bar, comes late or contradicts the bar before it is quarantined with the reason.
    A repeated bar is dropped and counted. A gap is counted and passed on: healing is the collector's,
    and features start afresh behind it.
    """

    def __init__(self, quarantine: Quarantine, *, source: str) -> None:
        self._quarantine = quarantine
        self._source = source
        self._last: Bar | None = None
        self.tally = Tally()

    def admit(self, record: Record, parse: Callable[[Record], Bar]) -> Bar | None:
        """Return the bar that `record` says, or nothing if it is not to be used.

        Args:
            record: As it was received; kept whole if it is refused.
            parse: The source's codec; it raises `DataError` for what cannot be a bar.
        """
        try:
            bar = parse(record)
            if bar == self._last:
                self.tally.duplicates += 1
                return None
            if self._last is not None:
                self._compare(bar, self._last)
        except DataError as error:
            self.tally.quarantined += 1
            self._quarantine.put(record, reason=str(error), source=self._source)
            return None
        self._last = bar
        self.tally.passed += 1
        return bar

    def _compare(self, bar: Bar, last: Bar) -> None:
        if bar.symbol != last.symbol:
            raise DataError(f"bar of {bar.symbol} in the series of {last.symbol}")
        if bar.open_ns == last.open_ns:
            raise DataError(
                f"{bar.symbol} bar at {iso(bar.open_ns)} says something else than the one already passed on"
            )
        if bar.open_ns < last.close_ns:
            raise DataError(f"{bar.symbol} bar at {iso(bar.open_ns)} came after the one that ends {iso(last.close_ns)}")
        if bar.open_ns > last.close_ns:
            self.tally.gaps += 1
            self.tally.missing_ns += bar.open_ns - last.close_ns
