"""The form of a manifest: what a model says about itself, written in one way only."""

import hashlib
import json
import math
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec

from trading_system.data_pipeline.normalizers.features import set_of
from trading_system.errors import ConfigurationError
from trading_system.market.bars import interval_ns

FORMAT: Final = 2
MODEL_FILE: Final = "model.onnx"
MOST_BYTES: Final = 1 << 20
"""The longest manifest that is read, bytes; the one that ships has 8 thousand."""
NO_HASH: Final = "0" * 64
"""Stands where a hash is not known yet."""

Positive = Annotated[int, msgspec.Meta(ge=1)]
Ns = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Fraction = Annotated[float, msgspec.Meta(ge=0.0, lt=1.0)]
Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
FileName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}\.(onnx|json|md|npy)$")]
"""A plain name with a known ending: no folder, nothing hidden, nothing that runs when it is read."""
Symbol = Annotated[str, msgspec.Meta(pattern="^[A-Z0-9]{2,20}$")]
Words = Annotated[str, msgspec.Meta(max_length=2_000)]


class Scores(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one forecaster did on the test part, which it never saw.

    Attributes:
        accuracy: Part of the directions that were right, 0..1.
        log_loss: Mean -ln of the probability given to what happened; 0.693 for even odds.
        brier: Mean squared error of the probability; 0.25 for even odds.
        mcc: Matthews correlation of calls and outcomes, -1..1; 0 for guessing.
        gross_bps: Mean move over the horizon in the called direction, bps, before any cost.
        intervals: For each of these by name, the lower and upper end of its 95 % interval.
    """

    accuracy: float
    log_loss: float
    brier: float
    mcc: float
    gross_bps: float
    intervals: dict[str, tuple[float, float]] = {}


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
        license: Under what terms the model may be used, as its maker wrote it.
        versions: Of the libraries that made it.
        files: The SHA-256 of every file of the folder but the manifest and its signature.
        seal: Hash of all of the above; see `sealed`.
    """

    format: int
    symbol: Symbol
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
    trained_from_ns: Ns
    trained_to_ns: Ns
    bars: Positive
    data_sha256: Sha256
    seed: int
    plan: dict[str, int | float]
    examples: dict[str, int]
    scores: dict[str, Scores]
    verdict: Words
    license: Words = "not stated"
    versions: dict[str, str]
    files: dict[FileName, Sha256] = {}
    seal: str = ""

    @property
    def name(self) -> str:
        """A short name for facts and logs, bound to every number of model and manifest."""
        return f"lstm-{self.seal[:12]}"

    @property
    def model_sha256(self) -> str:
        """The hash of the ONNX file."""
        return self.files.get(MODEL_FILE, NO_HASH)


def sealed(manifest: Manifest) -> Manifest:
    """Return `manifest` with the seal that its other fields demand.

    It finds what was changed by mistake or by hand, not by somebody who can work out a hash: the signature does that.
    """
    content = msgspec.json.encode(msgspec.structs.replace(manifest, seal=""))
    return msgspec.structs.replace(manifest, seal=hashlib.sha256(content).hexdigest())


def encoded(manifest: Manifest) -> bytes:
    """Return the one form in which `manifest` is written: these bytes are what is signed."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def decoded(content: bytes, where: object) -> Manifest:
    """Return the manifest that `content` holds, each of its own promises checked.

    Args:
        content: The file's bytes.
        where: The file, for messages.

    Raises:
        ConfigurationError: It is no manifest, or says one key twice, or is not in the form that this program writes, or
            contradicts itself; the message names the field.
    """
    try:
        _check_format(content, where)
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:  # no UTF-8, no JSON, too deep
        raise ConfigurationError(
            f"{where}: is no manifest of a model: {error}; restore the file, or train the model again"
        ) from error
    seal = sealed(manifest).seal
    if manifest.seal != seal:
        raise ConfigurationError(
            f"{where}: seal does not hold: the manifest says {manifest.seal[:64]!r}, but it is {seal!r}: something in "
            "it was changed; restore the file, or train the model again"
        )
    if encoded(manifest) != content:
        raise ConfigurationError(
            f"{where}: is not in the form that this program writes: its bytes say more or less than its fields; "
            "restore the file"
        )
    _check(manifest, where)
    return manifest


def _check_format(content: bytes, where: object) -> None:
    """Refuse another format by its number and a key that stands twice by its name, before anything else is read."""
    if len(content) > MOST_BYTES:
        raise ConfigurationError(f"{where}: has {len(content):,} bytes; no manifest has more than {MOST_BYTES:,}")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        if twice := sorted({key for key in keys if keys.count(key) > 1}):
            raise ConfigurationError(f"{where}: says {', '.join(twice)} twice: nobody can tell which is meant")
        return dict(pairs)

    told = json.loads(content.decode("utf-8"), object_pairs_hook=once)
    said = told.get("format") if isinstance(told, dict) else None
    if isinstance(said, int) and said != FORMAT:
        raise ConfigurationError(
            f"{where}: format does not hold: the manifest says {said}, this program reads {FORMAT}; "
            "train the model again"
        )


def _check(manifest: Manifest, where: object) -> None:
    """Refuse numbers that cannot be meant, though each is of its kind."""
    try:
        found = set_of(manifest.features).name
        interval_ns(manifest.interval)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: it cannot be fed: {error}") from error
    width = len(manifest.features)
    columns = {name: getattr(manifest, name) for name in ("floor", "low", "high", "ceiling")}
    rules = (
        *((f"length of {name}", len(values), width) for name, values in columns.items()),
        ("feature_set", manifest.feature_set, found),
        ("order of floor, low, high and ceiling", _ascending(*columns.values()), True),
        ("temperature above 0", 0.0 < manifest.temperature < math.inf, True),
        ("trained_from_ns before trained_to_ns", manifest.trained_from_ns < manifest.trained_to_ns, True),
        (f"{MODEL_FILE} among files", MODEL_FILE in manifest.files, True),
    )
    for name, said, wanted in rules:
        if said != wanted:
            raise ConfigurationError(
                f"{where}: {name} does not hold: the manifest says {said!r}, but it is {wanted!r}; "
                "train the model again, with this version of the program"
            )


def _ascending(*columns: Sequence[float]) -> bool:
    return all(math.isfinite(row[0]) and list(row) == sorted(row) for row in zip(*columns, strict=False))
