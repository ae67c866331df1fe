"""A model is loaded as it was made, or not at all, and the refusal says what differs."""

import json

import msgspec
import pytest

from trading_system.core_ai.inference.manifest import load, sealed
from trading_system.errors import ConfigurationError


@pytest.fixture
def folder(exported, tmp_path):
    return tmp_path / "model"


def rewrite(folder, **changes):
    """Change the manifest and put the right seal on it, as somebody would who knows how."""
    manifest, _ = load(folder)
    changed = sealed(msgspec.structs.replace(manifest, **changes))
    (folder / "manifest.json").write_bytes(msgspec.json.encode(changed))


def test_what_was_saved_is_loaded(folder, exported):
    """The manifest as written, with the model's bytes."""
    manifest, model = load(folder)
    assert manifest == exported
    assert model == (folder / "model.onnx").read_bytes()


@pytest.mark.parametrize("name", ["model.onnx", "manifest.json"])
def test_a_missing_file_is_named(folder, name):
    """The message says which, and what to do."""
    (folder / name).unlink()
    with pytest.raises(ConfigurationError, match=f"{name}: cannot be read"):
        load(folder)


def test_a_changed_model_is_refused(folder):
    """One bit of the network differs."""
    content = bytearray((folder / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "model.onnx").write_bytes(bytes(content))
    with pytest.raises(ConfigurationError, match="model_sha256 does not hold"):
        load(folder)


def test_every_field_of_the_manifest_is_sealed(folder):
    """Whatever number or word is changed by hand, the manifest no longer holds."""
    path = folder / "manifest.json"
    original = json.loads(path.read_text())
    changes = {int: 999, float: 0.123, str: "1" * 64, list: [], dict: {}}
    for name, value in original.items():
        path.write_text(json.dumps(original | {name: changes[type(value)]}))
        with pytest.raises(ConfigurationError):
            load(folder)
    path.write_text(json.dumps(original))
    load(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"feature_set": "0" * 64}, "feature_set does not hold"),
        ({"features": ("return_1",)}, "feature_set does not hold"),
        ({"features": ("tomorrow_1",)}, "no feature 'tomorrow_1'"),
        ({"floor": (0.0,)}, "length of floor does not hold"),
        ({"ceiling": ()}, "length of ceiling does not hold"),
        ({"format": 2}, "format does not hold"),
        ({"model_sha256": "0" * 64}, "model_sha256 does not hold"),
        ({"interval": "1 hour"}, "interval '1 hour' is not understood"),
        ({"gain": -0.1}, r"gain"),
        ({"window": 0}, r"window"),
    ],
)
def test_a_mismatch_is_refused_by_name(folder, change, words):
    """Even well sealed: another set of features, another form, a number that means nothing."""
    rewrite(folder, **change)
    with pytest.raises(ConfigurationError, match=words):
        load(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff\xfe", b'{"format": 1, "surprise": 2}'])
def test_what_is_no_manifest_is_refused(folder, content):
    """Half a file, another file, an unknown field."""
    (folder / "manifest.json").write_bytes(content)
    with pytest.raises(ConfigurationError, match="is no manifest"):
        load(folder)


def test_the_name_of_a_model_is_bound_to_every_number(exported):
    """A fact that names a model names its weights, its features and its expected moves."""
    other = sealed(msgspec.structs.replace(exported, gain=exported.gain * 2))
    assert exported.name.startswith("lstm-")
    assert exported.name != other.name
