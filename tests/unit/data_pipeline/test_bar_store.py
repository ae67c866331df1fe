"""Bars at rest: whole files, each bar once, and nothing read that was not written."""

from dataclasses import replace
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.data_pipeline.bar_store import BarStore, bars_hash, read_bars
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


@given(cuts=st.lists(st.integers(0, 200), max_size=4), seed=st.integers(0, 9))
def test_what_is_written_in_any_pieces_is_read_whole(make_bars, btcusdt, tmp_path_factory, cuts, seed):
    """Overlapping pieces, in any order, give every bar once and sorted."""
    store = BarStore(tmp_path_factory.mktemp("store"))
    bars = make_bars(200, seed=seed)
    pieces = [bars[cut : cut + 80] for cut in cuts] + [bars]
    assert sum(store.write(piece, btcusdt, "15m") for piece in pieces) == 200
    assert store.read(btcusdt, "15m") == bars


def test_a_series_lies_in_one_file_a_month(store, hours, btcusdt):
    """The layout is venue, symbol, interval, month, and each file says how much it holds."""
    store.write(hours, btcusdt, "1h")
    [(venue, symbol, interval, months)] = list(store.series())
    assert (venue, symbol, interval) == ("binance", "BTCUSDT", "1h")
    assert [month.path.name for month in months] == ["2024-01.parquet", "2024-02.parquet", "2024-03.parquet"]
    assert sum(month.bars for month in months) == 1_500
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


def test_a_changed_file_is_not_believed(store, hours, btcusdt):
    """One price moved by one tick by another program: the hash in the file differs."""
    store.write(hours, btcusdt, "1h")
    path = store.folder(btcusdt, "1h") / "2024-02.parquet"
    frame = pl.read_parquet(path)
    metadata = {"bars_sha256": pl.read_parquet_metadata(path)["bars_sha256"]}
    high = frame["high"].to_list()
    frame.with_columns(
        pl.Series("high", [high[0] + Decimal("0.01"), *high[1:]], dtype=pl.Decimal(38, 8))
    ).write_parquet(path, metadata=metadata)
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


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (f"{2 * HOUR_MS},100,101,99,100.005,1", "not a whole number of ticks"),
        (f"{2 * HOUR_MS},100,99,98,100,1", "cannot be one bar"),
        (f"{2 * HOUR_MS},nan,101,99,100,1", "not a finite number"),
        (f"{2 * HOUR_MS},,101,99,100,1", "not numbers"),
        (f"{2 * HOUR_MS},100,101,99,100,lots", "not numbers"),
        (f"{2 * HOUR_MS},100,101,99,100,-1", "negative volume"),
        (f"{2 * HOUR_MS},0,101,0,100,1", "cannot be one bar"),
        (f"{2 * HOUR_MS + 1},100,101,99,100,1", "is not the start of a bar"),
        (f"{HOUR_MS},100,101,99,100,1", "begins before the one above it ends"),
        ("inf,100,101,99,100,1", "not numbers"),
    ],
)
def test_a_bad_row_is_named_with_its_number(tmp_path, btcusdt, row, words):
    """The reader refuses the file and says which row and why; it never guesses."""
    path = csv(tmp_path, f"{HOUR_MS},100,101,99,100,1", row)
    with pytest.raises(DataError, match=f"(?s)1 of 2 rows.*row 2: .*{words}"):
        read_bars(path, btcusdt, HOUR_NS)


def test_of_many_bad_rows_the_first_few_are_shown(tmp_path, btcusdt):
    """A file of the wrong kind is told in six lines, not in six thousand."""
    path = csv(tmp_path, *(f"{i * HOUR_MS},1.005,2,1,1,1" for i in range(1, 10)))
    with pytest.raises(DataError, match=r"(?s)9 of 9 rows.*row 5.*and 4 more$") as refused:
        read_bars(path, btcusdt, HOUR_NS)
    assert "row 6" not in str(refused.value)


def test_a_file_that_cannot_be_read_is_a_mistake_of_setup(tmp_path, btcusdt):
    """No file, no columns, no Parquet: the message says which."""
    with pytest.raises(ConfigurationError, match="no such file"):
        read_bars(tmp_path / "none.csv", btcusdt, HOUR_NS)
    with pytest.raises(ConfigurationError, match="no column volume"):
        read_bars(csv(tmp_path, "1,1,1,1,1", header="timestamp,open,high,low,close"), btcusdt, HOUR_NS)
    (tmp_path / "bad.parquet").write_bytes(b"no parquet")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_bars(tmp_path / "bad.parquet", btcusdt, HOUR_NS)
