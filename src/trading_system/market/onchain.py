"""Metrics: what is said about an asset besides its bars, and when it became public.

On-chain counts, funding rates, sizes of the mempool: a value is about a span of time, is published some time after its
end, and may be restated later. All three moments are kept, so that a decision in the past can be worked out from what
was public then and nothing else.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from trading_system.errors import DataError
from trading_system.market.timestamps import iso

if TYPE_CHECKING:  # whoever trades needs no numpy
    from trading_system.market.columns import Floats, Ints

_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One value of one metric, as it was published.

    Attributes:
        source: Who published it: a provider's name, as in "coin_metrics".
        asset: What it is about, in the provider's own word: "btc", "BTCUSDT".
        name: Which metric, in the provider's own word: "AdrActCnt". The three words name files as well: letters,
            digits, dot, dash and underscore.
        value: The decimal text that was published, digit for digit; a finite number.
        start_ns, end_ns: The span that it is about, UTC ns; equal where it is about a moment.
        available_ns: When it became public, UTC ns; no decision before this moment may use it.
        revision: 0 for the first value of a span, then 1, 2, ... for each restatement.
        license: The terms under which it was published, in a few words on one line.

    Raises:
        DataError: The value is no finite number, a word cannot name a file, a time is before 1970 or after 2262, it was
            public before its span ended, or its revision or license cannot be one.
    """

    source: str
    asset: str
    name: str
    value: str
    start_ns: int
    end_ns: int
    available_ns: int
    revision: int = 0
    license: str

    def __post_init__(self) -> None:
        for word in (self.source, self.asset, self.name):
            if not is_word(word):
                raise DataError(f"{word[:80]!r} cannot name a source, an asset or a metric")
        if not (self.start_ns >= 0 and max(self.end_ns, self.available_ns) < 2**63):
            raise DataError(f"{self.source} {self.asset} {self.name}: a time before 1970 or after 2262")
        if not is_number(self.value):
            raise DataError(f"{self} is {self.value[:80]!r}, which is no finite number")
        if not self.start_ns <= self.end_ns <= self.available_ns:
            raise DataError(
                f"{self}: about {iso(self.start_ns)} to {iso(self.end_ns)} and public at {iso(self.available_ns)}: "
                "time runs backwards"
            )
        if self.revision < 0 or not self.license.isprintable():
            raise DataError(f"{self}: revision {self.revision}, license {self.license[:80]!r}")

    def __str__(self) -> str:
        return f"{self.source} {self.asset} {self.name} of {iso(self.end_ns)}"

    @property
    def number(self) -> float:
        """The value as features use it."""
        return float(self.value)


def is_word(text: str) -> bool:
    """Return whether `text` can name a source, an asset or a metric, and with it a folder and nothing outside of it.

    >>> is_word("AdrActCnt"), is_word(".."), is_word("a/b")
    (True, False, False)
    """
    return _WORD.fullmatch(text) is not None


def is_number(text: str) -> bool:
    """Return whether `text` is a decimal number that a float can hold: neither NaN nor infinite.

    >>> [is_number(text) for text in ("6.25", "-1e3", "NaN", "1e999", "1_0", " 1", "")]
    [True, True, False, False, False, False, False]
    """
    return _NUMBER.fullmatch(text) is not None and math.isfinite(float(text))


def same_value(one: str, other: str) -> bool:
    """Return whether two texts say the same value.

    A provider's exact digits and the float that another program made of them do; two exact texts that differ anywhere
    do not, and neither do two different floats.

    >>> same_value("1.50", "1.5"), same_value("0.12345678901234567891", "0.12345678901234568")
    (True, True)
    >>> same_value("0.12345678901234567891", "0.12345678901234567892")
    False
    """
    if Decimal(one) == Decimal(other):
        return True
    return float(one) == float(other) and (_shortest(one) or _shortest(other))


def _shortest(text: str) -> bool:
    """Return whether `text` holds no more digits than its float needs."""
    return Decimal(repr(float(text))) == Decimal(text)


class Metrics(NamedTuple):
    """Values of one metric of one asset as columns, in any order.

    Attributes:
        event_ns: (M,) end of the span that each value is about, UTC ns.
        available_ns: (M,) when each became public, UTC ns.
        revision: (M,) 0 for the first value of a span, rising with each restatement.
        value: (M,) the values.
    """

    event_ns: "Ints"
    available_ns: "Ints"
    revision: "Ints"
    value: "Floats"


def metrics_of(records: Iterable[Metric]) -> Metrics:
    """Return `records`, all of one metric of one asset, as columns."""
    import numpy as np

    rows = [(record.end_ns, record.available_ns, record.revision, record.number) for record in records]
    event_ns, available_ns, revision, value = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Metrics(
        event_ns=np.array(event_ns, dtype=np.int64),
        available_ns=np.array(available_ns, dtype=np.int64),
        revision=np.array(revision, dtype=np.int64),
        value=np.array(value, dtype=np.float64),
    )
