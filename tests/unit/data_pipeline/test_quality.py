"""The gate: what is not believed is kept with the reason, what is repeated is counted."""

import json
from decimal import Decimal

import pytest

from trading_system.data_pipeline.normalizers.quality import Gate
from trading_system.market.bars import Bar
from trading_system.utils.error_handling.quarantine import Quarantine

MINUTE_NS = 60_000_000_000


def record(minute, *, open_=100, high=110, low=90, close=105, symbol="BTCUSDT"):
    return {"s": symbol, "t": minute, "o": open_, "h": high, "l": low, "c": close}


def parse(raw):
    return Bar(
        symbol=raw["s"],
        open_ns=raw["t"] * MINUTE_NS,
        close_ns=(raw["t"] + 1) * MINUTE_NS,
        open=raw["o"],
        high=raw["h"],
        low=raw["l"],
        close=raw["c"],
        volume_atoms=1,
    )


@pytest.fixture
def quarantine(tmp_path):
    return Quarantine(tmp_path / "aside" / "bars.jsonl")


@pytest.fixture
def gate(quarantine):
    return Gate(quarantine, source="test stream")


def aside(quarantine):
    return [json.loads(line) for line in quarantine.path.read_text().splitlines()] if quarantine.path.exists() else []


def test_good_bars_pass_in_order(gate, quarantine):
    """Three bars in a row: three bars, nothing aside."""
    bars = [gate.admit(record(minute), parse) for minute in (1, 2, 3)]
    assert [bar.open_ns // MINUTE_NS for bar in bars if bar] == [1, 2, 3]
    assert (gate.tally.passed, gate.tally.gaps, quarantine.count) == (3, 0, 0)


def test_a_repeated_bar_is_dropped_and_counted(gate, quarantine):
    """The same thing said twice is said once, and is nobody's error."""
    assert gate.admit(record(1), parse) is not None
    assert gate.admit(record(1), parse) is None
    assert (gate.tally.passed, gate.tally.duplicates, quarantine.count) == (1, 1, 0)


def test_a_gap_is_counted_and_the_bar_behind_it_passed(gate):
    """Two minutes are missing between minute 1 and minute 4."""
    gate.admit(record(1), parse)
    assert gate.admit(record(4), parse) is not None
    assert (gate.tally.gaps, gate.tally.missing_ns) == (1, 2 * MINUTE_NS)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (record(3, high=99), "cannot be one bar"),
        (record(3, low=0), "cannot be one bar"),
        (record(1), "came after"),
        (record(2, close=106), "something else"),
        (record(3, symbol="ETHUSDT"), "in the series of BTCUSDT"),
    ],
)
def test_what_cannot_be_believed_is_kept_with_the_reason(gate, quarantine, bad, words):
    """The raw record, its source and why; and the bars after it still pass."""
    gate.admit(record(1), parse)
    gate.admit(record(2), parse)
    assert gate.admit(bad, parse) is None
    [line] = aside(quarantine)
    assert json.loads(line["raw"]) == bad
    assert line["source"] == "test stream"
    assert words in line["reason"]
    assert gate.admit(record(3), parse) is not None
    assert (gate.tally.passed, gate.tally.quarantined) == (3, 1)


def test_the_quarantine_appends_and_keeps_what_json_does_not_know(quarantine):
    """A second process adds to the same file; a Decimal keeps its digits as text."""
    quarantine.put({"p": Decimal("1.10")}, reason="a", source="x")
    Quarantine(quarantine.path).put({"p": "2\n3"}, reason="b", source="x")
    assert [json.loads(line["raw"]) for line in aside(quarantine)] == [{"p": "1.10"}, {"p": "2\n3"}]
