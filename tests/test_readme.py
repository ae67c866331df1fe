"""README: every command it shows exists, and every page it points to stands."""

import re
import shlex
import subprocess
from pathlib import Path
from typing import Final

import pytest

from trading_system.__main__ import main

ROOT: Final = Path(__file__).resolve().parent.parent
PAGES: Final = sorted(path for path in ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md"))


def commands(page: Path) -> list[str]:
    """Return the commands in the console blocks of `page`, without comments; where some bear a `$`, only those."""
    blocks = re.findall(r"^```console\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in typed(block)]
    return [line for line in (line.split(" #")[0].strip() for line in lines) if line]


def typed(block: str) -> list[str]:
    """Return the lines of a console block that a person types; the others are what the program says."""
    lines = block.replace("\\\n", " ").splitlines()
    prompted = [line[2:] for line in lines if line.startswith("$ ")]
    return prompted or lines


def links(page: Path) -> list[str]:
    """Return the targets of the links and pictures of `page` that lead into the repository."""
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    return [target.split("#")[0] for target in targets if "://" not in target and not target.startswith("#")]


SHOWN: Final = [(page, command) for page in PAGES for command in commands(page)]


def test_the_readme_shows_the_two_commands():
    """A stranger finds them in the README, in this order."""
    assert commands(ROOT / "README.md")[:2] == ["make demo", "make test"]


@pytest.mark.parametrize(
    "command", sorted({command for _, command in SHOWN if command.startswith("make ")}), ids=lambda c: c[:40]
)
def test_a_make_command_that_is_shown_has_its_target(command):
    """`make -n` resolves the target and its needs and runs nothing."""
    done = subprocess.run(
        [*shlex.split(command), "-n"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "command", sorted({command for _, command in SHOWN if command.startswith("trading-system ")}), ids=lambda c: c[:60]
)
def test_a_verb_that_is_shown_knows_the_options_it_is_shown_with(command, capsys):
    """Its help names each of them; the verb itself is run elsewhere."""
    words = shlex.split(command)[1:]
    options = [word.split("=")[0] for word in words if word.startswith("--")]
    verbs = words[: words.index(options[0])] if options else words
    while verbs and not verbs[-1].islower():
        verbs.pop()  # a placeholder like ORDER
    assert main([*verbs, "--help"]) == 0
    told = capsys.readouterr().out
    assert not [option for option in options if option not in told]


def test_every_command_that_is_shown_is_checked_here():
    """A console block holds only commands that the tests above know how to check."""
    assert not [command for _, command in SHOWN if command.split()[0] not in {"make", "trading-system"}]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_page_that_is_pointed_to_stands(page):
    """Links inside the repository lead somewhere."""
    assert not [target for target in links(page) if not (page.parent / target).exists()]


def test_every_decision_is_listed():
    """The list of decisions names every page of the folder."""
    folder = ROOT / "docs/decisions"
    listed = set(links(folder / "README.md"))
    assert {path.name for path in folder.glob("0*.md")} <= listed
