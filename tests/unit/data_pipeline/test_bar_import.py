"""A file into the store: every row is counted once, what is not believed is set aside, twice is once."""

from decimal import Decimal

import numpy as np
import pytest

from trading_system.data_pipeline.bar_import import CONTRADICTS, Imported, flag_counts, import_file
from trading_system.data_pipeline.bar_store import BarStore
from trading_system.errors import ConfigurationError, DataError
from trading_system.market.bar_flags import STALE, ZERO_BAR
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
    columns, flags = store.flagged(*SERIES)
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


def test_a_price_too_large_for_the_store_is_refused_and_not_wrapped_around(bring, btcusdt):
    """2**63 atoms are 92,233,720,368.54775807: the next tick would become negative."""
    instrument = Instrument(
        venue="binance", symbol="X", base="X", quote="Y", tick=Decimal(1), lot=Decimal(1), min_lots=1,
        min_notional=Decimal(0),
    )  # fmt: skip
    rows = [f"{START_MS + n * MINUTE_MS},92233720368,{{}},1,1,0" for n in range(2)]
    assert bring([row.format(92233720368) for row in rows], instrument=instrument).new == 2
    with pytest.raises(DataError, match="92233720369 is too large"):
        bring([row.format(92233720369) for row in rows], instrument=instrument)
