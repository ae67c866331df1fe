"""The collector: every closed bar once, in order, whatever history and stream leave out or say twice."""

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories import make_bars, make_instrument

from trading_system.data_pipeline.collectors.ohlcv import Hole, bars_of, follow
from trading_system.data_pipeline.collectors.pages import Told, told
from trading_system.data_pipeline.normalizers.quality import Gate
from trading_system.errors import OutcomeUnknown, VenueUnavailable
from trading_system.market.bars import Bar
from trading_system.market.instruments import Instrument
from trading_system.ports import BarPage, BarRecord
from trading_system.utils.error_handling.quarantine import Quarantine

QUARTER_NS = 15 * 60_000_000_000
BTCUSDT = make_instrument()


def said(bar: Bar, wrong: str = "") -> BarRecord:
    """Return `bar` as a source tells it, or as one that cannot be read."""
    return BarRecord(raw=repr(bar).encode(), form="", columns=(), bar=None if wrong else bar, wrong=wrong)


@dataclass
class Past:
    """A source's history: pages of at most `page` of the bars it has; `broken` opens cannot be read there."""

    bars: list[Bar]
    page_size: int = 7
    asked: list[tuple[int, int]] = field(default_factory=list)
    broken: frozenset[int] = frozenset()
    down_at_ns: int = -1
    clock_ns: int = 0
    late_ns: int = 0

    async def now_ns(self) -> int:
        """Return the close of the last bar that the stream told in its time, or later."""
        return self.clock_ns

    async def page(self, instrument: Instrument, interval: str, start_ns: int, end_ns: int) -> BarPage:
        """Return the first of the bars that open in [start_ns, end_ns)."""
        if self.asked and start_ns == self.down_at_ns:
            raise VenueUnavailable("connection refused")
        self.asked.append((start_ns, end_ns))
        found = [bar for bar in self.bars if start_ns <= bar.open_ns < end_ns]
        if self.late_ns:
            found = [bar for bar in found if bar.close_ns + self.late_ns <= self.clock_ns]
        some = found[: self.page_size]
        records = [said(bar, "unreadable" if bar.open_ns in self.broken else "") for bar in some]
        return BarPage(records=records, until_ns=end_ns, whole=len(found) < self.page_size)


async def stream_of(past: Past, records: Iterable[BarRecord | None]) -> AsyncIterator[BarRecord | None]:
    """Yield what a stream tells, each bar when it closes."""
    for record in records:
        if record is not None and record.bar is not None:
            past.clock_ns = max(past.clock_ns, record.bar.close_ns)
        yield record


def parts_of(
    past: Past,
    news: Iterable[Bar | BarRecord | None],
    *,
    start_ns: int,
    now_ns: int | Iterator[int],
    ordered: bool = True,
) -> AsyncIterator[Told]:
    """Return what `follow` makes of a past and of news."""
    records = [said(each) if isinstance(each, Bar) else each for each in news]

    async def now() -> int:
        past.clock_ns = max(past.clock_ns, now_ns if isinstance(now_ns, int) else next(now_ns, 0))
        return past.clock_ns

    return follow(
        past,
        stream_of(past, records),
        instrument=BTCUSDT,
        interval="15m",
        start_ns=start_ns,
        now_ns=now,
        ordered=ordered,
    )


async def collected(
    past: Past,
    news: Iterable[Bar | BarRecord | None],
    *,
    start_ns: int,
    now_ns: int | Iterator[int],
    holes: list[Hole] | None = None,
    quarantine: Path = Path("nowhere") / "quarantine.jsonl",
    ordered: bool = True,
) -> list[Bar]:
    """Return the bars that a desk is given."""
    parts = parts_of(past, news, start_ns=start_ns, now_ns=now_ns, ordered=ordered)
    gate = Gate(Quarantine(quarantine), source="test")
    notice = (holes if holes is not None else []).append
    due_ns = -(-start_ns // QUARTER_NS) * QUARTER_NS
    return [bar async for bar in bars_of(parts, gate, symbol="BTCUSDT", start_ns=due_ns, notice=notice)]


@given(
    present=st.integers(0, 60),
    heard=st.lists(st.none() | st.integers(0, 59), max_size=60),
    page=st.integers(1, 20),
    late=st.integers(0, QUARTER_NS - 1),
)
async def test_no_bar_twice_none_missing_none_open(present: int, heard: list[int | None], page: int, late: int) -> None:
    """History up to now, then any part of the stream in order, with repeats and breaks: a whole series, once."""
    bars = make_bars(list(range(100, 160)))
    now_ns = bars[0].open_ns + present * QUARTER_NS + late
    order = iter(sorted(index for index in heard if index is not None))
    news = [None if each is None else bars[next(order)] for each in heard]
    holes = list[Hole]()
    got = await collected(Past(bars, page), news, start_ns=bars[0].open_ns, now_ns=now_ns, holes=holes)
    last_ns = max([now_ns // QUARTER_NS * QUARTER_NS, *(bar.close_ns for bar in news if bar is not None)])
    assert got == [bar for bar in bars if bar.close_ns <= last_ns]
    assert holes == []


async def test_a_gap_on_the_stream_is_healed_before_the_late_bar_is_passed_on() -> None:
    """Bars 10..19 were history, 20 and 21 came, 22..24 were lost with the connection, 25 came, twice."""
    bars = make_bars(list(range(100, 130)))
    past = Past(bars)
    heard = [bars[20], bars[21], bars[25], bars[25], bars[24], bars[26]]
    got = await collected(past, heard, start_ns=bars[10].open_ns, now_ns=bars[20].open_ns)
    assert got == bars[10:27]
    assert past.asked[-1] == (bars[22].open_ns, bars[25].open_ns)


async def test_a_connection_that_is_back_has_history_asked_at_once() -> None:
    """None of the stream's bars has come yet: nobody waits for the next one to learn what was missed."""
    bars = make_bars(list(range(100, 130)))
    moments = iter([bars[10].open_ns, bars[14].open_ns + 1])
    got = await collected(Past(bars), [None], start_ns=bars[0].open_ns, now_ns=moments)
    assert got == bars[:14]


async def test_the_bar_that_is_still_open_is_never_asked_for() -> None:
    """One nanosecond before bar 20 closes, the history ends with bar 19."""
    bars = make_bars(list(range(100, 130)))
    got = await collected(Past(bars, 1_000), [], start_ns=bars[0].open_ns, now_ns=bars[20].close_ns - 1)
    assert got == bars[:20]


async def test_bars_that_exist_nowhere_are_told_as_a_hole_before_the_bar_behind_it() -> None:
    """The venue was down for bars 5..7 (in the history) and 22..23 (while we followed)."""
    bars = make_bars(list(range(100, 130)))
    there = bars[:5] + bars[8:22] + bars[24:]
    holes = list[Hole]()
    got = await collected(Past(there), [bars[24]], start_ns=bars[0].open_ns, now_ns=bars[20].open_ns, holes=holes)
    assert got == bars[:5] + bars[8:22] + [bars[24]]
    assert holes == [
        Hole(symbol="BTCUSDT", start_ns=bars[5].open_ns, end_ns=bars[8].open_ns),
        Hole(symbol="BTCUSDT", start_ns=bars[22].open_ns, end_ns=bars[24].open_ns),
    ]


async def test_a_start_inside_a_bar_begins_with_the_next_one() -> None:
    """Only whole bars from the asked moment on."""
    bars = make_bars(list(range(100, 110)))
    got = await collected(Past(bars), [], start_ns=bars[3].open_ns + 1, now_ns=bars[9].close_ns)
    assert got == bars[4:]


@pytest.mark.parametrize("change", [{"symbol": "ETHUSDT"}, {"close_ns": 60_000_000_000}, {"open_ns": 1}])
async def test_a_bar_of_another_series_is_set_aside_and_history_asked(tmp_path: Path, change: dict[str, int]) -> None:
    """A venue that mixes its answers up is believed no further than that: the record is kept, and the bar is healed."""
    bars = make_bars(list(range(100, 110)))
    shifts = {"close_ns": bars[5].open_ns, "open_ns": bars[5].open_ns}
    wrong = replace(
        bars[5], **{name: value + shifts[name] if name in shifts else value for name, value in change.items()}
    )  # type: ignore[arg-type]
    file = tmp_path / "quarantine.jsonl"
    moments = iter([bars[5].open_ns, bars[6].open_ns])
    got = await collected(Past(bars), [wrong, bars[6]], start_ns=bars[0].open_ns, now_ns=moments, quarantine=file)
    assert got == bars[:7]
    (kept,) = Quarantine(file).contents().rows.values()
    assert "no 15m bar of BTCUSDT" in kept.record.reason
    assert kept.record.raw == repr(wrong).encode()


async def test_what_the_codec_refuses_goes_to_the_quarantine_and_not_to_the_desk(tmp_path: Path) -> None:
    """Bar 3 cannot be read in history either: it is a hole, and trading goes on."""
    bars = make_bars(list(range(100, 110)))
    past = Past(bars, broken=frozenset({bars[3].open_ns}))
    holes, file = list[Hole](), tmp_path / "quarantine.jsonl"
    moments = iter([bars[3].open_ns, bars[4].open_ns])
    got = await collected(
        past,
        [said(bars[3], "a price of noise"), bars[4]],
        start_ns=bars[0].open_ns,
        now_ns=moments,
        holes=holes,
        quarantine=file,
    )
    assert got == [*bars[:3], bars[4]]
    assert [hole.start_ns for hole in holes] == [bars[3].open_ns]
    assert {row.record.reason for row in Quarantine(file).contents().rows.values()} == {"a price of noise"}


async def test_a_bar_that_the_stream_garbles_is_had_from_history_at_once(tmp_path: Path) -> None:
    """Nobody waits for the next bar to learn what the last one was."""
    bars = make_bars(list(range(100, 110)))
    moments = iter([bars[3].open_ns, bars[4].open_ns])
    got = await collected(
        Past(bars),
        [said(bars[3], "noise")],
        start_ns=bars[0].open_ns,
        now_ns=moments,
        quarantine=tmp_path / "quarantine.jsonl",
    )
    assert got == bars[:4]


async def test_a_late_word_that_contradicts_is_set_aside(tmp_path: Path) -> None:
    """The stream corrects bar 2 after bar 4: the desk decided on the first, and the second is kept for a person."""
    bars = make_bars(list(range(100, 110)))
    file = tmp_path / "quarantine.jsonl"
    other = replace(bars[2], volume_atoms=7)
    got = await collected(
        Past(bars), [bars[4], other, bars[3]], start_ns=bars[0].open_ns, now_ns=bars[2].open_ns, quarantine=file
    )
    assert got == bars[:5]
    assert len(Quarantine(file).contents().rows) == 1


async def test_a_history_that_cannot_be_read_stops_before_the_late_bar() -> None:
    """If the hole cannot be healed now, the bar behind it is not passed on either; begin again from the last close."""
    bars = make_bars(list(range(100, 130)))
    past = Past(bars, 1_000, down_at_ns=bars[12].open_ns)
    got = list[Told]()
    parts = parts_of(past, [bars[11], bars[14]], start_ns=bars[0].open_ns, now_ns=bars[11].open_ns)

    async def drain() -> None:
        async for part in parts:
            got.append(part)

    with pytest.raises(VenueUnavailable):
        await drain()
    assert [record.bar for part in got for record in part.records] == bars[:12]


async def test_a_source_that_answers_to_something_else_is_not_asked_forever() -> None:
    """It tells of no time at all: that is an error, and not a loop."""

    class Deaf(Past):
        async def page(self, instrument: Instrument, interval: str, start_ns: int, end_ns: int) -> BarPage:
            return BarPage(records=[said(self.bars[0])], until_ns=end_ns, whole=False)

    bars = make_bars([100, 101, 102])
    parts = told(Deaf(bars), BTCUSDT, "15m", bars[1].open_ns, bars[2].close_ns)
    first = await anext(parts)
    assert "was not asked for" in first.records[0].wrong
    with pytest.raises(OutcomeUnknown, match="told of others"):
        await anext(parts)
