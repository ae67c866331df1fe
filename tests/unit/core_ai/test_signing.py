"""Signatures and keys: the published vectors hold, keys stay private, and the demo key is never trusted."""

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from trading_system.core_ai.inference import signing
from trading_system.errors import ConfigurationError

RFC_8032 = [  # secret key, public key, message, signature: section 7.1, tests 1 and 2
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
        "655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
        "b00d291612bb0c00",
    ),
]
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


@pytest.mark.parametrize(("secret", "public", "message", "expected"), RFC_8032)
def test_the_published_vectors_hold(secret: str, public: str, message: str, expected: str) -> None:
    """RFC 8032, 7.1: the same key signs the same bytes in the same way everywhere."""
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))
    signed = signing.signature(bytes.fromhex(message), key)
    assert signed.decode().split() == ["trading-system", "model", "signature", "1", "ed25519", public, expected]
    assert signing.signer(bytes.fromhex(message), signed, "here") == public


@given(content=st.binary(max_size=200), other=st.binary(max_size=200))
def test_a_signature_is_of_its_bytes_only(content: bytes, other: bytes) -> None:
    """Any other content is refused, whatever it is."""
    signed = signing.signature(content, KEY)
    assert signing.signer(content, signed, "here") == signing.public_of(KEY)
    if other != content:
        with pytest.raises(ConfigurationError, match="did not sign this manifest"):
            signing.signer(other, signed, "here")


def test_a_new_key_signs_and_its_public_part_is_trusted(tmp_path: Path) -> None:
    """From `generate` to a signature that is believed: by the file of the public part, and by its digits."""
    public = signing.generate(tmp_path / "keys" / "models")
    key = signing.private_key(tmp_path / "keys" / "models")
    assert signing.signer(b"x", signing.signature(b"x", key), "here") == public
    assert signing.trusted([str(tmp_path / "keys" / "models.pub")]) == signing.trusted([public]) == {public}


def test_a_private_key_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    """It is written so, and a key that others may read is not used."""
    signing.generate(tmp_path / "key")
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(ConfigurationError, match="others than its owner may read"):
        signing.private_key(tmp_path / "key")


@pytest.mark.parametrize("taken", ["key", "key.pub"])
def test_a_key_is_never_overwritten(tmp_path: Path, taken: str) -> None:
    """Neither part: a lost key cannot be made again. Nothing is written."""
    (tmp_path / taken).write_text("precious")
    with pytest.raises(ConfigurationError, match="is never overwritten"):
        signing.generate(tmp_path / "key")
    assert [path.name for path in tmp_path.iterdir()] == [taken]
    assert (tmp_path / taken).read_text() == "precious"


def test_two_keys_differ(tmp_path: Path) -> None:
    """A key comes from chance, not from a constant."""
    assert signing.generate(tmp_path / "a") != signing.generate(tmp_path / "b")


def written(path: Path, content: bytes) -> Path:
    """Write a file that its owner alone may read."""
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def test_what_is_no_private_key_is_refused_without_being_quoted(tmp_path: Path) -> None:
    """Words, the public part, a key of another kind, one behind a password; and a file that is not there."""
    signing.generate(tmp_path / "key")
    pem, pkcs8 = form.Encoding.PEM, form.PrivateFormat.PKCS8
    contents = {
        "words": b"not a key but secret",
        "public": (tmp_path / "key.pub").read_bytes(),
        "curve": generate_private_key(SECP256R1()).private_bytes(pem, pkcs8, form.NoEncryption()),
        "locked": KEY.private_bytes(pem, pkcs8, form.BestAvailableEncryption(b"open")),
    }
    for name, content in contents.items():
        with pytest.raises(ConfigurationError, match=f"{name}: is ") as refused:
            signing.private_key(written(tmp_path / name, content))
        assert "secret" not in str(refused.value)
    with pytest.raises(ConfigurationError, match="nowhere: this key cannot be read"):
        signing.private_key(tmp_path / "nowhere")


@pytest.mark.parametrize("word", ["abc", "F" * 64, "0" * 63])
def test_what_is_no_public_key_is_not_trusted(tmp_path: Path, word: str) -> None:
    """What is not 64 small hexadecimal digits is taken for a path; and a private key is no public one."""
    with pytest.raises(ConfigurationError, match="this key cannot be read"):
        signing.trusted([word])
    signing.generate(tmp_path / "key")
    with pytest.raises(ConfigurationError, match="is no public Ed25519 key"):
        signing.trusted([str(tmp_path / "key")])


def test_the_demo_key_is_what_the_published_words_give() -> None:
    """Its private part follows from a sentence in the code, so that it protects nothing."""
    assert signing.public_of(signing.private_key("demo")) == signing.DEMO_PUBLIC


def test_the_demo_key_cannot_be_trusted(tmp_path: Path) -> None:
    """Not by its digits and not by a file: everybody can sign with it."""
    pem = signing.private_key("demo").public_key()
    (tmp_path / "demo.pub").write_bytes(pem.public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo))
    for written in (signing.DEMO_PUBLIC, str(tmp_path / "demo.pub")):
        with pytest.raises(ConfigurationError, match="it cannot be trusted"):
            signing.trusted([written])
