"""Pages of history: whatever becomes of one row's stamp, no other bar is lost by it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories import make_bars
from tests.unit.data_pipeline.test_keeping import ALL, BARS, LATER_NS, QUARTER_NS, keeper_of, opens, said

from trading_system.data_pipeline.collectors.fetching import Watch, fetch
from trading_system.data_pipeline.collectors.pages import read, rising
from trading_system.market.bars import Bar
from trading_system.market.instruments import Instrument
from trading_system.ports import BarPage

AHEAD = make_bars([1_000] * 400)[-1].open_ns
"""Long after the last of `BARS`."""


def moved(bar: Bar, open_ns: int) -> Bar:
    """Return `bar` under another stamp, with a volume of its own."""
    return replace(bar, open_ns=open_ns, close_ns=open_ns + QUARTER_NS, volume_atoms=7)


@dataclass
class Garbling:
    """A source of the bars `there`, of which every answer says the wrong time of one of its rows, or one answer only.

    Attributes:
        there: Numbers of bars, rising.
        size: Most rows of an answer.
        row: Which row of an answer, from its first.
        stamp_ns: What that row says.
        answers: How many answers are garbled, from the first.
    """

    there: Sequence[int]
    size: int
    row: int
    stamp_ns: int
    answers: int
    asked: int = 0

    async def now_ns(self) -> int:
        """Return a time long after."""
        return LATER_NS

    async def page(self, instrument: Instrument, interval: str, start_ns: int, end_ns: int) -> BarPage:
        """Return the first bars of the span, one of them garbled."""
        self.asked += 1
        found = [BARS[number] for number in self.there if start_ns <= BARS[number].open_ns < end_ns]
        some = found[: self.size]
        if self.asked <= self.answers and self.row < len(some):
            some[self.row] = moved(some[self.row], self.stamp_ns)
        return BarPage(records=[said(bar) for bar in some], until_ns=end_ns, whole=len(found) < self.size)


@given(
    size=st.integers(4, 30),
    row=st.integers(0, 29),
    stamp=st.one_of(st.integers(0, 59).map(lambda number: BARS[number].open_ns), st.sampled_from([0, AHEAD])),
)
async def test_one_garbled_stamp_costs_no_other_bar(
    tmp_path_factory: pytest.TempPathFactory, size: int, row: int, stamp: int
) -> None:
    """Of sixty bars in full pages, one row says any other time: the fifty-nine others are there, as they are."""
    keeper = keeper_of(tmp_path_factory.mktemp("pages"))
    source = Garbling(range(60), size, row, stamp, answers=1)
    await fetch(ALL, source, None, keeper, again=False, watch=Watch())
    garbled = min(row, 59) if row < size and stamp != BARS[row].open_ns else None
    missing = set(range(60)) - set(opens(keeper))
    assert missing <= {garbled}
    stored = keeper.store.columns("binance", "BTCUSDT", "15m")
    odd = ((stored.open_ns[stored.volume == 7] - ALL.start_ns) // QUARTER_NS).tolist()
    assert set(odd) <= {row}


@given(
    there=st.sets(st.integers(0, 59)).map(sorted),
    size=st.integers(1, 30),
)
async def test_an_outage_is_found_to_be_one_wherever_a_page_ends(
    tmp_path_factory: pytest.TempPathFactory, there: list[int], size: int
) -> None:
    """Nothing is garbled: every bar that exists is stored, every other is remembered as absent."""
    keeper = keeper_of(tmp_path_factory.mktemp("pages"))
    source = Garbling(there, size, 0, 0, answers=0)
    await fetch(ALL, source, None, keeper, again=False, watch=Watch())
    assert (opens(keeper) if there else []) == there
    assert keeper.missing(ALL) == []
    assert (keeper.tally.new, keeper.tally.absent) == (len(there), 60 - len(there))
    assert keeper.tally.quarantined == 0


async def test_a_stamp_that_jumps_ahead_is_set_aside_and_what_lies_behind_it_is_asked_for(tmp_path: Path) -> None:
    """Row 5 of a page of ten says a time far beyond what was asked for; fifty bars follow."""
    keeper = keeper_of(tmp_path)
    source = Garbling(range(60), 10, 5, AHEAD, answers=1)
    await fetch(ALL, source, None, keeper, again=False, watch=Watch())
    assert set(range(60)) - set(opens(keeper)) == {5}
    (row,) = keeper.quarantine.contents().rows.values()
    assert "was not asked for" in row.record.reason


async def test_a_stamp_among_bars_of_another_time_is_set_aside(tmp_path: Path) -> None:
    """Row 5 says the time of bar 40, which comes three pages later and would contradict it."""
    keeper = keeper_of(tmp_path)
    source = Garbling(range(60), 10, 5, BARS[40].open_ns, answers=1)
    await fetch(ALL, source, None, keeper, again=False, watch=Watch())
    assert set(range(60)) - set(opens(keeper)) == {5}
    (row,) = keeper.quarantine.contents().rows.values()
    assert "stands among bars of another time" in row.record.reason


def test_the_last_row_of_a_page_that_was_cut_short_is_not_believed_behind_a_gap() -> None:
    """Nobody stands behind it: the page tells up to the row before, and the gap is a question of its own."""
    page = BarPage(records=[said(BARS[n]) for n in (0, 1, 30)], until_ns=ALL.end_ns, whole=False)
    part, doubtful_ns = read(page, keeper_of(Path()).instrument, "15m", ALL.start_ns, ALL.end_ns)
    assert [record.bar for record in part.records] == BARS[:2]
    assert (part.end_ns, doubtful_ns) == (BARS[2].open_ns, BARS[30].open_ns)
    part, doubtful_ns = read(replace(page, whole=True), keeper_of(Path()).instrument, "15m", ALL.start_ns, ALL.end_ns)
    assert len(part.records) == 3
    assert (part.end_ns, doubtful_ns) == (ALL.end_ns, None)


@pytest.mark.parametrize(
    ("steps", "run"),
    [
        ([0, 1, 2, 3], [0, 1, 2, 3]),
        ([0, 1, 900, 3], [0, 1, 3]),
        ([900, 1, 2], [1, 2]),
        ([900, 1], [1]),
        ([0, 1, 2, -9], [0, 1, 2]),
        ([0, 1, 1, 3], [0, 1, 3]),
        ([0, 2, 2, 3], [0, 2, 3]),
        ([0, 5, 6, 3, 8], [0, 1, 2, 4]),
        ([], []),
    ],
)
def test_the_longest_rising_run_that_goes_as_time_does_is_believed(steps: list[int], run: list[int]) -> None:
    """Of two rows that say one time, the one that stands where it belongs."""
    assert rising(np.array(steps, dtype=np.int64), np.arange(len(steps))) == run
