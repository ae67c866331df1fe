"""Whatever sources tell, in whatever pieces: each bar once, the first that was told, and a record of the rest."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories import make_bars

from trading_system.data_pipeline.bar_store import BarStore
from trading_system.data_pipeline.collectors.asked import SETTLED_NS, Asked
from trading_system.data_pipeline.collectors.fetching import Watch, fetch
from trading_system.data_pipeline.collectors.follow import LAG_NS, keep_following, polled
from trading_system.data_pipeline.collectors.keeping import HOPELESS, Keeper, in_atoms
from trading_system.data_pipeline.collectors.pages import Told
from trading_system.data_pipeline.collectors.spans import Span
from trading_system.errors import DataError, VenueUnavailable
from trading_system.market.bars import Bar
from trading_system.market.instruments import Instrument
from trading_system.ports import BarPage, BarRecord
from trading_system.utils.error_handling.quarantine import Quarantine

BARS = make_bars(list(range(1_000, 1_060)))
QUARTER_NS = BARS[0].close_ns - BARS[0].open_ns
ALL = Span(BARS[0].open_ns, BARS[-1].close_ns)
LATER_NS = BARS[-1].close_ns + 2 * SETTLED_NS


def keeper_of(folder: Path) -> Keeper:
    """Return the keeper of a series under `folder`."""
    return Keeper(
        store=BarStore(folder / "bars"),
        quarantine=Quarantine(folder / "quarantine.jsonl"),
        instrument=in_atoms("binance", "BTCUSDT"),
        interval="15m",
        source="test",
    )


def said(bar: Bar, wrong: str = "") -> BarRecord:
    """Return `bar` as a source tells it, or as one that cannot be read."""
    return BarRecord(raw=repr(bar).encode(), form="", columns=(), bar=None if wrong else bar, wrong=wrong)


def part(*bars: Bar, start: int = 0, end: int = 0) -> Told:
    """Return what tells of bars `start` to before `end`."""
    return Told(
        records=tuple(said(bar) for bar in bars),
        start_ns=ALL.start_ns + start * QUARTER_NS,
        end_ns=ALL.start_ns + end * QUARTER_NS,
    )


def opens(keeper: Keeper) -> list[int]:
    """Return the numbers of the bars that are stored."""
    stored = keeper.store.columns("binance", "BTCUSDT", "15m").open_ns
    return ((stored - ALL.start_ns) // QUARTER_NS).tolist()


class Flaky:
    """A source of some of `BARS`, by number, that fails before some of its answers."""

    def __init__(self, there: set[int], page: int, fails: list[bool]) -> None:
        self.there, self.size, self.fails, self.asked = there, page, fails, list[Span]()

    async def now_ns(self) -> int:
        """Return a time long after."""
        return LATER_NS

    async def page(self, instrument: Instrument, interval: str, start_ns: int, end_ns: int) -> BarPage:
        """Return the first bars of the span, or fail."""
        if self.fails and self.fails.pop():
            raise VenueUnavailable("no connection")
        self.asked.append(Span(start_ns, end_ns))
        found = [BARS[number] for number in sorted(self.there) if start_ns <= BARS[number].open_ns < end_ns]
        some = found[: self.size]
        return BarPage(records=[said(bar) for bar in some], until_ns=end_ns, whole=len(found) < self.size)


@given(
    there=st.sets(st.integers(0, 59)),
    before=st.sets(st.integers(0, 59)),
    page=st.integers(1, 20),
    fails=st.lists(st.booleans(), max_size=10),
)
async def test_however_often_it_fails_the_store_ends_with_what_there_is(
    tmp_path_factory: pytest.TempPathFactory, there: set[int], before: set[int], page: int, fails: list[bool]
) -> None:
    """Begun again after each failure, it asks for what is missing alone; once done, it asks for nothing."""
    keeper = keeper_of(tmp_path_factory.mktemp("keeping"))
    if before:
        keeper.keep(part(*(BARS[number] for number in sorted(before))), asked_ns=LATER_NS)
    source = Flaky(there, page, fails)
    for _ in range(len(fails) + 1):
        try:
            await fetch(ALL, source, None, keeper, again=False, watch=Watch())
            break
        except VenueUnavailable:
            continue
    assert (opens(keeper) if there | before else []) == sorted(there | before)
    assert keeper.tally.contradicting == keeper.tally.unreadable == 0
    told = sorted(source.asked)
    asked = len(told)
    await fetch(ALL, source, None, keeper, again=False, watch=Watch())
    assert len(source.asked) == asked
    assert not any(
        span.start_ns <= BARS[number].open_ns < min(span.end_ns, span.start_ns + QUARTER_NS)
        for span in told
        for number in before
    )


def test_of_two_that_contradict_each_other_in_one_answer_the_first_is_kept(tmp_path: Path) -> None:
    """The second is set aside with its own words."""
    keeper, other = keeper_of(tmp_path), replace(BARS[3], volume_atoms=1)
    keeper.keep(part(BARS[2], BARS[3], other, BARS[3], start=2, end=4), asked_ns=LATER_NS)
    assert opens(keeper) == [2, 3]
    assert (keeper.tally.new, keeper.tally.known, keeper.tally.contradicting) == (2, 1, 1)
    (row,) = keeper.quarantine.contents().rows.values()
    assert row.record.raw == repr(other).encode()
    assert "the one stored" in row.record.reason


def test_a_record_that_cannot_be_read_leaves_time_that_is_not_asked_for_again(tmp_path: Path) -> None:
    """The venue said what it has; it is in the quarantine, and a person may release it."""
    keeper = keeper_of(tmp_path)
    told = replace(part(BARS[0], start=0, end=2), records=(said(BARS[0]), said(BARS[1], "noise")))
    keeper.keep(told, asked_ns=LATER_NS)
    assert keeper.missing(Span(ALL.start_ns, BARS[1].close_ns)) == []
    assert keeper.tally.unreadable == 1


def test_a_number_that_the_store_cannot_hold_is_set_aside(tmp_path: Path) -> None:
    """Beyond 2**62 atoms, 46 billion units."""
    keeper = keeper_of(tmp_path)
    keeper.keep(part(BARS[0], replace(BARS[1], volume_atoms=2**63), start=0, end=2), asked_ns=LATER_NS)
    assert opens(keeper) == [0]
    (row,) = keeper.quarantine.contents().rows.values()
    assert "too large" in row.record.reason


def test_a_source_of_which_nothing_can_be_read_ends_the_run(tmp_path: Path) -> None:
    """A quarantine is for records; ten out of ten are a source that changed its language."""
    keeper = keeper_of(tmp_path)
    records = tuple(said(bar, "noise") for bar in BARS[:HOPELESS])
    with pytest.raises(DataError, match="not one of 10 bars can be read: noise"):
        keeper.keep(replace(part(start=0, end=HOPELESS), records=records), asked_ns=LATER_NS)
    assert keeper.quarantine.contents().rows == {}


def test_a_month_that_was_lost_is_missing_and_can_be_fetched_again(tmp_path: Path) -> None:
    """The other months can be read meanwhile."""
    bars = make_bars([1_000 + number % 7 for number in range(4_000)])
    keeper = keeper_of(tmp_path)
    keeper.keep(part(*bars, end=4_000), asked_ns=LATER_NS)
    whole = Span(bars[0].open_ns, bars[-1].close_ns)
    files = sorted(keeper.store.folder(keeper.instrument, "15m").glob("*.parquet"))
    assert [file.stem for file in files] == ["2023-11", "2023-12"]
    assert keeper.missing(whole) == []
    files[0].unlink()
    (lost,) = keeper.missing(whole)
    assert lost.start_ns == whole.start_ns
    assert np.datetime64(lost.end_ns, "ns") == np.datetime64("2023-12-01")
    keeper.keep(part(*bars, end=4_000), asked_ns=LATER_NS)
    assert keeper.missing(whole) == []


@pytest.mark.parametrize("again", [True, False])
async def test_how_far_it_is_adds_up(tmp_path: Path, again: bool) -> None:
    """What is dealt with is in the end what was missing, absent bars included; what is stored does not count."""
    keeper, totals, done = keeper_of(tmp_path), list[int](), list[int]()
    keeper.keep(part(*BARS[10:30], start=10, end=30), asked_ns=LATER_NS)
    source = Flaky(set(range(50)), 7, [])
    await fetch(ALL, source, None, keeper, again=again, watch=Watch(total=totals.append, done=done.append))
    assert totals == [sum(done)] == [(60 if again else 40) * QUARTER_NS]
    assert len(done) == len(source.asked)


async def test_a_venue_without_a_stream_is_asked_again_and_again(tmp_path: Path) -> None:
    """Each question brings what has closed since, but not what closed within the last two seconds."""
    keeper, parts = keeper_of(tmp_path), list[Told]()
    source = Flaky(set(range(60)), 10, [])
    moments = iter([BARS[30].open_ns + LAG_NS, BARS[31].open_ns + LAG_NS, BARS[59].close_ns])

    async def now_ns() -> int:
        moment = next(moments, None)
        if moment is None:
            raise VenueUnavailable("the end of the test")
        return moment

    source.now_ns = now_ns  # type: ignore[method-assign]
    with pytest.raises(VenueUnavailable, match="the end"):
        await keep_following(source, polled(0.0), keeper, start_ns=BARS[20].open_ns, kept=parts.append)
    assert opens(keeper) == list(range(20, 59))
    assert [part.end_ns for part in parts][:2] == [BARS[30].open_ns, BARS[31].open_ns]


async def test_asked_again_everything_is_compared(tmp_path: Path) -> None:
    """Also what is known to be empty: an outage that the venue has filled in since."""
    keeper = keeper_of(tmp_path)
    await fetch(ALL, Flaky({0, 1, 5}, 10, []), None, keeper, again=False, watch=Watch())
    whole = Flaky(set(range(60)), 10, [])
    await fetch(ALL, whole, None, keeper, again=False, watch=Watch())
    assert whole.asked == []
    await fetch(ALL, whole, None, keeper, again=True, watch=Watch())
    assert opens(keeper) == list(range(60))
    assert keeper.tally.known == 3
    assert Asked(keeper.store.folder(keeper.instrument, "15m")).empty() != []  # of time that bars cover now: harmless
