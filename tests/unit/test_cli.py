"""The command line: quick to start, clear when it refuses, and never a traceback for bad input."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import click
import pytest

from trading_system import __main__ as front
from trading_system import __version__
from trading_system.cli import VERBS, root
from trading_system.errors import ConfigurationError, JournalBroken, OutcomeUnknown

pytestmark = pytest.mark.usefixtures("bare_environment")

ROOT: Final = Path(__file__).resolve().parents[2]
HEAVY: Final = ("aiohttp", "asyncio", "numba", "numpy", "onnxruntime", "plotly", "polars", "pydantic", "torch", "yaml")


class Told(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


Run = Callable[..., Told]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the program's front door on some arguments."""

    def told(*arguments: str) -> Told:
        code = front.main(arguments)
        return Told(code, *capsys.readouterr())

    return told


def test_help_lists_the_verbs_and_loads_nothing_heavy():
    """Help must feel instant; what it would have to import is what takes the time."""
    script = (
        "import sys; from trading_system.__main__ import main; code = main(['--help']);"
        f"print('loaded:', *sorted(set(sys.modules) & {set(HEAVY)!r})); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    listed = [verb for verb in VERBS if f"\n  {verb} " in done.stdout]
    assert listed == root.list_commands(click.Context(root))
    assert "config" in listed
    assert done.stdout.splitlines()[-1] == "loaded:"


def test_every_verb_loads_and_explains_itself(capsys):
    """A verb of the table that does not load would be found by a user, not by us."""
    for verb in root.list_commands(click.Context(root)):
        assert front.main([verb, "--help"]) == 0
        assert f"Usage: trading-system {verb}" in capsys.readouterr().out


def test_the_version_is_told():
    """Run as a user does, in a process of its own: the exit code reaches the shell."""
    command = [sys.executable, "-m", "trading_system"]
    done = subprocess.run([*command, "--version"], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, f"trading-system {__version__}\n")
    done = subprocess.run([*command, "nope"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nope"], "No such command 'nope'"),
        (["config", "show", "--nope"], "No such option"),
        (["config", "show", "--env", "nope"], "config/env/nope.yaml"),
        (
            ["config", "show", "--set", "risk.max_drawdown=7"],
            "risk.max_drawdown = 7 (command line): expected less than 1",
        ),
    ],
)
def test_bad_input_ends_in_one_message_and_exit_code_2(run, arguments, words):
    """A traceback would be an exception here."""
    told = run(*arguments)
    assert (told.code, told.out) == (2, "")
    assert words in told.err


def test_config_show_prints_each_value_with_its_source(run, monkeypatch):
    monkeypatch.setenv("TRADING_POLICY__ATR_STOP", "2.5")
    monkeypatch.setenv("TRADING_SECRETS__API_KEY", "not-to-be-seen")
    out = run("config", "show", "--set", "risk.max_drawdown=0.1").out
    rows = {line.split()[0]: line.split(maxsplit=2)[1:] for line in out.splitlines()}
    assert rows["risk.max_drawdown"] == ["0.1", "command line"]
    assert rows["policy.atr_stop"] == ["2.5", "environment TRADING_POLICY__ATR_STOP"]
    assert rows["secrets.api_key"] == ["********", "environment TRADING_SECRETS__API_KEY"]
    assert rows["mode"] == ["paper", "default"]
    assert "not-to-be-seen" not in out


def test_config_show_tells_programs_the_same(run):
    told = json.loads(run("config", "show", "--json", "--set", "venue.symbols=A1,B2").out)
    assert told["venue.symbols"] == {"value": ["A1", "B2"], "source": "command line"}


def test_the_page_of_settings_is_what_the_settings_say(run):
    """After a change: `trading-system config describe > docs/settings.md`."""
    assert (ROOT / "docs/settings.md").read_text(encoding="utf-8") == run("config", "describe").out


def verb_that_raises(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (ConfigurationError("the key is wrong"), 2, "Error: the key is wrong\n"),
        (OutcomeUnknown("no answer"), 2, "Error: no answer\n"),
        (FileNotFoundError(2, "No such file or directory", "bars.parquet"), 2, "Error: bars.parquet: No such file"),
        (JournalBroken("row 7 does not verify"), 3, "Stopped: row 7 does not verify\nThis is a bug of ours."),
        (ExceptionGroup("tasks", [ExceptionGroup("more", [OutcomeUnknown("no answer")])]), 2, "Error: no answer\n"),
        (ExceptionGroup("tasks", [OutcomeUnknown("no answer"), JournalBroken("broken")]), 3, "Stopped: broken\n"),
        (KeyboardInterrupt(), 130, "Interrupted.\n"),
    ],
)
def test_what_goes_wrong_becomes_one_message_and_its_exit_code(capsys, error, code, words):
    """2: it cannot be done as asked. 3: our own bug. 130: the user's own interrupt."""
    assert front.answer_of(verb_that_raises(error)) == code
    told = capsys.readouterr()
    assert words in told.err
    assert told.out == ""


@pytest.mark.parametrize("error", [ZeroDivisionError(), ExceptionGroup("tasks", [ZeroDivisionError()])])
def test_a_bug_nobody_foresaw_keeps_its_traceback(error):
    """Hiding it would hide where it happened."""
    with pytest.raises(type(error)):
        front.answer_of(verb_that_raises(error))
