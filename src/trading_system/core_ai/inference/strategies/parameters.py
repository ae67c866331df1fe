"""What can be set about a strategy: read from text or from numbers, and refused with what would have done."""

import difflib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from trading_system.core_ai.inference.strategies.strategy import Value
from trading_system.errors import ConfigurationError

Values = Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One thing that can be set about a strategy.

    Attributes:
        name: As on the command line.
        default: Value where it is not set; its type is the parameter's. None: a text that must be set.
        low, high: Least and greatest value of a number.
        help: What it does, one line.
    """

    name: str
    default: Value | None
    low: float = -math.inf
    high: float = math.inf
    help: str = ""

    @property
    def kind(self) -> str:
        """Return what it is in words: whole number, number, yes or no, text."""
        return _KINDS[type(self.default)].words

    @property
    def range(self) -> str:
        """Return its range in words, "" where it has none."""
        return f"{self.low:g}..{self.high:g}" if math.isfinite(self.low) else ""

    def read(self, value: Value) -> Value:
        """Return `value`, given as text or as it is, as what this parameter is.

        Raises:
            ConfigurationError: It is not of this kind, or out of range.
        """
        try:
            read = _KINDS[type(self.default)].read(value)
        except (ValueError, OverflowError):  # int("1e999"), float("ten"), int(inf)
            read = None
        if read is None or (not isinstance(read, str) and not self.low <= read <= self.high):
            within = f" {self.range}" if self.range else ""
            raise ConfigurationError(f"{self.name} must be a {self.kind}{within}, not {value!r}")
        return read


def read_all(parameters: Sequence[Parameter], given: Values) -> dict[str, Value]:
    """Return the value of each of `parameters`, in their order: the given one or the default.

    Raises:
        ConfigurationError: A key is unknown, a value is bad, or one that must be set is not.
    """
    known = [parameter.name for parameter in parameters]
    for key in given:
        if key not in known:
            raise ConfigurationError(f"there is no parameter {key!r}{instead(key, known)}")
    values: dict[str, Value] = {}
    for parameter in parameters:
        if parameter.name in given:
            values[parameter.name] = parameter.read(given[parameter.name])
        elif parameter.default is not None:
            values[parameter.name] = parameter.default
        else:
            raise ConfigurationError(f"{parameter.name} must be set: {parameter.help}")
    return values


def instead(name: str, known: Iterable[str]) -> str:
    """Return the end of a message about `name`, which is not known: what was most likely meant, and what there is.

    >>> instead("fats", ["fast", "slow"])
    '; did you mean fast? There are: fast, slow'
    """
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]}? There are: {', '.join(names)}" if close else f"; there are: {', '.join(names)}"


def _whole(value: Value) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError(value)
    return int(value)


def _number(value: Value) -> float:
    if isinstance(value, bool) or not math.isfinite(float(value)):
        raise ValueError(value)
    return float(value)


def _flag(value: Value) -> bool:
    return _FLAGS.index(str(value).lower()) % 2 == 1


_FLAGS: Final = ("false", "true", "no", "yes", "off", "on", "0", "1")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    words: str
    read: Callable[[Value], Value]


_TEXT: Final = _Kind(words="text", read=str)
_KINDS: Final[Mapping[type, _Kind]] = {
    int: _Kind(words="whole number", read=_whole),
    float: _Kind(words="number", read=_number),
    bool: _Kind(words="yes or no", read=_flag),
    str: _TEXT,
    type(None): _TEXT,
}
