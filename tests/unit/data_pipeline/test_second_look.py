"""A second look: what may go into the store goes there first and is marked then; all else stays, with the reason."""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_system.data_pipeline.bar_checks import Columns, Kind
from trading_system.data_pipeline.bar_store import BarStore
from trading_system.data_pipeline.second_look import Outcome, Terms, released, replayed, tick_of
from trading_system.errors import ConfigurationError
from trading_system.utils.error_handling.quarantine import Quarantine
from trading_system.utils.error_handling.quarantine_records import Record, Series, State

HOUR_NS = 3_600_000_000_000
START_NS = 1_704_067_200_000_000_000
"""2024-01-01T00:00Z."""
ATOMS = 10**8
SERIES = Series(venue="here", symbol="ABCUSDT", interval="1h", tick="0.01")
COLUMNS = ("timestamp", "open", "high", "low", "close", "volume")


def make_record(hour=0, prices="100,101,99,100", *, kind=Kind.TICK, line=None, **more):
    open_ns = START_NS + int(hour * HOUR_NS)
    told = {"series": SERIES, "form": "csv", "columns": COLUMNS, "open_ns": open_ns, "line": line} | more
    raw = f"{open_ns // 10**6},{prices},1\n".encode()
    return Record(source="bars.csv", kind=str(kind), reason="why", raw=raw, **told)


class Place:
    """A store, and the quarantine beside it."""

    def __init__(self, folder: Path, *records: Record) -> None:
        self.store = BarStore(folder / "bars")
        self.quarantine = Quarantine(folder / "quarantine.jsonl", now_ns=lambda: 5)
        self.quarantine.put_all(records)

    @property
    def rows(self):
        return list(self.quarantine.contents().rows.values())

    def add(self, hour, *prices, interval="1h"):
        """Store a bar at prices of whole units."""
        values = (START_NS + hour * HOUR_NS, *(price * ATOMS for price in prices), ATOMS)
        self.store.append(Columns(*(np.array([value]) for value in values)), "here", "ABCUSDT", interval)

    def bars(self, interval="1h"):
        """Return hour and close, in units, of all that is stored."""
        try:
            rows = self.store.columns("here", "ABCUSDT", interval)
        except ConfigurationError:
            return {}
        hours = (rows.open_ns - START_NS) / HOUR_NS
        return dict(zip(hours.tolist(), (rows.close / ATOMS).tolist(), strict=True))

    def replay(self, **terms):
        looked = replayed(self.quarantine, self.store, self.rows, by="ann", terms=Terms(**terms))
        return [each.outcome.value for each in looked], [each.why for each in looked]

    def release(self, *rows, **terms):
        looked = released(self.quarantine, self.store, rows, by="ann", why="seen", terms=Terms(**terms))
        return [each.outcome.value for each in looked], [each.why for each in looked]


@pytest.fixture
def place(tmp_path):
    return lambda *records: Place(tmp_path, *records)


def test_what_today_passes_goes_into_the_store_and_is_marked(place):
    """A price of 100.005 was no whole tick of 0.01; the tick is put right to 0.001, and the row is a bar."""
    here = place(make_record(0, "100.005,101,99,100"), make_record(1, "100,99,101,100", kind=Kind.HIGH_LOW))
    assert here.replay() == (
        ["stays", "stays"],
        ["cannot be a bar: not a whole tick (the tick is 0.01)", "cannot be a bar: high below low"],
    )
    assert here.bars() == {}
    assert here.replay(tick="0.001")[0] == ["stored", "stays"]
    assert here.bars() == {0: 100}
    passed, stayed = here.rows
    assert (passed.state, stayed.state) == (State.REPLAYED, State.HELD)
    assert [(mark.by, mark.at_ns) for mark in passed.marks] == [("ann", 5)]


def test_twice_changes_nothing(place):
    """Neither the store's files nor the quarantine's."""
    here = place(make_record(0), make_record(1, "1,2,3,4"))
    here.replay()
    before = {path: path.read_bytes() for path in here.quarantine.path.parent.rglob("*") if path.is_file()}
    assert here.replay()[0] == ["stays"]
    assert {path: path.read_bytes() for path in before} == before


def test_who_was_killed_between_store_and_mark_only_marks(place):
    """The bar is in the store and the row still held: the next replay finds that very bar and ends it."""
    here = place(make_record(0))
    here.add(0, 100, 101, 99, 100)
    assert here.replay() == (["known"], ["the store holds this very bar"])
    assert here.rows[0].state is State.REPLAYED
    assert here.bars() == {0: 100}


@pytest.mark.parametrize("kind", [Kind.DUPLICATE, Kind.CONTRADICTION, Kind.UNSORTED, "wrong_interval", "anything new"])
def test_what_was_bad_beside_other_rows_no_rule_passes(place, kind):
    """Alone it looks like a bar; whoever saw the others doubted it. A person may know better; so may the store."""
    here = place(make_record(0, kind=kind), make_record(1, kind=kind))
    here.add(1, 100, 101, 99, 100)
    outcomes, why = here.replay()
    assert outcomes == ["stays", "known"]
    assert "a person may release it" in why[0]
    assert here.release(here.rows[0])[0] == ["stored"]
    assert here.bars() == {0: 100, 1: 100}
    assert here.rows[0].marks[0].why == "seen"


@pytest.mark.parametrize("kind", [Kind.TICK, Kind.CONTRADICTION])
def test_what_is_stored_is_never_overwritten(place, kind):
    """Neither by a rule nor by a person."""
    here = place(make_record(0, "100,101,99,100", kind=kind))
    here.add(0, 100, 101, 99, 101)
    for outcomes, why in (here.replay(), here.release(here.rows[0])):
        assert outcomes == ["stays"]
        assert why == ["the store holds another bar at 2024-01-01T00:00:00.000Z, and what is stored is not overwritten"]
    assert here.bars() == {0: 101}
    assert here.rows[0].state is State.HELD


class Hurried(BarStore):
    """A store into which somebody else writes between our look at it and our own writing."""

    looks = 0

    def columns(self, *series, **span):
        self.looks += 1
        if self.looks == 1:
            raise ConfigurationError("there is nothing yet")
        return super().columns(*series, **span)


def test_what_somebody_else_stored_meanwhile_is_not_overwritten_either(tmp_path, place):
    """The store itself refuses it, and the row stays."""
    here = place(make_record(0, "100,101,99,100"))
    here.add(0, 100, 101, 99, 101)
    [looked] = replayed(here.quarantine, Hurried(tmp_path / "bars"), here.rows, by="ann")
    assert looked.outcome is Outcome.STAYS
    assert "the store holds another bar" in looked.why
    assert here.bars() == {0: 101}
    assert here.rows[0].state is State.HELD


def test_rows_that_contradict_each_other_all_stay_until_a_person_names_one(place):
    """Both would pass; nothing tells which is right. The other one then contradicts the store."""
    here = place(make_record(0, line=1), make_record(0, "100,101,99,101", line=2))
    assert here.replay() == (["stays"] * 2, ["another row says otherwise of the same bar"] * 2)
    assert here.release(*here.rows)[0] == ["stays"] * 2
    assert here.release(here.rows[1])[0] == ["stored"]
    assert here.bars() == {0: 101}
    assert "the store holds another bar" in here.replay()[1][0]


def test_rows_that_say_the_same_bar_end_together(place):
    """From two lines: one is stored, the other then known."""
    here = place(make_record(0, line=1), make_record(0, line=2))
    assert here.replay()[0] == ["stored", "known"]
    assert [row.state for row in here.rows] == [State.REPLAYED] * 2


def test_what_cannot_be_a_bar_cannot_be_released(place):
    """A person's word makes no bar of a high below its low."""
    here = place(make_record(0, "100,99,101,100", kind=Kind.HIGH_LOW))
    assert here.release(here.rows[0]) == (["stays"], ["cannot be a bar: high below low"])
    assert (here.bars(), here.rows[0].state) == ({}, State.HELD)


def test_a_discarded_row_may_be_released_and_is_not_replayed(place):
    """A person may think again; a rule must not overrule a person."""
    here = place(make_record(0))
    here.quarantine.mark([here.rows[0].id], State.DISCARDED, by="bob", why="a test message")
    assert here.replay() == ([], [])
    assert here.release(here.rows[0])[0] == ["stored"]
    assert [mark.state for mark in here.rows[0].marks] == [State.DISCARDED, State.RELEASED]


def test_what_went_into_the_store_is_not_released_again(place):
    """It has ended."""
    here = place(make_record(0))
    here.replay()
    assert here.release(here.rows[0]) == ([], [])


def test_another_interval_is_another_series(place):
    """A row at half past is off the grid of hours and on that of half hours."""
    here = place(make_record(0.5, kind=Kind.GRID))
    assert here.replay()[1] == ["cannot be a bar: off the grid (a bar is 1h long)"]
    assert here.replay(interval="30m")[0] == ["stored"]
    assert here.bars("30m") == {0.5: 100}
    assert here.bars() == {}


def test_a_time_that_reads_otherwise_alone_is_not_believed(place):
    """Among milliseconds 1704067200 was a moment of January 1970; alone it looks like seconds, which nobody said."""
    told = make_record(0)
    record = replace(told, raw=b"1704067200,100,101,99,100,1\n", open_ns=1_704_067_200_000_000, kind=str(Kind.GRID))
    here = place(record)
    assert here.replay()[1] == [
        "by itself its time reads 2024-01-01T00:00:00.000Z, among its neighbors it read 1970-01-20T17:21:07.200Z"
    ]
    assert here.release(here.rows[0])[0] == ["stays"]


def test_a_reader_that_moved_the_stamps_moves_them_again(place):
    """A file that stamps the ends of its bars: the row of 01:00 is the bar of 00:00."""
    here = place(replace(make_record(1), shift_ns=-HOUR_NS, open_ns=START_NS))
    assert here.replay()[0] == ["stored"]
    assert here.bars() == {0: 100}


@pytest.mark.parametrize(
    ("lacking", "words"),
    [
        ({"series": None}, "its series"),
        ({"series": Series(venue="here", symbol="ABCUSDT", tick="1")}, "its series"),
        ({"series": Series(venue="here", symbol="ABCUSDT", interval="1h")}, "its tick"),
        ({"form": ""}, "how to read it again"),
    ],
)
def test_a_row_of_which_too_little_is_known_stays(place, lacking, words):
    """Nothing is guessed."""
    here = place(make_record(0, **lacking))
    assert here.replay() == (["stays"], [f"nothing says {words}"])


def test_the_tick_is_the_finer_of_the_catalogs_and_the_rows():
    """BTCUSDT's is 0.01 in the catalog. A coarse tick in the catalog must not refuse what was read by a finer one."""
    known = Series(venue="binance", symbol="BTCUSDT")
    assert str(tick_of(known)) == "0.01"
    assert str(tick_of(replace(known, tick="0.1"))) == "0.01"
    assert str(tick_of(replace(known, tick="0.001"))) == "0.001"
    assert str(tick_of(replace(known, tick="0.001"), "1")) == "1"
    assert tick_of(replace(known, symbol="NOBODYKNOWS")) is None
    for wrong in ("0", "-1", "x", "nan", "inf", "0.000000001"):
        with pytest.raises(ConfigurationError, match=r"a tick is a number like 0\.01"):
            tick_of(known, wrong)


rows = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["100", "101", "105"]), st.sampled_from([Kind.TICK, Kind.UNSORTED])),
    max_size=8,
)


@settings(max_examples=25)
@given(rows=rows, stored=st.sets(st.integers(0, 5)))
def test_the_store_only_grows_and_every_row_is_told(rows, stored):
    """What was stored stays as it was, no bar stands there that no row said, and a second time is idle."""
    with tempfile.TemporaryDirectory() as folder:
        records = [make_record(hour, f"100,101,99,{c}", kind=kind, line=n) for n, (hour, c, kind) in enumerate(rows)]
        here = Place(Path(folder), *records)
        for hour in stored:
            here.add(hour, 100, 101, 99, 100)
        before = here.bars()
        outcomes, why = here.replay()
        after = here.bars()
        assert len(outcomes) == len(rows)
        assert all(why)
        assert before.items() <= after.items()
        said = {(hour, float(close)) for hour, close, kind in rows if kind is Kind.TICK and close != "105"}
        assert set(after.items()) - set(before.items()) <= said
        assert len(after) - len(before) == outcomes.count("stored")
        ended = [row.state is State.REPLAYED for row in here.rows]
        assert ended == [outcome != Outcome.STAYS for outcome in outcomes]
        again, _ = here.replay()
        assert "stored" not in again
        assert here.bars() == after
