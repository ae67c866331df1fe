"""A model is loaded as it was made, or not at all, and the refusal says what differs."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.core_ai.inference.manifest import DEMO_MODEL, load, read, save, sealed
from trading_system.core_ai.inference.manifest_form import decoded, encoded
from trading_system.errors import ConfigurationError


@pytest.fixture
def folder(exported, tmp_path):
    return tmp_path / "model"


def rewrite(folder, **changes):
    """Change the manifest and put the right seal on it, as somebody would who knows how."""
    manifest, _ = load(folder)
    changed = sealed(msgspec.structs.replace(manifest, **changes))
    (folder / "manifest.json").write_bytes(encoded(changed))


def test_what_was_saved_is_loaded(folder, exported):
    """The manifest as written, with the model's bytes."""
    manifest, model = load(folder)
    assert manifest == exported
    assert model == (folder / "model.onnx").read_bytes()


def test_the_bytes_of_a_manifest_follow_from_its_fields(folder, exported):
    """What is signed has one form only, so that the same model is the same bytes everywhere."""
    assert read(folder).content == encoded(exported)


@pytest.mark.parametrize("name", ["model.onnx", "manifest.json"])
def test_a_missing_file_is_named(folder, name):
    """The message says which, and what to do."""
    (folder / name).unlink()
    with pytest.raises(ConfigurationError, match=f"{name}: cannot be read"):
        load(folder)


def test_further_files_of_a_model_are_covered_by_its_manifest(exported, tmp_path):
    """A model may have more files than its network; each is hashed, and a change in it is a change of the model."""
    manifest, model = load(tmp_path / "model")
    more = save(tmp_path / "more", model, manifest, others={"quantiles.json": b"[1, 2]"})
    assert read(tmp_path / "more").files["quantiles.json"] == b"[1, 2]"
    assert more.name != manifest.name
    (tmp_path / "more" / "quantiles.json").write_bytes(b"[1, 3]")
    with pytest.raises(ConfigurationError, match=r"sha256 of quantiles\.json does not hold"):
        load(tmp_path / "more")


def test_every_field_of_the_manifest_is_sealed(folder):
    """Whatever number or word is changed by hand, the manifest no longer holds."""
    path = folder / "manifest.json"
    text = path.read_bytes()
    original = json.loads(text)
    changes = {int: 999, float: 0.123, str: "1" * 64, list: [], dict: {}}
    for name, value in original.items():
        path.write_text(json.dumps(original | {name: changes[type(value)]}))
        with pytest.raises(ConfigurationError):
            load(folder)
    path.write_bytes(text)
    load(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"feature_set": "0" * 64}, "feature_set does not hold"),
        ({"features": ("return_1",)}, "length of floor does not hold"),
        ({"features": ("tomorrow_1",)}, "no feature 'tomorrow_1'"),
        ({"floor": (0.0,)}, "length of floor does not hold"),
        ({"ceiling": ()}, "length of ceiling does not hold"),
        ({"high": ()}, "length of high does not hold"),
        ({"ceiling": (-9.0,) * 10}, "order of floor, low, high and ceiling does not hold"),
        ({"format": 1}, "format does not hold: the manifest says 1, this program reads 2"),
        ({"format": 3}, "format does not hold: the manifest says 3, this program reads 2"),
        ({"files": {}}, "model.onnx among files does not hold"),
        ({"interval": "1 hour"}, "interval '1 hour' is not understood"),
        ({"gain": -0.1}, r"gain"),
        ({"window": 0}, r"window"),
        ({"window": 9}, r"says windows of 9 x 10"),
        ({"temperature": 0.0}, "temperature above 0 does not hold"),
        ({"trained_to_ns": 0}, "trained_from_ns before trained_to_ns does not hold"),
    ],
)
def test_a_mismatch_is_refused_by_name(folder, change, words):
    """Even well sealed: another set of features, another form, a number that means nothing."""
    rewrite(folder, **change)
    with pytest.raises(ConfigurationError, match=words):
        load(folder)


def test_a_hash_that_is_not_the_files_is_refused(folder, exported):
    """Well sealed, but the network is not the one that the manifest means."""
    rewrite(folder, files={**exported.files, "model.onnx": "0" * 64})
    with pytest.raises(ConfigurationError, match=r"sha256 of model\.onnx does not hold"):
        load(folder)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b"\xff\xfe", b'{"format": 2, "surprise": 2}', b"[" * 10_000, b"1" * 5_000]
)
def test_what_is_no_manifest_is_refused(folder, content):
    """Half a file, another file, an unknown field, a tower of brackets, a number without end."""
    (folder / "manifest.json").write_bytes(content)
    with pytest.raises(ConfigurationError, match="is no manifest"):
        load(folder)


SHIPPED = read(DEMO_MODEL).manifest
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=80), st.lists(st.none(), max_size=2),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)  # fmt: skip


@given(field=st.sampled_from(SHIPPED.__struct_fields__), value=ODD)
def test_whatever_stands_in_a_field_is_read_or_refused_by_the_file(field, value):
    """Any JSON in any field, sealed where it can be: the manifest is as it says, or a refusal begins with its file."""
    told = msgspec.to_builtins(SHIPPED) | {field: value}
    try:
        content = encoded(sealed(msgspec.convert(told, type(SHIPPED))))
    except msgspec.ValidationError:
        content = json.dumps(told, indent=2).encode()
    try:
        assert encoded(decoded(content, "here")) == content
    except ConfigurationError as refused:
        if not str(refused).startswith("here: "):
            raise


def test_the_name_of_a_model_is_bound_to_every_number(exported):
    """A fact that names a model names its weights, its features and its expected moves."""
    other = sealed(msgspec.structs.replace(exported, gain=exported.gain * 2))
    assert exported.name.startswith("lstm-")
    assert exported.name != other.name
