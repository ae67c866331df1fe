'''Features in a file of the user's, over whole columns: where looking ahead is easy, and is found.

The file holds functions; each one whose first parameter is called `bars` is a feature:

    import numpy as np

    def momentum(bars):
        """The close against the one ten bars before."""
        out = np.full(len(bars), np.nan)
        out[10:] = bars.close[10:] / bars.close[:-10] - 1.0
        return out

`bars.open`, `.high`, `.low`, `.close` (ticks) and `.volume` (base units) are float64 of shape (N,), oldest first, and
`bars.open_ns` and `.close_ns` are when they began and ended, UTC ns. It answers with one number a bar, (N,), or with
several, (N, F): what it would say at the close of that bar; NaN where it has nothing to say yet. One that takes
`metrics` as well is shown a made-up metric as columns: `event_ns`, `available_ns`, `revision` and `value`.

The file is run anew for each question, so that nothing it keeps can answer for what it was not shown.
'''

import ast
import inspect
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final

import numpy as np

from trading_system.data_pipeline.leaks.answers import Answer, Probe
from trading_system.data_pipeline.leaks.worlds import World
from trading_system.errors import ConfigurationError
from trading_system.market.columns import BarColumns, Floats, Ints

_ATOMS: Final = 1e8
_SHOWN: Final = ("bars", "metrics")


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What a function is shown of bars; no column can be written to.

    Attributes:
        symbol: The instrument's.
        interval_ns: Length of a bar, ns.
        open_ns, close_ns: (N,) when the bars began and ended, UTC ns.
        open, high, low, close: (N,) ticks.
        volume: (N,) base units.
    """

    symbol: str
    interval_ns: int
    open_ns: Ints
    close_ns: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __len__(self) -> int:
        return len(self.close_ns)


def probes_in(path: Path) -> list[Probe]:
    """Return a probe of each feature in the file at `path`, in the order in which they stand there.

    Raises:
        ConfigurationError: It cannot be read or run, or holds no feature; a probe raises it where its function fails or
            answers with another shape. The message names the file, and the line where there is one.
    """
    try:
        source = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror or error}") from error
    with blamed_on(path, "cannot be run"):
        code = compile(source, str(path), "exec", dont_inherit=True)
    features = [name for name, value in _run(path, code).items() if _is_feature(value)]
    if not features:
        raise ConfigurationError(
            f"{path}: holds no feature: define a function whose first parameter is called bars, and which returns one "
            "number a bar"
        )
    return [_probe(path, code, name) for name in features]


def holds_step(path: Path) -> bool:
    """Return whether the file at `path` declares a feature as the house does, by its step: see `features.own`.

    It is looked at, not run; of a file that cannot be read or parsed, whoever uses it will tell what is wrong.
    """
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return False
    return any(isinstance(each, ast.FunctionDef) and each.name == "step" for each in tree.body)


def _probe(path: Path, code: CodeType, name: str) -> Probe:
    def ask(world: World) -> list[Answer]:
        function = _run(path, code)[name]
        shown = {"bars": _shown(world.bars), "metrics": world.metrics}
        wanted = [part for part in inspect.signature(function).parameters if part in _SHOWN]
        with blamed_on(path, f"{name}() failed"), np.errstate(all="ignore"):
            returned = function(**{part: shown[part] for part in wanted})
            values = np.array(returned, dtype=np.float64)
        count = len(world.bars)
        if values.ndim not in (1, 2) or len(values) != count:
            raise ConfigurationError(
                f"{path}: {name}() answered with shape {values.shape} to {count} bars; return one number a bar, "
                f"({count},), and NaN where there is nothing to say yet"
            )
        names = (name,) if values.ndim == 1 else tuple(f"{name}[{column}]" for column in range(values.shape[1]))
        return [Answer(names, world.bars.close_ns, world.bars.close_ns, values.reshape(count, len(names)))]

    return Probe(ask=ask)


def _run(path: Path, code: CodeType) -> dict[str, Any]:
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    with blamed_on(path, "cannot be run"):
        exec(code, module.__dict__)
    return module.__dict__


def _is_feature(value: object) -> bool:
    """Return whether `value` is a function of the file's own text that is to be asked."""
    if not isinstance(value, FunctionType) or value.__name__.startswith("_"):
        return False
    return next(iter(inspect.signature(value).parameters), "") == _SHOWN[0]


def _shown(bars: BarColumns) -> History:
    def sealed(column: Floats) -> Floats:
        column.setflags(write=False)
        return column

    prices = {name: sealed(getattr(bars, name).astype(np.float64)) for name in ("open", "high", "low", "close")}
    close_ns = bars.close_ns.copy()
    open_ns = close_ns - bars.interval_ns
    for times in (open_ns, close_ns):
        times.setflags(write=False)
    return History(
        symbol=bars.symbol,
        interval_ns=bars.interval_ns,
        open_ns=open_ns,
        close_ns=close_ns,
        volume=sealed(bars.volume_atoms / _ATOMS),
        **prices,
    )


@contextmanager
def blamed_on(path: Path, what: str) -> Iterator[None]:
    """Turn whatever goes wrong inside the user's file into one message with its line. It ends what was being done."""
    try:
        yield
    except (Exception, SystemExit) as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        if isinstance(error, SyntaxError) and error.filename == str(path):
            lines.append(error.lineno)
        where = f"{path}, line {lines[-1]}" if lines else str(path)
        raise ConfigurationError(f"{where}: {what}: {type(error).__name__}: {error}") from error
