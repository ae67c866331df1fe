"""The collector: every closed bar once, in order, whatever history and stream leave out or say twice."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.data_pipeline.collectors.ohlcv import Hole, follow
from trading_system.errors import DataError, VenueUnavailable

QUARTER_NS = 15 * 60_000_000_000


class History:
    """A venue's history: pages of at most `page` of the bars it has, the open one among them."""

    def __init__(self, bars, *, page=7):
        self._bars = bars
        self._page = page
        self.asked = []

    async def bars(self, instrument, interval, start_ns, end_ns):
        self.asked.append((start_ns, end_ns))
        return [bar for bar in self._bars if start_ns <= bar.open_ns < end_ns][: self._page]


async def stream_of(bars):
    for bar in bars:
        yield bar


async def collected(history, stream, *, btcusdt, start_ns, now_ns, holes=None):
    bars = follow(
        history,
        stream_of(stream),
        instrument=btcusdt,
        interval="15m",
        start_ns=start_ns,
        now_ns=lambda: now_ns,
        notice=(holes if holes is not None else []).append,
    )
    return [bar async for bar in bars]


@given(
    present=st.integers(0, 60),
    heard=st.lists(st.integers(0, 59), max_size=60).map(sorted),
    page=st.integers(1, 20),
    late=st.integers(0, QUARTER_NS - 1),
)
async def test_no_bar_twice_none_missing_none_open(make_bars, btcusdt, present, heard, page, late):
    """History up to now, then any part of the stream, with repeats: a whole series up to the last bar heard of."""
    bars = make_bars(60)
    now_ns = bars[0].open_ns + present * QUARTER_NS + late
    heard = [bars[index] for index in heard if bars[index].close_ns > now_ns - 3 * QUARTER_NS]
    holes = []
    got = await collected(
        History(bars, page=page), heard, btcusdt=btcusdt, start_ns=bars[0].open_ns, now_ns=now_ns, holes=holes
    )
    last_ns = max([now_ns // QUARTER_NS * QUARTER_NS, *(bar.close_ns for bar in heard)])
    assert got == [bar for bar in bars if bar.close_ns <= last_ns]
    assert holes == []


async def test_a_gap_on_the_stream_is_healed_before_the_late_bar_is_passed_on(make_bars, btcusdt):
    """Bars 10..19 were history, 20 and 21 came, 22..24 were lost with the connection, 25 came, twice."""
    bars = make_bars(30)
    history = History(bars)
    heard = [bars[20], bars[21], bars[25], bars[25], bars[24], bars[26]]
    got = await collected(history, heard, btcusdt=btcusdt, start_ns=bars[10].open_ns, now_ns=bars[20].open_ns)
    assert got == bars[10:27]
    assert history.asked[-1] == (bars[22].open_ns, bars[25].open_ns)


async def test_the_bar_that_is_still_open_is_never_asked_for(make_bars, btcusdt):
    """One nanosecond before bar 20 closes, the history ends with bar 19."""
    bars = make_bars(30)
    got = await collected(
        History(bars, page=1_000), [], btcusdt=btcusdt, start_ns=bars[0].open_ns, now_ns=bars[20].close_ns - 1
    )
    assert got == bars[:20]


async def test_bars_that_exist_nowhere_are_told_as_a_hole_before_the_bar_behind_it(make_bars, btcusdt):
    """The venue was down for bars 5..7 (in the history) and 22..23 (while we followed)."""
    bars = make_bars(30)
    there = bars[:5] + bars[8:22] + bars[24:]
    holes = []
    got = await collected(
        History(there), [bars[24]], btcusdt=btcusdt, start_ns=bars[0].open_ns, now_ns=bars[20].open_ns, holes=holes
    )
    assert got == bars[:5] + bars[8:22] + [bars[24]]
    assert holes == [
        Hole(symbol="BTCUSDT", start_ns=bars[5].open_ns, end_ns=bars[8].open_ns),
        Hole(symbol="BTCUSDT", start_ns=bars[22].open_ns, end_ns=bars[24].open_ns),
    ]


async def test_a_start_inside_a_bar_begins_with_the_next_one(make_bars, btcusdt):
    """Only whole bars from the asked moment on."""
    bars = make_bars(10)
    got = await collected(History(bars), [], btcusdt=btcusdt, start_ns=bars[3].open_ns + 1, now_ns=bars[9].close_ns)
    assert got == bars[4:]


@pytest.mark.parametrize("change", [{"symbol": "ETHUSDT"}, {"close_ns": 60_000_000_000}])
async def test_a_bar_of_another_series_ends_the_collection(make_bars, btcusdt, change):
    """A venue that mixes its answers up is not to be traded on."""
    bars = make_bars(10)
    wrong = replace(bars[5], **{n: v if n == "symbol" else bars[5].open_ns + v for n, v in change.items()})
    with pytest.raises(DataError, match="not of this series"):
        await collected(History(bars), [wrong], btcusdt=btcusdt, start_ns=bars[0].open_ns, now_ns=bars[4].open_ns)


async def test_a_history_that_cannot_be_read_stops_before_the_late_bar(make_bars, btcusdt):
    """If the hole cannot be healed now, the bar behind it is not passed on either; begin again from the last close."""
    bars = make_bars(30)

    class Down(History):
        async def bars(self, instrument, interval, start_ns, end_ns):
            if self.asked and start_ns == bars[12].open_ns:
                raise VenueUnavailable("connection refused")
            return await super().bars(instrument, interval, start_ns, end_ns)

    got = []
    collector = follow(
        Down(bars, page=1_000),
        stream_of([bars[11], bars[14]]),
        instrument=btcusdt,
        interval="15m",
        start_ns=bars[0].open_ns,
        now_ns=lambda: bars[11].open_ns,
        notice=lambda hole: None,
    )

    async def drain():
        async for bar in collector:
            got.append(bar)

    with pytest.raises(VenueUnavailable):
        await drain()
    assert got == bars[:12]
