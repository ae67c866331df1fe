"""The gate: what is not believed is set aside with its bytes and the reason; what is odd is kept, counted and told."""

import json
import tempfile
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_system.data_pipeline.bar_store import BarStore
from trading_system.data_pipeline.normalizers.quality import REMEMBERED, Gate, Remark
from trading_system.data_pipeline.second_look import replayed
from trading_system.errors import ConfigurationError, DataError
from trading_system.market import bar_flags
from trading_system.market.bars import Bar
from trading_system.utils.error_handling.quarantine import Quarantine
from trading_system.utils.error_handling.quarantine_records import Series, State

MINUTE_NS = 60_000_000_000
SERIES = Series(venue="binance", symbol="BTCUSDT", interval="1m", tick="0.01")


def record(minute, *, open_=100, high=110, low=90, close=105, symbol="BTCUSDT", volume=None, length=1):
    """Return a bar in a source's own words; each minute trades another volume."""
    volume = 1 + minute if volume is None else volume
    return {"s": symbol, "t": minute, "o": open_, "h": high, "l": low, "c": close, "v": volume, "n": length}


def parse(raw):
    return Bar(
        symbol=raw["s"],
        open_ns=int(raw["t"] * MINUTE_NS),
        close_ns=int((raw["t"] + raw["n"]) * MINUTE_NS),
        open=raw["o"],
        high=raw["h"],
        low=raw["l"],
        close=raw["c"],
        volume_atoms=raw["v"],
    )


@pytest.fixture
def quarantine(tmp_path):
    return Quarantine(tmp_path / "aside" / "bars.jsonl")


@pytest.fixture
def remarks():
    return []


@pytest.fixture
def gate(quarantine, remarks):
    return Gate(quarantine, source="test stream", notice=remarks.append)


def aside(quarantine):
    return [row.record for row in quarantine.contents().rows.values()]


def test_good_bars_pass_in_order(gate, quarantine, remarks):
    """Three bars in a row: three bars, nothing aside, nothing odd."""
    bars = [gate.admit(record(minute), parse) for minute in (1, 2, 3)]
    assert [bar.open_ns // MINUTE_NS for bar in bars if bar] == [1, 2, 3]
    assert (gate.tally.passed, gate.tally.gaps, quarantine.count, gate.flags, remarks) == (3, 0, 0, 0, [])


def test_a_repeated_bar_is_dropped_and_counted(gate, quarantine, remarks):
    """The same thing said twice is said once, and is nobody's error; also where others came in between."""
    for minute in (1, 1, 2, 3, 1, 2):
        gate.admit(record(minute), parse)
    assert (gate.tally.passed, gate.tally.duplicates, quarantine.count, remarks) == (3, 3, 0, [])


def test_a_bar_of_long_ago_is_late_though_it_be_repeated(gate, quarantine):
    """A gate remembers a thousand bars and not more."""
    for minute in range(REMEMBERED + 2):
        gate.admit(record(minute), parse)
    gate.admit(record(1), parse)
    gate.admit(record(2), parse)
    assert gate.tally.duplicates == 1
    assert [each.kind for each in aside(quarantine)] == ["out_of_order"]


def test_a_gap_is_counted_and_told_and_the_bar_behind_it_passed(gate, remarks):
    """Two minutes are missing between minute 1 and minute 4; the gap begins at the close of minute 1."""
    gate.admit(record(1), parse)
    assert gate.admit(record(4), parse) is not None
    assert (gate.tally.gaps, gate.tally.missing_ns, gate.flags) == (1, 2 * MINUTE_NS, bar_flags.AFTER_GAP)
    gap = Remark(kind="gap", symbol="BTCUSDT", open_ns=2 * MINUTE_NS, detail="2 bars absent", kept=True)
    assert remarks == [gap]
    gate.admit(record(5), parse)
    assert gate.flags == bar_flags.NONE


BAD = [
    (record(3, high=99), "unreadable", "cannot be one bar"),
    (record(3, low=0), "unreadable", "cannot be one bar"),
    (record(0), "out_of_order", "came after the one that ends 1970-01-01T00:03:00.000Z"),
    (record(2, close=106), "contradicting duplicate", "something else"),
    (record(1, close=106), "contradicting duplicate", "something else"),
    (record(3, symbol="ETHUSDT"), "other series", "in the series of BTCUSDT"),
    (record(3, length=5), "wrong_interval", "is 5m long in a series of 1m"),
    (record(3.5), "off the grid", "does not open at a multiple of 1m"),
]


@pytest.mark.parametrize(("bad", "kind", "words"), BAD)
def test_what_cannot_be_believed_is_set_aside_with_the_reason(gate, quarantine, remarks, bad, kind, words):
    """As it was received, with its source and why; it is told, and the bars after it still pass."""
    gate.admit(record(1), parse)
    gate.admit(record(2), parse)
    assert gate.admit(bad, parse) is None
    [row] = aside(quarantine)
    assert json.loads(row.raw) == bad
    assert (row.source, row.kind) == ("test stream", kind)
    assert words in row.reason
    assert [(told.kind, told.detail, told.kept) for told in remarks] == [(kind, row.reason, False)]
    assert gate.admit(record(3), parse) is not None
    assert (gate.tally.passed, gate.tally.quarantined) == (3, 1)


FIRST = [(record(1, symbol="ETHUSDT"), "other series"), (record(0, length=5), "wrong_interval")]


@pytest.mark.parametrize(("bad", "kind"), FIRST)
def test_a_series_that_is_known_is_held_from_the_first_bar_on(quarantine, bad, kind):
    """Else the first bar, though wrong, would make all others wrong."""
    gate = Gate(quarantine, source="s", series=SERIES)
    assert gate.admit(bad, parse) is None
    assert [each.kind for each in aside(quarantine)] == [kind]
    assert gate.admit(record(2), parse) is not None


def test_one_bar_from_the_future_does_not_make_all_others_late(quarantine):
    """A year too far: if it passed, a year of bars would be late. Our clock may be slow by a bar."""
    now_ns = 10 * MINUTE_NS
    gate = Gate(quarantine, source="s", now_ns=lambda: now_ns)
    assert gate.admit(record(9), parse) is not None
    assert gate.admit(record(525_600), parse) is None
    assert gate.admit(record(10), parse) is not None
    assert [each.kind for each in aside(quarantine)] == ["not closed"]


def test_weeks_begin_on_mondays(quarantine):
    """1970-01-05 was the first; the epoch itself was a Thursday."""
    gate, week = Gate(quarantine, source="s"), 7 * 1_440
    assert gate.admit(record(0, length=week), parse) is None
    assert gate.admit(record(4 * 1_440, length=week), parse) is not None
    assert [each.kind for each in aside(quarantine)] == ["off the grid"]


def test_bytes_are_kept_as_they_were_received(quarantine):
    """And with them how to read them again."""
    gate = Gate(quarantine, source="s", series=SERIES)
    raw = b'\xff{"k": 1}'

    def refuse(raw):
        raise DataError("no bar at all")

    gate.admit(raw, refuse, form="json", columns=("open=k.o",))
    [row] = aside(quarantine)
    assert (row.raw, row.form, row.columns, row.series) == (raw, "json", ("open=k.o",), SERIES)
    assert (row.kind, row.reason, row.open_ns) == ("unreadable", "no bar at all", None)


def test_what_a_gate_refused_may_pass_when_the_rules_change(tmp_path, quarantine):
    """The codec refused it, for a mistake of its own; judged again, its bytes are the bar that they always were."""
    gate = Gate(quarantine, source="s", series=SERIES)
    raw = b'{"k":{"t":60000,"o":"100.00","h":"101.00","l":"99.00","c":"100.50","v":"2"}}'

    def refuse(raw):
        raise DataError("the codec's own mistake")

    columns = ("timestamp=k.t", "open=k.o", "high=k.h", "low=k.l", "close=k.c", "volume=k.v")
    gate.admit(raw, refuse, form="json", columns=columns)
    store = BarStore(tmp_path / "bars")
    replayed(quarantine, store, quarantine.contents().rows.values(), by="ann")
    bars = store.columns("binance", "BTCUSDT", "1m")
    assert (bars.open_ns.tolist(), bars.close.tolist()) == ([MINUTE_NS], [10_050_000_000])
    assert [row.state for row in quarantine.contents().rows.values()] == [State.REPLAYED]


def test_a_record_that_cannot_be_written_down_stops_the_feed(tmp_path):
    """It must not be dropped in silence."""
    (tmp_path / "file").write_text("")
    gate = Gate(Quarantine(tmp_path / "file" / "q.jsonl"), source="s")
    gate.admit(record(1), parse)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        gate.admit(record(1, close=106), parse)


def test_a_jump_is_kept_flagged_counted_and_told(gate, remarks, quarantine):
    """Fifty minutes from 1,000 up to 1,010 ticks and back; then a high with its decimal point one place too far."""
    calm = {"open_": 1_000, "high": 1_010, "low": 1_000, "close": 1_000}
    for minute in range(50):
        gate.admit(record(minute, **calm), parse)
    assert (gate.tally.spikes, gate.flags) == (0, bar_flags.NONE)
    bar = gate.admit(record(50, **calm | {"high": 10_100}), parse)
    assert bar is not None
    assert bar.high == 10_100
    assert (gate.tally.spikes, gate.flags, quarantine.count) == (1, bar_flags.SPIKE, 0)
    [told] = remarks
    assert (told.kind, told.kept, told.open_ns) == ("spike", True, 50 * MINUTE_NS)
    assert told.detail == "232 times as far as a bar usually goes"  # ln 10.1 / ln 1.01 = 232.4
    gate.admit(record(51, **calm), parse)
    assert (gate.tally.spikes, gate.flags) == (1, bar_flags.NONE)


def test_a_bar_that_repeats_the_one_before_is_flagged(gate, remarks):
    """Prices and volume, all of them, in a bar that moved; a flat bar or one without volume may repeat."""
    for minute, told in enumerate([{"volume": 7}, {"volume": 7}, {"volume": 7, "close": 104}]):
        gate.admit(record(minute, **told), parse)
    assert (gate.tally.stale, [told.kind for told in remarks]) == (1, ["stale"])
    flat = {"open_": 100, "high": 100, "low": 100, "close": 100, "volume": 7}
    for minute, told in enumerate([flat, flat, {"volume": 0}, {"volume": 0}], start=3):
        gate.admit(record(minute, **told), parse)
    assert gate.tally.stale == 1
    assert gate.flags == bar_flags.ZERO_BAR


sent = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from([105, 106, 89]), st.sampled_from(["BTCUSDT", "ETHUSDT"])), max_size=30
)


@settings(max_examples=50)
@given(sent=sent)
def test_nothing_is_dropped_without_a_record(sent):
    """Whatever comes: it passes, is counted as repeated, or lies in the quarantine; what passes rises in time."""
    with tempfile.TemporaryDirectory() as folder:
        quarantine = Quarantine(Path(folder) / "q.jsonl")
        told = []
        gate = Gate(quarantine, source="s", series=SERIES, notice=told.append)
        came = [record(minute, close=close, symbol=symbol) for minute, close, symbol in sent]
        passed = [bar for bar in (gate.admit(each, parse) for each in came) if bar]
        tally = gate.tally
        assert len(came) == tally.passed + tally.duplicates + tally.quarantined
        assert len(passed) == tally.passed
        assert all(late.open_ns >= early.close_ns for early, late in pairwise(passed))
        refused = [each for each in came if each["s"] != "BTCUSDT" or each["c"] == 89]
        kept = {json.dumps(json.loads(row.raw)) for row in aside(quarantine)}
        assert {json.dumps(each) for each in refused} <= kept
        assert len([remark for remark in told if not remark.kept]) == tally.quarantined
        assert Counter(remark.kind for remark in told)["gap"] == tally.gaps
        if passed:
            covered = sum(bar.close_ns - bar.open_ns for bar in passed)
            assert covered + tally.missing_ns == passed[-1].close_ns - passed[0].open_ns
        again = Gate(quarantine, source="s", series=replace(SERIES, tick=""))
        assert [bar for bar in (again.admit(each, parse) for each in came) if bar] == passed
