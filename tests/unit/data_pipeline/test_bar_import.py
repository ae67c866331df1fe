"""A file into the store: every row is counted once, what is not believed is set aside, twice is once."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.data_pipeline.bar_import import CONTRADICTS, Imported, flag_counts, import_file
from trading_system.data_pipeline.bar_store import BarStore
from trading_system.data_pipeline.store_review import flagged
from trading_system.errors import ConfigurationError, DataError
from trading_system.market.bar_flags import AFTER_GAP, STALE, ZERO_BAR
from trading_system.market.instruments import Instrument
from trading_system.utils.error_handling.quarantine import Quarantine

MINUTE_MS = 60_000
START_MS = 1_704_067_200_000
HEADER = "timestamp,open,high,low,close,volume"
SERIES = ("binance", "BTCUSDT", "1m")


@pytest.fixture
def store(tmp_path):
    return BarStore(tmp_path / "bars")


@pytest.fixture
def quarantine(tmp_path):
    return Quarantine(tmp_path / "quarantine.jsonl", now_ns=lambda: 0)


def line(minute, close="30000.5", volume="1.5"):
    return f"{START_MS + minute * MINUTE_MS},30000,30001.01,29999,{close},{volume}"


def file_of(folder, lines, name="BTCUSDT.csv"):
    path = folder / name
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    return path


@pytest.fixture
def bring(tmp_path, store, quarantine):
    """Write lines into a file and import it."""

    def brought(lines, **terms) -> Imported:
        return import_file(file_of(tmp_path, lines), store, quarantine, venue="binance", symbol="BTCUSDT", **terms)

    return brought


def held(quarantine):
    return [kept.record for kept in quarantine.contents().rows.values()]


def test_a_file_is_stored_to_the_digit(bring, store):
    """30000.50 is 3,000,050,000,000 atoms; the interval is the step between the rows."""
    done = bring([line(n, close=f"30000.{n:02}", volume=f"0.0000000{n}") for n in range(5)])
    assert (done.interval, done.new, done.known, done.set_aside, done.contradicted) == ("1m", 5, 0, 0, 0)
    rows = store.columns(*SERIES)
    assert rows.close.tolist() == [3_000_000_000_000 + n * 1_000_000 for n in range(5)]
    assert rows.volume.tolist() == list(range(5))
    assert rows.open_ns.tolist() == [(START_MS + n * MINUTE_MS) * 10**6 for n in range(5)]


def test_doing_it_again_changes_nothing(bring, tmp_path):
    """Not a byte of the store or the quarantine, bad rows and all."""
    lines = [*(line(n) for n in range(9)), line(9, close="nan")]
    assert bring(lines).new == 9
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    again = bring(lines)
    assert (again.new, again.known, again.set_aside) == (0, 9, 1)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_row_that_is_no_bar_is_set_aside_and_the_rest_kept(bring, store, quarantine):
    """A close above the high; the bar is then absent, and stays so."""
    done = bring([line(n, close="30002" if n == 4 else "30000.5") for n in range(9)])
    assert (done.new, done.set_aside, done.missing, done.gaps) == (8, 1, 1, 1)
    [record] = held(quarantine)
    assert record.raw.strip() == line(4, close="30002").encode()
    assert len(store.columns(*SERIES).open_ns) == 8


def test_a_row_that_contradicts_the_store_is_set_aside_with_what_is_stored(bring, store, quarantine, tmp_path):
    """The first that was told stays; who is right, a person decides."""
    bring([line(n) for n in range(9)])
    done = bring([line(n, close="30000.25" if n == 4 else "30000.5") for n in range(9)])
    assert (done.new, done.known, done.contradicted) == (0, 8, 1)
    [record] = held(quarantine)
    assert (record.kind, record.source) == (CONTRADICTS, str(tmp_path / "BTCUSDT.csv"))
    assert (record.raw, record.line) == (b"1704067440000,30000,30001.01,29999,30000.25,1.5\n", 6)
    assert "is stored with open 30000, high 30001.01, low 29999, close 30000.5, volume 1.5" in record.reason
    assert store.columns(*SERIES).close[4] == 3_000_050_000_000


def test_an_odd_bar_is_kept_and_flagged(bring, store):
    """An hour in which nothing was traded, in the midst of a market that trades: kept, as told, with a flag."""
    prices = [f"{30_000 + n % 7}.{n:02}" for n in range(60)]
    rows = [f"{START_MS + n * MINUTE_MS},{p},30009,29990,{p},{1 + n / 100}" for n, p in enumerate(prices)]
    rows[30] = f"{START_MS + 30 * MINUTE_MS},30003,30003,30003,30003,0"
    done = bring(rows)
    assert (done.new, done.set_aside, done.flagged) == (60, 0, {"zero bar": 1})
    columns, flags = flagged(store, *SERIES)
    assert flags.tolist() == [ZERO_BAR if n == 30 else 0 for n in range(60)]
    assert columns.volume[30] == 0


def test_flags_are_counted_by_their_word():
    """A bar may bear several; what none bears is not spoken of."""
    flags = np.array([0, STALE, STALE | ZERO_BAR], dtype=np.uint16)
    assert flag_counts(flags) == {"stale": 2, "zero bar": 1}


@pytest.mark.parametrize(
    ("lines", "error", "words"),
    [
        ([], ConfigurationError, "no rows"),
        ([line(0)], ConfigurationError, "one row does not tell the interval"),
        ([line(0), line(1, close="nan"), line(2, close="nan")], DataError, "2 of 3 rows"),
    ],
)
def test_what_cannot_be_a_file_of_bars_is_refused(bring, store, lines, error, words):
    """Nothing is stored then."""
    with pytest.raises(error, match=words):
        bring(lines)
    assert list(store.series()) == []


def test_a_price_too_large_for_the_store_is_set_aside_with_its_line(bring, quarantine):
    """2**62 atoms are 46,116,860,184.27387904; the tick is 1, so that the next one is no price of the store."""
    instrument = Instrument(
        venue="binance", symbol="X", base="X", quote="Y", tick=Decimal(1), lot=Decimal(1), min_lots=1,
        min_notional=Decimal(0),
    )  # fmt: skip
    prices = [46_116_860_184, 46_116_860_185, 46_116_860_184]
    done = bring([f"{START_MS + n * MINUTE_MS},{price},{price},1,1,0" for n, price in enumerate(prices)],
                 instrument=instrument)  # fmt: skip
    assert (done.new, done.set_aside) == (2, 1)
    assert [(record.kind, record.line) for record in held(quarantine)] == [("too large", 3)]


def test_a_price_of_a_broken_feed_does_not_stop_the_file(bring, store, quarantine):
    """One price of 1e12 among thirty thousands: the row is set aside by itself, and the rest kept."""
    done = bring([line(n, close="1e12" if n == 4 else "30000.5") for n in range(9)])
    assert (done.new, done.set_aside) == (8, 1)
    [record] = held(quarantine)
    assert (record.line, record.raw) == (6, line(4, close="1e12").encode() + b"\n")


def closes(count, swap=()):
    """Lines that differ, so that none repeats another; pairs of `swap` change places."""
    lines = [line(n, close=f"30000.{n % 89 + 10}", volume=f"{1 + n * 7 % 31}.5") for n in range(count)]
    for one, other in swap:
        lines[one], lines[other] = lines[other], lines[one]
    return lines


@pytest.mark.parametrize(
    ("lines", "repaired", "words"),
    [
        (closes(30, swap=[(4, 5)]), {"out_of_order": 1}, "1 row out of place, put in order"),
        (closes(30)[::-1], {"out_of_order": 1}, "runs newest first and was turned around"),
        ([*closes(30)[20:], *closes(30)[:20]], {"out_of_order": 10}, "10 rows out of place"),
    ],
)
def test_rows_that_only_stand_in_the_wrong_place_are_put_in_order(
    bring, store, quarantine, tmp_path, lines, repaired, words
):
    """Two rows changed, a file that runs newest first, or its halves the wrong way round: the same store."""
    done = bring(lines)
    assert (done.new, done.set_aside, done.missing) == (30, 0, 0)
    assert done.repaired == repaired
    assert any(words in note for note in done.notes)
    assert held(quarantine) == []
    right = BarStore(tmp_path / "right" / "bars")
    import_file(file_of(tmp_path, closes(30), name="right.csv"), right, quarantine, venue="binance", symbol="BTCUSDT")
    assert store.columns(*SERIES).close.tolist() == right.columns(*SERIES).close.tolist()
    assert next(store.series())[3] == next(right.series())[3]


def test_a_row_told_again_is_dropped_and_its_record_says_that_the_store_holds_it(bring, store, quarantine, tmp_path):
    """Every row twice: each bar once, nothing held; the second import changes not a byte."""
    lines = [each for each in closes(20) for _ in range(2)]
    done = bring(lines)
    assert (done.new, done.known, done.set_aside, done.repaired) == (20, 20, 0, {"duplicate": 20})
    kept = list(quarantine.contents().rows.values())
    assert {(row.record.kind, row.state) for row in kept} == {("duplicate", "replayed")}
    assert [row.record.line for row in kept] == [3 + 2 * n for n in range(20)]
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert bring(lines).known == 40
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_rows_of_one_time_that_contradict_each_other_are_all_set_aside(bring, store, quarantine):
    """Nothing tells which is right; a third that says what the first says changes nothing about that."""
    lines = closes(20)
    done = bring([*lines, lines[7].replace("30001.01", "30009"), lines[7]])
    assert (done.new, done.known, done.set_aside, done.missing) == (19, 0, 3, 1)
    assert [(record.kind, record.line) for record in held(quarantine)] == [
        ("contradicting duplicate", 9),
        ("contradicting duplicate", 22),
        ("contradicting duplicate", 23),
    ]


def test_a_repetition_of_a_bar_that_contradicts_the_store_contradicts_it_too(bring, quarantine):
    """It was not stored, and so it is no row that the store holds."""
    bring([line(n) for n in range(5)])
    done = bring([*(line(n, close="30000.25" if n == 2 else "30000.5") for n in range(5)), line(2, close="30000.25")])
    assert (done.known, done.contradicted, done.set_aside) == (4, 2, 0)
    assert [(row.record.kind, row.record.line, row.state) for row in quarantine.contents().rows.values()] == [
        (CONTRADICTS, 4, "held"),
        (CONTRADICTS, 7, "held"),
    ]


@pytest.mark.parametrize("short_ms", [1, 1_000])
def test_stamps_short_of_the_bars_end_are_put_right(bring, store, short_ms):
    """23:59:59.999 and 23:59:59 are ends: the bar opened a minute before the next whole one, and says so by a flag."""
    lines = [f"{START_MS + (n + 1) * MINUTE_MS - short_ms}{each[13:]}" for n, each in enumerate(closes(30))]
    done = bring(lines)
    assert (done.new, done.set_aside, done.repaired) == (30, 0, {"stamped_at_end": 30})
    assert done.flagged["stamped at its end"] == 30
    assert store.columns(*SERIES).open_ns.tolist() == [(START_MS + n * MINUTE_MS) * 10**6 for n in range(30)]


def test_a_file_that_tells_only_when_bars_end_is_put_right(tmp_path, store, quarantine):
    """By its header; what is set aside says what was added to its time, so that it can be judged again."""
    text = "close_time,open,high,low,close,volume\n" + "\n".join(
        f"{START_MS + (n + 1) * MINUTE_MS}{each[13:]}" for n, each in enumerate(closes(30))
    ).replace("30000.15", "nan")
    (tmp_path / "BTCUSDT.csv").write_text(text)
    done = import_file(tmp_path / "BTCUSDT.csv", store, quarantine, venue="binance", symbol="BTCUSDT")
    assert (done.new, done.set_aside) == (29, 1)
    assert store.columns(*SERIES).open_ns[0] == START_MS * 10**6
    [record] = held(quarantine)
    assert (record.kind, record.shift_ns) == ("not a number", -MINUTE_MS * 10**6)
    assert record.open_ns == (START_MS + 5 * MINUTE_MS) * 10**6


def test_a_bar_that_is_not_closed_is_set_aside(bring, store, quarantine):
    """Its numbers may change until it ends; one that opens in 2100 bears a broken clock's time."""
    now_ns = (START_MS + 10 * MINUTE_MS) * 10**6
    lines = [*closes(11), line(60 * 24 * 365 * 76)]
    done = bring(lines, now_ns=lambda: now_ns - 1)
    assert (done.new, done.set_aside, done.missing) == (9, 3, 0)
    assert [(record.kind, record.line) for record in held(quarantine)] == [("not closed", n) for n in (11, 12, 13)]
    assert bring(lines, now_ns=lambda: now_ns).new == 1  # to the nanosecond


def test_an_interval_that_the_rows_do_not_have_is_refused(bring, store):
    """Hours are no minutes with 59 absent; few rows may well have holes."""
    hours = [f"{START_MS + n * 60 * MINUTE_MS}{each[13:]}" for n, each in enumerate(closes(20))]
    with pytest.raises(ConfigurationError, match="come every 1h, not every 1m as was said"):
        bring(hours, interval_ns=MINUTE_MS * 10**6)
    assert list(store.series()) == []
    assert bring(hours[:2], interval_ns=MINUTE_MS * 10**6).interval == "1m"


def test_the_name_of_a_file_tells_the_interval_where_its_rows_do_not(tmp_path, store, quarantine):
    """One row of BTCUSDT-1m-…; rows that come otherwise go by their own step, and a note says so."""
    path = file_of(tmp_path, [line(0)], name="BTCUSDT-1m-today.csv")
    assert import_file(path, store, quarantine, venue="binance", symbol="BTCUSDT").interval == "1m"
    hours = [f"{START_MS + n * 60 * MINUTE_MS}{each[13:]}" for n, each in enumerate(closes(20))]
    path = file_of(tmp_path, hours, name="BTCUSDT-1m-wrong.csv")
    done = import_file(path, store, quarantine, venue="binance", symbol="BTCUSDT")
    assert done.interval == "1h"
    assert any("bars come every 1h, not every 1m as was said" in note for note in done.notes)


def test_an_unfinished_bar_of_an_export_does_not_become_a_bar_of_the_store(tmp_path, store, quarantine):
    """`resample --partial` marks it in the file, and an import sets it aside; other flags mean nothing to it."""
    text = f"{HEADER},flags\n" + "".join(
        f"{each},{flag}\n" for each, flag in zip(closes(5), [0, 1, 32768, 32769, 4], strict=True)
    )
    (tmp_path / "BTCUSDT.csv").write_text(text)
    done = import_file(tmp_path / "BTCUSDT.csv", store, quarantine, venue="binance", symbol="BTCUSDT")
    assert (done.new, done.set_aside) == (3, 2)
    assert [(record.kind, record.line) for record in held(quarantine)] == [("misses a part", 4), ("misses a part", 5)]
    assert (flagged(store, *SERIES)[1] & ~np.uint16(AFTER_GAP)).tolist() == [0, 0, 0]


@given(order=st.permutations(range(12)), again=st.lists(st.integers(0, 11), max_size=6))
def test_the_order_of_rows_and_their_repetition_change_nothing(tmp_path_factory, order, again):
    """Shuffled and some told again: the same bars, none set aside, the same files of the store."""
    folder = tmp_path_factory.mktemp("order")
    lines = closes(12)
    found = []
    for name, rows in (("whole", lines), ("mixed", [lines[n] for n in [*order, *again]])):
        store, aside = BarStore(folder / name / "bars"), Quarantine(folder / name / "quarantine.jsonl")
        path = file_of(folder, rows, name=f"{name}.csv")
        done = import_file(path, store, aside, venue="binance", symbol="BTCUSDT", interval_ns=MINUTE_MS * 10**6)
        assert (done.new, done.known, done.set_aside, done.contradicted) == (12, len(rows) - 12, 0, 0)
        found.append(next(store.series())[3])
    assert found[0] == found[1]


def test_a_gap_that_is_filled_later_leaves_no_trace(bring, store, tmp_path, quarantine):
    """A bar stands behind a gap as long as there is one: the files are those of an import in one go."""
    lines = closes(30)
    assert bring([*lines[:10], *lines[15:]]).flagged == {"after a gap": 1}
    assert flagged(store, *SERIES)[1].tolist() == [AFTER_GAP if n == 10 else 0 for n in range(25)]
    bring(lines[10:15])
    assert flagged(store, *SERIES)[1].tolist() == [0] * 30
    whole = BarStore(tmp_path / "whole" / "bars")
    import_file(file_of(tmp_path, lines), whole, quarantine, venue="binance", symbol="BTCUSDT")
    assert next(store.series())[3] == next(whole.series())[3]


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ACMEXYZ"])
def test_no_digit_of_a_price_is_lost(tmp_path, store, quarantine, symbol):
    """Neither of a symbol that no catalog knows nor of prices that are finer than the catalog's tick."""
    prices = [f"{42_000 + n}.0012345{n}" for n in range(9)]
    text = "\n".join(f"{START_MS + n * MINUTE_MS},{price},{price},{price},{price},1" for n, price in enumerate(prices))
    path = file_of(tmp_path, [text])
    done = import_file(path, store, quarantine, venue="binance", symbol=symbol)
    assert (done.new, done.set_aside) == (9, 0)
    told = store.columns("binance", symbol, "1m").close.tolist()
    assert [f"{atoms / 10**8:.8f}" for atoms in told] == prices
    assert any("prices are kept as they are, in steps of 0.00000001" in note for note in done.notes)


def test_prices_of_many_digits_before_the_point_are_kept_too(tmp_path, store, quarantine):
    """1.6e9 rupiahs with two decimals: eight would not fit into a float, two do, and no more are needed."""
    rows = [f"{START_MS + n * MINUTE_MS},1600000000.2{n},1600000001,1599999999,1600000000.1{n},1" for n in range(9)]
    done = import_file(file_of(tmp_path, rows), store, quarantine, venue="x", symbol="BTCIDR")
    assert (done.new, done.set_aside) == (9, 0)
    assert store.columns("x", "BTCIDR", "1m").close.tolist() == [(160_000_000_010 + n) * 10**6 for n in range(9)]


def test_digits_beyond_the_eighth_are_rounded_and_told(bring, store):
    """Of volumes; the noise that adding floats leaves is none."""
    done = bring([line(0, volume="0.123456789"), line(1, volume="0.30000000000000004"), line(2, volume="1.5")])
    assert store.columns(*SERIES).volume.tolist() == [12_345_679, 30_000_000, 150_000_000]
    assert any("1 volumes with more than 8 decimals are rounded" in note for note in done.notes)
