"""The zoo: features that look ahead, all of which are caught, and features that do not, none of which is blamed."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.leaks import honest, planted
from tests.leaks.markets import columns_of
from tests.unit.data_pipeline.conftest import bars_of

from trading_system.data_pipeline.leaks.answers import Answer, Probe
from trading_system.data_pipeline.leaks.own import probes_in
from trading_system.data_pipeline.leaks.search import AGAIN, search

CUTS = 120
BARS = columns_of(bars_of(800, seed=11))
"""Eight days of quarter hours."""

pytestmark = pytest.mark.slow


def names_in(module):
    """Return the names of the features in a file, in the order in which they stand there."""
    return [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]


def verdict_of(module, name, **changes):
    """Return what the search says of one feature of a file."""
    probe = dict(zip(names_in(module), probes_in(Path(module.__file__)), strict=True))[name]
    return search(BARS, [probe], **{"cuts": CUTS, "seed": 7, **changes})


def test_the_zoo_is_large_enough():
    """As many of each kind as the page on leaks says, and the file's features are exactly those that are tested."""
    assert len(names_in(planted)) == len(probes_in(Path(planted.__file__))) > 30
    assert len(names_in(honest)) == len(probes_in(Path(honest.__file__))) >= 20


@pytest.mark.parametrize("name", names_in(planted))
def test_a_planted_leak_is_caught(name):
    """Each way of looking ahead leaves a value at or before some cut that the future has changed."""
    leaks = verdict_of(planted, name).leaks
    assert leaks
    assert all(leak.row_ns <= leak.cut_ns for leak in leaks)
    assert all(leak.name.partition("[")[0] == name for leak in leaks)
    if name == "several_columns_one_of_which_leaks":
        assert {leak.name for leak in leaks} == {f"{name}[1]"}
    if name == "noise":
        assert AGAIN in {leak.future for leak in leaks}


@pytest.mark.parametrize("name", names_in(honest))
def test_an_honest_feature_is_not_blamed(name):
    """Nothing that looks back only changes, in any of the futures; and each had values to compare."""
    verdict = verdict_of(honest, name)
    assert verdict.leaks == ()
    assert verdict.untested == ()


@settings(max_examples=5)
@given(seed=st.integers(0, 10_000))
def test_no_seed_makes_an_honest_feature_look_guilty(seed):
    """Whatever futures chance thinks of, all of the honest file together."""
    assert search(BARS, probes_in(Path(honest.__file__)), cuts=10, seed=seed).leaks == ()


def looking_ahead(rows_that_leak):
    """Return a probe of the close, which at the rows that `rows_that_leak(open_ns)` marks is the next one."""

    def ask(world):
        bars = world.bars
        later = np.append(bars.close[1:], bars.close[-1:])
        open_ns = bars.close_ns - bars.interval_ns
        values = np.where(rows_that_leak(open_ns), later, bars.close).astype(np.float64)
        return [Answer(("close",), bars.close_ns, bars.close_ns, values.reshape(-1, 1))]

    return Probe(ask=ask)


@settings(max_examples=12)
@given(hour=st.integers(0, 23), seed=st.integers(0, 100))
def test_a_look_at_the_next_bar_in_one_hour_of_the_day_is_caught(hour, seed):
    """Cuts are spread over all hours, not left to chance."""
    probe = looking_ahead(lambda open_ns: open_ns // 3_600_000_000_000 % 24 == hour)
    leaks = search(BARS, [probe], cuts=CUTS, seed=seed).leaks
    assert {leak.ahead for leak in leaks} == {1}


@settings(max_examples=6)
@given(row=st.integers(0, 118))
def test_with_a_cut_at_every_row_a_single_row_that_looks_ahead_is_caught(row):
    """As many cuts as bars leave a leak no place to hide, be it one row in all."""
    bars = columns_of(bars_of(120, seed=5))
    guilty = int(bars.close_ns[row] - bars.interval_ns)
    probe = looking_ahead(lambda open_ns: open_ns == guilty)
    leaks = search(bars, [probe], cuts=len(bars), seed=1).leaks
    assert {leak.row_ns for leak in leaks} == {guilty + bars.interval_ns}
    assert search(bars, [looking_ahead(lambda open_ns: open_ns < 0)], cuts=len(bars), seed=1).leaks == ()
