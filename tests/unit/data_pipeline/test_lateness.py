"""A venue that is late with its bars, or whose stream says the time of another age: nothing is lost by either."""

from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories import make_bars
from tests.unit.data_pipeline.test_keeping import keeper_of, opens
from tests.unit.data_pipeline.test_ohlcv import BTCUSDT, QUARTER_NS, Past, collected, said, stream_of

from trading_system.data_pipeline.collectors.asked import SETTLED_NS
from trading_system.data_pipeline.collectors.fetching import due_ns
from trading_system.data_pipeline.collectors.follow import keep_following
from trading_system.data_pipeline.collectors.ohlcv import Hole, bars_of, follow
from trading_system.data_pipeline.collectors.pages import Told
from trading_system.data_pipeline.collectors.spans import Span
from trading_system.data_pipeline.normalizers.quality import Gate
from trading_system.ports import BarRecord
from trading_system.utils.error_handling.quarantine import Quarantine

BARS = make_bars(list(range(1_000, 1_060)))
SECOND_NS = 1_000_000_000


class Ticking(Past):
    """A history whose clock goes on by a bar with every question for the time, `past_ns` after the close."""

    past_ns: int = 3 * SECOND_NS

    async def now_ns(self) -> int:
        """Return a moment a bar later than before."""
        self.clock_ns = self.clock_ns // QUARTER_NS * QUARTER_NS + QUARTER_NS + self.past_ns
        return self.clock_ns


async def test_a_venue_that_is_always_asked_too_early_loses_no_bar(tmp_path: Path) -> None:
    """Its history shows a bar five seconds after its close; it is polled three seconds after each."""
    keeper = keeper_of(tmp_path)
    past = Ticking(BARS, 1_000, clock_ns=BARS[9].open_ns, late_ns=5 * SECOND_NS)
    await keep_following(past, stream_of(past, [None] * 20), keeper, start_ns=BARS[0].open_ns)
    assert opens(keeper) == list(range(29))
    assert keeper.tally.absent == 1  # the one that closed three seconds ago
    assert keeper.tally.known == 0


@given(late=st.integers(0, 3 * QUARTER_NS), heard=st.sets(st.integers(20, 59)), polls=st.booleans())
async def test_whatever_the_stream_loses_and_however_late_the_history_is_each_bar_is_kept(
    tmp_path_factory: pytest.TempPathFactory, late: int, heard: set[int], polls: bool
) -> None:
    """History shows bars up to three lengths late: all but those that it does not show at the end are stored."""
    keeper = keeper_of(tmp_path_factory.mktemp("late"))
    past = Past(BARS, 7, clock_ns=BARS[19].close_ns, late_ns=late + 1)
    news = [said(BARS[number]) for number in sorted(heard)]
    records = [each for record in news for each in ((record, None) if polls else (record,))]
    await keep_following(past, stream_of(past, records), keeper, start_ns=BARS[0].open_ns)
    shown = {number for number in range(60) if BARS[number].close_ns + late + 1 <= past.clock_ns}
    last = max(heard, default=20)
    assert {number for number in shown if number <= last} | heard <= set(opens(keeper))


async def test_a_gap_that_history_does_not_show_yet_is_healed_before_the_next_bar_of_the_stream(tmp_path: Path) -> None:
    """Bar 21 was lost on the stream and is shown only after bar 22 came: it is there before bar 23 is."""
    keeper, parts = keeper_of(tmp_path), list[Told]()
    past = Past(BARS, 1_000, clock_ns=BARS[19].close_ns, late_ns=QUARTER_NS + 1)
    news = [said(BARS[number]) for number in (20, 22, 23)]
    await keep_following(past, stream_of(past, news), keeper, start_ns=BARS[10].open_ns, kept=parts.append)
    told = [BARS.index(record.bar) for part in parts for record in part.records if record.bar]
    assert told.index(22) < told.index(21) < told.index(23)
    assert keeper.tally.absent == 0


async def test_what_is_absent_for_an_hour_is_asked_for_no_more(tmp_path: Path) -> None:
    """Bar 21 exists nowhere: four bars later it is remembered as an outage, and the questions end."""
    keeper = keeper_of(tmp_path)
    past = Past([bar for bar in BARS if bar is not BARS[21]], 1_000, clock_ns=BARS[19].close_ns)
    news = [said(BARS[number]) for number in (20, *range(22, 40))]
    await keep_following(past, stream_of(past, news), keeper, start_ns=BARS[10].open_ns)
    assert keeper.missing(Span(BARS[10].open_ns, BARS[39].close_ns)) == []
    assert keeper.tally.absent == 1
    asked = [question for question in past.asked if question[0] == BARS[21].open_ns]
    assert asked[-1][1] - BARS[21].close_ns <= SETTLED_NS + QUARTER_NS
    assert past.asked[-1] == asked[-1]


@pytest.mark.parametrize("ahead_ns", [QUARTER_NS, 100_000 * QUARTER_NS])
async def test_a_bar_of_the_future_is_set_aside_and_moves_nothing(tmp_path: Path, ahead_ns: int) -> None:
    """In place of bar 22 one comes that closes later than now; 24 and 25 are lost afterwards, and healed."""
    keeper = keeper_of(tmp_path)
    past = Past(BARS, 1_000, clock_ns=BARS[19].close_ns)
    bar = BARS[22]
    wrong = said(replace(bar, open_ns=bar.open_ns + ahead_ns, close_ns=bar.close_ns + ahead_ns))

    async def news() -> AsyncIterator[BarRecord]:
        for number in (20, 21, 22, 23, 26):
            past.clock_ns = BARS[number].close_ns
            yield wrong if number == 22 else said(BARS[number])

    await keep_following(past, news(), keeper, start_ns=BARS[10].open_ns)
    assert opens(keeper) == list(range(10, 27))
    assert keeper.tally.unreadable == 1
    (row,) = keeper.quarantine.contents().rows.values()
    assert "closes after now" in row.record.reason


async def test_a_desk_whose_clock_is_behind_asks_the_venue_before_it_refuses_a_bar(tmp_path: Path) -> None:
    """The caller's clock stands still at bar 19; the venue says that bars 20 to 22 are closed."""
    past = Past(BARS, 1_000)

    async def stands() -> int:
        return BARS[19].close_ns

    news = stream_of(past, [said(BARS[number]) for number in (20, 21, 22)])
    parts = follow(
        past, news, instrument=BTCUSDT, interval="15m", start_ns=BARS[15].open_ns, now_ns=stands, ordered=True
    )
    gate = Gate(Quarantine(tmp_path / "quarantine.jsonl"), source="test")
    bars = bars_of(parts, gate, symbol="BTCUSDT", start_ns=BARS[15].open_ns, notice=lambda hole: None)
    assert [bar async for bar in bars] == BARS[15:23]


@given(late=st.integers(0, 3 * QUARTER_NS), heard=st.lists(st.none() | st.integers(20, 59), max_size=40))
async def test_a_late_bar_reaches_the_desk_in_order_or_is_told_as_a_hole_and_never_both(
    tmp_path_factory: pytest.TempPathFactory, late: int, heard: list[int | None]
) -> None:
    """Bars and holes together are the whole time up to the last bar, each moment once; nothing is out of order."""
    numbers = iter(sorted({number for number in heard if number is not None}))
    news = [None if each is None else next(numbers, None) for each in heard]
    past = Past(BARS, 7, clock_ns=BARS[19].close_ns, late_ns=late + 1)
    holes, quarantine = list[Hole](), tmp_path_factory.mktemp("desk") / "quarantine.jsonl"
    got = await collected(
        past,
        [None if each is None else BARS[each] for each in news],
        start_ns=BARS[0].open_ns,
        now_ns=BARS[19].close_ns,
        holes=holes,
        quarantine=quarantine,
    )
    spans = sorted([*((bar.open_ns, bar.close_ns) for bar in got), *((hole.start_ns, hole.end_ns) for hole in holes)])
    assert all(one[1] == other[0] for one, other in pairwise(spans))
    assert [bar.open_ns for bar in got] == sorted(bar.open_ns for bar in got)
    assert Quarantine(quarantine).contents().rows == {}


async def test_following_begins_with_the_bars_that_the_history_may_be_late_with(tmp_path: Path) -> None:
    """What is missing of the last hour of a back-fill is due again; an older gap is not."""
    keeper = keeper_of(tmp_path)
    keeper.keep(
        Told(
            records=tuple(said(bar) for bar in [*BARS[10:50], *BARS[51:57], BARS[58]]),
            start_ns=BARS[0].open_ns,
            end_ns=BARS[59].close_ns,
        ),
        asked_ns=BARS[59].close_ns,
    )
    whole = Span(BARS[0].open_ns, BARS[59].close_ns)
    assert due_ns(keeper, whole) == BARS[57].open_ns
    assert due_ns(keeper, Span(whole.start_ns, BARS[49].close_ns)) == BARS[49].close_ns
