"""Files of bars in every form in which they are passed around: read to the last row, and whatever is odd told."""

import gzip
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trading_system.data_pipeline.normalizers.quality_files import check_file, exit_code

HOUR_MS = 3_600_000
START = datetime(2024, 1, 1, tzinfo=UTC)
START_MS = int(START.timestamp()) * 1_000


def bars(count=60, seed=1):
    """Return rows of a random walk: epoch ms of the open, open, high, low, close, volume."""
    chance = np.random.default_rng(seed)
    rows, close = [], 100.0
    for index in range(count):
        opened, close = close, round(close + float(chance.normal(0, 0.3)), 2)
        high, low = max(opened, close) + 0.11, min(opened, close) - 0.07
        volume = round(float(chance.uniform(1, 9)), 5)
        rows.append([START_MS + index * HOUR_MS, opened, round(high, 2), round(low, 2), close, volume])
    return rows


def text(rows, header="timestamp,open,high,low,close,volume", cut=","):
    """Return rows as lines of cells."""
    return "\n".join([*([header] if header else []), *(cut.join(map(str, row)) for row in rows)]) + "\n"


def stamped(words):
    """Return rows with their times in other words."""
    return [[words(START + timedelta(hours=index)), *row[1:]] for index, row in enumerate(bars())]


def zipped(*contents):
    """Return an archive of files, later ones with names that come first of all but one."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in reversed(list(enumerate(contents))):
            archive.writestr(f"bars-{number}.csv", content)
        archive.writestr("__MACOSX/._bars.csv", "resource fork" * 1_000)
        archive.writestr("README.md", "what this is")
    return buffer.getvalue()


def in_columns(index=False):
    """Return bars as an object of columns: lists, or objects by index as pandas writes them."""
    names = ("open", "high", "low", "close", "volume")
    columns = {name: [row[place + 1] for row in bars()] for place, name in enumerate(names)}
    if not index:
        return {"timestamp": [row[0] for row in bars()]} | columns
    return {name: {str(row[0]): cell for row, cell in zip(bars(), told, strict=True)} for name, told in columns.items()}


def framed(write, **columns):
    """Return bars as the bytes of a file with types."""
    rows = bars()
    names = ("timestamp", "open", "high", "low", "close", "volume")
    told = {name: [row[place] for row in rows] for place, name in enumerate(names)} | columns
    frame = pl.DataFrame({name: cells for name, cells in told.items() if cells is not None})
    buffer = io.BytesIO()
    getattr(frame, write)(buffer)
    return buffer.getvalue()


def kline(row):
    """Return a row as Binance's archives have it: twelve columns, the seventh the time of the close."""
    return [*row, row[0] + HOUR_MS - 1, 501.5, 42, 1.5, 150.25, 0]


WHEN = [START + timedelta(hours=index) for index in range(60)]
TWELVE = "%Y-%m-%d %I-%p"
FORMS = {
    "CSV": text(bars()).encode(),
    "CSV with Windows lines": text(bars()).replace("\n", "\r\n").encode(),
    "CSV with a mark of its encoding": b"\xef\xbb\xbf" + text(bars()).encode(),
    "CSV in UTF-16": text(bars()).encode("utf-16"),
    "CSV with cells in quotes": text([[f'"{cell}"' for cell in row] for row in bars()]).encode(),
    "CSV with semicolons and decimal commas": text(
        [[str(cell).replace(".", ",") for cell in row] for row in bars()], "time;open;high;low;close;volume", ";"
    ).encode(),
    "CSV with tabs": text(bars(), "date\topen\thigh\tlow\tclose\tvol", "\t").encode(),
    "CSV with a title above the header": ("Timestamps are UTC,https://example.org\n" + text(bars())).encode(),
    "CSV without header": text(bars(), None).encode(),
    "Binance's archive": zipped(text([kline(row) for row in bars()], None)),
    "gzip": gzip.compress(text(bars()).encode()),
    "gzip in two parts": gzip.compress(text(bars()[:30]).encode()) + gzip.compress(text(bars()[30:], None).encode()),
    "ZIP": zipped(text(bars())),
    "ZIP of two files": zipped(text(bars()[:30]), text(bars()[30:])),
    "ZIP of two files without headers": zipped(text(bars()[:30], None), text(bars()[30:], None)),
    "Parquet": framed("write_parquet"),
    "Parquet of a data frame with an index": framed(
        "write_parquet", timestamp=None, __index_level_0__=[START + timedelta(hours=i) for i in range(60)]
    ),
    "Parquet with datetimes": framed("write_parquet", timestamp=[START + timedelta(hours=i) for i in range(60)]),
    "Feather": framed("write_ipc"),
    "JSON": json.dumps(bars()).encode(),
    "JSON by columns": json.dumps(in_columns()).encode(),
    "JSON by columns and index": json.dumps(in_columns(index=True)).encode(),
    "JSON by index": json.dumps(
        {str(r[0]): dict(zip(("open", "high", "low", "close", "volume"), r[1:], strict=True)) for r in bars()}
    ).encode(),
    "JSON in names, index and rows": json.dumps(
        {
            "columns": ["open", "high", "low", "close", "volume"],
            "index": [row[0] for row in bars()],
            "data": [row[1:] for row in bars()],
        }
    ).encode(),
    "JSON within an answer": json.dumps({"error": [], "result": {"list": bars(), "last": 1}}).encode(),
    "JSON lines": "\n".join(
        json.dumps({"t": r[0], "o": r[1], "h": r[2], "l": r[3], "c": r[4], "v": r[5]}) for r in bars()
    ).encode(),
    "epoch seconds": text([[row[0] // 1_000, *row[1:]] for row in bars()]).encode(),
    "epoch microseconds": text([[row[0] * 1_000, *row[1:]] for row in bars()]).encode(),
    "epoch nanoseconds": text([[row[0] * 1_000_000, *row[1:]] for row in bars()]).encode(),
    "epoch seconds with a fraction": text([[f"{row[0] / 1_000:.1f}", *row[1:]] for row in bars()]).encode(),
    "ISO 8601": text(stamped(lambda when: when.isoformat())).encode(),
    "ISO 8601 with offsets": text(
        stamped(lambda when: (when + timedelta(hours=5, minutes=30)).strftime("%Y-%m-%dT%H:%M:%S+05:30"))
    ).encode(),
    "a blank and UTC": text(stamped(lambda when: when.strftime("%Y-%m-%d %H:%M:%S UTC"))).encode(),
    "a clock of twelve hours": text(stamped(lambda when: when.strftime(TWELVE))).encode(),
    "slashes": text(stamped(lambda when: when.strftime("%Y/%m/%d %H:%M"))).encode(),
    "day first": text(stamped(lambda when: when.strftime("%d/%m/%Y %H:%M"))).encode(),
    "day first, with dots": text(
        [[(w + timedelta(days=35)).strftime("%d.%m.%Y %H:%M:%S"), *r[1:]] for r, w in zip(bars(), WHEN, strict=True)]
    ).encode(),
    "date and time under a header": text(
        [[f"{w:%Y-%m-%d}", f"{w:%H:%M:%S}", *r[1:]] for r, w in zip(bars(), WHEN, strict=True)],
        "date,time,open,high,low,close,volume",
    ).encode(),
    "time and date under a header": text(
        [[r[0], f"{w:%Y-%m-%d}", *r[1:]] for r, w in zip(bars(), WHEN, strict=True)],
        "time,date,open,high,low,close,volume",
    ).encode(),
    "month first": text(stamped(lambda when: when.strftime("%m/%d/%Y %H:%M:%S"))).encode(),
    "LEAN's days": text(stamped(lambda when: when.strftime("%Y%m%d %H:%M")), None).encode(),
    "MetaTrader": text(
        [
            [*when.split(), *row[1:]]
            for row, when in zip(bars(), (w for w, *_ in stamped(lambda x: x.strftime("%Y.%m.%d %H:%M"))), strict=True)
        ],
        None,
    ).encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_clean_bars_are_clean_in_every_form(tmp_path, form):
    """Sixty hours in order, whatever they are written in: sixty rows, an hour apart, nothing wrong."""
    path = tmp_path / "file"
    path.write_bytes(FORMS[form])
    seen = check_file(path)
    assert (seen.rows, seen.interval_ns, seen.defects) == (60, HOUR_MS * 1_000_000, ())
    assert exit_code([seen]) == 0


def seen_in(tmp_path, content, name="bars.csv"):
    """Return what a check says of a file: kind, first and last hour since the start, rows, action."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    check = check_file(path)
    hour = HOUR_MS * 1_000_000

    def since(ns):
        return None if ns is None else (ns - START_MS * 1_000_000) / hour

    return [(d.kind, since(d.first_ns), since(d.last_ns), d.rows, d.action) for d in check.defects]


def changed(row, **cells):
    """Return the text of bars with cells of one row changed."""
    rows = bars()
    for name, value in cells.items():
        rows[row][("time", "open", "high", "low", "close", "volume").index(name)] = value
    return text(rows)


DEFECTS = {
    "an empty cell": (changed(20, close=""), [("nan", 20, 20, 1, "quarantine")]),
    "a cell that says nan": (changed(20, volume="NaN"), [("nan", 20, 20, 1, "quarantine")]),
    "words": (changed(20, high="high"), [("unreadable", 20, 20, 1, "quarantine")]),
    "no time, told behind the row above": (changed(20, time="x"), [("unreadable", 20, 20, 1, "quarantine")]),
    "a row cut off": (
        text(bars()).replace(text(bars()[20:21], None), f"{bars()[20][0]},1\n"),
        [("unreadable", 20, 20, 1, "quarantine")],
    ),
    "a cell too many": (changed(20, volume="5,6"), [("unreadable", 20, 20, 1, "quarantine")]),
    "high below low": (changed(20, high=99.0, low=99.5), [("ohlc", 20, 20, 1, "quarantine")]),
    "a close far outside high, low and all others": (
        changed(20, close=1000.0),
        [("ohlc", 20, 20, 1, "quarantine"), ("spike", 20, 20, 1, "flag")],
    ),
    "a price of zero": (changed(20, low=0), [("non_positive", 20, 20, 1, "quarantine")]),
    "a negative volume": (changed(20, volume=-1), [("non_positive", 20, 20, 1, "quarantine")]),
    "no volume": (changed(20, volume=0), [("zero_bar", 20, 20, 1, "flag")]),
    "zeros": (
        changed(20, open=0, high=0, low=0, close=0, volume=0),
        [("non_positive", 20, 20, 1, "quarantine"), ("zero_bar", 20, 20, 1, "flag")],
    ),
    "two bars absent": (text(bars()[:20] + bars()[22:]), [("gap", 20, 21, 2, "flag")]),
    "a row twice": (text(bars()[:21] + bars()[20:]), [("duplicate", 20, 20, 1, "repair")]),
    "two rows in each other's place": (
        text([*bars()[:20], bars()[21], bars()[20], *bars()[22:]]),
        [("out_of_order", 20, 20, 1, "repair")],
    ),
    "newest first, told once": (text(bars()[::-1]), [("out_of_order", 59, 59, 1, "repair")]),
    "a stamp off the grid": (
        changed(20, time=START_MS + 20 * HOUR_MS + 17_000),
        [("wrong_interval", 20, 20 + 17 / 3600, 1, "quarantine")],
    ),
    "stamped with the last millisecond": (
        text([[row[0] + HOUR_MS - 1, *row[1:]] for row in bars()]),
        [("stamped_at_end", 0, 60 - 1 / HOUR_MS, 60, "repair")],
    ),
    "stamped with ends, by the header": (
        text([[row[0] + HOUR_MS, *row[1:]] for row in bars()], "close_time,open,high,low,close,volume"),
        [("stamped_at_end", 0, 60, 60, "repair")],
    ),
}


@pytest.mark.parametrize("case", DEFECTS)
def test_a_fault_is_told_with_its_place(tmp_path, case):
    """Each kind, once: which bars, how many rows, and what becomes of them."""
    content, expected = DEFECTS[case]
    assert seen_in(tmp_path, content) == expected


def test_a_name_that_says_another_interval_is_told(tmp_path):
    """Hours in a file called after minutes: its bars come at the wrong interval, all of them."""
    assert seen_in(tmp_path, text(bars()), "BTCUSDT-1m-2024-01.csv") == [("wrong_interval", 0, 59, 60, "flag")]
    assert seen_in(tmp_path, text(bars()), "BTCUSDT-1h-2024-01.csv") == []


def test_dots_put_the_day_first(tmp_path):
    """05.08.2024 is the fifth of August wherever dots are written, though the eighth of May would read as well."""
    rows = [[f"05.08.2024 {hour:02d}:00:00", *row[1:]] for hour, row in enumerate(bars(24))]
    rows[3][2] = ""
    seen = seen_in(tmp_path, text(rows))
    august = (datetime(2024, 8, 5, 3, tzinfo=UTC) - START) / timedelta(hours=1)
    assert seen == [("nan", august, august, 1, "quarantine")]


def test_a_file_told_twice_is_one_stretch_of_duplicates(tmp_path):
    """All sixty rows again behind themselves: one defect, not sixty."""
    assert seen_in(tmp_path, text(bars() + bars())) == [("duplicate", 0, 59, 60, "repair")]


def test_where_no_row_tells_a_time_none_is_told(tmp_path):
    """Rows without a readable time are told without one, and not with 1970."""
    rows = [["x", *row[1:]] for row in bars()]
    assert {(first, last) for _, first, last, _, _ in seen_in(tmp_path, text(rows))} == {(None, None)}


def test_a_row_of_a_broken_clock_is_set_aside_and_leaves_a_gap(tmp_path):
    """One of 200 hours says 2099: it is told as what it is, and the hour that it should have told is absent."""
    rows = bars(200)
    rows[20][0] = 4_070_908_800_000
    found = seen_in(tmp_path, text(rows))
    assert [(kind, count, action) for kind, _, _, count, action in found] == [
        ("gap", 1, "flag"),
        ("out_of_order", 1, "quarantine"),
    ]


def test_a_file_cut_off_is_read_as_far_as_it_goes(tmp_path):
    """Half a gzip file holds half the bars; what is there is checked, and the end is told."""
    whole = gzip.compress(text(bars(2_000)).encode())
    path = tmp_path / "bars.csv.gz"
    path.write_bytes(whole[: len(whole) // 2])
    seen = check_file(path)
    assert 500 < seen.rows < 1_500
    assert seen.defects[-1].kind == "unreadable"
    assert "cut off" in seen.defects[-1].detail


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        (b"", "none looks like a bar"),
        (b"a,b\n1,2\n", "none looks like a bar"),
        (b"timestamp,open,high,low,close,volume\n", "holds no rows"),
        (b"PAR1 is how Parquet begins", "cannot be decoded"),
        (b"PK\x03\x04 is how archives begin", "archive cannot be read"),
        (framed("write_parquet", close=[None] * 60).replace(b"open", b"opem"), ""),
    ],
)
def test_what_is_no_file_of_bars_is_unreadable_and_no_crash(tmp_path, content, words):
    """Exit code 2, and one sentence that says why."""
    path = tmp_path / "bars.csv"
    if content is not None:
        path.write_bytes(content)
    seen = check_file(path)
    assert exit_code([seen]) == 2
    assert [defect.kind for defect in seen.defects] == ["unreadable"]
    assert words in seen.defects[0].detail


def test_times_of_mixed_units_are_told_by_their_size(tmp_path):
    """Binance changed from milli- to microseconds in 2025; a file with both runs on."""
    rows = [[row[0] * (1_000 if index >= 30 else 1), *row[1:]] for index, row in enumerate(bars())]
    assert seen_in(tmp_path, text(rows)) == []


LINES = st.lists(
    st.lists(
        st.one_of(
            st.sampled_from(
                [
                    "",
                    "nan",
                    "-1",
                    "0",
                    "1e308",
                    "1e-320",
                    "99999999999999999999",
                    "12-31-2024",
                    "2024-01-01",
                    '"',
                    "\x00",
                ]
            ),
            st.integers(START_MS, START_MS + 10**12).map(str),
            st.floats().map(str),
            st.text(max_size=6),
        ),
        max_size=8,
    ).map(",".join),
    max_size=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(head=st.integers(0, 60), lines=LINES)
def test_no_line_stops_the_check(tmp_path, head, lines):
    """Whatever stands below a few bars, every line with a cell is a row, and the check returns."""
    path = tmp_path / "bars_1h.csv"
    path.write_text(text(bars()[:head]) + "\n".join(lines), encoding="utf-8", errors="replace")
    seen = check_file(path)
    assert seen.rows >= (head if seen.readable else 0)
    for defect in seen.defects:
        assert defect.rows >= 0
        assert (defect.first_ns is None) == (defect.last_ns is None)
        assert defect.first_ns is None or defect.first_ns <= defect.last_ns


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    content=st.binary(max_size=300), begin=st.sampled_from([b"", b"\x1f\x8b", b"PK\x03\x04", b"\xff\xfe", b"[[", b"{"])
)
def test_no_bytes_stop_the_check(tmp_path, content, begin):
    """Any bytes at all: an answer, and no exception."""
    path = tmp_path / "file"
    path.write_bytes(begin + content)
    assert exit_code([check_file(path)]) in (0, 1, 2)
