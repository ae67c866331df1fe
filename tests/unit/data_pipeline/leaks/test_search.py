"""The search: what it holds against a probe, what it says of it, and what it does not blame on it."""

import math

import numpy as np
import pytest
from tests.leaks.markets import columns_of
from tests.unit.data_pipeline.conftest import bars_of

from trading_system.data_pipeline.leaks.answers import Answer, Probe
from trading_system.data_pipeline.leaks.futures import FUTURES
from trading_system.data_pipeline.leaks.search import AGAIN, STREAMED, latest, search
from trading_system.errors import ConfigurationError, DataError

BARS = columns_of(bars_of(150, seed=8))


def by_bar(world, values, name="x"):
    """Return one column, known at each close."""
    bars = world.bars
    return [Answer((name,), bars.close_ns, bars.close_ns, np.asarray(values, dtype=np.float64).reshape(-1, 1))]


def closes(world):
    """The close itself: nothing could be more honest."""
    return by_bar(world, world.bars.close)


def three_ahead(world):
    """The close three bars later, NaN where it is not there."""
    return by_bar(world, np.append(world.bars.close, [math.nan] * 3)[3 : 3 + len(world.bars)])


def test_a_leak_is_told_with_its_cut_its_row_both_values_and_how_far_it_looks():
    """By hand, of a look three bars ahead: at a cut at row t the rows t - 2 to t change, the first is three bars away.

    Of it the old value is the close of t + 1, and with no more bars there is none.
    """
    leaks = search(BARS, [Probe(ask=three_ahead)], cuts=len(BARS), seed=1).leaks
    assert {leak.future for leak in leaks} == set(FUTURES)
    (ended,) = (leak for leak in leaks if (leak.world, leak.future) == ("as it is", "no bars"))
    assert ended.cut_ns == ended.row_ns == BARS.close_ns[0]
    assert ended.old == BARS.close[3]
    assert math.isnan(ended.new)
    assert ended.ahead == 3
    assert (ended.cuts, ended.tried) == (len(BARS) - 1, len(BARS))  # at the last three rows nothing was known


def test_nothing_is_found_where_nothing_leaks_and_it_is_said_what_was_compared():
    """Two worlds: 150 bars as they are, and those that are left with holes."""
    seen = []
    verdict = search(BARS, [Probe(ask=closes, stream=closes)], cuts=20, seed=1, tell=lambda *at: seen.append(at))
    assert verdict.leaks == ()
    assert verdict.bars == 150
    assert verdict.cuts == 40
    assert 250 < verdict.compared["x"] < 300
    assert seen == [(done, 40) for done in range(1, 41)]


def test_the_same_arguments_lead_to_the_same_verdict():
    """Findings can be had again; another seed tries other futures."""
    one, again, other = (search(BARS, [Probe(ask=three_ahead)], cuts=9, seed=seed) for seed in (1, 1, 2))
    assert repr(one) == repr(again)  # not even a NaN is another
    assert repr(one) != repr(other)


def test_a_column_without_a_value_is_untested_and_not_clean():
    """Nothing was compared: too few bars to warm up, or a metric that nobody has."""
    verdict = search(BARS, [Probe(ask=lambda world: by_bar(world, [math.nan] * len(world.bars)))], cuts=5, seed=1)
    assert verdict.leaks == ()
    assert verdict.untested == ("x",)


def test_a_batch_form_that_is_not_its_streaming_form_is_told():
    """One bit of one row is enough: live would trade on another number than the back-test."""

    def stream(world):
        values = world.bars.close.astype(np.float64)
        values[70] = np.nextafter(values[70], 0.0)
        return by_bar(world, values)

    leaks = search(BARS, [Probe(ask=closes, stream=stream)], cuts=1, seed=1).leaks
    assert {(leak.name, leak.future, leak.ahead) for leak in leaks} == {("x", STREAMED, 0)}
    assert leaks[0].row_ns == BARS.close_ns[70]
    assert leaks[0].old == BARS.close[70] != leaks[0].new


def test_what_answers_otherwise_when_asked_again_is_told():
    """It is no function of what it is shown."""
    asked = []

    def ask(world):
        asked.append(1)
        return by_bar(world, world.bars.close + len(asked))

    assert AGAIN in {leak.future for leak in search(BARS, [Probe(ask=ask)], cuts=1, seed=1).leaks}


def test_a_value_that_was_declared_known_too_early_is_caught():
    """A label may look ahead as far as it likes, but not be known a bar before the last one that it looks at."""

    def label(early):
        def ask(world):
            rows = np.arange(max(0, len(world.bars) - 5))
            moves = (world.bars.close[rows + 5] - world.bars.close[rows]).astype(np.float64)
            known = world.bars.close_ns[rows + 5 - early]
            return [Answer(("label",), world.bars.close_ns[rows], known, moves.reshape(-1, 1))]

        return Probe(ask=ask)

    assert search(BARS, [label(0)], cuts=40, seed=1).leaks == ()
    assert {leak.name for leak in search(BARS, [label(1)], cuts=40, seed=1).leaks} == {"label"}


def test_rows_that_the_future_brings_or_takes_are_a_leak():
    """An answer for every hundredth of the whole series: which bars have one depends on how many there will be."""

    def ask(world):
        rows = np.linspace(0, len(world.bars) - 1, 10).astype(np.int64)
        closed = world.bars.close_ns[rows]
        return [Answer(("x",), closed, closed, world.bars.close[rows].astype(np.float64).reshape(-1, 1))]

    found = search(BARS, [Probe(ask=ask)], cuts=30, seed=1).leaks
    assert any(leak.old is None or leak.new is None for leak in found)


@pytest.mark.parametrize("error", [ConfigurationError, DataError])
def test_a_probe_that_fails_where_it_had_an_answer_ends_the_search(error):
    """With its own message, and on how many bars; there is no verdict on what cannot be asked."""

    def ask(world):
        if len(world.bars) < 100:
            raise error("I want more")
        return closes(world)

    with pytest.raises(error, match=r"I want more \(on \d+ bars"):
        search(BARS, [Probe(ask=ask)], cuts=40, seed=1)


def test_a_probe_may_fail_on_fewer_bars_than_it_needs_to_say_anything():
    """Where it had nothing to say of the rows before the cut, there is nothing to compare."""

    def ask(world):
        if len(world.bars) < 50:
            raise ConfigurationError("I want more")
        return by_bar(world, np.append([math.nan] * 49, world.bars.close[49:]))

    assert search(BARS, [Probe(ask=ask)], cuts=len(BARS), seed=1).leaks == ()


def test_the_last_bars_are_the_last_bars():
    """Or all, if there are fewer."""
    assert latest(BARS, 10).close_ns.tolist() == BARS.close_ns[-10:].tolist()
    assert len(latest(BARS, 1_000)) == len(BARS)
