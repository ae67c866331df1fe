"""A script under test for leaks: what it says of many windows at once against what it says of each alone."""

import numpy as np
import pytest
from tests.leaks.markets import columns_of
from tests.unit.data_pipeline.conftest import bars_of

from trading_system.core_ai.inference.strategies.probe import script_probe
from trading_system.core_ai.inference.strategies.script import AT_ONCE, scripted
from trading_system.data_pipeline.leaks.search import STREAMED, search, worlds_of
from trading_system.errors import ConfigurationError

BARS = columns_of(bars_of(300, seed=8))

HONEST = """
WINDOW = 20
PARAMETERS = {"stretch": 2.0}

def view(bars, stretch):
    away = bars.close[:, -1] - bars.close.mean(axis=-1)
    return 0.5 - 0.05 * np.clip(away / (stretch * bars.close.std(axis=-1) + 1.0), -1.0, 1.0)
"""


@pytest.fixture
def written(tmp_path):
    """Return a maker: the path of a script with this text."""

    def write(text):
        path = tmp_path / "own.py"
        path.write_text("import numpy as np\n" + text)
        return path

    return write


def leaks_of(path, cuts=25):
    return search(BARS, [script_probe(path)], cuts=cuts, seed=4).leaks


def test_a_script_that_looks_at_its_windows_is_clean(written):
    """And what it is asked is what a back-test asks, with the same bits."""
    path = written(HONEST)
    verdict = search(BARS, [script_probe(path)], cuts=25, seed=4)
    assert (verdict.leaks, verdict.untested) == ((), ())
    (answer,) = script_probe(path).ask(worlds_of(BARS, 4)["as it is"])
    belief, _ = scripted(path, {})
    assert answer.values[:, 0].tobytes() == belief.odds(BARS).tobytes()


def test_a_script_may_look_at_more_than_one_call_holds(written):
    """Its windows are shown in parts, as in a back-test."""
    width = AT_ONCE // 100
    path = written(f"WINDOW = {width}\ndef view(bars):\n    return 0.5 + 0 * bars.close[:, -1]\n")
    long = columns_of(bars_of(width + 250, seed=8, interval_ns=60_000_000_000))
    (answer,) = script_probe(path).ask(worlds_of(long, 4)["as it is"])
    assert np.isnan(answer.values[:, 0]).sum() == width - 1
    assert set(answer.values[width - 1 :, 0].tolist()) == {0.5}


@pytest.mark.parametrize(
    "view",
    [
        "np.where(np.append(bars.close[1:, -1], 0.0) > bars.close[:, -1], 0.6, 0.4)",
        "0.5 + 0.1 * (bars.close[:, -1] > bars.close.mean())",
        "0.5 + 0.1 * (np.arange(len(bars.close)) % 250 == 249) * (len(bars.close) > 250)",
    ],
    ids=["the next window's close", "a mean over all windows", "one window in 250"],
)
def test_a_script_that_looks_at_other_windows_is_caught(written, view):
    """The last of them escapes what a back-test asks again: only eight windows of each call are."""
    leaks = leaks_of(written(f"WINDOW = 5\ndef view(bars):\n    return {view}\n"))
    assert {leak.name for leak in leaks} == {"view"}
    assert STREAMED in {leak.future for leak in leaks}


def test_what_a_script_keeps_cannot_answer_for_what_it_was_not_shown(written):
    """It is loaded anew for each question, so that its memory of the first is gone."""
    path = written(
        "WINDOW = 1\nKEPT = {}\ndef view(bars):\n"
        "    later = np.append(bars.close[1:, -1], 0.0) > bars.close[:, -1]\n"
        "    for at, up in zip(bars.close_ns[:, -1].tolist(), later.tolist()):\n"
        "        KEPT.setdefault(at, up)\n"
        "    return np.array([0.5 + 0.1 * KEPT[at] for at in bars.close_ns[:, -1].tolist()])\n"
    )
    assert {leak.future for leak in leaks_of(path)} > {STREAMED}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def view(bars):\n    return 0.5\n", "WINDOW"),
        ("WINDOW = 3\ndef view(bars):\n    return bars.nothing\n", r"own\.py, line 4: view\(\) failed: AttributeError"),
        ("WINDOW = 3\ndef view(bars):\n    return bars.close\n", r"answered with shape \(298, 3\) to 298 windows"),
    ],
)
def test_a_mistake_is_told_with_where_it_is(written, text, said):
    """As everywhere with files of the user's: the file, and the line where there is one."""
    with pytest.raises(ConfigurationError, match=said):
        leaks_of(written(text))
