"""Whatever is done to a model's folder, by accident or by someone who can work out hashes, it is refused by name."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import onnx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trading_system.core_ai.inference import manifest, signing
from trading_system.core_ai.inference.manifest import DEMO_MODEL, read, save, sealed
from trading_system.core_ai.inference.manifest_form import decoded, encoded
from trading_system.core_ai.inference.trust import Trust, admit
from trading_system.errors import ConfigurationError

OURS = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
TRUST = Trust(keys=frozenset({signing.public_of(OURS)}), real_money=True)


def signed_copy(folder: Path, key: Ed25519PrivateKey = OURS) -> Path:
    """Copy the model that ships to `folder`, signed with `key`."""
    shutil.copytree(DEMO_MODEL, folder)
    manifest.sign(folder, key)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model signed with a key that is trusted."""
    return signed_copy(tmp_path / "model")


def flip(folder: Path, name: str, at: float = 0.5) -> None:
    """Change one bit of a file."""
    content = bytearray((folder / name).read_bytes())
    content[int(len(content) * at)] ^= 1
    (folder / name).write_bytes(content)


def text(folder: Path, pattern: str, new: str) -> None:
    """Change the manifest as one does in an editor."""
    path = folder / "manifest.json"
    before = path.read_text(encoding="utf-8")
    after = re.sub(pattern, new, before, count=1)
    assert after != before
    path.write_text(after, encoding="utf-8")


def told(folder: Path) -> manifest.Manifest:
    """Return what the model in `folder` says of itself."""
    return read(folder).manifest


def forge(folder: Path, **changes: object) -> None:
    """Change the manifest and work the seal out anew, as one does who has read the code; the signature stays."""
    path = folder / "manifest.json"
    path.write_bytes(
        encoded(sealed(msgspec.structs.replace(decoded(path.read_bytes(), path), **changes)))  # type: ignore[arg-type]
    )


def resigned(folder: Path, **changes: object) -> None:
    """Do the same and sign it with the trusted key: a mistake of our own."""
    forge(folder, **changes)
    path = folder / "manifest.sig"
    path.write_bytes(signing.signature((folder / "manifest.json").read_bytes(), OURS))


def regraph(folder: Path, change: Callable[[onnx.ModelProto], None]) -> None:
    """Change the network, and hash, seal and sign it as the trusted key's owner would."""
    graph = onnx.load_model_from_string((folder / "model.onnx").read_bytes())
    change(graph)
    before = read(folder)
    others = {name: content for name, content in before.files.items() if name != "model.onnx"}
    save(folder, graph.SerializeToString(), before.manifest, others=others)
    (folder / "manifest.sig").write_bytes(signing.signature((folder / "manifest.json").read_bytes(), OURS))


def outside(graph: onnx.ModelProto) -> None:
    """Keep a weight in another file, as ONNX allows."""
    constants = [node.attribute[0].t for node in graph.graph.node if node.op_type == "Constant"]
    weight = [*graph.graph.initializer, *constants][0]
    weight.data_location = onnx.TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="../../elsewhere.bin")


def nested(graph: onnx.ModelProto) -> None:
    """Hide such a weight in a branch of a branch."""
    inner = onnx.GraphProto(name="inner", initializer=[onnx.TensorProto(name="far", data_location=1)])
    node = graph.graph.node.add(op_type="If", output=["unused"])
    node.attribute.add(name="then_branch", type=onnx.AttributeProto.GRAPH).g.CopyFrom(inner)


def other_input(graph: onnx.ModelProto) -> None:
    """Take windows of another length."""
    graph.graph.input[0].type.tensor_type.shape.dim[1].dim_value += 1


def swap(folder: Path, name: str) -> None:
    """Put in a file of another model that is as well signed."""
    other = signed_copy(folder.parent / "other")
    regraph(other, lambda graph: setattr(graph, "doc_string", "another"))
    shutil.copy(other / name, folder / name)


def link(folder: Path, name: str) -> None:
    """Move a file away and leave a link to it."""
    (folder / name).rename(folder.parent / name)
    (folder / name).symlink_to(folder.parent / name)


def pipe(folder: Path, name: str) -> None:
    """Put a pipe in a file's place: whoever opens it would wait for ever."""
    (folder / name).unlink()
    os.mkfifo(folder / name)


def hollow(folder: Path, name: str, size: int) -> None:
    """Make a file appear huge; it takes no room on the disk."""
    with (folder / name).open("r+b") as file:
        file.truncate(size)


def without(folder: Path, key: str) -> None:
    """Leave a field of the manifest out, in the form in which it is written."""
    fields = json.loads((folder / "manifest.json").read_bytes())
    del fields[key]
    (folder / "manifest.json").write_bytes(json.dumps(fields, indent=2).encode() + b"\n")


HASH = "0" * 64
HIGH = r'("high": \[\s+)[-0-9.e]+'
TAMPERINGS: dict[str, tuple[Callable[[Path], object], str]] = {
    "one bit of the network is flipped": (lambda f: flip(f, "model.onnx"), "sha256 of model.onnx does not hold"),
    "one bit of the manifest is flipped": (lambda f: flip(f, "manifest.json", 0.4), "manifest.json: "),
    "one bit of the signature is flipped": (lambda f: flip(f, "manifest.sig", 0.9), "manifest.sig: "),
    "the network is cut off": (lambda f: hollow(f, "model.onnx", 999), "sha256 of model.onnx does not hold"),
    "the manifest is cut off": (lambda f: hollow(f, "manifest.json", 999), "is no manifest of a model"),
    "the signature is cut off": (lambda f: hollow(f, "manifest.sig", 99), "is no signature of a model"),
    "the network is another model's": (lambda f: swap(f, "model.onnx"), "sha256 of model.onnx does not hold"),
    "the manifest is another model's": (lambda f: swap(f, "manifest.json"), "sha256 of model.onnx does not hold"),
    "the signature is another model's": (lambda f: swap(f, "manifest.sig"), "did not sign this manifest"),
    "a file is added": (lambda f: (f / "run.py").write_text("1"), "'run.py' is not in its manifest"),
    "a hidden file is added": (lambda f: (f / ".x").write_text("1"), "'.x' is not in its manifest"),
    "a folder is added": (lambda f: (f / "more").mkdir(), "'more' is not in its manifest"),
    "a thousand files are added": (
        lambda f: [(f / f"{n}.npy").touch() for n in range(1_000)],
        "this is no folder of a model",
    ),
    "the network is missing": (lambda f: (f / "model.onnx").unlink(), "model.onnx: cannot be read"),
    "the manifest is missing": (lambda f: (f / "manifest.json").unlink(), "manifest.json: cannot be read"),
    "the signature is missing": (lambda f: (f / "manifest.sig").unlink(), "is not signed: real money needs"),
    "the network is a link": (lambda f: link(f, "model.onnx"), "model.onnx: cannot be read: it is a link"),
    "the manifest is a link": (lambda f: link(f, "manifest.json"), "manifest.json: cannot be read: it is a link"),
    "the signature is a link": (lambda f: link(f, "manifest.sig"), "manifest.sig: cannot be read: it is a link"),
    "the network is a pipe": (lambda f: pipe(f, "model.onnx"), "it is no plain file"),
    "the network is a folder": (
        lambda f: ((f / "model.onnx").unlink(), (f / "model.onnx").mkdir()),
        "model.onnx: cannot be read",
    ),
    "the network is huge": (lambda f: hollow(f, "model.onnx", 1 << 40), "model.onnx: has more than 268,435,456 bytes"),
    "the manifest is huge": (lambda f: hollow(f, "manifest.json", 1 << 40), "manifest.json: has more than 1,048,576"),
    "the signature is huge": (lambda f: hollow(f, "manifest.sig", 1 << 40), "manifest.sig: has more than 1,024 bytes"),
    "a file's name leads out of the folder": (
        lambda f: text(f, '"model.onnx": "', f'"../model.onnx": "{HASH}",\n    "model.onnx": "'),
        "matching regex",
    ),
    "a file's name is a path from the root": (
        lambda f: text(f, '"model.onnx": "', '"/model.onnx": "'),
        "matching regex",
    ),
    "a listed file is a pickle": (
        lambda f: text(f, '"model.onnx": "', f'"model.pkl": "{HASH}",\n    "model.onnx": "'),
        "matching regex",
    ),
    "a listed file is not there": (
        lambda f: forge(f, files={**told(f).files, "more.json": HASH}),
        "more.json: cannot be read",
    ),
    "the features are another set": (lambda f: forge(f, feature_set=HASH), "feature_set does not hold"),
    "the features stand in another order": (
        lambda f: text(f, r'"return_1",(\s+)"return_4",', r'"return_4",\1"return_1",'),
        "seal does not hold",
    ),
    "the window is another": (lambda f: resigned(f, window=told(f).window + 1), "but its manifest says windows of"),
    "the network takes another window": (lambda f: regraph(f, other_input), "takes [('features', ("),
    "a bound is not a number": (lambda f: text(f, HIGH, r"\1NaN"), "is no manifest of a model"),
    "a bound is endless": (lambda f: text(f, HIGH, r"\g<1>1e999"), "Number out of range"),
    "a bound is nothing": (lambda f: text(f, HIGH, r"\1null"), "Expected `float`, got `null`"),
    "the bounds are upside down": (
        lambda f: resigned(f, floor=(99.0,) * len(told(f).floor)),
        "order of floor, low, high and ceiling does not hold",
    ),
    "a score is made better": (lambda f: text(f, r'("accuracy": 0\.)\d', r"\g<1>9"), "seal does not hold"),
    "a score is made better and sealed anew": (
        lambda f: forge(f, verdict="The model has an edge after costs."),
        "did not sign this manifest",
    ),
    "it is signed with another key": (lambda f: manifest.sign(f, STRANGER), "which is not among model.trusted_keys"),
    "it is signed with the demo key": (
        lambda f: manifest.sign(f, signing.private_key("demo")),
        "is signed by the demo key",
    ),
    "the signature names a key that did not sign": (
        lambda f: (f / "manifest.sig").write_bytes(
            signing.signature((f / "manifest.json").read_bytes(), STRANGER).replace(
                signing.public_of(STRANGER).encode(), signing.public_of(OURS).encode()
            )
        ),
        "did not sign this manifest",
    ),
    "the signature is of no form": (lambda f: (f / "manifest.sig").write_bytes(b"ok\n"), "is no signature of a model"),
    "the format is older": (lambda f: forge(f, format=1), "the manifest says 1, this program reads 2"),
    "the format is newer": (lambda f: forge(f, format=3), "the manifest says 3, this program reads 2"),
    "the manifest is not UTF-8": (
        lambda f: (f / "manifest.json").write_bytes(
            (f / "manifest.json").read_bytes().replace(b"BTC", b"\xff\xfe\xfd")
        ),
        "is no manifest of a model",
    ),
    "the manifest begins with a mark of its order": (
        lambda f: (f / "manifest.json").write_bytes(b"\xef\xbb\xbf" + (f / "manifest.json").read_bytes()),
        "is no manifest of a model",
    ),
    "a key stands twice": (
        lambda f: text(f, r'  "window": \d+,', r'\g<0>\n  "window": 33,'),
        "says window twice",
    ),
    "a key stands twice inside a list of files": (
        lambda f: text(f, '"files": {', f'"files": {{\\n    "model.onnx": "{HASH}",'),
        "says model.onnx twice",
    ),
    "a field is unknown": (lambda f: text(f, '  "window"', '  "leverage": 5,\n  "window"'), "unknown field `leverage`"),
    "a field is missing": (lambda f: without(f, "horizon"), "missing required field `horizon`"),
    "a field that has a default is missing": (lambda f: without(f, "license"), "seal does not hold"),
    "a hash is too short": (lambda f: text(f, '("data_sha256": ").', r"\1"), "matching regex"),
    "a hash is in capitals": (lambda f: text(f, '("data_sha256": ").{4}', r"\1ABCD"), "matching regex"),
    "only blanks are added": (lambda f: text(f, '  "window"', '   "window"'), "is not in the form"),
    "weights are kept in another file": (lambda f: regraph(f, outside), "keeps weights in another file"),
    "weights of a branch are kept in another file": (lambda f: regraph(f, nested), "another file (tensor 'far')"),
    "the network is no network": (
        lambda f: save(
            f, b"\x80\x04pickle.", told(f), others={n: c for n, c in read(f).files.items() if n != "model.onnx"}
        ),
        "model.onnx is no ONNX graph",
    ),
}


def test_the_model_that_is_tampered_with_here_may_trade_as_it_was(folder: Path) -> None:
    """Before anything is done to it, it is admitted, even for real money: what follows is refused for what was done."""
    admit(read(folder), TRUST)


@pytest.mark.parametrize("what", TAMPERINGS)
def test_it_is_refused_by_name_where(folder: Path, what: str) -> None:
    """Each is done to a whole, signed, trusted model; the message says what differs, and where."""
    tamper, words = TAMPERINGS[what]
    tamper(folder)
    with pytest.raises(ConfigurationError) as refused:
        admit(read(folder), TRUST)
    assert words in str(refused.value)
    assert str(folder) in str(refused.value)
    assert len(str(refused.value)) < 600


@pytest.mark.parametrize("name", ["model.onnx", "manifest.json", "manifest.sig"])
def test_no_byte_of_any_file_can_be_changed_unseen(folder: Path, name: str) -> None:
    """Every 97th byte of each file in turn, all its bits turned: not one of them is let through."""
    path = folder / name
    original = path.read_bytes()
    for at in range(0, len(original), 97 if len(original) > 1_000 else 1):
        changed = bytearray(original)
        changed[at] ^= 0xFF
        path.write_bytes(changed)
        with pytest.raises(ConfigurationError):
            admit(read(folder), TRUST)
    path.write_bytes(original)
    admit(read(folder), TRUST)
