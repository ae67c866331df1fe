"""Trades at rest: each once, by its id; and the files that they come from."""

import gzip

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.data_pipeline.trade_files import read_trades
from trading_system.data_pipeline.trade_store import Trades, TradeStore
from trading_system.errors import ConfigurationError, DataError

SERIES = ("binance", "BTCUSDT")
HOUR_NS = 3_600_000_000_000


def some(count=200):
    """Trades nine hours apart, two at each moment, over three months."""
    number = np.arange(count)
    return Trades(
        1_000 + number,
        1_706_000_000_000_000_000 + number // 2 * 18 * HOUR_NS,
        10**12 + number,
        1 + number,
        number % 3 == 0,
    )


def part(trades, rows):
    return Trades._make(column[rows] for column in trades)


def same(ours, theirs):
    return all(np.array_equal(one, other) for one, other in zip(ours, theirs, strict=True))


@given(data=st.data())
def test_any_split_in_any_order_gives_the_same_files(tmp_path_factory, data):
    """As of bars: shuffled, in pieces, some twice."""
    folder = tmp_path_factory.mktemp("trades")
    whole, split = TradeStore(folder / "whole"), TradeStore(folder / "split")
    trades = some()
    assert whole.append(trades, *SERIES).new == 200
    order = np.array(data.draw(st.permutations(range(200))))
    pieces = [*np.split(order, sorted(data.draw(st.lists(st.integers(0, 200), max_size=3)))), order[:20]]
    assert sum(split.append(part(trades, rows), *SERIES).new for rows in pieces) == 200
    assert same(split.columns(*SERIES), trades)
    contents = [
        {path.name: path.read_bytes() for path in (folder / name).rglob("*.*") if path.name != ".lock"}
        for name in ("whole", "split")
    ]
    assert contents[0] == contents[1]


def test_trades_are_sorted_by_time_and_within_a_moment_by_id(tmp_path):
    """Also where a venue's ids do not rise with time."""
    told = some(4)._replace(trade_id=np.array([9, 3, 4, 1]))
    TradeStore(tmp_path).append(told, *SERIES)
    found = TradeStore(tmp_path).columns(*SERIES)
    assert found.trade_id.tolist() == [3, 9, 1, 4]
    assert found.time_ns.tolist() == told.time_ns.tolist()


def test_a_trade_of_the_same_id_that_says_otherwise_is_handed_back(tmp_path):
    """Also where it says another moment of the month."""
    store, trades = TradeStore(tmp_path), some(4)
    store.append(trades, *SERIES)
    done = store.append(trades._replace(time_ns=trades.time_ns + np.array([0, 1, 0, 0])), *SERIES)
    assert (done.new, done.known, done.contradicted.trade_id.tolist()) == (0, 3, [1_001])
    assert same(store.columns(*SERIES), trades)


def test_a_span_is_read_by_when_its_trades_were(tmp_path):
    """The start belongs to it and the end does not."""
    store, trades = TradeStore(tmp_path), some()
    store.append(trades, *SERIES)
    found = store.columns(*SERIES, start_ns=int(trades.time_ns[20]), end_ns=int(trades.time_ns[80]))
    assert same(found, part(trades, slice(20, 80)))
    [(venue, symbol, files)] = store.series()
    assert (venue, symbol, sum(of.rows for of in files)) == ("binance", "BTCUSDT", 200)


@pytest.mark.parametrize(("name", "value"), [("trade_id", -1), ("time_ns", -1), ("price", 0), ("quantity", 0)])
def test_what_is_no_trade_is_refused(tmp_path, name, value):
    """Nobody trades nothing, or for nothing."""
    trades = some(3)
    getattr(trades, name)[1] = value
    with pytest.raises(DataError, match="1 of 3 rows are no trades of BTCUSDT"):
        TradeStore(tmp_path).append(trades, *SERIES)


def test_duckdb_scans_the_files(tmp_path):
    """The SQL of docs/data/store.md."""
    TradeStore(tmp_path).append(some(), *SERIES)
    answer = duckdb.sql(f"SELECT count(*), sum(quantity), count_if(buyer_maker) FROM '{tmp_path}/*/*/*.parquet'")
    assert answer.fetchall() == [(200, 20_100, 67)]


ROWS = "5,100.5,0.25,25.125,1704067200000,True,True\n6,100.25,0.00000001,1,1704067200001,False,True\n"
EXPECTED = Trades(
    *(
        np.array(column)
        for column in (
            [5, 6],
            [1_704_067_200_000_000_000, 1_704_067_200_001_000_000],
            [10_050_000_000, 10_025_000_000],
            [25_000_000, 1],
            [True, False],
        )
    )
)


@pytest.mark.parametrize(
    "text",
    [
        ROWS,  # the archive of trades
        "5,100.5,0.25,1,2,1704067200000,true,true\n6,100.25,0.00000001,3,3,1704067200001,false,true\n",  # aggregated
        "5,100.5,0.25,1,1704067200000000,True,True\n6,100.25,0.00000001,1,1704067200001000,False,True\n",  # since 2025
        "id,price,qty,quote_qty,time,is_buyer_maker\n" + ROWS.replace(",True\n", "\n"),
        "Timestamp,Side,Amount,Price,ID\n1704067200000,sell,0.25,100.5,5\n1704067200001,buy,0.00000001,100.25,6\n",
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_a_file_of_trades_is_read_to_the_digit(tmp_path, text, zipped):
    """With a header, in any order and case, or Binance's archives as they are."""
    path = tmp_path / ("trades.csv.gz" if zipped else "trades.csv")
    path.write_bytes(gzip.compress(text.encode()) if zipped else text.encode())
    assert same(read_trades(path).trades, EXPECTED)


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("id,price,amount,type\n1,2,3,bid\n", ConfigurationError, "no column timestamp; the file begins 'id,price"),
        ("1,2,3\n", ConfigurationError, "no header, and 3 columns"),
        ("", ConfigurationError, "cannot be read|no column"),
    ],
)
def test_what_cannot_be_read_as_trades_is_refused(tmp_path, text, error, words):
    """Which column is missing."""
    path = tmp_path / "trades.csv"
    path.write_text(text)
    with pytest.raises(error, match=words):
        read_trades(path)


def test_a_file_that_is_not_there_or_of_another_kind_is_refused(tmp_path):
    """By its name."""
    (tmp_path / "trades.txt").write_text("")
    (tmp_path / "trades.parquet").write_bytes(b"no parquet")
    for name, words in [("none.csv", "no such file"), ("trades.txt", "end in"), ("trades.parquet", "cannot be read")]:
        with pytest.raises(ConfigurationError, match=rf"{name}: .*{words}"):
            read_trades(tmp_path / name)
