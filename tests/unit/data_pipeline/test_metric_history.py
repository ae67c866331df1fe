"""Vintages in any order: what was known at each moment does not depend on when a file was imported."""

import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trading_system.data_pipeline.as_of import NO_LIMIT_NS, joined
from trading_system.data_pipeline.metric_store import MetricStore, Series, Written
from trading_system.errors import DataError
from trading_system.market.onchain import Metric

DAY_NS = 86_400_000_000_000
SERIES = Series("coin_metrics", "btc", "TxCnt")
START_NS = 19_355 * DAY_NS  # 2022-12-29, so that the days lie in two years
LAST = 40


class Vintage(NamedTuple):
    """Values by day, each with the day of its stamp, and the day on which they were heard."""

    heard: int
    values: dict[int, tuple[str, int]]


def vintage(heard, **values):
    """The days d0, d1, ... each with a value, public a day after its end."""
    return Vintage(heard, {int(day[1:]): (value, int(day[1:]) + 2) for day, value in values.items()})


def metrics(values):
    return [
        Metric(
            source=SERIES.source,
            asset=SERIES.asset,
            name=SERIES.name,
            value=value,
            start_ns=START_NS + day * DAY_NS,
            end_ns=START_NS + (day + 1) * DAY_NS,
            available_ns=START_NS + stamp * DAY_NS,
            license="CC BY-NC 4.0",
        )
        for day, (value, stamp) in values.items()
    ]


def stored(folder, vintages):
    store = MetricStore(folder)
    for heard, values in vintages:
        store.write(metrics(values), heard_ns=START_NS + heard * DAY_NS)
    return store


def known(store):
    """The value that the as-of join returns at each day's end."""
    days = START_NS + np.arange(LAST, dtype=np.int64) * DAY_NS
    return joined(days, store.columns(SERIES), NO_LIMIT_NS).tolist()


def naive(vintages):
    """The same from all that was said: at each moment the newest day of which something is public, as said last."""
    told = {}
    for heard, values in sorted(vintages, key=lambda each: each.heard):
        for day, (value, stamp) in values.items():
            told.setdefault(day, []).append((heard, float(value), stamp))
    public = {day: stretches(sorted(said)) for day, said in told.items()}
    answers = []
    for now in range(LAST):
        there = [(day, [value for since, value in said if since <= now]) for day, said in public.items()]
        there = [(day, values) for day, values in there if values]
        answers.append(max(there)[1][-1] if there else math.nan)
    return answers


def stretches(said):
    """Since when each value of a day counts: the first from its stamp, another from when it was heard.

    Of what was said at one moment the greatest counts, with its latest stamp.
    """
    found = []
    for heard, value, stamp in {each[0]: each for each in said}.values():
        if not found:
            found.append((stamp, value))
        elif value != found[-1][1]:
            found.append((max(stamp, heard, found[-1][0]), value))
    return found


@st.composite
def vintages(draw):
    """Up to six, heard on any days, some on the same, of four days in two years."""
    days = st.dictionaries(st.integers(0, 4), st.sampled_from("567"), min_size=1)
    return [
        Vintage(
            draw(st.integers(1, 20)),
            {day: (value, day + draw(st.integers(1, 25))) for day, value in draw(days).items()},
        )
        for _ in range(draw(st.integers(1, 6)))
    ]


@given(heard=vintages(), data=st.data())
@example(heard=[vintage(10, d0="6"), vintage(5, d0="5")], data=None)
@example(heard=[vintage(5, d0="5"), vintage(9, d0="5"), vintage(12, d0="5"), vintage(7, d0="6")], data=None)
@example(heard=[vintage(5, d0="5"), vintage(9, d0="6"), vintage(12, d0="6"), vintage(7, d0="6")], data=None)
def test_the_order_of_imports_changes_nothing_of_what_was_known_when(tmp_path_factory, heard, data):
    """Any permutation of vintages gives, at every moment, what had been heard by that moment."""
    order = heard if data is None else data.draw(st.permutations(heard))
    store = stored(tmp_path_factory.mktemp("metrics"), order)
    np.testing.assert_array_equal(known(store), naive(heard))


@given(heard=vintages())
def test_every_vintage_a_second_time_changes_no_byte_of_the_metrics(tmp_path_factory, heard):
    """Nothing is new in what was already said, in whatever order it is said again."""
    folder = tmp_path_factory.mktemp("metrics")
    store = stored(folder, heard)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for each in reversed(heard):
        written = store.write(metrics(each.values), heard_ns=START_NS + each.heard * DAY_NS)
        assert written == Written(known=len(each.values))
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_an_older_vintage_takes_its_place_before_the_newer_one(tmp_path):
    """6 was heard on day 10, and then a file of day 5 that says 5: until day 10 the value was 5, from then on 6."""
    store = stored(tmp_path, [vintage(10, d0="6")])
    assert store.write(metrics({0: ("5", 2)}), heard_ns=START_NS + 5 * DAY_NS) == Written(restated=1)
    assert [(each.value, each.revision, each.available_ns) for each in store.read(SERIES)] == [
        ("5", 0, START_NS + 2 * DAY_NS),
        ("6", 1, START_NS + 10 * DAY_NS),
    ]


def test_a_value_heard_again_after_a_file_that_says_otherwise_is_a_restatement_back(tmp_path):
    """5 on day 5 and, unchanged, on days 9 and 12; a file of day 7 says 6: on day 9 it was 5 again."""
    store = stored(tmp_path, [vintage(5, d0="5"), vintage(9, d0="5"), vintage(12, d0="5"), vintage(7, d0="6")])
    assert [(each.value, (each.available_ns - START_NS) // DAY_NS) for each in store.read(SERIES)] == [
        ("5", 2),
        ("6", 7),
        ("5", 9),
    ]


def test_hearings_of_days_in_a_row_are_one_entry(tmp_path):
    """A month that is told again is one line of a few numbers; another month beside a gap is a second run."""
    values = {day: ("1", day + 2) for day in (*range(10), *range(12, 15))}
    stored(tmp_path, [Vintage(30, values), Vintage(31, values)])
    lines = (tmp_path / "coin_metrics" / "btc" / "TxCnt" / "heard.jsonl").read_text().splitlines()
    runs = [f"[{START_NS + first * DAY_NS},{DAY_NS},{count},0]" for first, count in ((0, 3), (3, 7), (12, 3))]
    assert lines == [
        f'{{"heard_ns":{START_NS + 31 * DAY_NS},"spans":[{runs[0]}]}}',  # 2022
        f'{{"heard_ns":{START_NS + 31 * DAY_NS},"spans":[{runs[1]},{runs[2]}]}}',  # 2023
    ]


def test_a_line_that_was_cut_off_is_swept_and_one_that_is_none_refused(tmp_path):
    """Killed while adding a line: the lines before count, the next is put in its place. Another text is named."""
    store = stored(tmp_path, [vintage(5, d0="5"), vintage(9, d0="5")])
    path = store.folder(SERIES) / "heard.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:20])
    stored(tmp_path, [vintage(12, d0="5"), vintage(7, d0="6")])
    assert [(each.value, (each.available_ns - START_NS) // DAY_NS) for each in store.read(SERIES)][1:] == [
        ("6", 7),
        ("5", 9),
    ]
    assert path.read_bytes().startswith(whole)
    assert len(path.read_bytes().splitlines()) == 2
    path.write_text("nothing\n")
    with pytest.raises(DataError, match=r"heard\.jsonl, line 1"):
        store.write(metrics({0: ("6", 2)}), heard_ns=START_NS + 20 * DAY_NS)
