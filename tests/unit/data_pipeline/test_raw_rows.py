"""Rows that turn out wrong after they were read: found again in their file, with line and bytes."""

import gzip
import json

import polars as pl
import pytest
from tests.unit.data_pipeline.test_bar_files import FILE, HOUR_NS, NEW_YEAR_NS, write

from trading_system.data_pipeline.file_rows import rows_of_file
from trading_system.data_pipeline.raw_rows import Doubt, records_of
from trading_system.errors import ConfigurationError
from trading_system.utils.error_handling.quarantine_records import Series

SERIES = Series(venue="binance", symbol="BTCUSDT", interval="1h", tick="0.01")


def doubt(hour, *, shift=0):
    open_ns = NEW_YEAR_NS + (hour + shift) * HOUR_NS
    return Doubt(open_ns=open_ns, shift_ns=shift * HOUR_NS, kind="odd", reason="the store says otherwise")


def read(path):
    return rows_of_file(path, instrument=None, symbol="BTCUSDT", venue="binance")


def test_a_row_of_a_csv_comes_with_its_line_and_its_very_bytes(tmp_path):
    """Also the carriage returns, and of a packed file; the third row is line 4."""
    text = "\r\n".join([*FILE, ""]).encode()
    (tmp_path / "bars.csv").write_bytes(text)
    (tmp_path / "bars.csv.gz").write_bytes(gzip.compress(text))
    for name in ("bars.csv", "bars.csv.gz"):
        [row] = records_of(read(tmp_path / name), {2: doubt(2)}, SERIES)
        assert (row.line, row.raw) == (4, FILE[3].encode() + b"\r\n")
        assert row.reason == "line 4: the store says otherwise"
        assert (row.source, row.kind, row.series) == (str(tmp_path / name), "odd", SERIES)
        assert (row.form, row.columns[0], row.open_ns) == ("csv", "timestamp", NEW_YEAR_NS + 2 * HOUR_NS)


def test_a_row_of_a_parquet_file_comes_as_json(tmp_path):
    """It has no lines and no bytes of its own: rows are counted from one."""
    pl.read_csv(write(tmp_path / "bars.csv", FILE), try_parse_dates=True).write_parquet(tmp_path / "bars.parquet")
    [row] = records_of(read(tmp_path / "bars.parquet"), {1: doubt(1)}, SERIES)
    assert (row.line, row.form, json.loads(row.raw)["close"]) == (2, "json", 101.0)


def test_a_time_that_was_put_right_is_told_with_what_was_added(tmp_path):
    """The row says 03:00, and its bar opened an hour before."""
    [row] = records_of(read(write(tmp_path / "bars.csv", FILE)), {3: doubt(3, shift=-1)}, SERIES)
    assert (row.line, row.shift_ns, row.open_ns) == (5, -HOUR_NS, NEW_YEAR_NS + 2 * HOUR_NS)


def test_rows_come_in_the_order_of_the_file_and_those_of_one_time_are_told_apart(tmp_path):
    """The second row stands there again as the last."""
    rows = read(write(tmp_path / "bars.csv", [*FILE, FILE[2]]))
    assert [row.line for row in records_of(rows, {6: doubt(1), 4: doubt(4)}, SERIES)] == [6, 8]


def test_a_row_that_is_no_bar_by_itself_tells_so(tmp_path):
    """In the words of the reader; one whose time cannot be read has none."""
    bad = [FILE[0], FILE[1].replace("100.50", "nan"), "soon,101.00,102.00,100.50,101.25,0", *FILE[3:]]
    rows = read(write(tmp_path / "bars.csv", bad))
    first, second = records_of(rows, {row: Doubt(open_ns=int(rows.columns.open_ns[row])) for row in (0, 1)}, SERIES)
    assert (first.kind, first.open_ns) == ("not a number", NEW_YEAR_NS)
    assert first.reason.startswith("line 2, 2024-01-01T00:00:00.000Z: not a number: ")
    assert (second.kind, second.open_ns) == ("timestamp unreadable", None)


def test_a_row_that_is_gone_leaves_a_record_all_the_same(tmp_path):
    """The file was written over meanwhile: what was doubted is told, though nobody has its bytes."""
    path = write(tmp_path / "bars.csv", FILE)
    rows = read(path)
    write(path, FILE[:3])
    first, second = records_of(rows, {1: doubt(1), 4: doubt(4)}, SERIES)
    assert (first.line, first.raw) == (3, FILE[2].encode() + b"\n")
    assert (second.line, second.raw, second.form, second.open_ns) == (6, b"", "", NEW_YEAR_NS + 4 * HOUR_NS)
    path.unlink()
    assert list(records_of(rows, {}, SERIES)) == []
    with pytest.raises(ConfigurationError, match="cannot be read any more"):
        list(records_of(rows, {1: doubt(1)}, SERIES))
