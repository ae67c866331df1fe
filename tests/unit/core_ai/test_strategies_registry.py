"""The registry: what may be set, what is refused, and that the docs' table is this one."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from trading_system.core_ai.inference.strategies.registry import STRATEGIES, make
from trading_system.errors import ConfigurationError

PAGE = Path(__file__).resolve().parents[3] / "docs" / "strategies.md"


def test_numbers_may_be_given_as_text_or_as_they_are():
    """The command line has only text; a configuration file has numbers."""
    told = make("sma_cross", {"fast": "5", "slow": 20.0, "reach": "1", "wait_for_cross": "Yes"})
    same = make("sma_cross", {"fast": 5, "slow": 20, "reach": 1.0, "wait_for_cross": True})
    assert told.parameters == same.parameters
    assert told.views == same.views


def test_a_strategy_tells_every_parameter_that_it_runs_with():
    """Those left at their default too: a report without them could not be repeated."""
    assert dict(make("sma_cross", {"fast": 5}).parameters) == {
        "fast": 5, "slow": 50, "wait_for_cross": False,
        "conviction": 0.55, "reach": 2.0, "atr": 14, "horizon": 1, "restart_on_gap": False,
    }  # fmt: skip


@pytest.mark.parametrize("kind", STRATEGIES.values(), ids=lambda kind: kind.name)
def test_every_default_is_one_that_could_have_been_set(kind):
    """In its own range and of its own kind; and every number has a range."""
    for parameter in kind.parameters:
        assert parameter.help
        if parameter.default is not None:
            assert parameter.read(str(parameter.default)) == parameter.default
        assert bool(parameter.range) is parameter.kind.endswith("number")


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        (
            "smacross",
            {},
            r"there is no strategy 'smacross'; did you mean sma_cross\? There are: sma_cross, ema_",
        ),
        ("sma_cross", {"fats": 3}, r"there is no parameter 'fats'; did you mean fast\? There are: fast, slow, "),
        ("sma_cross", {"x": 3}, "there is no parameter 'x'; there are: fast, slow, "),
        ("sma_cross", {"fast": "ten"}, "fast must be a whole number 1..100000, not 'ten'"),
        ("sma_cross", {"fast": "1.5"}, "fast must be a whole number 1..100000, not '1.5'"),
        ("sma_cross", {"fast": 1.5}, "fast must be a whole number 1..100000, not 1.5"),
        ("sma_cross", {"fast": True}, "fast must be a whole number 1..100000, not True"),
        ("sma_cross", {"fast": 0}, "fast must be a whole number 1..100000, not 0"),
        ("sma_cross", {"fast": float("inf")}, "fast must be a whole number 1..100000, not inf"),
        ("sma_cross", {"fast": 50}, r"fast \(50\) must be less than slow \(50\)"),
        ("donchian", {"exit": 21}, r"exit \(21\) must not be greater than entry \(20\)"),
        ("sma_cross", {"reach": "nan"}, "reach must be a number 0.01..1000, not 'nan'"),
        ("sma_cross", {"conviction": 0.4}, "conviction must be a number 0.5..1, not 0.4"),
        ("sma_cross", {"restart_on_gap": "maybe"}, "restart_on_gap must be a yes or no, not 'maybe'"),
        ("script", {}, "file must be set: path of the Python file"),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_could(name, given, says):
    """The message names the strategy, the key, and what there is instead."""
    with pytest.raises(ConfigurationError, match=says) as refused:
        make(name, given)
    assert name in str(refused.value)


def test_the_page_lists_the_strategies_and_parameters_of_the_registry():
    """Each row of both tables, in order, and none besides."""
    rows = [
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if re.match(r"\| `", line)
    ]
    kinds = [(f"`{kind.name}`", kind.summary) for kind in STRATEGIES.values()]
    common = STRATEGIES["buy_and_hold"].parameters
    told = [
        (f"`{kind.name}`", f"`{p.name}`", "" if p.default is None else str(p.default), p.range or p.kind, p.help)
        for kind in STRATEGIES.values()
        for p in kind.parameters
        if p not in common
    ]
    every = [(f"`{p.name}`", str(p.default), p.range or p.kind, p.help) for p in common]
    assert rows == [*kinds, *told, *every]


def test_listing_strategies_loads_no_compiler():
    """A command that only prints them starts at once."""
    code = "import sys, trading_system.core_ai.inference.strategies.registry; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"
