"""Rows that turn out wrong after they were read: found again in their file, with line and bytes."""

import gzip
import json

import polars as pl
import pytest
from tests.unit.data_pipeline.test_bar_files import FILE, HOUR_NS, NEW_YEAR_NS, write

from trading_system.data_pipeline.raw_rows import Doubt, records_of
from trading_system.errors import ConfigurationError
from trading_system.utils.error_handling.quarantine_records import Series

SERIES = Series(venue="binance", symbol="BTCUSDT", interval="1h", tick="0.01")


def doubt(hour, *, shift=0):
    told_ns = NEW_YEAR_NS + hour * HOUR_NS
    return Doubt(told_ns=told_ns, open_ns=told_ns + shift * HOUR_NS, kind="odd", reason="the store says otherwise")


def test_a_row_of_a_csv_comes_with_its_line_and_its_very_bytes(tmp_path):
    """Also the carriage returns, and of a packed file; the third row is line 4."""
    text = "\r\n".join([*FILE, ""]).encode()
    (tmp_path / "bars.csv").write_bytes(text)
    (tmp_path / "bars.csv.gz").write_bytes(gzip.compress(text))
    for name in ("bars.csv", "bars.csv.gz"):
        [row] = records_of(tmp_path / name, [doubt(2)], SERIES)
        assert (row.line, row.raw) == (4, FILE[3].encode() + b"\r\n")
        assert row.reason == "line 4: the store says otherwise"
        assert (row.source, row.kind, row.series) == (str(tmp_path / name), "odd", SERIES)
        assert (row.form, row.columns[0], row.open_ns) == ("csv", "timestamp", NEW_YEAR_NS + 2 * HOUR_NS)


def test_a_row_of_a_parquet_file_comes_as_json(tmp_path):
    """It has no lines and no bytes of its own: rows are counted from one."""
    pl.read_csv(write(tmp_path / "bars.csv", FILE), try_parse_dates=True).write_parquet(tmp_path / "bars.parquet")
    [row] = records_of(tmp_path / "bars.parquet", [doubt(1)], SERIES)
    assert (row.line, row.form, json.loads(row.raw)["close"]) == (2, "json", 101.0)


def test_a_time_that_was_put_right_is_told_with_what_was_added(tmp_path):
    """The row says 03:00, and its bar opened an hour before."""
    [row] = records_of(write(tmp_path / "bars.csv", FILE), [doubt(3, shift=-1)], SERIES)
    assert (row.line, row.shift_ns, row.open_ns) == (5, -HOUR_NS, NEW_YEAR_NS + 2 * HOUR_NS)


def test_all_rows_of_one_time_are_meant(tmp_path):
    """Nothing tells them apart; each comes once, in the order of the file."""
    path = write(tmp_path / "bars.csv", [*FILE, FILE[2]])
    assert [row.line for row in records_of(path, [doubt(1), doubt(4)], SERIES)] == [3, 6, 8]


def test_a_row_that_is_gone_leaves_a_record_all_the_same(tmp_path):
    """The file was written over meanwhile: what was doubted is told, though nobody has its bytes."""
    path = write(tmp_path / "bars.csv", FILE)
    [row] = records_of(path, [doubt(17)], SERIES)
    assert (row.line, row.raw, row.form, row.open_ns) == (None, b"", "", NEW_YEAR_NS + 17 * HOUR_NS)
    path.unlink()
    assert list(records_of(path, [], SERIES)) == []
    with pytest.raises(ConfigurationError, match="no such file"):
        list(records_of(path, [doubt(1)], SERIES))
