"""Held rows are judged as the reader of files judged them, except that no row stands beside them any more."""

import json
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.data_pipeline.test_bar_files import FILE, HOUR_NS, NEW_YEAR_NS, ROWS, read, write

from trading_system.data_pipeline.bar_checks import GOOD, Kind, kind_of
from trading_system.data_pipeline.held_rows import cells_of, judged
from trading_system.data_pipeline.second_look import OF_ITSELF
from trading_system.errors import DataError
from trading_system.utils.error_handling.quarantine import Quarantine
from trading_system.utils.error_handling.quarantine_records import Record

COLUMNS = ("timestamp", "open", "high", "low", "close", "volume")
ATOMS = 10**8
TICK = Decimal("0.01")


def make_record(raw, *, form="csv", columns=COLUMNS, shift_ns=0, source="bars.csv"):
    return Record(source=source, kind="x", reason="y", raw=raw, form=form, columns=columns, shift_ns=shift_ns)


def judge(instrument, *records):
    return judged(records, tick=instrument.tick, interval_ns=HOUR_NS)


def bar_of(read, row=0):
    return tuple(int(column[row]) for column in read.columns)


@pytest.mark.parametrize(("kind", "line", "aside"), ROWS)
def test_a_row_that_was_set_aside_alone_is_bad_for_the_same_reason(tmp_path, btcusdt, kind, line, aside):
    """What a row shows by itself is found again by the same name; what it was beside others, it is not alone."""
    path = write(tmp_path / "bars.csv", [*FILE[:3], line, *FILE[4:]])
    read(path, btcusdt, mode="quarantine", aside=tmp_path / "aside.jsonl")
    records = [row.record for row in Quarantine(tmp_path / "aside.jsonl").contents().rows.values()]
    assert {record.line for record in records} == aside
    for record in records:
        _, verdicts = judge(btcusdt, record)
        found = None if verdicts[0] == GOOD else kind_of(int(verdicts[0]))
        assert found == (kind if str(kind) in OF_ITSELF else None)


def test_a_row_of_a_parquet_file_is_read_again_from_its_json(tmp_path, btcusdt):
    """Moments, floats and what is no number come through; the file's own names are remembered."""
    lines = [line.replace("timestamp", "Open_Time") for line in FILE]
    frame = pl.read_csv(write(tmp_path / "bars.csv", lines), try_parse_dates=True)
    bad = frame.with_columns(
        high=pl.when(pl.int_range(pl.len()) == 2).then(float("nan")).otherwise(pl.col("high")),
        close=pl.when(pl.int_range(pl.len()) == 3).then(pl.col("low")).otherwise(pl.col("close")),
        low=pl.when(pl.int_range(pl.len()) == 3).then(pl.col("high") + 1).otherwise(pl.col("low")),
    )
    bad.write_parquet(tmp_path / "bars.parquet")
    read(tmp_path / "bars.parquet", btcusdt, mode="quarantine", aside=tmp_path / "aside.jsonl")
    rows = [row.record for row in Quarantine(tmp_path / "aside.jsonl").contents().rows.values()]
    found = judge(btcusdt, *rows)
    assert [kind_of(verdict) for verdict in found.verdicts.tolist()] == [Kind.NUMBER, Kind.HIGH_LOW]
    assert found.columns.open_ns.tolist() == [NEW_YEAR_NS + 2 * HOUR_NS, NEW_YEAR_NS + 3 * HOUR_NS]
    assert json.loads(rows[0].raw)["Open_Time"] == "2024-01-01 02:00:00+00:00"


@pytest.mark.parametrize(
    "record",
    [
        make_record(b"1704067200000,100.5,101,99,100,0.5\n"),
        make_record(b'"1704067200000",100.50,101.0,"99",100,0.50000000,extra\r\n', columns=(*COLUMNS, "")),
        make_record(b"0.5,100,99,101,100.5,2024-01-01", columns=COLUMNS[::-1]),
        make_record(b"1704070800000,100.5,101,99,100,0.5", shift_ns=-HOUR_NS),
        make_record(b'[1704067200000,"100.50","101.00","99.00","100.00","0.5",1704070799999,7]', form="json"),
        make_record(b'{"timestamp":1704067200,"close":1e2,"open":100.5,"high":101,"low":99,"volume":0.5}', form="json"),
        make_record(
            b'{"e":"kline","k":{"t":1704067200000,"o":"100.5","h":"101","l":"99","c":"100","v":"0.5","x":true}}',
            form="json",
            columns=tuple(f"{name}=k.{letter}" for name, letter in zip(COLUMNS, "tohlcv", strict=True)),
        ),
    ],
    ids=["csv", "quotes", "order", "shift", "list", "object", "path"],
)  # fmt: skip
def test_every_form_says_the_same_bar(btcusdt, record):
    """One hour of 2024-01-01T00:00Z at 100.5, 101, 99, 100 and half a unit, in atoms of 1e-8."""
    found = judge(btcusdt, record)
    assert found.verdicts.tolist() == [GOOD]
    expected = (NEW_YEAR_NS, 10_050_000_000, 101 * ATOMS, 99 * ATOMS, 100 * ATOMS, ATOMS // 2)
    assert bar_of(found) == expected


def test_rows_with_times_in_different_units_do_not_spoil_each_other(btcusdt):
    """Seconds, milliseconds and words from several sources, in one go: each is read as it would be alone."""
    times = [b"1704067200", b"1704067200000", b"2024-01-01T00:00:00Z", b"2024-01-01", b"1704067200000000"]
    records = [make_record(time + b",100,101,99,100,1", source=f"{n % 2}.csv") for n, time in enumerate(times)]
    found = judge(btcusdt, *records)
    assert found.verdicts.tolist() == [GOOD] * 5
    assert set(found.columns.open_ns.tolist()) == {NEW_YEAR_NS}


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (make_record(b"1704067200000,100,101,99,100", form=""), Kind.TIME),
        (make_record(b"1704067200000,100,101,99,100,1,7"), Kind.CELLS),
        (make_record(b""), Kind.MISSING),
        (make_record(b'{"timestamp":', form="json"), Kind.TIME),
        (make_record(b"[" * 100_000, form="json"), Kind.TIME),
        (make_record(b"17", form="json"), Kind.MISSING),
        (make_record(b"20240101,100,101,99,100,1"), Kind.TIME),
        (make_record(b"1704067200000,100,101,99,1\xff0,1"), Kind.NUMBER),
        (make_record(b"1704067200000,100,101,99,100,\x00"), Kind.NUMBER),
        (make_record(b"1704067200000,1e11,1e11,1e11,1e11,1"), Kind.LARGE),
        (make_record(b'[1704067200000,true,"101","99","100","1"]', form="json"), Kind.NUMBER),
    ],
)
def test_what_cannot_be_read_again_has_a_kind_and_stops_nobody(btcusdt, record, kind):
    """And a good row beside it is still good."""
    good = make_record(b"1704067200000,100,101,99,100,1")
    found = judge(btcusdt, record, good)
    assert (kind_of(int(found.verdicts[0])), found.verdicts[1]) == (kind, GOOD)


@given(raws=st.lists(st.binary() | st.text(st.sampled_from('0123456789.,-eT:Z"\n[]{}')).map(str.encode), max_size=6))
def test_no_bytes_stop_a_second_look(raws):
    """Whatever was received, by any form: a verdict, not an error."""
    for form in ("csv", "json", ""):
        found = judged([make_record(raw, form=form) for raw in raws], tick=TICK, interval_ns=HOUR_NS)
        assert len(found.verdicts) == len(raws)


def test_a_row_is_taken_apart_as_it_stands():
    """`show` tells its cells in the house's names."""
    assert cells_of(make_record(b'1,"2",,4,5,6\n')) == dict(zip(COLUMNS, ["1", "2", "", "4", "5", "6"], strict=True))
    with pytest.raises(DataError, match="7 cells in 6 columns"):
        cells_of(make_record(b"1,2,3,4,5,6,7"))
