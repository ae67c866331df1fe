"""Who stands behind a model: Ed25519 signatures over the exact bytes of a manifest, and the keys that make them.

A manifest holds the hash of every file beside it, so that one signature covers the folder. Keys are PEM files of the
usual kinds (PKCS #8, SubjectPublicKeyInfo); here a public key is named by its 32 bytes in hexadecimal.

Source: RFC 8032, "Edwards-Curve Digital Signature Algorithm (EdDSA)"; RFC 8410 for the files.
"""

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from trading_system.errors import ConfigurationError

if TYPE_CHECKING:  # whoever trades by a rule needs no cryptography
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

DEMO_SEED: Final = hashlib.sha256(b"trading-system: the demo model's key, which everybody knows").digest()
"""The private part of the demo key, published on purpose: it shows how signing works and protects nothing."""
DEMO_PUBLIC: Final = "0f4f33456305d79371bf29f343e99f9946523602cec720b83ebe29b1e5d2634d"
"""The public part. Only play money believes it; `trusted` refuses it."""
DEMO: Final = "demo"
"""What stands for the demo key where a private key's file is asked for."""

_HEAD: Final = "trading-system model signature 1"
_SIGNATURE = re.compile(rb"trading-system model signature 1\ned25519 ([0-9a-f]{64})\n([0-9a-f]{128})\n")
_PUBLIC = re.compile("[0-9a-f]{64}")
_MOST_KEY_BYTES: Final = 4_096


def signature(content: bytes, key: "Ed25519PrivateKey") -> bytes:
    """Return the signature file of `content`: a line that names the form, one with the public key, one that signs."""
    return f"{_HEAD}\ned25519 {public_of(key)}\n{key.sign(content).hex()}\n".encode()


def signer(content: bytes, signed: bytes, where: object) -> str:
    """Return the public key that signed `content`, by its signature file `signed`; whether to trust it is not asked.

    Raises:
        ConfigurationError: The file is no signature, or not one of `content`.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    parts = _SIGNATURE.fullmatch(signed)
    if parts is None:
        raise ConfigurationError(f"{where}: is no signature of a model; restore it, or sign the model again")
    public, value = (part.decode() for part in parts.groups())
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(bytes.fromhex(value), content)
    except (InvalidSignature, ValueError) as error:
        raise ConfigurationError(
            f"{where}: key {public[:16]} did not sign this manifest: one of the two was changed or belongs to another "
            "model; restore both, or sign the model again"
        ) from error
    return public


def public_of(key: "Ed25519PrivateKey") -> str:
    """Return the public part of `key`, 64 hexadecimal digits."""
    return key.public_key().public_bytes_raw().hex()


def generate(path: Path) -> str:
    """Write a new private key to `path`, readable by its owner alone, its public part to `path`.pub; return the latter.

    Raises:
        ConfigurationError: One of the files is there already: a key is never overwritten.
    """
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    public = key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    beside = path.with_name(f"{path.name}.pub")
    if taken := [each for each in (path, beside) if each.exists() or each.is_symlink()]:
        raise ConfigurationError(f"{taken[0]}: is there already, and a key is never overwritten; name another file")
    path.parent.mkdir(parents=True, exist_ok=True)
    for file, content, mode in ((path, private, 0o600), (beside, public, 0o644)):
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as opened:
            opened.write(content)
    return public_of(key)


def private_key(path: Path | str) -> "Ed25519PrivateKey":
    """Return the private key in the PEM file `path`; `demo` is the demo key, which everybody knows.

    Raises:
        ConfigurationError: It cannot be read, others may read it too, or it is no unencrypted Ed25519 key.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if str(path) == DEMO:
        return Ed25519PrivateKey.from_private_bytes(DEMO_SEED)
    path = Path(path)
    content = _key_file(path)
    if path.stat().st_mode & 0o077:
        raise ConfigurationError(f"{path}: others than its owner may read this private key; run chmod 600 {path}")
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # the cause might quote the key
        raise ConfigurationError(f"{path}: is no private key in PEM without a password") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(f"{path}: is a private key of another kind; `models keygen` makes an Ed25519 key")
    return key


def trusted(keys: Iterable[str]) -> frozenset[str]:
    """Return the public keys that `keys` name, each written as 64 hexadecimal digits or as the path of a PEM file.

    Raises:
        ConfigurationError: One of them is no public Ed25519 key, or is the demo key, whose private part is published.
    """
    found = {key: key if _PUBLIC.fullmatch(key) else _public_key(Path(key)) for key in keys}
    for written, public in found.items():
        if public == DEMO_PUBLIC:
            raise ConfigurationError(
                f"model.trusted_keys: {written} is the demo key, which everybody can sign with; it cannot be trusted"
            )
    return frozenset(found.values())


def _public_key(path: Path) -> str:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(_key_file(path))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigurationError(
            f"{path}: is no public Ed25519 key in PEM; `models keygen` writes one that ends in .pub"
        )
    return key.public_bytes_raw().hex()


def _key_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_KEY_BYTES)
    except OSError as error:
        raise ConfigurationError(f"{path}: this key cannot be read: {error.strerror}") from error
