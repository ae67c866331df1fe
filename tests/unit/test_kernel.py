"""One decision at two speeds: what marking, compiling and keeping machine code promise."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from trading_system.kernel import compiled, fingerprint, kernel, routine, swapped

SOURCE = """
from typing import NamedTuple
from trading_system.kernel import kernel

FACTOR = 3

class Pair(NamedTuple):
    first: int
    second: int

@kernel
def inner(pair):
    return pair.first // pair.second * FACTOR

@kernel
def outer(first, second):
    return inner(Pair(first=first, second=second))

@kernel
def stranger(x):
    return x
"""
CALLER = """
from parts import Pair, inner

def outer(first, second):
    return inner(Pair(first=first, second=second))
"""
RUN = """
import sys
sys.path.insert(0, sys.argv[1])
import rules
from trading_system.kernel import compiled
fast = compiled(rules.outer)
assert compiled(rules.outer) is fast
assert fast(-7, 2) == rules.outer(-7, 2)
print(sum(fast.stats.cache_hits.values()), sum(fast.stats.cache_misses.values()), fast(-7, 2))
"""


def load(folder: Path, source: str) -> ModuleType:
    """Return `source` as a fresh module."""
    path = folder / "rules.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location("rules", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def python(code: str, *arguments: str, cache: Path | None = None) -> str:
    """Return what a fresh interpreter prints for `code`."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)} if cache else dict(os.environ)
    command = [sys.executable, "-B", "-c", code, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def test_marking_changes_nothing() -> None:
    """The same function comes back."""

    def plain(x: int) -> int:
        return x

    assert kernel(plain) is plain


def test_marking_to_be_called_changes_nothing_either() -> None:
    """The same function comes back."""

    def plain(x: int) -> int:
        return x

    assert routine(plain) is plain


def test_trading_live_never_loads_numba() -> None:
    """Importing the decision costs milliseconds, not a compiler."""
    loaded = python("import sys, trading_system.desk.decide; print('numba' in sys.modules)")
    assert loaded == "False"


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("// pair.second", "// pair.first"),
        ("FACTOR = 3", "FACTOR = 4"),
        ("first: int\n    second: int", "second: int\n    first: int"),
        ("first: int", "first: float"),
    ],
)
def test_a_fingerprint_sees_every_edit_that_machine_code_would_hide(tmp_path: Path, was: str, becomes: str) -> None:
    """A callee, a constant, the order or the kind of a NamedTuple's fields."""
    before = fingerprint(load(tmp_path, SOURCE).outer)
    assert was in SOURCE
    assert fingerprint(load(tmp_path, SOURCE.replace(was, becomes)).outer) != before


def test_a_fingerprint_does_not_see_what_the_function_does_not_use(tmp_path: Path) -> None:
    """Else every edit anywhere would compile everything again."""
    before = fingerprint(load(tmp_path, SOURCE).outer)
    assert fingerprint(load(tmp_path, SOURCE.replace("return x", "return -x")).outer) == before


def test_a_fingerprint_sees_in_which_module_a_function_stands(tmp_path: Path) -> None:
    """Kept machine code names it: the same function out of a user's file that changed elsewhere is another one."""
    parts = load(tmp_path, SOURCE)
    before = fingerprint(parts.outer)
    parts.inner.__module__ = "elsewhere"
    assert fingerprint(parts.outer) != before


@pytest.mark.parametrize(
    "becomes", ["LIMITS = np.array([3, 5])", "LIMITS = np.array([3.0, 4.0])", "STEP = np.int64(2)"]
)
def test_a_fingerprint_sees_numbers_of_another_module_and_of_arrays(tmp_path: Path, becomes: str) -> None:
    """They are frozen into machine code like any constant, wherever they stand."""

    def told(numbers: str) -> str:
        numbers_of = ModuleType("numbers_of")
        exec(numbers, numbers_of.__dict__)
        rules = load(tmp_path, "def outer(x):\n    return numbers_of.LIMITS[0] * numbers_of.STEP + x\n")
        vars(rules)["numbers_of"] = numbers_of
        return fingerprint(rules.outer)

    before = "import numpy as np\nLIMITS = np.array([3, 4])\nSTEP = np.int64(1)\nUNUSED = 1\n"
    assert told(before) == told(before + "UNUSED = 2\n")
    assert told(before) != told(before + becomes)


def test_machine_code_is_kept_and_forgotten_with_the_source_of_a_callee(tmp_path: Path) -> None:
    """Compiled once, loaded by the next process, compiled anew after an edit in a file that numba does not watch."""
    (tmp_path / "parts.py").write_text(SOURCE)
    (tmp_path / "rules.py").write_text(CALLER)
    cache = tmp_path / "cache"
    assert python(RUN, str(tmp_path), cache=cache) == "0 1 -12"
    assert python(RUN, str(tmp_path), cache=cache) == "1 0 -12"
    (tmp_path / "parts.py").write_text(SOURCE.replace("FACTOR = 3", "FACTOR = 5"))
    assert python(RUN, str(tmp_path), cache=cache) == "0 1 -20"


def test_without_a_folder_of_our_own_it_is_compiled_all_the_same(tmp_path: Path) -> None:
    """As in a read-only container: here a file stands where the folder should be. Nothing is left beside the source."""
    (tmp_path / "rules.py").write_text(SOURCE)
    (tmp_path / "cache").write_text("")
    assert python(RUN, str(tmp_path), cache=tmp_path / "cache") == "0 1 -12"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "rules.py"]


# --- other functions in the place of ours -------------------------------------------------------------

BASE = 10


@kernel
def leaf(x: int) -> int:
    """Return what is to be replaced."""
    return x + BASE


@kernel
def stem(x: int) -> int:
    """Call the leaf."""
    return leaf(x) * 2


@routine
def trunk(x: int) -> int:
    """Call the stem, and the leaf beside it."""
    return stem(x) + leaf(x)


@kernel
def bare(x: int) -> int:
    """Call nothing."""
    return x


@kernel
def other(x: int) -> int:
    """Return what is put in the leaf's place."""
    return -x


def test_a_function_is_replaced_however_deep_it_is_called_and_the_originals_stay() -> None:
    """(3 + 10) x 2 + 13 becomes -3 x 2 - 3."""
    grafted = swapped(trunk, {leaf: other})
    assert (grafted(3), trunk(3), stem(3), leaf(3)) == (-9, 39, 26, 13)


def test_what_calls_none_of_the_replaced_stays_the_same_function() -> None:
    """Only what lies on the way is made anew; and the root itself may be replaced."""
    assert swapped(bare, {leaf: other}) is bare
    assert swapped(trunk, {}) is trunk
    assert swapped(leaf, {leaf: other}) is other


def test_the_same_replacement_gives_the_same_function() -> None:
    """So that it is compiled once."""
    assert swapped(trunk, {leaf: other}) is swapped(trunk, {leaf: other})
    assert swapped(trunk, {leaf: other}) is not swapped(trunk, {leaf: bare})


def test_a_function_grafted_is_told_from_the_original_by_its_fingerprint() -> None:
    """Else the machine code of one would run in the place of the other."""
    prints = {fingerprint(trunk), *(fingerprint(swapped(trunk, {leaf: each})) for each in (other, bare))}
    assert len(prints) == 3


def test_a_function_grafted_compiles_to_the_same_bits() -> None:
    """And the original beside it still to its own."""
    grafted = swapped(trunk, {leaf: other})
    for x in (-7, 0, 3):
        assert (compiled(grafted)(x), compiled(trunk)(x)) == (grafted(x), trunk(x))
