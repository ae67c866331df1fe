"""`models` at the command line: what it says, what it writes, and how it refuses."""

import json
import shutil
from pathlib import Path

import pytest
from tests.unit.cli.market_files import Run

from trading_system.core_ai.inference.manifest import DEMO_MODEL, read

pytestmark = pytest.mark.usefixtures("bare_environment")

NAME = read(DEMO_MODEL).manifest.name


@pytest.fixture
def own(run: Run) -> tuple[Path, Path]:
    """A copy of the model that ships, signed with a new key; its folder and the key's file."""
    folder, key = Path("own"), Path("keys/models")
    shutil.copytree(DEMO_MODEL, folder)
    assert run("models", "keygen", "--out", key).code == 0
    assert run("models", "sign", folder, "--key", key).code == 0
    return folder, key


def trusting(key: Path) -> tuple[str, ...]:
    return "--set", f"model.trusted_keys={key}.pub"


def test_from_a_folder_to_the_champion_and_back(run: Run, own: tuple[Path, Path]) -> None:
    """Add, promote, list, verify, tell the history: the champion is marked, and who, when and why are kept."""
    folder, key = own
    assert f"{NAME} is in" in run("models", "add", folder).out
    told = run("models", "promote", NAME, "--reason", "the first", "--who", "ann", *trusting(key))
    assert f"{NAME} is the champion" in told.out
    assert run("models", "ls").out.startswith(f"* {NAME}  BTCUSDT 15m")
    assert "it may trade play money" in run("models", "verify", "champion", *trusting(key)).out
    (change,) = json.loads(run("models", "history", "--json").out)
    assert (change["who"], change["did"], change["reason"]) == ("ann", "promote", "the first")
    refused = run("models", "rollback", "--reason", "worse", *trusting(key))
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "no champion before this one" in refused.err


def test_real_money_follows_only_a_trusted_key(run: Run, own: tuple[Path, Path]) -> None:
    """The same model, by who signed it and what is at stake."""
    folder, key = own
    live = "--set", "venue.environment=live"
    assert "it may trade real money" in run("models", "verify", folder, *live, *trusting(key)).out
    for arguments, words in (
        ((folder, *live), "is not among model.trusted_keys"),
        (("demo", *live), "is signed by the demo key"),
        (("demo", "--set", "mode=live"), "is signed by the demo key"),
    ):
        told = run("models", "verify", *arguments)
        assert told.code == 2
        assert words in told.err
    (folder / "manifest.sig").unlink()
    told = run("models", "verify", folder, *live, *trusting(key), "--set", "model.allow_unsigned=true")
    assert told.code == 2
    assert "is not signed: real money needs" in told.err


def test_an_unsigned_model_needs_to_be_allowed(run: Run, own: tuple[Path, Path]) -> None:
    """Play money may follow it where the settings say so, and the refusal tells how."""
    folder, _ = own
    (folder / "manifest.sig").unlink()
    assert "model.allow_unsigned=true" in run("models", "verify", folder).err
    assert (
        "not signed; it may trade play money"
        in run("models", "verify", folder, "--set", "model.allow_unsigned=true").out
    )


def test_what_does_not_verify_is_not_promoted(run: Run, own: tuple[Path, Path]) -> None:
    """Neither an unknown signature nor a broken file becomes champion."""
    folder, key = own
    run("models", "add", folder)
    told = run("models", "promote", NAME, "--reason", "x")
    assert (told.code, "is not among model.trusted_keys" in told.err) == (2, True)
    (Path("runs/models") / NAME / "model.onnx").write_bytes(b"")
    told = run("models", "promote", NAME, "--reason", "x", *trusting(key))
    assert (told.code, "sha256 of model.onnx does not hold" in told.err) == (2, True)
    listed = run("models", "ls", "--json")
    assert listed.code == 2
    assert json.loads(listed.out)["champion"] == ""
    assert "sha256 of model.onnx" in json.loads(listed.out)["models"][0]["wrong"]


def test_a_program_reads_what_verify_says(run: Run, own: tuple[Path, Path]) -> None:
    """One JSON object, whether it holds or not; the exit code says the same."""
    held = run("models", "verify", "demo", "--json")
    assert (held.code, json.loads(held.out)["holds"], json.loads(held.out)["model"]) == (0, True, NAME)
    (own[0] / "more.txt").write_text("x")
    broken = run("models", "verify", own[0], "--json")
    assert (broken.code, json.loads(broken.out)["holds"]) == (2, False)
    assert "'more.txt' is not in its manifest" in json.loads(broken.out)["why"]


def test_show_and_card_tell_of_the_model_that_ships(run: Run) -> None:
    """For people, for programs, and as a page; a page is not written into a model's folder."""
    assert NAME in run("models", "show", "demo").out
    assert run("models", "show", "demo", "--json").out.encode() == (DEMO_MODEL / "manifest.json").read_bytes()
    assert run("models", "card", "demo").out.startswith(f"# {NAME}\n")
    assert run("models", "card", "demo", "--out", "card.md").code == 0
    assert Path("card.md").read_text().startswith(f"# {NAME}\n")
    shutil.copytree(DEMO_MODEL, "mine")
    told = run("models", "card", "mine", "--out", "mine/card.md")
    assert told.code == 2
    assert not Path("mine/card.md").exists()


def test_a_key_is_written_once_and_for_its_owner(run: Run) -> None:
    """Mode 0600; a second time it is refused; the digits are those of the public file."""
    told = json.loads(run("models", "keygen", "--out", "key", "--json").out)
    assert Path("key").stat().st_mode & 0o777 == 0o600
    assert len(told["public"]) == 64
    again = run("models", "keygen", "--out", "key")
    assert (again.code, "never overwritten" in again.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("show", "nowhere"), "nowhere/manifest.json: cannot be read"),
        (("verify", "champion"), "has no champion yet"),
        (("promote", "nowhere", "--reason", "x"), "is no name of a model"),
        (("promote", NAME), "--reason"),
        (("sign", "demo", "--key", "none"), "none: this key cannot be read"),
        (("add", "nowhere"), "nowhere/manifest.json: cannot be read"),
        (("ls", "--set", "model.colour=red"), "colour"),
        (("verify", "demo", "--set", "model.trusted_keys=none"), "none: this key cannot be read"),
        (("card",), "MODEL"),
        (("sing",), "sing"),
    ],
)
def test_bad_input_is_told_in_one_message(run: Run, arguments: tuple[str, ...], words: str) -> None:
    """Exit code 2, what is wrong in words, no traceback."""
    told = run("models", *arguments)
    assert told.code == 2
    assert words in told.err
    assert "Traceback" not in told.err


@pytest.mark.parametrize(
    "verb", ["ls", "show", "verify", "add", "promote", "rollback", "history", "card", "keygen", "sign"]
)
def test_every_verb_has_an_example(run: Run, verb: str) -> None:
    """`--help` shows how it is used."""
    assert "Example: trading-system models" in run("models", verb, "--help").out
