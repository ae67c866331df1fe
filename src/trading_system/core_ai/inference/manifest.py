"""A model is one folder: network, manifest, signature. What is not whole, listed and as it was made is not loaded."""

import hashlib
import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from trading_system.core_ai.inference import signing
from trading_system.core_ai.inference.graph import NoGraph, graph_of
from trading_system.core_ai.inference.manifest_form import FORMAT as FORMAT
from trading_system.core_ai.inference.manifest_form import MODEL_FILE as MODEL_FILE
from trading_system.core_ai.inference.manifest_form import MOST_BYTES, decoded, encoded
from trading_system.core_ai.inference.manifest_form import Manifest as Manifest
from trading_system.core_ai.inference.manifest_form import Scores as Scores
from trading_system.core_ai.inference.manifest_form import sealed as sealed
from trading_system.errors import ConfigurationError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

MANIFEST_FILE: Final = "manifest.json"
SIGNATURE_FILE: Final = "manifest.sig"
DEMO_MODEL: Final = Path(__file__).parent / "demo_model"
"""Where the model that ships with the package is. `scripts/model.py` makes it; it knows only a made-up market."""
INPUT: Final = "features"
OUTPUT: Final = "probability"
MOST_FILE_BYTES: Final = 256 << 20
"""The largest file of a model that is read, bytes."""
MOST_FILES: Final = 64

_MOST: Final = {MANIFEST_FILE: MOST_BYTES, SIGNATURE_FILE: 1_024}
_RESTORE: Final = "train the model again, or restore its folder whole"


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """One folder as it was read, once: whoever judges it and whoever runs it see the same bytes.

    Attributes:
        folder: Where it lies, for messages.
        manifest: What it says about itself.
        content: The bytes of the manifest, which are what is signed.
        files: Every other file by its name, each as the manifest's hash says.
        signature: The bytes of its signature file; none where nobody signed.
        signed_by: The public key that signed it, 64 hexadecimal digits; "" where nobody did. Not yet whether it is
            trusted: that is `trust.admit`.
    """

    folder: Path
    manifest: Manifest
    content: bytes
    files: Mapping[str, bytes]
    signature: bytes
    signed_by: str

    @property
    def model(self) -> bytes:
        """The ONNX file."""
        return self.files[MODEL_FILE]


def read(folder: Path) -> Artefact:
    """Return the model in `folder`, its files, its hashes, its signature and its graph checked against each other.

    Raises:
        ConfigurationError: A file is missing, is not listed, is a link, is too large or was changed; the manifest is
            malformed or contradicts itself; the signature is not of this manifest; the features are unknown, or no
            longer worked out as they were; the network takes something else, or has weights elsewhere. The message
            names what differs.
    """
    content = _read(folder / MANIFEST_FILE)
    manifest = decoded(content, folder / MANIFEST_FILE)
    present = _listed(folder)
    if extra := sorted(present - {*manifest.files, MANIFEST_FILE, SIGNATURE_FILE}):
        raise ConfigurationError(
            f"model in {folder}: {extra[0]!r} is not in its manifest: a model's folder holds nothing else; "
            "take it away, or restore the folder whole"
        )
    files = {name: _read(folder / name) for name in manifest.files}
    for name, said in manifest.files.items():
        found = hashlib.sha256(files[name]).hexdigest()
        if found != said:
            raise ConfigurationError(
                f"model in {folder}: sha256 of {name} does not hold: the manifest says {said}, but it is {found}; "
                f"{_RESTORE}"
            )
    signature = _read(folder / SIGNATURE_FILE) if SIGNATURE_FILE in present else b""
    _check_graphs(folder, manifest, files)
    return Artefact(
        folder=folder,
        manifest=manifest,
        content=content,
        files=files,
        signature=signature,
        signed_by=signing.signer(content, signature, folder / SIGNATURE_FILE) if SIGNATURE_FILE in present else "",
    )


def load(folder: Path) -> tuple[Manifest, bytes]:
    """Return the manifest in `folder` and the model that it describes, both checked as `read` does.

    Raises:
        ConfigurationError: As `read`.
    """
    artefact = read(folder)
    return artefact.manifest, artefact.model


def save(folder: Path, model: bytes, manifest: Manifest, *, others: Mapping[str, bytes] | None = None) -> Manifest:
    """Write `model` and its sealed manifest into `folder` and return the manifest as written.

    Each file is replaced whole, the manifest last. Before that a reader finds files that are not the manifest's, and
    refuses them; it never finds half a model. A signature that was there is taken away: it was of another manifest.

    Args:
        others: Further files of the model by their plain names.
    """
    files = {MODEL_FILE: model, **(others or {})}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    final = sealed(msgspec.structs.replace(manifest, files=hashes))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SIGNATURE_FILE).unlink(missing_ok=True)
    for name, content in files.items():
        replace_file(folder / name, content)
    replace_file(folder / MANIFEST_FILE, encoded(final))
    return final


def sign(folder: Path, key: "Ed25519PrivateKey") -> Artefact:
    """Sign the model in `folder`, once it holds, and return it as it is now; an older signature is replaced.

    Raises:
        ConfigurationError: As `read`; nothing was signed.
    """
    artefact = read(folder)
    replace_file(folder / SIGNATURE_FILE, signing.signature(artefact.content, key))
    return read(folder)


def replace_file(path: Path, content: bytes) -> None:
    """Write `content` to `path` so that a reader, or a crash, finds the old file or the new one and nothing between."""
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _check_graphs(folder: Path, manifest: Manifest, files: Mapping[str, bytes]) -> None:
    graphs = {}
    for file in (name for name in files if name.endswith(".onnx")):
        try:
            graphs[file] = graph_of(files[file])
        except NoGraph as error:
            raise ConfigurationError(
                f"model in {folder}: {file} is no ONNX graph, and this program cannot load it: {error}; {_RESTORE}"
            ) from error
        if outside := graphs[file].external:
            raise ConfigurationError(
                f"model in {folder}: {file} keeps weights in another file (tensor {outside[0][:60]!r}), which nothing "
                "here vouches for; export it with all of its weights inside"
            )
    takes = [(name, shape[1:]) for name, shape in graphs[MODEL_FILE].inputs]
    if takes != [(INPUT, (manifest.window, len(manifest.features)))]:
        raise ConfigurationError(
            f"model in {folder} takes {takes}, but its manifest says windows of {manifest.window} x "
            f"{len(manifest.features)}; {_RESTORE}"
        )


def _listed(folder: Path) -> set[str]:
    """Return the names in `folder`, each of a plain file."""
    with os.scandir(folder) as entries:
        found = [entry for _, entry in zip(range(MOST_FILES + 1), entries, strict=False)]
    if len(found) > MOST_FILES:
        raise ConfigurationError(f"model in {folder}: more than {MOST_FILES} files: this is no folder of a model")
    return {entry.name for entry in found}


def _read(path: Path) -> bytes:
    """Return what is in the plain file `path`, which is never followed elsewhere and never read beyond its limit."""
    most = _MOST.get(path.name, MOST_FILE_BYTES)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        why = "it is a link" if path.is_symlink() else error.strerror
        raise ConfigurationError(f"{path}: cannot be read: {why}; train a model or name its folder") from error
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise ConfigurationError(f"{path}: cannot be read: it is no plain file; {_RESTORE}")
    with os.fdopen(handle, "rb") as file:
        content = file.read(most + 1) if status.st_size <= most else b""
    if status.st_size > most or len(content) > most:
        raise ConfigurationError(f"{path}: has more than {most:,} bytes, which no file of its kind needs; {_RESTORE}")
    return content
