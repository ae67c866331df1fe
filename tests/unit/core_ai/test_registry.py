"""The registry: one champion, a history that says who, when and why, and nothing half done that anyone would trade."""

import json
import shutil
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trading_system.core_ai.inference import registry
from trading_system.core_ai.inference.manifest import DEMO_MODEL, Artefact, read, save, sign
from trading_system.core_ai.inference.signing import private_key
from trading_system.errors import ConfigurationError

NOW_NS = 1_700_000_000_000_000_000


def model(folder: Path, seed: int) -> str:
    """Write the model that ships as if made with `seed`, signed with the demo key; return its name."""
    told = read(DEMO_MODEL)
    others = {name: content for name, content in told.files.items() if name != "model.onnx"}
    manifest = save(folder, told.model, msgspec.structs.replace(told.manifest, seed=seed), others=others)
    sign(folder, private_key("demo"))
    return manifest.name


def anyone(artefact: Artefact) -> None:
    """Let any model trade."""


def nobody(artefact: Artefact) -> None:
    """Let no model trade."""
    raise ConfigurationError(f"{artefact.manifest.name} may not trade")


@pytest.fixture(scope="session")
def three(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A registry of three models without a champion, and their names in the order in which they came."""
    folder = tmp_path_factory.mktemp("three")
    names = []
    for seed in (1, 2, 3):
        names.append(model(folder / "made", seed))
        registry.add(folder / "models", folder / "made")
    return folder / "models", names


@pytest.fixture
def kept(three: tuple[Path, list[str]], tmp_path: Path) -> tuple[Path, list[str]]:
    """The same in a folder of the test's own."""
    shutil.copytree(three[0], tmp_path / "models")
    return tmp_path / "models", three[1]


def promote(root: Path, name: str, reason: str = "better") -> registry.Change:
    return registry.promote(root, name, at_ns=NOW_NS, who="ann", reason=reason, admit=anyone)


def rollback(root: Path) -> registry.Change:
    return registry.rollback(root, at_ns=NOW_NS, who="ben", reason="worse after all", admit=anyone)


def champion(root: Path) -> str:
    return registry.champion(root).manifest.name


def test_a_model_is_kept_under_its_own_name(kept: tuple[Path, list[str]]) -> None:
    """What lies in the registry is what was given, every byte of it."""
    root, names = kept
    assert registry.names(root) == sorted(names)
    for name in names:
        assert registry.find(root, name).manifest.name == name
    assert not [path for path in root.iterdir() if path.name.startswith(".adding")]


def test_adding_again_changes_nothing_but_another_signature_is_no_small_thing(
    kept: tuple[Path, list[str]], tmp_path: Path
) -> None:
    """The same files twice are one model; a folder without its signature does not take the signed one's place."""
    root, names = kept
    shutil.copytree(root / names[0], tmp_path / "same")
    assert registry.add(root, tmp_path / "same").manifest.name == names[0]
    (tmp_path / "same" / "manifest.sig").unlink()
    with pytest.raises(ConfigurationError, match=r"has .* already, signed by 0f4f33456305d793 and not by nobody"):
        registry.add(root, tmp_path / "same")
    assert registry.find(root, names[0]).signed_by


def test_what_does_not_hold_is_not_taken_in(tmp_path: Path) -> None:
    """A broken model leaves no trace in the registry."""
    model(tmp_path / "made", 1)
    (tmp_path / "made" / "model.onnx").write_bytes(b"")
    with pytest.raises(ConfigurationError, match=r"sha256 of model\.onnx"):
        registry.add(tmp_path / "models", tmp_path / "made")
    assert registry.names(tmp_path / "models") == []


def test_the_story_of_a_champion(kept: tuple[Path, list[str]]) -> None:
    """Promote a, b, c; go back to b, to a, and no further; every step has its line."""
    root, (a, b, c) = kept
    for name in (a, b, c):
        promote(root, name)
        assert champion(root) == name
    for name in (b, a):
        assert rollback(root).model == name
        assert champion(root) == name
    with pytest.raises(ConfigurationError, match="no champion before this one"):
        rollback(root)
    told = [(change.number, change.did, change.model, change.who) for change in registry.history(root)]
    assert told == [
        (1, "promote", a, "ann"),
        (2, "promote", b, "ann"),
        (3, "promote", c, "ann"),
        (4, "rollback", b, "ben"),
        (5, "rollback", a, "ben"),
    ]
    assert registry.history(root)[0].at == "2023-11-14T22:13:20.000Z"


@given(steps=st.lists(st.sampled_from([0, 1, 2, -1]), max_size=8))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_run_of_changes_does_what_a_stack_does(
    three: tuple[Path, list[str]], tmp_path_factory: pytest.TempPathFactory, steps: list[int]
) -> None:
    """Promotions push, a rollback pops; what is refused changes nothing; each that was done has its line."""
    root, names = tmp_path_factory.mktemp("run") / "models", three[1]
    shutil.copytree(three[0], root)
    stack: list[str] = []
    done = 0
    for step in steps:
        before = list(stack)
        stack = stack[:-1] if step < 0 else [*stack, names[step]]
        if (step < 0 and len(before) < 2) or (before and step >= 0 and before[-1] == names[step]):
            stack = before
            with pytest.raises(ConfigurationError):
                rollback(root) if step < 0 else promote(root, names[step])
        else:
            rollback(root) if step < 0 else promote(root, names[step])
            done += 1
        assert len(registry.history(root)) == done
        if stack:
            assert champion(root) == stack[-1]


def test_lines_are_only_ever_added(kept: tuple[Path, list[str]]) -> None:
    """After each change the history begins with all that it was before."""
    root, names = kept
    before = b""
    for name in (*names, *names):
        promote(root, name)
        after = (root / "history.jsonl").read_bytes()
        assert after.startswith(before)
        assert after.count(b"\n") == before.count(b"\n") + 1
        before = after


def test_a_champion_must_hold_and_be_admitted(kept: tuple[Path, list[str]]) -> None:
    """Neither a broken model nor one that may not trade is promoted, and the champion stays who it was."""
    root, (a, b, c) = kept
    promote(root, a)
    with pytest.raises(ConfigurationError, match="may not trade"):
        registry.promote(root, b, at_ns=NOW_NS, who="ann", reason="better", admit=nobody)
    (root / c / "model.onnx").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="does not hold"):
        promote(root, c)
    assert champion(root) == a
    assert len(registry.history(root)) == 1


@pytest.mark.parametrize("reason", ["", "   ", "two\nlines", "x" * 501])
def test_a_change_needs_a_reason_of_one_line(kept: tuple[Path, list[str]], reason: str) -> None:
    """A history that nobody can read later is none; nothing is written."""
    root, names = kept
    with pytest.raises(ConfigurationError, match="needs who and why"):
        promote(root, names[0], reason)
    assert not registry.named_once(root)


@pytest.mark.parametrize(
    ("name", "words"),
    [("lstm-000000000000", "there is no model lstm-000000000000"), ("../x", "is no name"), ("champion", "is no name")],
)
def test_a_name_that_is_none_is_refused(kept: tuple[Path, list[str]], name: str, words: str) -> None:
    """An unknown one with those that there are; a path is never followed."""
    with pytest.raises(ConfigurationError, match=words):
        promote(kept[0], name)


def test_without_a_champion_nothing_trades(kept: tuple[Path, list[str]], tmp_path: Path) -> None:
    """An empty registry, or one where nobody was promoted yet, says how to name one."""
    for root in (kept[0], tmp_path / "none"):
        with pytest.raises(ConfigurationError, match="has no champion yet"):
            registry.champion(root)


def test_swapped_folders_are_found(kept: tuple[Path, list[str]]) -> None:
    """Two whole, signed models under each other's names."""
    root, (a, b, _) = kept
    promote(root, a)
    (root / a).rename(root / "aside")
    (root / b).rename(root / a)
    (root / "aside").rename(root / b)
    with pytest.raises(ConfigurationError, match=f"in the folder {a} lies the model {b}"):
        registry.champion(root)


def test_a_change_that_was_cut_short_leaves_no_champion(kept: tuple[Path, list[str]]) -> None:
    """Killed after the history and before the champion: the two differ, nobody trades, and promoting again heals it."""
    root, (a, b, _) = kept
    promote(root, a)
    pointer = (root / "champion").read_bytes()
    promote(root, b)
    (root / "champion").write_bytes(pointer)
    with pytest.raises(ConfigurationError, match="differ: a change was cut short"):
        registry.champion(root)
    promote(root, b)
    assert champion(root) == b


@pytest.mark.parametrize(
    "tamper",
    [
        lambda root: (root / "champion").unlink(),
        lambda root: (root / "champion").write_text("lstm-000000000000\n"),
        lambda root: (root / "history.jsonl").unlink(),
        lambda root: (root / "history.jsonl").write_bytes(b""),
        lambda root: (root / "history.jsonl").write_bytes((root / "history.jsonl").read_bytes()[:-9]),
        lambda root: (root / "history.jsonl").write_bytes((root / "history.jsonl").read_bytes().split(b"\n", 1)[1]),
        lambda root: (root / "history.jsonl").write_bytes(
            (root / "history.jsonl").read_bytes().replace(b"ann", b"eve")
        ),
        lambda root: (root / "history.jsonl").write_bytes((root / "history.jsonl").read_bytes() + b"{}\n"),
        lambda root: (root / "history.jsonl").write_bytes(b"\xff\n"),
    ],
    ids=[
        "the champion is gone",
        "the champion is written by hand",
        "the history is gone",
        "the history is empty",
        "the last line is torn",
        "the first line is gone",
        "a name is changed",
        "a line is made up",
        "it is not UTF-8",
    ],
)
def test_a_registry_that_was_changed_by_hand_has_no_champion(kept: tuple[Path, list[str]], tamper) -> None:
    """Whatever is done to pointer or history, starting to trade is refused."""
    root, (a, b, _) = kept
    promote(root, a)
    promote(root, b)
    tamper(root)
    with pytest.raises(ConfigurationError):
        registry.champion(root)


def test_a_model_that_is_not_the_promoted_one_is_refused(kept: tuple[Path, list[str]], tmp_path: Path) -> None:
    """The history binds the whole hash of a manifest, not only the few digits of a name."""
    root, (a, _, _) = kept
    promote(root, a)
    told = json.loads((root / "champion").read_bytes()) | {"manifest_sha256": "0" * 64}
    line = msgspec.json.encode(msgspec.convert(told, registry.Change)) + b"\n"
    (root / "champion").write_bytes(line)
    (root / "history.jsonl").write_bytes(line)
    with pytest.raises(ConfigurationError, match="is not the model that was promoted"):
        registry.champion(root)
