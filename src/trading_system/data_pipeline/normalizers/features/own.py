'''A feature in a file of the user's own, and the choice of features by name.

The file holds a step and what is to be known of it:

    FORMULA = "moves up in a row, less moves down in a row"
    WARM_UP = 2

    def step(state, row):
        """Count how long the price has gone one way."""
        ...

and, where it likes, how many numbers the step remembers (`STATE`, 0), what it is given behind the row (`PARAMETERS`, a
name and a number each), what its values depend on (`ANCHOR`, "window" for the last `WARM_UP` bars or "gap" for all
since the last gap), the name of what it needs beside the bars (`AUX`, ""), and its own (`NAME`, the file's).

`state` is that many floats, zeros at first and again behind each gap; `row` is a `row.Row`: plain numbers. The
step returns a float; what it returns before `WARM_UP` bars is shown to nobody, and NaN says that it is not known. It is
compiled for whole histories: plain arithmetic, `math`, and helpers marked with `trading_system.kernel.kernel`.

Before it is used it runs over made-up bars: alone and from the middle, twice, and at both speeds, to the same bits.
'''

import hashlib
import inspect
import linecache
import math
import random
import re
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np

from trading_system.data_pipeline.normalizers.features.batch import feature_table
from trading_system.data_pipeline.normalizers.features.feature import Anchor, Feature, FeatureSet
from trading_system.data_pipeline.normalizers.features.kinds import LONGEST, named
from trading_system.data_pipeline.normalizers.features.row import Row
from trading_system.data_pipeline.normalizers.features.sets import SETS
from trading_system.data_pipeline.normalizers.features.stream import FeatureStream
from trading_system.errors import ConfigurationError, TradingError
from trading_system.kernel import kernel
from trading_system.market.bars import Bar
from trading_system.market.columns import Floats

TRIED: Final = 400
"""Made-up bars, besides the warm-up, that a user's step runs over before it is used."""
AGAIN: Final = 5
"""Bars of them at which it is asked once more, from the middle."""
SHOWN: Final = 400
"""Letters of a compiler's message that are shown."""
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_MINUTE_NS: Final = 60_000_000_000


def chosen(text: str) -> FeatureSet:
    """Return the features that `text` names, in its order: sets, features and files of the user's, by comma.

    Raises:
        ConfigurationError: One is unknown, stands there twice, or a file does not hold a feature.

    >>> chosen("rsi_14, body").names
    ('rsi_14', 'body')
    """
    features: list[Feature] = []
    for word in filter(None, map(str.strip, text.split(","))):
        if word in SETS:
            features += SETS[word].features
        else:
            features.append(load_feature(Path(word)) if word.endswith(".py") else named(word))
    if not features:
        raise ConfigurationError(f"name features, as in rsi_14,body, or sets of them: {', '.join(SETS)}")
    return FeatureSet(features=tuple(features))


def load_feature(path: Path) -> Feature:
    """Return the feature in the file at `path`, tried. The file is run: it is code of whoever names it.

    Raises:
        ConfigurationError: It cannot be read, run or compiled, what it must define is missing or wrong, or its step
            depends on what it must not; the message names the file, the line where there is one, and what to do.
    """
    found = _run(path)
    step, parameters = found.get("step"), found.get("PARAMETERS", {})
    name, warm_up, room = found.get("NAME", path.stem), found.get("WARM_UP"), found.get("STATE", 0)
    formula, aux = found.get("FORMULA"), found.get("AUX", "")
    if not inspect.isfunction(step):
        raise ConfigurationError(f"{path}: define a function step(state, row); it is {step!r}")
    wrong = {
        "NAME": not isinstance(name, str) or not _NAME.fullmatch(name),
        "FORMULA, a line of text": not isinstance(formula, str) or not formula.strip() or not formula.isprintable(),
        f"WARM_UP, 1..{LONGEST:,}": type(warm_up) is not int or not 1 <= warm_up <= LONGEST,
        f"STATE, 0..{4 * LONGEST:,}": type(room) is not int or not 0 <= room <= 4 * LONGEST,
        "ANCHOR, 'window' or 'gap'": found.get("ANCHOR", "window") not in list(Anchor),
        "AUX, a name": not isinstance(aux, str),
        "PARAMETERS, names to numbers": not isinstance(parameters, Mapping)
        or not all(type(value) in (int, float) and math.isfinite(value) for value in parameters.values()),
    }
    for what, bad in wrong.items():
        if bad:
            value = found.get(what.partition(",")[0])
            raise ConfigurationError(f"{path}: define {what}; it is {value!r}")
    taken = list(inspect.signature(step).parameters)
    if taken[2:] != list(parameters) or len(taken) < 2:
        raise ConfigurationError(
            f"{path}: step takes ({', '.join(taken)}); it must take state, row and then the PARAMETERS in their order: "
            f"({', '.join(['state', 'row', *parameters])})"
        )
    assert isinstance(formula, str)
    assert isinstance(warm_up, int)
    feature = Feature(
        name=name,
        formula=formula,
        warm_up=warm_up,
        anchor=Anchor(found.get("ANCHOR", "window")),
        inputs=tuple(field for field in Row._fields if field in step.__code__.co_names),
        step=kernel(step),
        room=room,
        parameters=tuple(parameters.values()),
        aux=aux,
    )
    _tried(path, feature)
    return feature


def _run(path: Path) -> dict[str, Any]:
    try:
        source = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror or error}") from error
    module = ModuleType(f"trading_system_feature_{hashlib.sha256(source).hexdigest()[:16]}")
    module.__file__ = str(path)
    with _blamed_on(path, "cannot be run"):
        code = compile(source, str(path), "exec", dont_inherit=True)
        linecache.checkcache(str(path))
        sys.modules[module.__name__] = module  # as import does: classes in it look themselves up there
        exec(code, module.__dict__)
    return module.__dict__


def _tried(path: Path, feature: Feature) -> None:
    """Run the step over made-up bars and compare; what differs in a single bit is refused."""
    count = feature.warm_up + TRIED
    bars, aux = _made_up(count), _beside(count) if feature.aux else []
    eager = FeatureSet(features=(replace(feature, warm_up=1),))
    with _blamed_on(path, "step() failed"):
        told = _streamed(eager, bars, aux)
        twice = _streamed(eager, bars, aux)
    _same(path, told, twice, "when it runs a second time; it must remember nothing but `state`")
    if feature.anchor is Anchor.WINDOW:
        for last in np.linspace(feature.warm_up - 1, count - 1, AGAIN, dtype=np.int64).tolist():
            part = slice(last + 1 - feature.warm_up, last + 1)
            again = _streamed(eager, bars[part], aux[part])
            _same(
                path,
                told[last : last + 1],
                again[-1:],
                f"when it is shown its last {feature.warm_up} bars alone; raise WARM_UP, or say ANCHOR = 'gap' if it "
                "never forgets",
            )
    with _compiling(path):
        column = {feature.aux: np.array(aux, dtype=np.float64)} if feature.aux else {}
        table = feature_table(bars, eager, column)
    _same(path, told, table.values[:, 0], "when it is compiled")


def _streamed(features: FeatureSet, bars: Sequence[Bar], aux: Sequence[float]) -> Floats:
    stream = FeatureStream(features)
    told = np.full(len(bars), math.nan)
    for index, bar in enumerate(bars):
        row = stream.push(bar, dict.fromkeys(features.aux, aux[index]) if aux else {})
        if row is not None:
            told[index] = row.values[0]
    return told


def _same(path: Path, told: Floats, other: Floats, when: str) -> None:
    """Raise where two columns differ in a bit, and both are not NaN."""
    for first, second in zip(told.tolist(), other.tolist(), strict=True):
        if first != second and not (math.isnan(first) and math.isnan(second)):
            raise ConfigurationError(f"{path}: step() answers {first}, and {second} {when}")


def _made_up(count: int) -> list[Bar]:
    """Return bars of a random walk with flat and empty ones in it; the same each time."""
    chance, close, bars = random.Random(7), 100_000, []
    for minute in range(count):
        opened = close + chance.randint(-50, 50)
        flat = chance.random() < 0.05
        close = opened if flat else max(1_000, opened + chance.randint(-300, 300))
        reach = 0 if flat else chance.randint(0, 200)
        bars.append(
            Bar(
                symbol="TRIED",
                open_ns=minute * _MINUTE_NS,
                close_ns=(minute + 1) * _MINUTE_NS,
                open=opened,
                high=max(opened, close) + reach,
                low=min(opened, close) - reach // 2,
                close=close,
                volume_atoms=0 if flat else chance.randint(1, 10**10),
            )
        )
    return bars


def _beside(count: int) -> list[float]:
    chance = random.Random(8)
    return [math.nan if chance.random() < 0.1 else chance.uniform(0.5, 2.0) for _ in range(count)]


@contextmanager
def _blamed_on(path: Path, what: str) -> Iterator[None]:
    """Turn whatever goes wrong inside the user's file into one message with its line. It ends what was being done."""
    try:
        yield
    except TradingError:
        raise
    except (Exception, SystemExit) as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        if isinstance(error, SyntaxError) and error.filename == str(path):
            lines.append(error.lineno)
        where = f"{path}, line {lines[-1]}" if lines else str(path)
        raise ConfigurationError(f"{where}: {what}: {type(error).__name__}: {error}") from error


@contextmanager
def _compiling(path: Path) -> Iterator[None]:
    """Turn what the compiler says of a user's step into one message."""
    try:
        yield
    except (TradingError, MemoryError):
        raise
    except Exception as error:  # the compiler fails in many ways, some of them its own
        line = re.search(rf"{re.escape(path.name)}\", line (\d+)", str(error))
        where = f"{path}, line {line[1]}" if line else str(path)
        told = " ".join(str(error).split())[:SHOWN]
        raise ConfigurationError(
            f"{where}: step() runs as Python and cannot be compiled: use plain arithmetic on floats, mark helpers with "
            f"@kernel. The compiler says: {type(error).__name__}: {told}"
        ) from error
