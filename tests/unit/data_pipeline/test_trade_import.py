"""Trades from a file into the store: every row is counted once, and none is dropped without a record."""

import json

import polars as pl
import pytest

from trading_system.data_pipeline.trade_import import TradesImported, import_trades
from trading_system.data_pipeline.trade_store import TradeStore
from trading_system.errors import ConfigurationError, DataError
from trading_system.utils.error_handling.quarantine import Quarantine

START_MS = 1_704_067_200_000
HEADER = "id,time,price,qty,side"


@pytest.fixture
def store(tmp_path):
    return TradeStore(tmp_path / "trades")


@pytest.fixture
def quarantine(tmp_path):
    return Quarantine(tmp_path / "quarantine.jsonl", now_ns=lambda: 0)


@pytest.fixture
def bring(tmp_path, store, quarantine):
    """Write lines into a file and import it."""

    def brought(lines, header=HEADER, **terms) -> TradesImported:
        path = tmp_path / "BTCUSDT.csv"
        path.write_text("".join(f"{line}\n" for line in ([header] if header else []) + lines))
        return import_trades(path, store, quarantine, venue="binance", symbol="BTCUSDT", **terms)

    return brought


def line(number, price="100.5", side="buy"):
    return f"{number},{START_MS + number * 1_000},{price},0.25,{side}"


def held(quarantine):
    return [kept.record for kept in quarantine.contents().rows.values()]


def test_a_file_is_stored_and_doing_it_again_changes_nothing(bring, store, tmp_path):
    """Not a byte; what is told twice in the same words is known."""
    lines = [*(line(n) for n in range(9)), line(3)]
    done = bring(lines)
    assert (done.new, done.known, done.set_aside, done.contradicted) == (9, 1, 0, 0)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert (bring(lines).new, bring(lines).known) == (0, 10)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (f"4,{START_MS + 4000},0,0.25,buy", "price 0"),
        (f"4,{START_MS + 4000},100.5,-1,buy", "quantity -1"),
        (f"4,{START_MS + 4000},100.5,0.25,left", "buyer_maker left"),
        ("4,when,100.5,0.25,buy", "time_ns when"),
        (f"x,{START_MS + 4000},100.5,0.25,buy", "trade_id x"),
        (f"4,{START_MS + 4000},100,5,0.25,buy", "quantity 5"),
        (f"4,{START_MS + 4000},100.5", "quantity None"),
    ],
)
def test_a_row_that_is_no_trade_is_set_aside_with_its_line_and_the_rest_kept(bring, quarantine, bad, why):
    """One row does not cost a month of trades; its bytes are kept, and why it is none."""
    done = bring([bad if n == 4 else line(n) for n in range(9)])
    assert (done.new, done.set_aside) == (8, 1)
    [record] = held(quarantine)
    assert (record.kind, record.line, record.raw) == ("no trade", 6, f"{bad}\n".encode())
    assert why in record.reason
    assert str(record.series) == "binance/BTCUSDT/trades"


def test_an_empty_line_is_no_row(bring, quarantine):
    """It is passed over, and the lines below it are still told by their own number."""
    done = bring([line(0), "", line(1), line(2, price="0"), line(3)])
    assert (done.new, done.set_aside) == (3, 1)
    assert [record.line for record in held(quarantine)] == [5]


def test_a_file_without_header_counts_its_first_row_as_line_one(bring, quarantine):
    """Binance's archives have none."""
    rows = [f"{n},{100 - n if n else 0},0.25,25,{START_MS},True,True" for n in range(4)]
    assert (bring(rows, header="").new, [record.line for record in held(quarantine)]) == (3, [1])


def test_a_trade_that_contradicts_the_store_is_set_aside_and_the_others_written(bring, store, quarantine):
    """What is stored stays; the row is there to be looked at, and the second import adds nothing to it."""
    bring([line(n) for n in range(4)])
    for new in (5, 0):
        done = bring([line(n, price="7" if n == 2 else "100.5") for n in range(9)])
        assert (done.new, done.known, done.set_aside, done.contradicted) == (new, 8 - new, 0, 1)
    [record] = held(quarantine)
    assert (record.kind, record.line, record.raw.decode().strip()) == ("contradiction", 4, line(2, price="7"))
    assert store.columns("binance", "BTCUSDT").price.tolist() == [10_050_000_000] * 9


def test_of_two_trades_of_one_id_in_a_file_neither_is_kept(bring, store, quarantine):
    """Nothing tells which is right."""
    done = bring([*(line(n) for n in range(9)), line(3, price="7")])
    assert (done.new, done.set_aside) == (8, 2)
    assert [(record.kind, record.line) for record in held(quarantine)] == [
        ("contradicting duplicate", 5),
        ("contradicting duplicate", 11),
    ]
    assert 3 not in store.columns("binance", "BTCUSDT").trade_id


def test_a_trade_of_the_future_is_set_aside(bring, quarantine):
    """Nobody has traded then."""
    done = bring([line(n) for n in range(9)], now_ns=lambda: (START_MS + 7_000) * 10**6)
    assert (done.new, done.set_aside) == (8, 1)
    assert [(record.kind, record.line) for record in held(quarantine)] == [("in the future", 10)]


def test_a_row_of_a_parquet_file_is_kept_as_json(tmp_path, store, quarantine):
    """It has no lines: rows are counted from one."""
    rows = {"id": [1, 2, 3], "time": [START_MS] * 3, "price": [1.0, -1.0, 2.0], "qty": [1.0] * 3, "side": ["buy"] * 3}
    pl.DataFrame(rows).write_parquet(tmp_path / "trades.parquet")
    done = import_trades(tmp_path / "trades.parquet", store, quarantine, venue="x", symbol="Y")
    assert (done.new, done.set_aside) == (2, 1)
    [record] = held(quarantine)
    assert (record.line, json.loads(record.raw)["price"]) == (2, -1.0)


def test_what_cannot_be_a_file_of_trades_is_refused(bring, store, tmp_path, quarantine):
    """More bad than good, and nothing is written; or no such file."""
    with pytest.raises(DataError, match=r"2 of 3 rows are no trades of BTCUSDT(.|\n)*line 3: .*price 0"):
        bring([line(0), line(1, price="0"), line(2, side="left")])
    with pytest.raises(ConfigurationError, match=r"none\.csv: no such file"):
        import_trades(tmp_path / "none.csv", store, quarantine, venue="binance", symbol="BTCUSDT")
    assert (list(store.series()), held(quarantine)) == ([], [])
