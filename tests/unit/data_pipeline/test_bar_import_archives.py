"""Archives of bars as Binance publishes them, imported as files."""

import hashlib
import zipfile
from decimal import Decimal

import pytest

from trading_system.data_pipeline.bar_import import import_file
from trading_system.data_pipeline.bar_store import BarStore
from trading_system.errors import ConfigurationError, DataError
from trading_system.market.catalog import derived
from trading_system.utils.error_handling.quarantine import Quarantine

MINUTE_MS = 60_000
START_MS = 1_704_067_200_000
SERIES = ("binance", "BTCUSDT", "1m")


def row(minute, close="30000.50000000", scale=1):
    open_ms = START_MS + minute * MINUTE_MS
    end = (open_ms + MINUTE_MS) * scale - 1
    return f"{open_ms * scale},30000.00000000,30001.01000000,29999.00000000,{close},1.50000000,{end},1,2,3,4,0"


@pytest.fixture
def store(tmp_path):
    return BarStore(tmp_path / "bars")


@pytest.fixture
def bring(tmp_path, store):
    """Write a file or a ZIP of it, and import that."""

    def brought(name, lines, **terms):
        text = "".join(f"{line}\n" for line in lines)
        if name.endswith(".zip"):
            with zipfile.ZipFile(tmp_path / name, "w") as archive:
                archive.writestr(name.replace(".zip", ".csv"), text)
        else:
            (tmp_path / name).write_text(text)
        quarantine = Quarantine(tmp_path / "quarantine.jsonl", now_ns=lambda: 0)
        return import_file(tmp_path / name, store, quarantine, venue="binance", symbol="BTCUSDT", **terms)

    return brought


@pytest.mark.parametrize("name", ["BTCUSDT-1m-2024-01.zip", "BTCUSDT-1m-2024-01-01.csv"])
@pytest.mark.parametrize("scale", [1, 1_000])
def test_an_archive_is_stored_to_the_digit(bring, store, name, scale):
    """Zipped or not, in milliseconds or, as since 2025, in microseconds; the name tells the interval."""
    done = bring(name, [row(n, close=f"30000.{n:08}", scale=scale) for n in range(5)])
    assert (done.interval, done.new, done.set_aside, done.missing) == ("1m", 5, 0, 0)
    rows = store.columns(*SERIES)
    assert rows.close.tolist() == [3_000_000_000_000 + n for n in range(5)]
    assert rows.open_ns.tolist() == [(START_MS + n * MINUTE_MS) * 10**6 for n in range(5)]


def test_a_row_that_is_no_bar_is_set_aside_in_its_own_words(bring, tmp_path):
    """With its line in the archive; the second import finds it there already."""
    lines = [row(n, close="30002" if n == 3 else "30000.5") for n in range(9)]
    for new in (8, 0):
        done = bring("BTCUSDT-1m-2024-01.zip", lines)
        assert (done.new, done.set_aside, done.missing, done.gaps) == (new, 1, 1, 1)
    [kept] = Quarantine(tmp_path / "quarantine.jsonl").contents().rows.values()
    assert (kept.record.raw, kept.record.line) == (lines[3].encode(), 4)
    assert kept.record.source.endswith("BTCUSDT-1m-2024-01.zip")


def test_rows_told_twice_are_kept_once_and_those_that_contradict_each_other_are_set_aside(bring, store, tmp_path):
    """Nothing tells which of two is right; of two that say the same, one is enough and the other is no loss."""
    lines = [*(row(n, close=f"30000.{n}") for n in range(9)), row(4, close="30000.4"), row(6, close="29999.5")]
    done = bring("BTCUSDT-1m-2024-01.zip", lines)
    assert (done.new, done.known, done.set_aside, done.contradicted, done.missing) == (8, 1, 2, 0, 1)
    kept = Quarantine(tmp_path / "quarantine.jsonl").contents().rows.values()
    assert [(row.record.kind, row.record.line, row.state) for row in kept] == [
        ("contradicting duplicate", 7, "held"),
        ("contradicting duplicate", 11, "held"),
        ("duplicate", 10, "replayed"),
    ]
    assert START_MS * 10**6 + 6 * 60 * 10**9 not in store.columns(*SERIES).open_ns


def test_a_tick_that_is_named_is_asked_of_archives_too(bring):
    """Nobody names a tick to have it ignored."""
    instrument = derived("BTCUSDT", 1, venue="binance")
    assert instrument.tick == Decimal("0.1")
    lines = [row(n).replace("30001.01", "30001.10") for n in range(4)]
    assert bring("BTCUSDT-1m-2024-01.zip", [*lines, row(4)], instrument=instrument).set_aside == 1


@pytest.mark.parametrize(
    ("name", "lines", "error", "words"),
    [
        ("BTCUSDT.zip", [row(0)], ConfigurationError, "say how long a bar is"),
        ("BTCUSDT-1m-2024-01.zip", [], ConfigurationError, "holds no rows"),
        (
            "BTCUSDT-1m-2024-01.zip",
            [row(0), "a,b", "c"],
            DataError,
            "2 of 3 rows cannot be bars of BTCUSDT.*\n  line 2: timestamp",
        ),
        ("BTCUSDT-1h-2024-01.zip", [row(1), row(2), row(60)], DataError, "2 of 3 rows cannot be bars"),
    ],
)
def test_what_is_no_archive_is_refused(bring, store, name, lines, error, words):
    """By its name, and nothing is stored."""
    with pytest.raises(error, match=words):
        bring(name, lines)
    assert list(store.series()) == []


def test_a_checksum_that_stands_beside_must_be_right(bring, tmp_path):
    """Where there is none, the ZIP's own checksums must do."""
    name = "BTCUSDT-1m-2024-01.zip"
    bring(name, [row(0), row(1)])
    right = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
    (tmp_path / f"{name}.CHECKSUM").write_text(f"{right}  {name}\n")
    assert bring(name, [row(0), row(1)]).known == 2
    (tmp_path / f"{name}.CHECKSUM").write_text(f"{right[::-1]}  {name}\n")
    with pytest.raises(DataError, match="should be"):
        bring(name, [row(0), row(1)])


def test_a_zip_that_is_none_is_refused(tmp_path, store):
    """No such file, or no ZIP."""
    quarantine = Quarantine(tmp_path / "quarantine.jsonl")
    (tmp_path / "BTCUSDT-1m-2024-01.zip").write_bytes(b"PK no zip")
    for name, error in (("BTCUSDT-1m-2024-01.zip", DataError), ("BTCUSDT-1m-2024-02.zip", ConfigurationError)):
        with pytest.raises(error, match=name):
            import_file(tmp_path / name, store, quarantine, venue="binance", symbol="BTCUSDT")
