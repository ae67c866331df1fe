"""What a choice of a run is: its one name, what may stand there, and what it is where nobody says anything."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from trading_system.core_ai.inference.strategies.parameters import Parameter
from trading_system.core_ai.inference.strategies.strategy import Value
from trading_system.errors import ConfigurationError, DataError
from trading_system.market.bars import interval_ns
from trading_system.market.money import number

AUTO: Final = "auto"
"""What stands for a choice that is worked out from the run's other choices or from its bars."""
UNSET: Final = ""
"""The default of a choice that must be set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One thing to be chosen about a run.

    Attributes:
        name: As on the command line and in `config.yaml`.
        section: Part of `config.yaml` that holds it; "" for none.
        default: Its value where nothing is said; its type is the choice's.
        words: The values that there are, where they are words.
        low, high: Least and greatest value of a number.
        whole: Whether it is a whole number where its default does not say.
        reads: Reads a text that is no plain word; returns it as it is written down.
        auto: What `AUTO` stands for; "" where it may not stand.
        help: What it means, with its unit.
    """

    name: str
    section: str
    default: Value
    words: tuple[str, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    whole: bool = False
    reads: Callable[[str], str] | None = None
    auto: str = ""
    help: str

    @property
    def range(self) -> str:
        """Return what may stand there, in words."""
        limits = f"{self.low:.10g}..{self.high:.10g}" if math.isfinite(self.low) else self._number.kind
        kind = ", ".join(self.words) if self.words else _KINDS[self.reads] if self.reads else limits
        return f"{kind}, or auto: {self.auto}" if self.auto else kind

    @property
    def _number(self) -> Parameter:
        default = (0 if self.whole else 0.0) if isinstance(self.default, str) else self.default
        return Parameter(name=self.name, default=default, low=self.low, high=self.high, help=self.help)

    def read(self, value: Value) -> Value:
        """Return `value`, given as text or as it is, as what this choice is.

        Raises:
            ConfigurationError: It is not of this kind, or out of range.
        """
        text = str(value).strip()
        if self.auto and text == AUTO:
            return AUTO
        if self.words:
            if text not in self.words:
                raise ConfigurationError(f"{self.name} must be one of {', '.join(self.words)}, not {text!r}")
            return text
        if self.reads is None:
            return self._number.read(value)
        try:
            return self.reads(text)
        except (ConfigurationError, DataError, ValueError) as error:
            raise ConfigurationError(f"{self.name}: {error}") from None


def amount(text: str) -> str:
    """Return a positive decimal number as plain digits.

    >>> amount("1e-5")
    '0.00001'
    """
    value = number(text, "the value")
    if value <= 0:
        raise ConfigurationError(f"must be more than 0, not {text}")
    return _digits(value)


def amount_or_none(text: str) -> str:
    """Return a decimal number that is not below zero as plain digits."""
    value = number(text, "the value")
    if value < 0:
        raise ConfigurationError(f"must not be below 0, not {text}")
    return _digits(value)


def _digits(value: Decimal) -> str:
    return f"{value.normalize():f}"


def moment(text: str) -> str:
    """Return a date or time as ISO 8601 in UTC, as it is written down.

    >>> moment("2024-01-31"), moment("2024-01-31 12:00:00+01:00")
    ('2024-01-31T00:00:00Z', '2024-01-31T11:00:00Z')
    """
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{text!r} is no date: write it like 2024-01-31 or 2024-01-31T12:00:00Z") from None
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    return f"{when:%Y-%m-%dT%H:%M:%S}Z"


def read_interval(text: str) -> str:
    """Return `text` if it is the length of a bar."""
    interval_ns(text)
    return text


def plain_word(text: str) -> str:
    """Return `text` if it is a name."""
    if not text or not text.replace("-", "").replace("_", "").isalnum():
        raise ConfigurationError(f"{text!r} is no name: letters, digits, - and _")
    return text


_KINDS: Final[Mapping[Callable[[str], str], str]] = {
    amount: "number above 0",
    amount_or_none: "number, 0 or more",
    moment: "date or time",
    plain_word: "name",
    read_interval: "like 1m, 15m, 1h, 1d",
}
"""What a text that is read by a function is, in words."""

Maker = Callable[..., Choice]


def number_in(section: str) -> Maker:
    """Return what makes a number of `section`, whole where its default is, from name, default, low, high and help."""
    return lambda name, default, low, high, help: Choice(
        name=name, section=section, default=default, low=low, high=high, help=help
    )


def auto_number_in(section: str) -> Maker:
    """Return what makes a number that is worked out where it is not given: name, what auto is, low, high and help."""
    return lambda name, auto, low, high, help: Choice(
        name=name, section=section, default=AUTO, whole=isinstance(low, int), low=low, high=high, auto=auto, help=help
    )


def words_in(section: str) -> Maker:
    """Return what makes a choice among words, of which the first is the default: name, words and help."""
    return lambda name, words, help: Choice(
        name=name, section=section, default=words.split()[0], words=tuple(words.split()), help=help
    )


def text_in(section: str) -> Maker:
    """Return what makes a text that is read by a function: name, default, the function, help and what auto is."""
    return lambda name, default, reads, help, auto="": Choice(
        name=name, section=section, default=default, reads=reads, auto=auto, help=help
    )
