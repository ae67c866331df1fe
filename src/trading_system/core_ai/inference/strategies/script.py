'''A strategy in a file of the user's: windows in, the probability of a rise out.

The file holds a constant, a function and, where it likes, parameters with their defaults:

    WINDOW = 20
    PARAMETERS = {"stretch": 2.0}

    def view(bars, stretch):
        """Expect a close far from its mean to come back."""
        away = bars.close[:, -1] - bars.close.mean(axis=-1)
        return 0.5 - 0.05 * np.clip(away / (stretch * bars.close.std(axis=-1) + 1.0), -1.0, 1.0)

`bars.open`, `.high`, `.low`, `.close` (ticks) and `.volume` (base units) are float64 of shape (N, WINDOW), the newest
bar last: N windows at once in a back-test, one live. `bars.open_ns` and `.close_ns` are when they began and ended, UTC
ns, int64; `bars.symbol` is of what. It answers with N probabilities, or with one for all.

What it is not shown it cannot look at: a window ends with the bar that the view is formed at. Windows of other bars
stand beside it in one call, though, and a mean over the wrong axis would mix them. So of every call some windows are
asked about once more, each alone, as it is live; an answer that differs in a single bit is refused.
'''

import hashlib
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from trading_system.core_ai.inference.strategies.parameters import Parameter, Values, read_all
from trading_system.core_ai.inference.strategies.strategy import Value
from trading_system.errors import ConfigurationError, DataError
from trading_system.market.bars import Bar
from trading_system.market.columns import BarColumns, Floats, Ints
from trading_system.market.timestamps import iso

AT_ONCE: Final = 2**20
"""Numbers of one column in one call: 8 MiB, so that memory does not grow with the history."""
ASKED_AGAIN: Final = 8
"""Windows of each call that are asked about once more, alone."""
LONGEST: Final = 100_000
"""Bars in a window."""
ATOMS: Final = 1e8
"""Volume in atoms over this is volume in units."""
PRICES_AND_VOLUME: Final = ("open", "high", "low", "close", "volume_atoms")
TIMES: Final = ("open_ns", "close_ns")

Numbers = TypeVar("Numbers", Floats, Ints)


class Windows:
    """What a script is shown: columns of shape (N, WINDOW), oldest bar first, each made when it is first asked for."""

    def __init__(self, symbol: str, column: Callable[[str], Floats | Ints]) -> None:
        self.symbol = symbol
        """The instrument's."""
        self._column = column

    @cached_property
    def open_ns(self) -> Ints:
        """When the bars began, UTC ns."""
        return _sealed(np.array(self._column("open_ns"), dtype=np.int64, order="C"))

    @cached_property
    def close_ns(self) -> Ints:
        """When the bars ended, UTC ns."""
        return _sealed(np.array(self._column("close_ns"), dtype=np.int64, order="C"))

    @cached_property
    def open(self) -> Floats:
        """Opens, ticks."""
        return self._shown("open")

    @cached_property
    def high(self) -> Floats:
        """Highs, ticks."""
        return self._shown("high")

    @cached_property
    def low(self) -> Floats:
        """Lows, ticks."""
        return self._shown("low")

    @cached_property
    def close(self) -> Floats:
        """Closes, ticks."""
        return self._shown("close")

    @cached_property
    def volume(self) -> Floats:
        """Quantities traded, base units."""
        return self._shown("volume_atoms", unit=ATOMS)

    def _shown(self, name: str, unit: float | None = None) -> Floats:
        # A block of its own, and not a view of overlapping windows: numpy sums a row alike however many rows there are.
        block = np.array(self._column(name), dtype=np.float64, order="C")
        if unit is not None:
            block /= unit
        return _sealed(block)


def _sealed(block: Numbers) -> Numbers:
    block.setflags(write=False)
    return block


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A user's file, loaded.

    Attributes:
        path: Where it lies.
        digest: SHA-256 of its bytes, hex.
        window: Bars that it looks at, this one included, >= 1.
        parameters: What can be set about it.
        view: Its function.
    """

    path: Path
    digest: str
    window: int
    parameters: tuple[Parameter, ...]
    view: Callable[..., Any]


def load(path: Path) -> Script:
    """Return the script at `path`. The file is run: it is code of whoever names it.

    Raises:
        ConfigurationError: It cannot be read or run, or what it must define is missing or wrong; the message names the
            file, the line where there is one, and what to do.
    """
    try:
        source = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror or error}") from error
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    with _blamed_on(path, "cannot be run"):
        exec(compile(source, str(path), "exec", dont_inherit=True), module.__dict__)
    found = module.__dict__
    window, view, defaults = found.get("WINDOW"), found.get("view"), found.get("PARAMETERS", {})
    if type(window) is not int or not 1 <= window <= LONGEST:
        raise ConfigurationError(f"{path}: define how many bars it looks at, WINDOW = 1..{LONGEST}; it is {window!r}")
    if not callable(view):
        raise ConfigurationError(f"{path}: define a function view(bars, **parameters); it is {view!r}")
    if not isinstance(defaults, Mapping) or not all(
        isinstance(name, str) and isinstance(value, Value) for name, value in defaults.items()
    ):
        raise ConfigurationError(
            f"{path}: PARAMETERS maps names to numbers, texts or True and False; it is {defaults!r}"
        )
    parameters = tuple(Parameter(name=name, default=value) for name, value in defaults.items())
    digest = hashlib.sha256(source).hexdigest()
    return Script(path=path, digest=digest, window=window, parameters=parameters, view=view)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripted:
    """A script and the values of its parameters, as a belief.

    Raises, at both speeds:
        ConfigurationError: Its function failed, answered with another shape, or depends on what it must not.
        DataError: An answer is not a probability.
    """

    script: Script
    values: Values

    def odds(self, bars: BarColumns) -> Floats:
        """Return the probability of a rise after each bar; NaN before the first whole window."""
        width, count = self.script.window, len(bars) - self.script.window + 1
        odds, step = np.full(len(bars), np.nan), max(1, AT_ONCE // self.script.window)
        for start in range(0, count, step):
            rows = min(count - start, step)
            closes = bars.close_ns[start + width - 1 : start + width - 1 + rows]
            answers = self._ask(_windows(bars, start, rows, width), closes)
            for row in np.unique(np.linspace(0, rows - 1, ASKED_AGAIN, dtype=np.int64)).tolist():
                alone = self._ask(_windows(bars, start + row, 1, width), closes[row : row + 1])
                self._same(float(answers[row]), float(alone[0]), int(closes[row]))
            odds[start + width - 1 : start + width - 1 + rows] = answers
        return odds

    def stream(self) -> Callable[[Bar], float]:
        """Return what answers for one bar after the other."""
        width, seen = self.script.window, 0
        rings: dict[str, Floats | Ints] = {name: np.zeros(2 * width) for name in PRICES_AND_VOLUME}
        rings |= {name: np.zeros(2 * width, dtype=np.int64) for name in TIMES}

        def step(bar: Bar) -> float:
            nonlocal seen
            at = seen % width
            for name, ring in rings.items():  # written twice, so that the last `width` always lie side by side
                ring[at] = ring[at + width] = getattr(bar, name)
            seen += 1
            if seen < width:
                return float("nan")
            shown = Windows(bar.symbol, lambda name: rings[name][at + 1 : at + 1 + width].reshape(1, width))
            return float(self._ask(shown, np.array([bar.close_ns]))[0])

        return step

    def _ask(self, windows: Windows, closes: Ints) -> Floats:
        """Return the answers for windows that end at `closes`."""
        path, count = self.script.path, len(closes)
        with _blamed_on(path, "view() failed"), np.errstate(all="ignore"):
            returned = self.script.view(windows, **self.values)
            answer = np.asarray(returned, dtype=np.float64)
        if returned is None:
            raise ConfigurationError(f"{path}: view() returned nothing; end it with return and a probability, 0..1")
        if answer.shape not in ((), (count,)):
            raise ConfigurationError(
                f"{path}: view() answered with shape {answer.shape} to {count} windows; return a probability for each, "
                f"({count},): work along the last axis, as in bars.close.mean(axis=-1) or bars.close[:, -1]"
            )
        answers = np.broadcast_to(answer, (count,))
        bad = ~((answers >= 0.0) & (answers <= 1.0))
        if bad.any():
            row = int(np.argmax(bad))
            raise DataError(
                f"{path}: view() answered {answers[row]} for the window that ends at {iso(int(closes[row]))}; return a "
                "probability, 0..1, and 0.5 where there is nothing to say"
            )
        return answers

    def _same(self, together: float, alone: float, close_ns: int) -> None:
        if together != alone:
            raise ConfigurationError(
                f"{self.script.path}: view() answers {together} for the window that ends at {iso(close_ns)} when it is "
                f"asked about others with it, and {alone} when asked alone, as it is live; work out each row from that "
                "row only: along axis=-1, without state, and with (x * w).sum(axis=-1) instead of x @ w"
            )


def scripted(path: Path, given: Values) -> tuple[Scripted, dict[str, Value]]:
    """Return the script at `path` as a belief, and the values of all its parameters, of which some were `given`.

    Raises:
        ConfigurationError: As `load`; or it has no such parameter, or a value is not of its default's kind.
    """
    script = load(path)
    values = read_all(script.parameters, given)
    return Scripted(script=script, values=values), values


def _windows(bars: BarColumns, first: int, rows: int, width: int) -> Windows:
    """Return `rows` windows, the first of which begins with bar `first`."""

    def column(name: str) -> Floats | Ints:
        part = slice(first, first + rows + width - 1)
        if name in TIMES:
            began: Ints = bars.close_ns[part] - (bars.interval_ns if name == "open_ns" else 0)
            return sliding_window_view(began, width)
        values: Ints = getattr(bars, name)[part]
        return sliding_window_view(values.astype(np.float64), width)

    return Windows(bars.symbol, column)


@contextmanager
def _blamed_on(path: Path, what: str) -> Iterator[None]:
    """Turn whatever goes wrong inside the user's file into one message with its line. It ends what was being done."""
    try:
        yield
    except (Exception, SystemExit) as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        if isinstance(error, SyntaxError) and error.filename == str(path):
            lines.append(error.lineno)
        where = f"{path}, line {lines[-1]}" if lines else str(path)
        raise ConfigurationError(f"{where}: {what}: {type(error).__name__}: {error}") from error
