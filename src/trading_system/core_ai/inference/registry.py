"""Models kept in one folder, one of them the champion: what may trade, who decided so, when and why.

    REGISTRY/lstm-0123456789ab/   a model under its own name, as `manifest.read` wants it
    REGISTRY/history.jsonl        one line a change, each with the hash of the line before; lines are only ever added
    REGISTRY/champion             a copy of the history's last line: what is to trade now

The history is written first and the champion after it, each replaced whole. Where the two do not agree, a change was
cut short or somebody wrote by hand: then there is no champion until someone promotes again, with a name and a reason.
"""

import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from trading_system.core_ai.inference.manifest import (
    MANIFEST_FILE,
    SIGNATURE_FILE,
    Artefact,
    read,
    replace_file,
)
from trading_system.core_ai.inference.manifest_form import NO_HASH, Sha256
from trading_system.errors import ConfigurationError
from trading_system.market.timestamps import iso

CHAMPION: Final = "champion"
HISTORY: Final = "history.jsonl"
_LOCK: Final = ".lock"
_NAME: Final = re.compile("[a-z]{1,20}-[0-9a-f]{12}")
_MOST_REASON: Final = 500

Line = Annotated[str, msgspec.Meta(min_length=1, max_length=_MOST_REASON, pattern=r"^[^\x00-\x1f\x7f]*$")]


class Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the history.

    Attributes:
        number: 1 for the first.
        at: When, UTC.
        who: Who did it, as the machine knows them or as they said.
        did: Whether a model was made champion, or the one before it was made so again.
        model: The champion's name from then on.
        manifest_sha256: Hash of its manifest, which binds all of its files.
        reason: Why, in one line.
        before: Hash of the line before; zeros for the first.
    """

    number: int
    at: str
    who: Line
    did: Literal["promote", "rollback"]
    model: str
    manifest_sha256: Sha256
    reason: Line
    before: Sha256


def names(root: Path) -> list[str]:
    """Return the names of the models in the registry `root`, in order; none where there is no such folder."""
    if not root.is_dir():
        return []
    return sorted(entry.name for entry in root.iterdir() if _NAME.fullmatch(entry.name))


def find(root: Path, name: str) -> Artefact:
    """Return the model `name` of the registry `root`, checked.

    Raises:
        ConfigurationError: There is none, it does not hold, or another model lies under its name.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"{name!r} is no name of a model; names look like lstm-0123456789ab")
    if name not in names(root):
        known = ", ".join(names(root)) or "none"
        raise ConfigurationError(f"registry {root}: there is no model {name}; there is: {known}")
    artefact = read(root / name)
    if artefact.manifest.name != name:
        raise ConfigurationError(
            f"registry {root}: in the folder {name} lies the model {artefact.manifest.name}: folders were swapped or "
            "renamed; give each its own name again"
        )
    return artefact


def add(root: Path, folder: Path) -> Artefact:
    """Take the model in `folder` into the registry `root` and return it; adding the same again changes nothing.

    Raises:
        ConfigurationError: It does not hold, or the registry has it with another signature.
    """
    given = read(folder)
    name = given.manifest.name
    with _locked(root):
        if name in names(root):
            there = find(root, name)
            if there.signed_by != given.signed_by:
                raise ConfigurationError(
                    f"registry {root}: has {name} already, signed by {there.signed_by[:16] or 'nobody'} and not by "
                    f"{given.signed_by[:16] or 'nobody'}; sign it there by `models sign {name}`"
                )
            return there
        staged = Path(tempfile.mkdtemp(dir=root, prefix=".adding-"))
        try:
            signature = {SIGNATURE_FILE: given.signature} if given.signature else {}
            for file, content in {**given.files, MANIFEST_FILE: given.content, **signature}.items():
                replace_file(staged / file, content)
            staged.chmod(0o755)
            staged.rename(root / name)
            _settle(root)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
    return find(root, name)


def history(root: Path) -> list[Change]:
    """Return every change of champion in the registry `root`, oldest first.

    Raises:
        ConfigurationError: A line was changed, is missing or is no change.
    """
    return [change for change, _ in _chain(root)]


def named_once(root: Path) -> bool:
    """Return whether the registry `root` ever had a champion."""
    return any((root / name).exists() for name in (HISTORY, CHAMPION))


def champion(root: Path) -> Artefact:
    """Return the champion of the registry `root`, checked.

    Raises:
        ConfigurationError: There is none; it does not hold; it is not the model that was promoted; or the history says
            otherwise.
    """
    chain = _chain(root)
    pointer = _bytes(root / CHAMPION)
    if not chain and not pointer:
        raise ConfigurationError(f"registry {root}: has no champion yet; `models promote NAME --reason WHY` makes one")
    if not chain or chain[-1][1] != pointer:
        raise ConfigurationError(
            f"registry {root}: {CHAMPION} and the last line of {HISTORY} differ: a change was cut short, or one of "
            "them was written by hand; promote the model that is meant again"
        )
    change = chain[-1][0]
    artefact = find(root, change.model)
    _check_same(root, change, artefact)
    return artefact


def promote(root: Path, name: str, *, at_ns: int, who: str, reason: str, admit: Callable[[Artefact], None]) -> Change:
    """Make `name` the champion of the registry `root` and return the history's new line.

    Args:
        at_ns: Now, UTC ns.
        who, reason: One line each, for the history.
        admit: Raises ConfigurationError where the model may not trade.

    Raises:
        ConfigurationError: The model does not hold or may not trade, is the champion already, or `reason` is missing.
    """
    with _locked(root):
        artefact = find(root, name)
        admit(artefact)
        chain = _chain(root)
        if chain and chain[-1][0].model == name and _bytes(root / CHAMPION) == chain[-1][1]:
            raise ConfigurationError(f"registry {root}: {name} is the champion already")
        return _change(root, chain, artefact, did="promote", at_ns=at_ns, who=who, reason=reason)


def rollback(root: Path, *, at_ns: int, who: str, reason: str, admit: Callable[[Artefact], None]) -> Change:
    """Make the champion before this one champion again and return the history's new line.

    Going back twice goes back two promotions.

    Raises:
        ConfigurationError: There is none before it, or it does not hold any more, or may not trade; or as `promote`.
    """
    with _locked(root):
        chain = _chain(root)
        stack = _stack([change for change, _ in chain])
        if len(stack) < 2:
            raise ConfigurationError(f"registry {root}: there is no champion before this one to go back to")
        artefact = find(root, stack[-2].model)
        _check_same(root, stack[-2], artefact)
        admit(artefact)
        return _change(root, chain, artefact, did="rollback", at_ns=at_ns, who=who, reason=reason)


def _stack(changes: Sequence[Change]) -> list[Change]:
    """Return the promotions that were not taken back, oldest first; the last is the champion."""
    stack: list[Change] = []
    for change in changes:
        stack = stack[:-1] if change.did == "rollback" else [*stack, change]
    return stack


def _check_same(root: Path, change: Change, artefact: Artefact) -> None:
    found = hashlib.sha256(artefact.content).hexdigest()
    if found != change.manifest_sha256:
        raise ConfigurationError(
            f"registry {root}: {change.model} is not the model that was promoted on {change.at}: its manifest's hash "
            f"was {change.manifest_sha256[:16]} and is {found[:16]}; restore its folder"
        )


def _change(
    root: Path,
    chain: "Sequence[tuple[Change, bytes]]",
    artefact: Artefact,
    *,
    did: Literal["promote", "rollback"],
    at_ns: int,
    who: str,
    reason: str,
) -> Change:
    lines = [line for _, line in chain]
    told = {
        "number": len(lines) + 1,
        "at": iso(at_ns),
        "who": who.strip(),
        "did": did,
        "model": artefact.manifest.name,
        "manifest_sha256": hashlib.sha256(artefact.content).hexdigest(),
        "reason": reason.strip(),
        "before": hashlib.sha256(lines[-1]).hexdigest() if lines else NO_HASH,
    }
    try:
        change = msgspec.convert(told, Change)
    except msgspec.ValidationError as error:
        raise ConfigurationError(
            f"a change of champion needs who and why, one line of 1 to {_MOST_REASON} characters each: {error}"
        ) from error
    line = msgspec.json.encode(change) + b"\n"
    replace_file(root / HISTORY, b"".join((*lines, line)))
    _settle(root)
    replace_file(root / CHAMPION, line)
    _settle(root)
    return change


def _chain(root: Path) -> list[tuple[Change, bytes]]:
    """Return every change with its line, the chain of hashes checked."""
    before, chain = NO_HASH, list[tuple[Change, bytes]]()
    for number, line in enumerate(_bytes(root / HISTORY).splitlines(keepends=True), start=1):
        try:
            change = msgspec.json.decode(line, type=Change)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{root / HISTORY}: line {number} is no change of champion: {error}") from error
        if (change.number, change.before) != (number, before) or msgspec.json.encode(change) + b"\n" != line:
            raise ConfigurationError(
                f"{root / HISTORY}: line {number} does not follow from the line before it: the history was changed; "
                "restore it from a backup"
            )
        before = hashlib.sha256(line).hexdigest()
        chain.append((change, line))
    return chain


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error


def _settle(folder: Path) -> None:
    """Make what was renamed in `folder` last, whatever happens to the machine."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """Keep other writers out of the registry while inside; they wait."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
