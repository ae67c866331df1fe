"""Bars from plain files: what docs/bad-data.md promises, and that whole columns say what single rows would."""

import gzip
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.__main__ import answer_of
from trading_system.data_pipeline.bar_checks import Gap, Kind
from trading_system.data_pipeline.bar_files import read_columns
from trading_system.data_pipeline.bar_store import BarStore
from trading_system.data_pipeline.reading import columns_hash
from trading_system.data_pipeline.store_columns import read_store_columns
from trading_system.errors import ConfigurationError, DataError
from trading_system.market.bars import Bar
from trading_system.utils.error_handling.quarantine import Quarantine

HOUR_NS = 3_600_000_000_000
NEW_YEAR_NS = 1_704_067_200_000_000_000
"""2024-01-01T00:00Z."""

DOCS = (Path(__file__).resolve().parents[3] / "docs/bad-data.md").read_text(encoding="utf-8")


def fenced(language: str) -> list[str]:
    """Return the lines of the first block of `language` in the docs."""
    return DOCS.split(f"```{language}\n")[1].split("```")[0].splitlines()


def table(head: str) -> list[list[str]]:
    """Return the cells of the docs' table whose header begins with `head`."""
    lines = DOCS.split(f"| {head} |")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


FILE = fenced("csv")
ROWS = [
    (Kind(kind), line.strip("`"), {int(n) for n in aside.split(" and ")}) for kind, line, aside, *_ in table("kind")
]


def write(path: Path, lines) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def read(path, instrument, *, mode="refuse", aside=None, interval_ns=HOUR_NS):
    return read_columns(
        path,
        instrument=instrument,
        symbol="BTCUSDT",
        interval_ns=interval_ns,
        on_bad_data=mode,
        quarantine=None if aside is None else Quarantine(aside),
    )


def tuples(bars):
    columns = (bars.close_ns, bars.open, bars.high, bars.low, bars.close, bars.volume_atoms)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_the_docs_show_every_kind_once():
    """A kind without an example is not documented, an example of no kind is not checked."""
    assert sorted(kind for kind, _, _ in ROWS) == sorted(Kind)


def test_the_file_of_the_docs_is_good(tmp_path, btcusdt):
    """Six bars in ticks of 0.01 and atoms of 1e-8, nothing aside, nothing missing."""
    reading = read(write(tmp_path / "bars.csv", FILE), btcusdt)
    assert tuples(reading.bars)[0] == (NEW_YEAR_NS + HOUR_NS, 10_000, 10_100, 9_900, 10_050, 1_250_000_000)
    assert len(reading.bars) == 6
    assert (reading.bad, reading.missing, reading.gaps, reading.first_gaps, reading.notes) == ((), 0, 0, (), ())


@pytest.mark.parametrize(("kind", "line", "aside"), ROWS)
def test_a_bad_row_is_refused_with_its_line_and_kind(tmp_path, btcusdt, capsys, kind, line, aside):
    """Exit code 2 and one message that names the first bad line, its kind and its own words; no traceback."""
    path = write(tmp_path / "bars.csv", [*FILE[:3], line, *FILE[4:]])
    assert answer_of(lambda: read(path, btcusdt)) == 2
    said = capsys.readouterr().err
    assert f"{len(aside)} of 6 rows" in said
    for number in aside:
        assert f"line {number}, " in said
    assert f": {kind}: " in said
    assert "Traceback" not in said


@pytest.mark.parametrize(("kind", "line", "aside"), ROWS)
def test_a_bad_row_is_set_aside_and_the_rest_is_used(tmp_path, btcusdt, kind, line, aside):
    """The row lies in the quarantine as it was received; the bars are those of the other lines, and gaps are told."""
    path = write(tmp_path / "bars.csv", [*FILE[:3], line, *FILE[4:]])
    reading = read(path, btcusdt, mode="quarantine", aside=tmp_path / "aside.jsonl")
    assert {(row.line, row.kind) for row in reading.bad} == {(number, kind) for number in aside}
    rest = [FILE[0], *(text for number, text in enumerate(FILE, start=1) if number not in {1, 4, *aside})]
    assert tuples(reading.bars) == tuples(read(write(tmp_path / "rest.csv", rest), btcusdt).bars)
    assert reading.missing == 1 + (3 in aside)
    many = f"{len(aside)} row{'s' if len(aside) > 1 else ''}"
    assert reading.notes == (f"BTCUSDT: {many} set aside: {len(aside)} {kind}.",)
    kept = [json.loads(row) for row in (tmp_path / "aside.jsonl").read_text().splitlines()]
    assert kept[-1]["raw"] == line + "\n"
    assert [row["reason"] for row in kept] == [str(row) for row in reading.bad]
    assert all(row["source"] == str(path) for row in kept)


def test_the_message_is_the_one_in_the_docs(tmp_path, btcusdt, monkeypatch):
    """Word for word."""
    monkeypatch.chdir(tmp_path)
    line = next(line for kind, line, _ in ROWS if kind is Kind.TICK)
    path = write(Path("bars.csv"), [*FILE[:3], line, *FILE[4:]])
    with pytest.raises(DataError) as refused:
        read(path, btcusdt)
    assert str(refused.value).splitlines() == fenced("text")


def test_of_many_bad_rows_the_first_five_are_named(tmp_path, btcusdt):
    """A file of the wrong kind is told in seven lines, not in seven thousand."""
    lines = [f"{hour * 3_600_000},1,1,1,1.005,0" for hour in range(20)]
    with pytest.raises(DataError, match=r"(?s)20 of 20 rows.*line 6.*and 15 more$") as refused:
        read(write(tmp_path / "bars.csv", [FILE[0], *lines]), btcusdt)
    assert "line 7" not in str(refused.value)


@pytest.mark.parametrize("rows", [[1], [1, 2, 3, 4, 5, 6]])
def test_a_row_that_is_cut_off_lacks_a_cell_though_it_be_the_first(tmp_path, btcusdt, rows):
    """How wide a file is says its header, and no row below it."""
    lines = [line.rpartition(",")[0] if row in rows else line for row, line in enumerate(FILE)]
    with pytest.raises(DataError, match=rf"(?s){len(rows)} of 6 rows.*line 2, [^\n]*: missing cell: .*volume None"):
        read(write(tmp_path / "bars.csv", lines), btcusdt)


def test_parquet_rows_are_counted_from_one(tmp_path, btcusdt):
    """The third row of six, with what it says."""
    frame = pl.read_csv(write(tmp_path / "bars.csv", FILE), try_parse_dates=True)
    frame = frame.with_columns(high=pl.when(pl.int_range(pl.len()) == 2).then(None).otherwise(pl.col("high")))
    frame.write_parquet(tmp_path / "bars.parquet")
    with pytest.raises(DataError, match=r"line 3, 2024-01-01T02:00:00\.000Z: missing cell: .*high None"):
        read(tmp_path / "bars.parquet", btcusdt)
    reading = read(tmp_path / "bars.parquet", btcusdt, mode="quarantine", aside=tmp_path / "aside.jsonl")
    assert (len(reading.bars), reading.first_gaps) == (5, (Gap(open_ns=NEW_YEAR_NS + 2 * HOUR_NS, bars=1),))


def no_file(folder):
    return folder / "none.csv"


def wrong_name(folder):
    return write(folder / "bars.xlsx", FILE)


def empty_file(folder):
    return write(folder / "bars.csv", [])


def no_rows(folder):
    return write(folder / "bars.csv", FILE[:1])


def no_parquet(folder):
    return write(folder / "bars.parquet", FILE)


def one_row(folder):
    return write(folder / "bars.csv", FILE[:2])


def frame_of(**columns) -> pl.DataFrame:
    plain = {name: [100.0, 100.0] for name in ("open", "high", "low", "close", "volume")}
    return pl.DataFrame({"timestamp": [0, 3_600_000], **plain} | columns)


def other_zone(folder):
    times = pl.Series([0, 3_600_000]).cast(pl.Datetime("ms", "Europe/Berlin"))
    frame_of(timestamp=times).write_parquet(folder / "bars.parquet")
    return folder / "bars.parquet"


def calendar_numbers(folder):
    return write(folder / "bars.csv", [FILE[0], "20240131,1,1,1,1,1", "20240201,1,1,1,1,1"])


def short_floats(folder):
    frame_of(open=pl.Series([100, 100], dtype=pl.Float32)).write_parquet(folder / "bars.parquet")
    return folder / "bars.parquet"


def mostly_bad(folder):
    return write(folder / "bars.csv", [FILE[0], FILE[1], "1,1,1,1,1,1", "2,1,1,1,1,1"])


def empty_store(folder):
    return folder


WHOLE_FILES = [
    no_file, wrong_name, empty_file, no_rows, no_parquet, one_row, other_zone, calendar_numbers, short_floats,
    mostly_bad, empty_store,
]  # fmt: skip


@pytest.mark.parametrize(("make", "row"), list(zip(WHOLE_FILES, table("file"), strict=True)))
def test_a_file_that_is_none_is_refused_in_both_modes(tmp_path, btcusdt, capsys, make, row):
    """The second table of the docs, row by row: exit code 2 and the words it promises."""
    path = make(tmp_path)
    words = row[1].split("`")[1]

    def reader(mode):
        if make is empty_store:
            return lambda: read_store_columns(path, "binance", "BTCUSDT", "1h")
        interval_ns = HOUR_NS if make is mostly_bad else None
        return lambda: read(path, btcusdt, mode=mode, aside=tmp_path / "aside.jsonl", interval_ns=interval_ns)

    modes = ["quarantine"] if make is mostly_bad else ["refuse", "quarantine"]
    for mode in modes:
        assert answer_of(reader(mode)) == 2
        said = capsys.readouterr().err
        assert words in said
        assert path.name in said
        assert "Traceback" not in said


@pytest.mark.parametrize("cut", [3, 200])
def test_a_file_that_was_cut_off_is_named(tmp_path, btcusdt, cut):
    """A gzip or a Parquet file whose end is missing."""
    whole = gzip.compress("\n".join(FILE * 50).encode())
    (tmp_path / "bars.csv.gz").write_bytes(whole[:cut])
    frame_of().write_parquet(tmp_path / "bars.parquet")
    (tmp_path / "bars.parquet").write_bytes((tmp_path / "bars.parquet").read_bytes()[:cut])
    for name in ("bars.csv.gz", "bars.parquet"):
        with pytest.raises(ConfigurationError, match=rf"{name}: cannot be read as bars"):
            read(tmp_path / name, btcusdt)


def test_to_quarantine_needs_a_place(tmp_path, btcusdt):
    """Rows are set aside somewhere, or not at all."""
    with pytest.raises(ConfigurationError, match="name a file"):
        read(write(tmp_path / "bars.csv", FILE), btcusdt, mode="quarantine")


HOURS = [NEW_YEAR_NS + hour * HOUR_NS for hour in range(6)]


@pytest.mark.parametrize(
    "times",
    [
        [str(ns // 10**6) for ns in HOURS],
        [str(ns // 10**9) for ns in HOURS],
        [str(ns // 10**3) for ns in HOURS],
        [str(ns) for ns in HOURS],
        [f"{ns // 10**6}.0" for ns in HOURS],
        [f"2024-01-01T0{hour}:00:00Z" for hour in range(6)],
        [f"2024-01-01T0{hour}:00:00.000+00:00" for hour in range(6)],
        [f"2024-01-01 0{hour}:00:00" for hour in range(6)],
        [f"2024-01-01 0{hour}:00" for hour in range(6)],
        [f"2024-01-01 0{hour}:00:00 UTC" for hour in range(6)],
        ["2024-01-01", *(f"2024-01-01T0{hour}:00Z" for hour in range(1, 6))],
        [f'"2024-01-01 0{hour}:00:00"' for hour in range(6)],
    ],
)
@pytest.mark.parametrize("name", ["timestamp", "Time", " date ", "OPEN_TIME", "datetime", ""])
def test_a_time_is_understood_however_it_is_written(tmp_path, btcusdt, times, name):
    """Epoch in four units, ISO 8601 with and without offset; the column under any of its names."""
    lines = [f"{time},{line.split(',', 1)[1]}" for time, line in zip(times, FILE[1:], strict=True)]
    reading = read(write(tmp_path / "bars.csv", [f"{name},Open,HIGH,low,close,Volume", *lines]), btcusdt)
    assert reading.sha256 == read(write(tmp_path / "plain.csv", FILE), btcusdt).sha256


@pytest.mark.parametrize(
    "kind", [pl.Int64, pl.UInt64, pl.Float64, pl.Datetime("ns"), pl.Datetime("us", "UTC"), pl.Datetime("ms"), pl.String]
)
def test_parquet_times_are_understood_in_every_type(tmp_path, btcusdt, kind):
    """Whole numbers, floats as pandas writes them beside a gap, datetimes, and text."""
    moments = pl.Series([ns // 10**6 for ns in HOURS])
    if isinstance(kind, pl.Datetime):
        moments = moments.cast(pl.Datetime("ms")).cast(pl.Datetime(kind.time_unit))
        moments = moments.dt.replace_time_zone(kind.time_zone)
    frame = pl.read_csv(write(tmp_path / "plain.csv", FILE)).with_columns(timestamp=moments.cast(kind))
    frame.write_parquet(tmp_path / "bars.parquet")
    assert read(tmp_path / "bars.parquet", btcusdt).sha256 == read(tmp_path / "plain.csv", btcusdt).sha256


def test_a_day_is_a_time(tmp_path, btcusdt):
    """Daily bars as dates, in text and as Parquet's own type; the interval is told from the rows."""
    lines = [f"2024-01-0{day},100,101,99,100,1" for day in (1, 2, 3, 6)]
    path = write(tmp_path / "bars.csv", [FILE[0], *lines])
    pl.read_csv(path, try_parse_dates=True).write_parquet(tmp_path / "bars.parquet")
    for file in (path, tmp_path / "bars.parquet"):
        reading = read(file, btcusdt, interval_ns=None)
        assert (reading.bars.interval_ns, reading.missing) == (24 * HOUR_NS, 2)
        assert reading.bars.close_ns[0] == NEW_YEAR_NS + 24 * HOUR_NS


def test_weekly_bars_begin_on_mondays(tmp_path, btcusdt):
    """2024-01-01 was a Monday; a week that begins on a Thursday, as 1970 did, is off the grid."""
    mondays = [f"2024-01-{day:02},1,1,1,1,1" for day in (1, 8, 15, 22)]
    assert len(read(write(tmp_path / "bars.csv", [FILE[0], *mondays]), btcusdt, interval_ns=None).bars) == 4
    thursdays = [f"2024-01-{day:02},1,1,1,1,1" for day in (4, 11, 18, 25)]
    with pytest.raises(DataError, match="off the grid"):
        read(write(tmp_path / "bars.csv", [FILE[0], *thursdays]), btcusdt, interval_ns=None)


def test_columns_stand_in_any_order_and_others_are_ignored(tmp_path, btcusdt):
    """A venue's kline export has more columns, and a header may be quoted."""
    cells = [line.split(",") for line in FILE]
    turned = [",".join([f'"{row[5]}"', row[3], "text", row[0], row[4], row[1], row[2]]) for row in cells]
    reading = read(write(tmp_path / "bars.csv", turned), btcusdt)
    assert reading.sha256 == read(write(tmp_path / "plain.csv", FILE), btcusdt).sha256


def test_an_empty_line_is_no_row_and_shifts_no_number(tmp_path, btcusdt):
    """Line 6 is bad and is called line 6, although line 3 is empty."""
    good = read(write(tmp_path / "bars.csv", [*FILE[:2], "", *FILE[2:], ""]), btcusdt)
    assert len(good.bars) == 6
    with pytest.raises(DataError, match=r"1 of 6 rows(?s:.)*line 6, .*not a number"):
        read(
            write(tmp_path / "bars.csv", [*FILE[:2], "", *FILE[2:4], FILE[4].replace("8.25", "x"), *FILE[5:]]), btcusdt
        )


def test_a_byte_order_mark_and_windows_line_ends_are_nothing(tmp_path, btcusdt):
    """As a spreadsheet saves it."""
    (tmp_path / "bars.csv").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(FILE).encode())
    assert len(read(tmp_path / "bars.csv", btcusdt).bars) == 6


numbers = st.tuples(
    st.integers(-1, 9),  # hour
    *(st.sampled_from([-1, 0, 1, 2, 3]) for _ in range(4)),  # prices, ticks
    st.integers(-1, 2),  # volume
)


@given(rows=st.lists(numbers, min_size=1, max_size=12), data=st.data())
def test_whole_columns_judge_as_single_rows_do(tmp_path_factory, btcusdt, rows, data):
    """What stays is valid, sorted and unique; each row that could be a bar of its own stays unless it is out of order
    or told twice; and the most that can be kept in order is."""
    rows = [row if data.draw(st.integers(0, 2)) else (row[0], 2, 3, 1, 2, 1) for row in rows]
    folder = tmp_path_factory.mktemp("rows")
    hours, *prices, volumes = zip(*rows, strict=True)
    pl.DataFrame(
        {
            "timestamp": [3_600_000 * (hour + 1) for hour in hours],
            **{
                name: [ticks / 100 for ticks in column]
                for name, column in zip(("open", "high", "low", "close"), prices, strict=True)
            },
            "volume": [float(volume) for volume in volumes],
        }
    ).write_parquet(folder / "bars.parquet")
    possible = [row for row in rows if could_be_a_bar(row)]
    told = {row[0]: {other for other in possible if other[0] == row[0]} for row in possible}
    once = [row for at, row in enumerate(possible) if len(told[row[0]]) == 1 and row not in possible[:at]]
    expected = longest_rise([row[0] for row in once])
    if expected * 2 < len(rows):
        with pytest.raises(DataError):
            read(folder / "bars.parquet", btcusdt, mode="quarantine", aside=folder / "aside.jsonl")
        return
    reading = read(folder / "bars.parquet", btcusdt, mode="quarantine", aside=folder / "aside.jsonl")
    kept = [(close // HOUR_NS - 2, *ticks, volume // 10**8) for close, *ticks, volume in tuples(reading.bars)]
    assert len(kept) == expected
    assert set(kept) <= set(once)
    assert sorted({row[0] for row in kept}) == [row[0] for row in kept]
    assert len(reading.bad) == len(rows) - len(kept)


def could_be_a_bar(row) -> bool:
    hour, first, high, low, last, volume = row
    try:
        Bar(
            symbol="X", open_ns=hour, close_ns=hour + 1, open=first, high=high, low=low, close=last, volume_atoms=volume
        )
    except DataError:
        return False
    return hour >= -1


def longest_rise(hours) -> int:
    best: list[int] = []
    for at, hour in enumerate(hours):
        best.append(1 + max((best[before] for before in range(at) if hours[before] < hour), default=0))
    return max(best, default=0)


def test_of_rows_out_of_order_the_later_in_the_file_goes(tmp_path, btcusdt):
    """Two neighbors changed places: the second of them is the one that came too late."""
    reading = read(
        write(tmp_path / "bars.csv", [*FILE[:3], FILE[4], FILE[3], *FILE[5:]]),
        btcusdt, mode="quarantine", aside=tmp_path / "aside.jsonl",
    )  # fmt: skip
    assert [(row.line, row.kind) for row in reading.bad] == [(5, Kind.UNSORTED)]


def test_one_time_far_in_the_future_does_not_cost_all_that_follow(tmp_path, btcusdt):
    """As few rows as can be: the one, and not the three behind it."""
    far = FILE[3].replace("2024", "2098")
    reading = read(
        write(tmp_path / "bars.csv", [*FILE[:3], far, *FILE[4:]]),
        btcusdt, mode="quarantine", aside=tmp_path / "aside.jsonl",
    )  # fmt: skip
    assert [(row.line, row.kind) for row in reading.bad] == [(4, Kind.UNSORTED)]


def test_a_file_that_is_newest_first_is_not_repaired(tmp_path, btcusdt):
    """Setting all rows but one aside would be no repair."""
    with pytest.raises(DataError, match="more are bad than good"):
        read(
            write(tmp_path / "bars.csv", [FILE[0], *reversed(FILE[1:])]),
            btcusdt, mode="quarantine", aside=tmp_path / "aside.jsonl",
        )  # fmt: skip
    assert not (tmp_path / "aside.jsonl").exists()


def test_csv_parquet_and_store_of_the_same_bars_have_one_hash(tmp_path, btcusdt, make_bars):
    """The hash is of what the bars say, not of how they lay on disk."""
    bars = make_bars(500, interval_ns=HOUR_NS, start_ns=NEW_YEAR_NS)
    frame = pl.DataFrame(
        {
            "timestamp": [bar.open_ns // 10**6 for bar in bars],
            **{name: [getattr(bar, name) / 100 for bar in bars] for name in ("open", "high", "low", "close")},
            "volume": [bar.volume_atoms / 1e8 for bar in bars],
        }
    )
    frame.write_parquet(tmp_path / "bars.parquet")
    frame.write_csv(tmp_path / "bars.csv")
    (tmp_path / "bars.csv.gz").write_bytes(gzip.compress((tmp_path / "bars.csv").read_bytes()))
    exact = frame.with_columns(pl.col("open", "high", "low", "close", "volume").round(8).cast(pl.Decimal(38, 8)))
    exact.write_parquet(tmp_path / "decimal.parquet")
    BarStore(tmp_path / "store").write(bars, btcusdt, "1h")
    names = ("bars.parquet", "bars.csv", "bars.csv.gz", "decimal.parquet")
    readings = [read(tmp_path / name, btcusdt) for name in names]
    readings.append(read_store_columns(tmp_path / "store", "binance", "BTCUSDT", "1h", instrument=btcusdt))
    assert tuples(readings[0].bars) == [
        (bar.close_ns, bar.open, bar.high, bar.low, bar.close, bar.volume_atoms) for bar in bars
    ]
    assert {reading.sha256 for reading in readings} == {readings[0].sha256}


def test_every_number_is_in_the_hash(tmp_path, btcusdt):
    """Another price, time, volume, symbol, interval or tick is another hash."""
    bars = read(write(tmp_path / "bars.csv", FILE), btcusdt).bars
    others = [
        *(
            replace(bars, **{name: getattr(bars, name) + np.arange(6).astype(np.int64) // 5})
            for name in ("close_ns", "open", "high", "low", "close", "volume_atoms")
        ),
        replace(bars, symbol="ETHUSDT"),
        replace(bars, interval_ns=1),
    ]
    hashes = {columns_hash(each, btcusdt) for each in [bars, *others]}
    hashes.add(columns_hash(bars, replace(btcusdt, tick=Decimal("0.1"))))
    assert len(hashes) == 2 + len(others)


def test_gaps_are_told_and_never_filled(tmp_path, btcusdt):
    """Hours 2 and 4 to 5 are absent between 0 and 7: three bars in two gaps."""
    lines = [f"2024-01-01T0{hour}:00Z,1,1,1,1,1" for hour in (0, 1, 3, 6, 7)]
    reading = read(write(tmp_path / "bars.csv", [FILE[0], *lines]), btcusdt)
    assert (len(reading.bars), reading.missing, reading.gaps) == (5, 3, 2)
    assert reading.first_gaps == (
        Gap(open_ns=NEW_YEAR_NS + 2 * HOUR_NS, bars=1),
        Gap(open_ns=NEW_YEAR_NS + 4 * HOUR_NS, bars=2),
    )


def prices(path, *values):
    return write(path / "bars.csv", [FILE[0], *(f"{3_600_000 * i},{v},{v},{v},{v},1" for i, v in enumerate(values))])


@pytest.mark.parametrize(
    ("values", "tick", "lot", "words"),
    [
        (["100.25"] * 200, "0.01", "0.00001", ["0.01, lot 0.00001, smallest order 5 USDT", "exchangeInfo"]),
        (["100.2", "100.255"], "0.001", "0.00001", ["no whole ticks of 0.01", "derived"]),
        (["100.2", "100.2555"], "0.0001", "0.0001", ["derived", "lot is 0.0001"]),
    ],
)
def test_without_terms_the_catalog_is_asked_and_then_the_prices(tmp_path, values, tick, lot, words):
    """A finer tick than the catalog's keeps its lot as long as notionals stay exact; the notes say what was done."""
    reading = read(prices(tmp_path, *values), None)
    assert (reading.instrument.tick, reading.instrument.lot) == (Decimal(tick), Decimal(lot))
    for word in words:
        assert word in " ".join(reading.notes)


def test_one_odd_price_in_two_hundred_is_a_bad_row_and_not_another_tick(tmp_path):
    """The catalog's tick holds; the row that breaks it is named."""
    with pytest.raises(DataError, match=r"line 101, .*not a whole tick"):
        read(prices(tmp_path, *["100.25"] * 99, "100.255", *["100.25"] * 100), None)


@pytest.mark.parametrize(
    ("values", "tick", "rounded"),
    [
        (["100", "101"], "0.001", False),
        (["40000.12", "39000"], "0.01", False),
        (["5123.12345678", "4999.5"], "0.0001", True),
        (["0.00001234", "0.00002"], "0.00000001", False),
        ([str(100 / 3), str(200 / 7)], "0.000001", True),
    ],
)
def test_an_unknown_instrument_gets_the_tick_that_its_prices_need(tmp_path, values, tick, rounded):
    """Their decimals, at least six digits of the least price and at most eight; finer ones are rounded, and told."""
    reading = read_columns(
        prices(tmp_path, *values), instrument=None, symbol="THING", interval_ns=None, on_bad_data="refuse"
    )
    assert reading.instrument.tick == Decimal(tick)
    assert reading.bars.close.tolist() == [round(Decimal(value) / Decimal(tick)) for value in values]
    assert ("rounded" in " ".join(reading.notes)) == rounded
    assert reading.instrument.quote == "QUOTE"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Kind.DUPLICATE, ["line 3 says the same"]),
        (Kind.CONTRADICTION, ["line 4 says otherwise", "line 3 says otherwise"]),
    ],
)
def test_a_row_told_twice_names_the_other(tmp_path, btcusdt, kind, words):
    """So that somebody can look at both: the copy names the first, contradicting rows name each other."""
    line = next(line for example, line, _ in ROWS if example is kind)
    path = write(tmp_path / "bars.csv", [*FILE[:3], line, *FILE[4:]])
    bad = read(path, btcusdt, mode="quarantine", aside=tmp_path / "aside.jsonl").bad
    assert [row.what.split("; ")[1] for row in bad] == words
