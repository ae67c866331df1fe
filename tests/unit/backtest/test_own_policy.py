"""A policy of the user's own: loaded with its numbers, or refused with one message that says what to do."""

from pathlib import Path
from typing import Final

import pytest

from trading_system.backtest.asked import Asked, assignments_of, strategies_of
from trading_system.backtest.choice_table import CHOICES
from trading_system.backtest.figures import policy_of
from trading_system.backtest.own_policy import blamed_on, compiling, load_policy, reason_of
from trading_system.backtest.study import Source, Study, study_of
from trading_system.blotter.state import Policy
from trading_system.errors import ConfigurationError, DataError

STEADY: Final = Path(__file__).resolve().parents[3] / "examples/policies/steady.py"

OURS: Final = """
from trading_system.desk.decide import decide as ours

def decide(account, sleeve, bar, view, policy):
    return ours(account, sleeve, bar, view, policy)
"""


def study(path: Path, *sets: str) -> Study:
    asked = Asked(strategies=strategies_of(["sma_cross"]), sets=assignments_of(sets))
    return study_of(asked, [Source("BTCUSDT", "bars.csv")], load_policy(path))


def written(tmp_path: Path, old: str, new: str) -> Path:
    """Return a copy of the example in which `old` is `new`."""
    text = STEADY.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "mine.py"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def test_its_numbers_take_the_place_of_ours() -> None:
    """They are set under their own names, and ours of a policy are no choices any more."""
    made = study(STEADY, "lots=7", "sure=0.6")
    assert tuple(policy_of(made, made.sleeves[0])) == (7, 0.6, 0.0, 0.01)
    assert made.config()["policy"] == {
        "lots": 7, "sure": 0.6, "stop_slack": 0.0, "cash_buffer": 0.01, "file": str(STEADY),
    }  # fmt: skip
    with pytest.raises(ConfigurationError, match="there is no choice 'atr_stop'"):
        study(STEADY, "atr_stop=3")


def test_a_number_without_a_default_gets_ours_or_must_be_set(tmp_path: Path) -> None:
    """`stop_slack` is one of ours, `lots` is not."""
    told = "lots: int = 100\n    sure: float = 0.54\n    stop_slack: float = 0.0\n"
    bare = written(tmp_path, told, "lots: int\n    sure: float\n    stop_slack: float\n")
    with pytest.raises(ConfigurationError, match="lots must be set"):
        study(bare, "sure=0.6")
    made = study(bare, "sure=0.6", "lots=3")
    assert made.of("stop_slack") == CHOICES["stop_slack"].default
    with pytest.raises(ConfigurationError, match="lots must be a whole number"):
        study(bare, "sure=0.6", "lots=3.5")


def test_a_file_without_numbers_of_its_own_is_set_like_ours(tmp_path: Path) -> None:
    path = tmp_path / "ours.py"
    path.write_text(OURS, encoding="utf-8")
    made = study(path, "atr_stop=7")
    found = policy_of(made, made.sleeves[0])
    assert isinstance(found, Policy)
    assert found.atr_stop == 7.0


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("def decide(", "def decided(", r"mine.py: define a function decide\(account"),
        ("    lots: int = 100\n", "    lots: str = 'x'\n", "must be a NamedTuple of ints and floats"),
        ("sure: float = 0.54", "sure: float = float('inf')", "the default of sure must be a number, not inf"),
        ("    cash_buffer: float = 0.01\n", "", "lacks the fields cash_buffer"),
        ("    sure: float", "    spread_bps: float", "call the field spread_bps otherwise"),
        ("import kernel", "import kernels", "line 10: cannot be run: ImportError"),
        ("    held = held_lots(sleeve)\n", "    held = = 1\n", "line 25: cannot be run: SyntaxError"),
        ("        denied=0,\n", "", "line 28: Step needs every field.*missing: denied"),
        (
            "            take_ticks=0,\n            bars_held=0,\n",
            "",
            "SleeveCarried needs every.*take_ticks, bars_held",
        ),
    ],
)
def test_a_file_that_cannot_be_a_policy_is_refused_with_what_to_do(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        study(written(tmp_path, old, new))


def test_what_is_missing_is_no_policy(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nope.py: cannot be read"):
        load_policy(tmp_path / "nope.py")


def test_the_compilers_innermost_reason_is_told_on_one_line() -> None:
    """numba tells it last, behind every function on the way, each with a step's name."""
    long = (
        "Failed in nopython mode pipeline (step: nopython frontend)\nNo implementation of function f\n"
        " Rejected\n  TypingError: Failed in nopython mode pipeline (step: nopython frontend)\n"
        "  Cannot unify int64\n  and str\n\n  During: typing of assignment\n During: something else\n"
    )
    assert reason_of(ValueError(long)) == "ValueError: Cannot unify int64 and str"
    assert reason_of(IndexError("tuple index out of range")) == "IndexError: tuple index out of range"


def test_only_a_users_policy_is_to_blame_and_only_for_what_is_not_told_already() -> None:
    """Without one a compiler's error is our own bug, and keeps its traceback."""
    own = load_policy(STEADY)
    with pytest.raises(IndexError), compiling(None):
        raise IndexError
    with (
        pytest.raises(ConfigurationError, match=r"steady.py: decide\(\) runs as Python and cannot be compiled"),
        compiling(own),
    ):
        raise IndexError
    with pytest.raises(DataError), compiling(own):
        raise DataError("a bar is bad")
    with pytest.raises(DataError), blamed_on(STEADY, "failed"):
        raise DataError("a bar is bad")
