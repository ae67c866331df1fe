"""The gate between what a source sends and what the house believes: bar by bar, from the past only."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from trading_system.data_pipeline.bar_checks import MONDAY_NS, WEEK_NS, Kind
from trading_system.data_pipeline.normalizers.defects.kinds import DefectKind
from trading_system.data_pipeline.normalizers.jumps import Jumps
from trading_system.errors import DataError
from trading_system.market import bar_flags
from trading_system.market.bars import Bar, interval_ns
from trading_system.market.timestamps import iso
from trading_system.utils.error_handling.quarantine import Quarantine
from trading_system.utils.error_handling.quarantine_records import Form, Record, Series, interval_word, raw_of

R = TypeVar("R")

JUMP: Final = 25.0
"""Usual bars from which on a bar is told as a spike; fewer than one in a thousand of any real series goes as far."""
REMEMBERED: Final = 1_000
"""Bars back to which a repetition is known for one."""
OTHER_SERIES: Final = "other series"
OPEN: Final = "not closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something about the bars that came, told as soon as it is seen.

    Attributes:
        kind: What; a word of `DefectKind` where that has one.
        symbol: Of which instrument.
        open_ns: Of which bar, UTC ns; None where it does not say. Of a gap, the first that is absent.
        detail: What a person needs to see it, in a few words.
        kept: Whether the bar was passed on, with a flag, or set aside.
    """

    kind: str
    symbol: str
    open_ns: int | None
    detail: str
    kept: bool


Notice = Callable[[Remark], None]


@dataclass(slots=True)
class Tally:
    """What one gate has met so far, records; `missing_ns` is the time that gaps left uncovered.

    Spikes and stale bars are among those that passed.
    """

    passed: int = 0
    duplicates: int = 0
    quarantined: int = 0
    gaps: int = 0
    missing_ns: int = 0
    spikes: int = 0
    stale: int = 0


class Gate:
    """Lets the bars of one series through, in order, each once.

    Set aside, with the reason and as received: what cannot be a bar, is of another series or length, comes late,
    contradicts a bar that was passed on, or is not closed yet. A repeated bar is dropped and counted. Kept, flagged,
    counted and told: a bar that jumps (whether the price comes back, nobody knows yet), one that repeats the one before
    it, one without volume, and the one behind a gap. A gap stays a gap: healing it is the collector's, and features
    start afresh behind it.

    Args:
        quarantine: Where refused records go.
        source: Who sends them, as the quarantine names it.
        series: What they are to be bars of, so that they can be judged again; None where that is not known.
        notice: Told each remark, before the bar is passed on.
        now_ns: The time, UTC ns, to know that a bar is closed; None: nobody asks. A bar may come early by its own
            length, for clocks differ.

    Attributes:
        tally: What came.
        flags: Bits of `market.bar_flags`: what is odd about the bar passed last.
    """

    def __init__(
        self,
        quarantine: Quarantine,
        *,
        source: str,
        series: Series | None = None,
        notice: Notice = lambda remark: None,
        now_ns: Callable[[], int] | None = None,
    ) -> None:
        self._quarantine = quarantine
        self._source = source
        self._series = series
        self._notice = notice
        self._now_ns = now_ns
        self._symbol = "" if series is None else series.symbol
        self._length_ns = interval_ns(series.interval) if series is not None and series.interval else 0
        self._last: Bar | None = None
        self._recent: OrderedDict[int, Bar] = OrderedDict()
        self._jumps = Jumps()
        self.tally = Tally()
        self.flags = bar_flags.NONE

    def admit(
        self, received: R, parse: Callable[[R], Bar], *, form: Form = "", columns: tuple[str, ...] = ()
    ) -> Bar | None:
        """Return the bar that `received` says, or nothing if it is not to be used.

        Args:
            received: As it was received, best its bytes; kept whole if it is refused (`quarantine_records.raw_of`).
            parse: The source's codec; it raises `DataError` for what cannot be a bar.
            form, columns: How the bytes can be read again, see `quarantine_records.Record`.

        Raises:
            ConfigurationError: What is refused cannot be written down.
        """
        try:
            bar = parse(received)
        except DataError as error:
            self._refuse(received, None, (DefectKind.UNREADABLE, str(error)), form, columns)
            return None
        if self._recent.get(bar.open_ns) == bar:
            self.tally.duplicates += 1
            return None
        wrong = self._wrong(bar)
        if wrong is not None:
            self._refuse(received, bar, wrong, form, columns)
            return None
        self._take(bar)
        return bar

    def _wrong(self, bar: Bar) -> tuple[str, str] | None:
        """Return kind and reason why `bar` is not the next of this series; None where it is."""
        told, length_ns = f"{bar.symbol} bar at {iso(bar.open_ns)}", bar.close_ns - bar.open_ns
        if bar.symbol != (self._symbol or bar.symbol):
            return OTHER_SERIES, f"{told} in the series of {self._symbol}"
        if length_ns != (self._length_ns or length_ns):
            is_, should = interval_word(length_ns), interval_word(self._length_ns)
            return DefectKind.WRONG_INTERVAL, f"{told} is {is_} long in a series of {should}"
        if (bar.open_ns - (MONDAY_NS if length_ns % WEEK_NS == 0 else 0)) % length_ns:
            return Kind.GRID, f"{told} does not open at a multiple of {interval_word(length_ns)}"
        if self._now_ns is not None and bar.open_ns > (now_ns := self._now_ns()):
            return OPEN, f"{told} opens after now, {iso(now_ns)}"
        if bar.open_ns in self._recent:
            return Kind.CONTRADICTION, f"{told} says something else than the one already passed on"
        if self._last is not None and bar.open_ns < self._last.close_ns:
            return DefectKind.OUT_OF_ORDER, f"{told} came after the one that ends {iso(self._last.close_ns)}"
        return None

    def _refuse(
        self, received: object, bar: Bar | None, wrong: tuple[str, str], form: Form, columns: tuple[str, ...]
    ) -> None:
        kind, reason = str(wrong[0]), wrong[1]
        open_ns = None if bar is None else bar.open_ns
        record = Record(
            source=self._source,
            kind=kind,
            reason=reason,
            raw=raw_of(received),
            series=self._series,
            form=form,
            columns=columns,
            open_ns=open_ns,
        )
        self._quarantine.put_all([record])
        self.tally.quarantined += 1
        symbol = self._symbol if bar is None else bar.symbol
        self._notice(Remark(kind=kind, symbol=symbol, open_ns=open_ns, detail=reason, kept=False))

    def _take(self, bar: Bar) -> None:
        """Note what is odd about `bar`, tell it, and expect the next one."""
        last, tally = self._last, self.tally
        jump = self._jumps.measure(bar, JUMP)
        self.flags = bar_flags.NONE if bar.volume_atoms else bar_flags.ZERO_BAR
        if last is not None and bar.open_ns > last.close_ns:
            missing_ns = bar.open_ns - last.close_ns
            tally.gaps += 1
            tally.missing_ns += missing_ns
            bars = missing_ns // (bar.close_ns - bar.open_ns)
            self._odd(bar, DefectKind.GAP, bar_flags.AFTER_GAP, f"{bars} bars absent", open_ns=last.close_ns)
        if jump > JUMP:
            tally.spikes += 1
            self._odd(bar, DefectKind.SPIKE, bar_flags.SPIKE, f"{jump:.0f} times as far as a bar usually goes")
        if last is not None and bar.volume_atoms and bar.high > bar.low and _numbers(bar) == _numbers(last):
            tally.stale += 1
            self._odd(bar, DefectKind.STALE, bar_flags.STALE, "says what the bar before it said, volume and all")
        self._last, self._symbol, self._length_ns = bar, bar.symbol, bar.close_ns - bar.open_ns
        self._recent[bar.open_ns] = bar
        if len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)
        tally.passed += 1

    def _odd(self, bar: Bar, kind: DefectKind, flag: int, detail: str, *, open_ns: int | None = None) -> None:
        self.flags |= flag
        opens = bar.open_ns if open_ns is None else open_ns
        self._notice(Remark(kind=kind.value, symbol=bar.symbol, open_ns=opens, detail=detail, kept=True))


def _numbers(bar: Bar) -> tuple[int, ...]:
    return bar.open, bar.high, bar.low, bar.close, bar.volume_atoms
