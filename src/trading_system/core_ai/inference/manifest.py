"""What a model is, written beside it; a model whose manifest does not hold is not loaded."""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Annotated, Final

import msgspec

from trading_system.data_pipeline.normalizers.features import set_of
from trading_system.errors import ConfigurationError
from trading_system.market.bars import interval_ns

FORMAT: Final = 1
MODEL_FILE: Final = "model.onnx"
MANIFEST_FILE: Final = "manifest.json"
DEMO_MODEL: Final = Path(__file__).parent / "demo_model"
"""Where the model that ships with the package is. `scripts/model.py` makes it; it knows only a made-up market."""
INPUT: Final = "features"
OUTPUT: Final = "probability"

Positive = Annotated[int, msgspec.Meta(ge=1)]
Fraction = Annotated[float, msgspec.Meta(ge=0.0, lt=1.0)]
Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Scores(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one forecaster did on the test part, which it never saw.

    Attributes:
        accuracy: Part of the directions that were right, 0..1.
        log_loss: Mean -ln of the probability given to what happened; 0.693 for even odds.
        brier: Mean squared error of the probability; 0.25 for even odds.
        mcc: Matthews correlation of calls and outcomes, -1..1; 0 for guessing.
        gross_bps: Mean move over the horizon in the called direction, bps, before any cost.
    """

    accuracy: float
    log_loss: float
    brier: float
    mcc: float
    gross_bps: float


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model: what it must be fed, what its answer means, and where it comes from.

    Attributes:
        format: Version of this form.
        symbol, interval: What it was trained on. The interval binds, the symbol informs.
        feature_set: Hash of the definition of the features.
        features: Their names, in order.
        window: Rows that the network looks at.
        horizon: How far its answer reaches, bars.
        gain, loss: Mean size of a rise and of a fall over the horizon in training, fractions of the price.
        low, high: Scaling bounds, which are inside the graph too; for reading.
        floor, ceiling: Range of each feature outside of which the model is not to be asked.
        temperature: What the network's log-odds were divided by to calibrate them on the validation part.
        trained_from_ns, trained_to_ns: Span of the training labels, UTC ns.
        bars: How many bars there were in all.
        data_sha256: Hash of them.
        seed: Of every random choice.
        plan: The other choices of the training.
        examples: Number of examples in each part.
        scores: On the test part, for the model and each baseline.
        verdict: One sentence on what these say.
        versions: Of the libraries that made it.
        model_sha256: Hash of the ONNX file.
        seal: Hash of all of the above; see `sealed`.
    """

    format: int
    symbol: str
    interval: str
    feature_set: Sha256
    features: tuple[str, ...]
    window: Positive
    horizon: Positive
    gain: Fraction
    loss: Fraction
    low: tuple[float, ...]
    high: tuple[float, ...]
    floor: tuple[float, ...]
    ceiling: tuple[float, ...]
    temperature: float
    trained_from_ns: int
    trained_to_ns: int
    bars: int
    data_sha256: Sha256
    seed: int
    plan: dict[str, int | float]
    examples: dict[str, int]
    scores: dict[str, Scores]
    verdict: str
    versions: dict[str, str]
    model_sha256: Sha256
    seal: str

    @property
    def name(self) -> str:
        """A short name for facts and logs, bound to every number of model and manifest."""
        return f"lstm-{self.seal[:12]}"


def sealed(manifest: Manifest) -> Manifest:
    """Return `manifest` with the seal that its other fields demand.

    It finds what was changed by mistake or by hand, not by somebody who can work out a hash.
    """
    content = msgspec.json.encode(msgspec.structs.replace(manifest, seal=""))
    return msgspec.structs.replace(manifest, seal=hashlib.sha256(content).hexdigest())


def save(folder: Path, model: bytes, manifest: Manifest) -> Manifest:
    """Write `model` and its sealed manifest into `folder` and return the manifest as written.

    Each file is replaced whole. Between the two a reader finds a model that is not the manifest's, and
    refuses it; it never finds half a model.
    """
    final = sealed(msgspec.structs.replace(manifest, model_sha256=hashlib.sha256(model).hexdigest()))
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / MODEL_FILE, model)
    _replace(folder / MANIFEST_FILE, msgspec.json.format(msgspec.json.encode(final), indent=2) + b"\n")
    return final


def load(folder: Path) -> tuple[Manifest, bytes]:
    """Return the manifest in `folder` and the model that it describes, both checked.

    Raises:
        ConfigurationError: A file is missing or malformed; the manifest or the model was changed; its
            features are unknown, or no longer worked out as they were. The message names what differs.
    """
    content, model = _read(folder / MANIFEST_FILE), _read(folder / MODEL_FILE)
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{folder / MANIFEST_FILE}: is no manifest of a model: {error}") from error
    width = len(manifest.features)
    checks = (
        ("format", manifest.format, FORMAT),
        ("seal", manifest.seal, sealed(manifest).seal),
        ("model_sha256", manifest.model_sha256, hashlib.sha256(model).hexdigest()),
        ("feature_set", manifest.feature_set, _name_of(folder, manifest.features)),
        ("length of floor", len(manifest.floor), width),
        ("length of ceiling", len(manifest.ceiling), width),
    )
    for name, said, found in checks:
        if said != found:
            raise ConfigurationError(
                f"model in {folder}: {name} does not hold: the manifest says {said!r}, but it is {found!r}; "
                "train the model again, or restore both files"
            )
    interval_ns(manifest.interval)
    return manifest, model


def _name_of(folder: Path, names: tuple[str, ...]) -> str:
    try:
        return set_of(names).name
    except ConfigurationError as error:
        raise ConfigurationError(f"model in {folder}: its features cannot be made: {error}") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be read: {error.strerror}; train a model or name its folder"
        ) from error


def _replace(path: Path, content: bytes) -> None:
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
