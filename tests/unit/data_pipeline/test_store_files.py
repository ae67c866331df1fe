"""Files of the store: whole or absent, one writer at a time, an index that may lag and a loss that is told."""

import fcntl
import os
import threading

import duckdb
import numpy as np
import polars as pl
import pytest

from trading_system.data_pipeline.bar_checks import Columns
from trading_system.data_pipeline.bar_store import BarStore
from trading_system.data_pipeline.store_files import one_writer, replace_file
from trading_system.data_pipeline.store_manifest import MANIFEST
from trading_system.errors import DataError

DAY_NS = 86_400_000_000_000
SERIES = ("binance", "BTCUSDT", "1d")


def days(first, last):
    """One bar a day, days since 1970, `last` not included: 1.00 to 1.03, of as many units as the day's number."""
    day = np.arange(first, last)
    low = np.full(len(day), 10**8)
    return Columns(day * DAY_NS, low + 10**6, low + 3 * 10**6, low, low + 2 * 10**6, day * 10**8)


@pytest.fixture
def store(tmp_path):
    """A store of the first hundred days of 1970: January to April."""
    store = BarStore(tmp_path / "bars")
    store.append(days(0, 100), *SERIES)
    return store


@pytest.fixture
def folder(store, tmp_path):
    return tmp_path / "bars" / "binance" / "BTCUSDT" / "1d"


def test_the_manifest_says_what_the_files_say(store, folder):
    """Month, rows, first and last time, hash and schema, oldest first, readable by people."""
    [(*_, files)] = store.series()
    text = (folder / MANIFEST).read_text()
    assert [(of.month, of.rows) for of in files] == [("1970-01", 31), ("1970-02", 28), ("1970-03", 31), ("1970-04", 10)]
    assert all(f'"sha256": "{of.sha256}"' in text and f'"first_ns": {of.first_ns}' in text for of in files)
    assert text.count("\n") > 40


@pytest.mark.parametrize("held", [None, b"", b'{"series": 7}', "older"])
def test_a_manifest_that_lags_is_written_anew(store, folder, held):
    """Whoever is killed after the months and before the manifest leaves an old one, or none: the months are right."""
    right = (folder / MANIFEST).read_bytes()
    if held == "older":
        lagging = BarStore(folder.parent.parent.parent.parent / "lagging")
        lagging.append(days(0, 35), *SERIES)
        held = next((folder.parents[3] / "lagging").rglob(MANIFEST)).read_bytes()
    (folder / MANIFEST).unlink() if held is None else (folder / MANIFEST).write_bytes(held)
    assert len(store.columns(*SERIES).open_ns) == 100
    assert store.append(days(0, 1), *SERIES).new == 0
    assert (folder / MANIFEST).read_bytes() == right


def test_a_month_that_was_lost_is_no_gap_of_the_market(store, folder):
    """It is refused where it is asked for, also after further writing, until it is there again."""
    lost = folder / "1970-02.parquet"
    content = lost.read_bytes()
    lost.unlink()
    store.append(days(100, 105), *SERIES)
    with pytest.raises(DataError, match=r"are gone: 1970-02 \(28 rows\); import or fetch them again"):
        store.columns(*SERIES)
    [(*_, listed)] = store.listed()
    assert ([of.month for of in listed.files], len(listed.faults)) == (["1970-01", "1970-03", "1970-04"], 1)
    assert "gone: 1970-02 (28 rows)" in listed.faults[0]
    assert len(store.columns(*SERIES, start_ns=59 * DAY_NS).open_ns) == 46
    assert store.append(days(0, 100), *SERIES).new == 28
    assert lost.read_bytes() == content
    assert len(store.columns(*SERIES).open_ns) == 105


def test_what_a_killed_writer_left_behind_is_swept(store, folder):
    """A half-written file beside its place is nobody's: readers pass it by, the next writer removes it."""
    (folder / "1970-02.parquet.part").write_bytes(b"PAR1 half")
    assert len(store.columns(*SERIES).open_ns) == 100
    store.append(days(0, 1), *SERIES)
    assert sorted(path.name for path in folder.iterdir()) == [
        ".lock", "1970-01.parquet", "1970-02.parquet", "1970-03.parquet", "1970-04.parquet", MANIFEST,
    ]  # fmt: skip


def test_a_disk_that_refuses_leaves_what_was_there(tmp_path):
    """The place is a folder, so the last step fails: an error, and nothing half-written beside it."""
    (tmp_path / "1970-01.parquet" / "in the way").mkdir(parents=True)
    with pytest.raises(OSError, match="1970-01"):
        replace_file(tmp_path / "1970-01.parquet", b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["1970-01.parquet"]


def test_a_second_writer_waits_for_the_first(store, folder):
    """While another open file holds the lock, a writer's rows are not there; once it is dropped, they are."""
    done = threading.Event()

    def write():
        store.append(days(100, 101), *SERIES)
        done.set()

    with one_writer(folder):
        other = os.open(folder / ".lock", os.O_RDWR)
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(other)
        writer = threading.Thread(target=write)
        writer.start()
        assert not done.wait(0.2)
        assert len(store.columns(*SERIES).open_ns) == 100  # readers wait for nobody
    writer.join(30)
    assert len(store.columns(*SERIES).open_ns) == 101


def test_writers_at_once_lose_nothing_of_each_other(tmp_path):
    """Eight writers, each with every eighth day of the same months: all rows, each once, and the manifest of all."""
    store, whole = BarStore(tmp_path / "bars"), BarStore(tmp_path / "whole")
    whole.append(days(0, 400), *SERIES)

    def write(part):
        for day in range(part, 400, 40):
            rows = np.isin(np.arange(400), range(day, 400, 40))
            store.append(Columns(*(column[rows] for column in days(0, 400))), *SERIES)

    writers = [threading.Thread(target=write, args=(part * 5 + extra,)) for part in range(8) for extra in range(5)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    content = [
        {path.name: path.read_bytes() for path in (tmp_path / name / "binance" / "BTCUSDT" / "1d").iterdir()}
        for name in ("bars", "whole")
    ]
    assert content[0] == content[1]


def test_a_reader_beside_a_writer_sees_whole_months_and_no_loss(tmp_path):
    """Forty months come one by one, each in two parts; whoever reads meanwhile sees a beginning of it, and no error."""
    store, seen = BarStore(tmp_path / "bars"), [0]
    store.append(days(0, 15), *SERIES)
    writer = threading.Thread(
        target=lambda: [store.append(days(day, day + 15), *SERIES) for day in range(15, 1200, 15)]
    )
    writer.start()
    while writer.is_alive():
        found = store.columns(*SERIES)
        assert found.open_ns.tolist() == days(0, len(found.open_ns)).open_ns.tolist()
        seen.append(len(found.open_ns))
        assert [listed.faults for *_, listed in store.listed()] == [[]]
    writer.join()
    assert seen == sorted(seen)
    assert len(store.columns(*SERIES).open_ns) == 1200


def test_a_series_of_which_all_is_lost_is_lost(store, folder):
    """It is not one that there never was."""
    for path in folder.glob("*.parquet"):
        path.unlink()
    with pytest.raises(DataError, match=r"are gone: 1970-01 \(31 rows\), 1970-02"):
        store.columns(*SERIES)
    [(*series, listed)] = store.listed()
    assert (tuple(series), listed.files) == (SERIES, [])
    assert "gone: 1970-01 (31 rows), 1970-02" in listed.faults[0]
    with pytest.raises(DataError, match="are gone"):
        list(store.series())


def test_one_file_that_is_wrong_does_not_hide_the_others(store, folder):
    """A month that is no Parquet, and one of another series that was copied there, which its footer tells."""
    (folder / "1970-02.parquet").write_bytes(b"no parquet")
    other = (*SERIES[:1], "ETHUSDT", SERIES[2])
    store.append(days(0, 5), *other)
    (folder / "1970-03.parquet").write_bytes(next(store.root.glob("*/ETHUSDT/*/1970-01.parquet")).read_bytes())
    found = {symbol: listed for _, symbol, _, listed in store.listed()}
    assert ([of.month for of in found[SERIES[1]].files], found["ETHUSDT"].faults) == (["1970-01", "1970-04"], [])
    first, second = found[SERIES[1]].faults
    assert "1970-02.parquet: is no file of this store" in first
    assert "1970-03.parquet: holds " in second


def test_nothing_offered_makes_nothing(tmp_path):
    """No folder of a series that has no rows."""
    assert BarStore(tmp_path / "bars").append(days(0, 0), *SERIES).new == 0
    assert not (tmp_path / "bars").exists()


def test_a_file_that_lies_about_is_passed_by(store, folder):
    """Above the series or among its months, under a name that no month has."""
    (folder.parents[1] / "notes.parquet").write_bytes(b"")
    (folder / "copy of 1970-01.parquet").write_bytes((folder / "1970-01.parquet").read_bytes())
    store.append(days(100, 101), *SERIES)
    [(*series, files)] = store.series()
    assert (tuple(series), len(files)) == (SERIES, 4)
    assert len(store.columns(*SERIES).open_ns) == 101


def test_duckdb_and_polars_scan_the_files(store, tmp_path):
    """By glob, without us: the SQL of docs/data/store.md gives exact decimals and real times."""
    files = f"{tmp_path}/bars/*/*/*/*.parquet"
    answer = duckdb.sql(
        f"""
        SELECT make_timestamp_ns(open_ns), close::DECIMAL(19, 0) * 0.00000001::DECIMAL(9, 8),
               volume::DECIMAL(19, 0) * 0.00000001::DECIMAL(9, 8)
        FROM read_parquet('{files}') ORDER BY open_ns LIMIT 1 OFFSET 99
        """
    ).fetchall()
    assert [(f"{when:%Y-%m-%d}", str(close), str(volume)) for when, close, volume in answer] == [
        ("1970-04-10", "1.02000000", "99.00000000")
    ]
    frame = (
        pl.scan_parquet(files)
        .filter(pl.col("open_ns") >= 99 * DAY_NS)
        .select(pl.from_epoch("open_ns", time_unit="ns"), pl.col("close").cast(pl.Decimal(38, 8)) / 10**8)
        .collect()
    )
    [(when, close)] = frame.rows()
    assert (f"{when:%Y-%m-%d}", str(close)) == ("1970-04-10", "1.02000000")
    assert duckdb.sql(f"SELECT count(*) FROM '{files}'").fetchall() == [(100,)]
