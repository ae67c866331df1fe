"""Bars at rest: whole files, each bar once, and nothing read that was not written."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.data_pipeline.bar_checks import Columns
from trading_system.data_pipeline.bar_store import BarStore, bars_hash, read_bars
from trading_system.data_pipeline.store_files import WORDS
from trading_system.errors import ConfigurationError, DataError

HOUR_NS = 3_600_000_000_000
HOUR_MS = 3_600_000


@pytest.fixture
def store(tmp_path):
    return BarStore(tmp_path / "bars")


@pytest.fixture
def hours(make_bars):
    """Two months of hourly bars, in three calendar months."""
    return make_bars(1_500, interval_ns=HOUR_NS, start_ns=1_706_000_400_000_000_000)


def in_atoms(bars, tick_atoms=10**6):
    """Bars as the store's columns; a tick is 0.01."""
    prices = ([getattr(bar, name) * tick_atoms for bar in bars] for name in ("open", "high", "low", "close"))
    columns = ([bar.open_ns for bar in bars], *prices, [bar.volume_atoms for bar in bars])
    return Columns(*(np.array(column, dtype=np.int64) for column in columns))


def part(columns, rows):
    return Columns(*(column[rows] for column in columns))


def content(folder):
    """Every file but the lock, and its bytes."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


@given(data=st.data(), seed=st.integers(0, 9))
def test_any_split_in_any_order_gives_the_same_files_byte_for_byte(make_bars, btcusdt, tmp_path_factory, data, seed):
    """What the store holds depends on what it was told, and not on how: shuffled, in pieces, some of them twice."""
    bars = in_atoms(make_bars(120, seed=seed, interval_ns=12 * HOUR_NS, start_ns=1_706_054_400_000_000_000))
    whole, split = (BarStore(tmp_path_factory.mktemp("store")) for _ in range(2))
    whole.append(bars, "binance", "BTCUSDT", "12h")
    order = np.array(data.draw(st.permutations(range(120))))
    cuts = sorted(data.draw(st.lists(st.integers(0, 120), max_size=5)))
    new = 0
    for rows in [*np.split(order, cuts), order[:17]]:
        done = split.append(part(bars, rows), "binance", "BTCUSDT", "12h")
        assert (done.new + done.known, len(done.contradicted.open_ns)) == (len(rows), 0)
        new += done.new
    assert new == 120
    assert content(split.folder(btcusdt, "12h")) == content(whole.folder(btcusdt, "12h"))


def test_bars_come_back_as_they_were_written(store, hours, btcusdt):
    """Objects in, objects out; columns in atoms beside them."""
    assert store.write(hours[::-1], btcusdt, "1h") == 1_500
    assert store.read(btcusdt, "1h") == hours
    columns = store.columns("binance", "BTCUSDT", "1h")
    assert [column.tolist() for column in columns] == [column.tolist() for column in in_atoms(hours)]


def test_absent_bars_are_counted_where_they_are_absent(store, hours):
    """Two stretches within January; one that spans the end of a month is no gap within either."""
    bars = in_atoms(hours)
    january = int(np.flatnonzero(bars.open_ns >= 1_706_745_600_000_000_000)[0])
    left_out = {5, 6, 9, january - 1, january}
    store.append(part(bars, [row for row in range(1_500) if row not in left_out]), "binance", "BTCUSDT", "1h")
    [(*_, months)] = store.series()
    assert [month.counts["gaps"] for month in months] == [2, 0, 0]


def test_what_contradicts_is_handed_back_beside_what_is_stored(store, hours):
    """Of 1,500 bars offered again, two differ: they are told, not written, and nothing else is lost by it."""
    bars = in_atoms(hours)
    store.append(part(bars, slice(0, 1_400)), "binance", "BTCUSDT", "1h")
    other = bars._replace(volume=bars.volume + np.isin(np.arange(1_500), [7, 900]))
    done = store.append(other, "binance", "BTCUSDT", "1h")
    assert (done.new, done.known) == (100, 1_398)
    assert done.contradicted.open_ns.tolist() == [hours[7].open_ns, hours[900].open_ns]
    assert (done.contradicted.volume - done.stored.volume).tolist() == [1, 1]
    assert store.columns("binance", "BTCUSDT", "1h").volume.tolist() == bars.volume.tolist()


def test_of_bars_that_contradict_each_other_the_first_is_kept(store, hours):
    """Within one offer, as between two."""
    bars = in_atoms(hours[:1])
    twice = Columns(*(np.concatenate((column, column + (column is bars.volume))) for column in bars))
    done = store.append(twice, "binance", "BTCUSDT", "1h")
    assert (done.new, done.known) == (1, 0)
    assert done.contradicted.volume.tolist() == [hours[0].volume_atoms + 1]


@pytest.mark.parametrize(
    ("name", "value"),
    [("low", 0), ("high", 1), ("volume", -1), ("open", 10**15), ("open_ns", 1), ("open_ns", -3_600_000_000_000)],
)
def test_a_row_that_is_no_bar_is_refused_before_anything_is_written(store, hours, name, value):
    """Off the grid, before 1970, or prices that cannot be: whoever read it should have seen it."""
    bars = in_atoms(hours[:3])
    getattr(bars, name)[1] = value
    with pytest.raises(DataError, match="is no 1h bar of BTCUSDT"):
        store.append(bars, "binance", "BTCUSDT", "1h")
    with pytest.raises(ConfigurationError, match="no bars of BTCUSDT 1h"):
        store.columns("binance", "BTCUSDT", "1h")


def test_weeks_begin_on_mondays(store):
    """1970-01-05 was one; a week that begins with the epoch's Thursday is no bar of the venue's."""
    day_ns = 24 * HOUR_NS
    one = np.ones(2, dtype=np.int64)
    store.append(Columns(np.array([4, 11]) * day_ns, one, one, one, one, one), "binance", "BTCUSDT", "7d")
    with pytest.raises(DataError, match="is no 7d bar"):
        store.append(Columns(np.array([0, 7]) * day_ns, one, one, one, one, one), "binance", "BTCUSDT", "7d")


def test_a_symbol_with_a_slash_is_one_folder_and_keeps_its_name(store, hours):
    """As some clients write symbols; and no name leads out of the store."""
    store.append(in_atoms(hours[:1]), "kraken", "BTC/USDT", "1h")
    [(venue, symbol, interval, _)] = store.series()
    assert (venue, symbol, interval) == ("kraken", "BTC/USDT", "1h")
    for symbol in ("", ".", ".."):
        with pytest.raises(ConfigurationError, match="no name of a series"):
            store.append(in_atoms(hours[:1]), "kraken", symbol, "1h")


def test_a_series_lies_in_one_file_a_month(store, hours, btcusdt):
    """The layout is venue, symbol, interval, month, and each file says how much it holds."""
    store.write(hours, btcusdt, "1h")
    [(venue, symbol, interval, months)] = list(store.series())
    assert (venue, symbol, interval) == ("binance", "BTCUSDT", "1h")
    assert [month.month for month in months] == ["2024-01", "2024-02", "2024-03"]
    names = [path.name for path in sorted(store.folder(btcusdt, "1h").glob("*.parquet"))]
    assert names == [f"{month.month}.parquet" for month in months]
    assert sum(month.rows for month in months) == 1_500
    assert (months[0].first_ns, months[-1].last_ns) == (hours[0].open_ns, hours[-1].open_ns)
    assert len({month.sha256 for month in months}) == 3


def test_a_span_is_read_by_when_its_bars_open(store, hours, btcusdt):
    """The start belongs to the span and the end does not."""
    store.write(hours, btcusdt, "1h")
    span = store.read(btcusdt, "1h", start_ns=hours[700].open_ns, end_ns=hours[900].open_ns)
    assert span == hours[700:900]


def test_writing_the_same_bars_again_leaves_the_file_alone(store, hours, btcusdt):
    """Nothing new, nothing replaced: the same bytes."""
    store.write(hours, btcusdt, "1h")
    path = store.folder(btcusdt, "1h") / "2024-02.parquet"
    before = path.read_bytes(), path.stat().st_mtime_ns
    assert store.write(hours, btcusdt, "1h") == 0
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert not list(path.parent.glob("*.part"))


def test_a_bar_that_contradicts_the_stored_one_is_refused(store, hours, btcusdt):
    """History does not change silently, and what was there stays."""
    store.write(hours, btcusdt, "1h")
    other = replace(hours[5], volume_atoms=hours[5].volume_atoms + 1)
    with pytest.raises(DataError, match="contradicts"):
        store.write([other], btcusdt, "1h")
    assert store.read(btcusdt, "1h") == hours


@pytest.mark.parametrize("change", [{"symbol": "ETHUSDT"}, {"close_ns": 1}, {"open_ns": 1}])
def test_a_bar_of_another_series_is_refused(store, hours, btcusdt, change):
    """A file holds one symbol, one length of bar, on the interval's grid."""
    shifted = {name: value if name == "symbol" else getattr(hours[0], name) + value for name, value in change.items()}
    with pytest.raises(DataError, match="no 1h bar"):
        store.write([replace(hours[0], **shifted)], btcusdt, "1h")


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.with_columns(
            pl.col("high") + pl.when(pl.int_range(pl.len()) == 0).then(10**6).otherwise(0)  # one price by one tick
        ),
        lambda frame: frame.with_columns(pl.lit(1, dtype=pl.Int64).alias("volume")),
        lambda frame: frame.rename({"open": "close", "close": "open"}),
        lambda frame: frame.head(-1),
        lambda frame: frame.drop("volume"),
    ],
    ids=["a price", "volumes", "names", "a row", "a column"],
)
def test_a_changed_file_is_not_believed(store, hours, btcusdt, change):
    """Another program wrote it anew, with the words of the old one: the hash in the file differs."""
    store.write(hours, btcusdt, "1h")
    path = store.folder(btcusdt, "1h") / "2024-02.parquet"
    frame, metadata = pl.read_parquet(path), {WORDS: pl.read_parquet_metadata(path)[WORDS]}
    change(frame).write_parquet(path, metadata=metadata)
    with pytest.raises(DataError, match="hash differs"):
        store.read(btcusdt, "1h")


@pytest.mark.parametrize("content", [b"", b"PAR1 nonsense PAR1", b"\x00" * 100])
def test_a_file_that_is_no_parquet_is_named(store, hours, btcusdt, content):
    """The message names the file, so that somebody can delete it."""
    store.write(hours, btcusdt, "1h")
    path = store.folder(btcusdt, "1h") / "2024-02.parquet"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"2024-02\.parquet"):
        store.read(btcusdt, "1h")


def test_a_venue_that_makes_its_tick_finer_can_still_be_read(store, hours, btcusdt):
    """Prices are kept in quote units: with a tenth of the tick, the same price is ten times the ticks."""
    store.write(hours, btcusdt, "1h")
    finer = replace(btcusdt, tick=Decimal("0.001"))
    assert [bar.close for bar in store.read(finer, "1h")] == [10 * bar.close for bar in hours]
    with pytest.raises(DataError, match="whole ticks"):
        store.read(replace(btcusdt, tick=Decimal("0.07")), "1h")


def test_a_series_that_is_not_there_is_a_mistake_of_setup(store, btcusdt):
    """An empty answer would look like a quiet market."""
    with pytest.raises(ConfigurationError, match="no bars of BTCUSDT 1h"):
        store.read(btcusdt, "1h")


def test_every_number_of_a_bar_is_in_its_hash(make_bars):
    """Two series with the same hash are the same bars in the same order."""
    bars = make_bars(3)
    one = bars[1]
    others = [
        [bars[1], bars[0], bars[2]],
        bars[:2],
        *(
            [bars[0], replace(one, **{name: getattr(one, name) + step}), bars[2]]
            for name, step in [("open_ns", 1), ("close_ns", 1), ("high", 1), ("low", -1), ("volume_atoms", 1)]
        ),
    ]
    assert len({bars_hash(each) for each in [bars, *others]}) == 1 + len(others)
    assert bars_hash(make_bars(3)) == bars_hash(bars)


HEADER = "timestamp,open,high,low,close,volume"


def csv(tmp_path, *rows, header=HEADER):
    path = tmp_path / "bars.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_a_csv_is_read_to_the_digit(tmp_path, btcusdt):
    """Prices become ticks of 0.01, volume atoms; time is the open in milliseconds."""
    path = csv(tmp_path, f"{HOUR_MS},100.01,100.5,99,100.10,0.00000001", f"{2 * HOUR_MS},100.1,101,100,100.9,12")
    first, second = read_bars(path, btcusdt, HOUR_NS)
    assert (first.open, first.high, first.low, first.close) == (10_001, 10_050, 9_900, 10_010)
    assert (first.open_ns, first.close_ns, first.volume_atoms) == (HOUR_NS, 2 * HOUR_NS, 1)
    assert second.volume_atoms == 12 * 10**8


def test_csv_and_parquet_of_floats_say_the_same(tmp_path, btcusdt, make_bars):
    """A float64 that was written as 4261.48 is 426,148 ticks, not 426,147.99999."""
    bars = make_bars(300)
    frame = pl.DataFrame(
        {
            "timestamp": [bar.open_ns // 1_000_000 for bar in bars],
            **{name: [getattr(bar, name) / 100 for bar in bars] for name in ("open", "high", "low", "close")},
            "volume": [bar.volume_atoms / 1e8 for bar in bars],
        }
    )
    frame.write_parquet(tmp_path / "bars.parquet")
    frame.write_csv(tmp_path / "bars.csv")
    assert read_bars(tmp_path / "bars.parquet", btcusdt, 900_000_000_000) == bars
    assert read_bars(tmp_path / "bars.csv", btcusdt, 900_000_000_000) == bars


def test_a_file_with_a_bad_row_is_refused(tmp_path, btcusdt):
    """The reader says which line and why, as it does for whole columns; it never guesses."""
    path = csv(tmp_path, f"{HOUR_MS},100,101,99,100,1", f"{2 * HOUR_MS},100,101,99,100.005,1")
    with pytest.raises(DataError, match=r"(?s)1 of 2 rows.*line 3, 1970-01-01T02.*: not a whole tick"):
        read_bars(path, btcusdt, HOUR_NS)


def test_a_file_that_cannot_be_read_is_a_mistake_of_setup(tmp_path, btcusdt):
    """No file, no columns, no Parquet: the message says which."""
    with pytest.raises(ConfigurationError, match="no such file"):
        read_bars(tmp_path / "none.csv", btcusdt, HOUR_NS)
    with pytest.raises(ConfigurationError, match="no column volume"):
        read_bars(csv(tmp_path, "1,1,1,1,1", header="timestamp,open,high,low,close"), btcusdt, HOUR_NS)
    (tmp_path / "bad.parquet").write_bytes(b"no parquet")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_bars(tmp_path / "bad.parquet", btcusdt, HOUR_NS)
