"""Longer bars of shorter ones, to the digit: by hand, as the sum of their parts, and against the venue's own."""

import gzip
import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.data_pipeline.bar_checks import Columns
from trading_system.data_pipeline.bar_files import read_columns
from trading_system.data_pipeline.resampling import PARTIAL, bars_of_trades, resampled
from trading_system.data_pipeline.trade_files import read_trades
from trading_system.data_pipeline.trade_store import Trades
from trading_system.errors import ConfigurationError, DataError
from trading_system.market.bar_flags import AFTER_GAP, SPIKE, STALE, ZERO_BAR
from trading_system.market.money import to_atoms

MINUTE_NS = 60_000_000_000
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS


def columns(*rows):
    """Rows of minute, open, high, low, close, volume."""
    found = Columns(*(np.array(column, dtype=np.int64) for column in zip(*rows, strict=True)))
    return found._replace(open_ns=found.open_ns * MINUTE_NS)


def rows_of(bars):
    return list(zip(*(column.tolist() for column in bars), strict=True))


def clean(bars):
    return np.zeros(len(bars.open_ns), dtype=np.uint16)


THREE = columns((0, 10, 12, 9, 11, 5), (1, 11, 15, 11, 14, 0), (2, 14, 14, 8, 9, 7))


def test_a_bar_is_its_parts():
    """The first open, the highest high, the lowest low, the last close, all of the volume."""
    made = resampled(THREE, clean(THREE), MINUTE_NS, 3 * MINUTE_NS)
    assert rows_of(made.columns) == [(0, 10, 15, 8, 9, 12)]
    assert (made.flags.tolist(), made.partial) == ([0], 0)


def test_a_bar_with_a_part_absent_is_left_out_and_counted():
    """It tells of two minutes and would be taken for three; asked for, it is kept and says so."""
    two = Columns(*(column[[0, 2]] for column in THREE))
    made = resampled(two, clean(two), MINUTE_NS, 3 * MINUTE_NS)
    assert (rows_of(made.columns), made.partial) == ([], 1)
    kept = resampled(two, clean(two), MINUTE_NS, 3 * MINUTE_NS, keep_partial=True)
    assert rows_of(kept.columns) == [(0, 10, 14, 8, 9, 12)]
    assert (kept.flags.tolist(), kept.partial) == ([PARTIAL], 1)


def test_no_bars_make_no_bars():
    """An empty series stays one."""
    none = Columns(*(column[:0] for column in THREE))
    assert resampled(none, clean(none), MINUTE_NS, HOUR_NS).columns.open_ns.tolist() == []


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ((SPIKE, 0, 0), SPIKE),
        ((0, AFTER_GAP, SPIKE), AFTER_GAP | SPIKE),
        ((ZERO_BAR, 0, ZERO_BAR), 0),
        ((ZERO_BAR, ZERO_BAR | STALE, ZERO_BAR), ZERO_BAR),
        ((STALE, STALE, STALE), STALE),
    ],
)
def test_flags_come_along(parts, whole):
    """What is odd of one part is odd of all; a bar in which nothing was traded is one of which that is true of all."""
    made = resampled(THREE, np.array(parts, dtype=np.uint16), MINUTE_NS, 3 * MINUTE_NS)
    assert made.flags.tolist() == [whole]


@pytest.mark.parametrize("to_ns", [MINUTE_NS, MINUTE_NS // 2, 90 * 10**9])
def test_only_whole_multiples_can_be_made(to_ns):
    """Shorter bars cannot be made of longer ones, nor a minute and a half of minutes."""
    with pytest.raises(ConfigurationError, match="whole multiple"):
        resampled(THREE, clean(THREE), MINUTE_NS, to_ns)


def test_weeks_begin_on_mondays():
    """1970-01-05 was one; 14 days from there are two weeks, whatever the epoch's own day was."""
    days = np.arange(4, 18)
    one = np.ones(14, dtype=np.int64)
    made = resampled(Columns(days * DAY_NS, one, one, one, one, one), np.zeros(14, np.uint16), DAY_NS, 7 * DAY_NS)
    assert (made.columns.open_ns // DAY_NS).tolist() == [4, 11]
    assert made.partial == 0


def test_a_volume_that_does_not_fit_is_refused_and_not_wrapped_around():
    """Three times 2**62 atoms are more than 64 bits hold; two halves of the largest number are not."""
    most = 2**62
    with pytest.raises(DataError, match=f"{3 * most} atoms does not fit"):
        resampled(THREE._replace(volume=np.full(3, most)), clean(THREE), MINUTE_NS, 3 * MINUTE_NS)
    fits = THREE._replace(volume=np.array([most, most - 1, 0]))
    assert resampled(fits, clean(THREE), MINUTE_NS, 3 * MINUTE_NS).columns.volume.tolist() == [2**63 - 1]


@given(seed=st.integers(0, 99), count=st.integers(1, 200), first=st.integers(0, 60), gone=st.sets(st.integers(0, 199)))
def test_in_two_steps_or_in_one_is_the_same(make_bars, seed, count, first, gone):
    """Minutes to fives to hours as minutes to hours, whatever is absent; and every full bar by plain arithmetic."""
    bars = make_bars(count, seed=seed, interval_ns=MINUTE_NS, start_ns=first * MINUTE_NS)
    bars = [bar for index, bar in enumerate(bars) if index not in gone]
    told = columns(
        *[(b.open_ns // MINUTE_NS, b.open, b.high, b.low, b.close, b.volume_atoms) for b in bars] or [(0,) * 6]
    )
    fives = resampled(told, clean(told), MINUTE_NS, 5 * MINUTE_NS)
    twice = resampled(fives.columns, fives.flags, 5 * MINUTE_NS, 20 * MINUTE_NS)
    once = resampled(told, clean(told), MINUTE_NS, 20 * MINUTE_NS)
    assert rows_of(twice.columns) == rows_of(once.columns)
    groups: dict[int, list] = {}
    for bar in bars:
        groups.setdefault(bar.open_ns // (20 * MINUTE_NS) * 20 * MINUTE_NS, []).append(bar)
    full = [
        (open_ns, parts[0].open, max(b.high for b in parts), min(b.low for b in parts), parts[-1].close,
         sum(b.volume_atoms for b in parts))
        for open_ns, parts in groups.items() if len(parts) == 20
    ]  # fmt: skip
    assert rows_of(once.columns) == full


def trades_of(*rows):
    """Trades of id, second, price, quantity."""
    number, second, price, quantity = (np.array(column) for column in zip(*rows, strict=True))
    return Trades(number, second * 10**9, price, quantity, number % 2 == 0)


SOME = trades_of((7, 5, 30, 1), (8, 5, 20, 2), (9, 130, 25, 4), (10, 140, 27, 1), (11, 190, 26, 3), (12, 250, 20, 1))


def test_trades_make_the_bars_in_which_they_were():
    """Two at one moment in the order of their ids; no bar where nothing was traded."""
    made = bars_of_trades(SOME, MINUTE_NS, keep_partial=True).columns
    minutes = [(0, 30, 30, 20, 20, 3), (2, 25, 27, 25, 27, 5), (3, 26, 26, 26, 26, 3), (4, 20, 20, 20, 20, 1)]
    assert rows_of(made) == [(minute * MINUTE_NS, *numbers) for minute, *numbers in minutes]
    assert rows_of(bars_of_trades(Trades._make(column[:0] for column in SOME), MINUTE_NS).columns) == []


def test_the_first_and_the_last_bar_of_trades_may_miss_some():
    """Nothing tells what was traded before the first or behind the last: they are left out, or flagged where asked."""
    made = bars_of_trades(SOME, MINUTE_NS)
    assert ((made.columns.open_ns // MINUTE_NS).tolist(), made.partial) == ([2, 3], 2)
    asked = bars_of_trades(SOME, MINUTE_NS, keep_partial=True)
    assert (asked.flags.tolist(), asked.partial) == ([PARTIAL, 0, 0, PARTIAL], 2)


@pytest.mark.parametrize(
    ("gone", "whole"),
    [
        (0, [2, 3]),  # the first trade: minute 0 begins with the store, as before
        (2, [3]),  # within or before minute 2, nobody knows
        (3, []),  # between minutes 2 and 3: it may have been of either
        (4, []),  # the only one of minute 3: 2 and 4 are beside the hole; so is 4, the last
        (5, [2]),  # the last: minute 3 now ends the store
    ],
)
def test_a_bar_beside_a_missing_trade_is_not_whole(gone, whole):
    """Ids are consecutive, so that a hole among them tells of a trade; it may have been of the bar on either side."""
    there = [row for row in range(6) if row != gone]
    made = bars_of_trades(Trades._make(column[there] for column in SOME), MINUTE_NS)
    assert (made.columns.open_ns // MINUTE_NS).tolist() == whole


def test_trades_beside_a_span_tell_that_its_bars_are_whole():
    """The span 2:00 to 4:00 holds two bars; its neighbors are asked, and are not among them. One cut is partial."""
    made = bars_of_trades(SOME, MINUTE_NS, start_ns=2 * MINUTE_NS, end_ns=4 * MINUTE_NS)
    assert ((made.columns.open_ns // MINUTE_NS).tolist(), made.partial) == ([2, 3], 0)
    cut = bars_of_trades(SOME, MINUTE_NS, start_ns=135 * 10**9, end_ns=4 * MINUTE_NS, keep_partial=True)
    assert rows_of(cut.columns)[0] == (2 * MINUTE_NS, 27, 27, 27, 27, 1)
    assert (cut.flags.tolist(), cut.partial) == ([PARTIAL, 0], 1)


@given(gone=st.sets(st.integers(0, 59), max_size=8), seed=st.integers(0, 99))
def test_every_bar_of_trades_that_is_called_whole_is_the_bar_of_all_trades(gone, seed):
    """Whatever trades are lost: a bar that is told is the one that the whole market made."""
    chance = np.random.default_rng(seed)
    seconds = np.sort(chance.integers(0, 600, 60))
    market = Trades(np.arange(60), seconds * 10**9, chance.integers(1, 99, 60), chance.integers(1, 99, 60), seconds > 0)
    there = [row for row in range(60) if row not in gone]
    true = set(rows_of(bars_of_trades(market, MINUTE_NS, keep_partial=True).columns))
    lost = bars_of_trades(Trades._make(column[there] for column in market), MINUTE_NS)
    assert set(rows_of(lost.columns)) <= true
    assert len(lost.columns.open_ns) > 0 or gone or len(true) < 3


def test_bars_that_do_not_begin_with_weeks_make_no_weeks():
    """Three days begin on 1970-01-01, 04, 07; three weeks on a Monday, 05: seven such bars are not those weeks."""
    days = Columns(*(np.arange(7, dtype=np.int64) for _ in Columns._fields))
    with pytest.raises(ConfigurationError, match="do not begin with weeks"):
        resampled(days._replace(open_ns=days.open_ns * 3 * DAY_NS), clean(days), 3 * DAY_NS, 21 * DAY_NS)


def real(folder, name, interval_ns):
    """A file of the shared recordings, in atoms."""
    reading = read_columns(
        folder / f"ohlcv/{name}.parquet", instrument=None, symbol=name.split("_")[1], interval_ns=interval_ns,
        on_bad_data="refuse",
    )  # fmt: skip
    bars, tick = reading.bars, to_atoms(reading.instrument.tick)
    prices = (price * tick for price in (bars.open, bars.high, bars.low, bars.close))
    return Columns(bars.close_ns - interval_ns, *prices, bars.volume_atoms)


@pytest.mark.parametrize(
    ("symbol", "shorter", "longer", "bars"),
    [
        ("BTCUSDT", "5m", "1h", 21_190),
        ("ETHUSDT", "5m", "1h", 18_818),
        ("BTCUSDT", "1h", "1d", 2_664),
        ("ETHUSDT", "1h", "1d", 2_664),
        ("BTCUSDT", "1m", "5m", 8_641),
        ("ETHUSDT", "1m", "5m", 8_640),
        ("BTCUSDT", "1m", "1h", 719),
        ("ETHUSDT", "1m", "1h", 719),
    ],
)
def test_resampled_bars_are_the_venues_own(shared_data, symbol, shorter, longer, bars):
    """Binance's own longer bars, to the last digit of price and volume; the counts are those of the data's page."""
    from_ns, to_ns = ({"1m": 1, "5m": 5, "1h": 60, "1d": 1_440}[name] * MINUTE_NS for name in (shorter, longer))
    short = real(shared_data, f"binance_{symbol}_{shorter}", from_ns)
    venue = real(shared_data, f"binance_{symbol}_{longer}", to_ns)
    made = resampled(short, clean(short), from_ns, to_ns).columns
    both, mine, theirs = np.intersect1d(made.open_ns, venue.open_ns, return_indices=True)
    assert len(both) == bars
    for ours, told in zip(made, venue, strict=True):
        assert np.array_equal(ours[mine], told[theirs])


@pytest.mark.parametrize(("interval", "bars"), [("1m", 2_469), ("5m", 706)])
def test_trades_give_the_venues_own_bars(shared_data, interval, bars):
    """12,477 trades of XRPETH: each minute and each five minutes of two and a half days, exactly."""
    trades = read_trades(shared_data / "trades/binance_XRPETH_trades_2019-10-11_13.feather").trades
    asked = bars_of_trades(trades, {"1m": 1, "5m": 5}[interval] * MINUTE_NS, keep_partial=True)
    assert asked.partial == 2  # the first and the last; the venue's bars of these minutes are of the same trades
    made = asked.columns
    told = pl.read_ipc(shared_data / f"trades/binance_XRPETH_{interval}_2019-10-11_13.feather")
    assert len(made.open_ns) == bars
    assert made.open_ns.tolist() == told["date"].to_physical().to_list()
    for name in ("open", "high", "low", "close", "volume"):
        assert [atoms / 1e8 for atoms in getattr(made, name).tolist()] == told[name].to_list()


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
def test_streamed_trades_give_the_venues_own_minutes(shared_data, symbol):
    """The raw stream of 2024-08-08: five whole minutes until midnight, volume too."""
    found = []
    with gzip.open(shared_data / f"l2/binance_spot_{symbol.lower()}_20240808.gz", "rt") as file:
        for message in (json.loads(line.split(" ", 1)[1]) for line in file if "@trade" in line):
            told = message["data"]
            found.append((told["t"], told["T"] * 10**6, to_atoms(told["p"]), to_atoms(told["q"]), told["m"]))
    ids, times, prices, quantities, makers = (np.array(column) for column in zip(*found, strict=True))
    made = bars_of_trades(Trades(ids, times, prices, quantities, makers), MINUTE_NS, keep_partial=True).columns
    venue = real(shared_data, f"binance_{symbol}_1m", MINUTE_NS)
    whole = np.isin(made.open_ns, 1_723_161_300_000_000_000 + np.arange(5) * MINUTE_NS)
    assert np.count_nonzero(whole) == 5
    same = np.isin(venue.open_ns, made.open_ns[whole])
    for ours, told in zip(made, venue, strict=True):
        assert np.array_equal(ours[whole], told[same])
