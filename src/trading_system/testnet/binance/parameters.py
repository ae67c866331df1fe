"""A request's parameters: read by name, refused in the venue's words."""

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeVar
from urllib.parse import parse_qsl

from trading_system.market.money import ATOMS
from trading_system.testnet.refusals import Reason, Refusal

SYMBOL: Final = r"^[A-Z0-9-_.]{1,20}$"
DECIMAL: Final = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
INTEGER: Final = r"^[0-9]{1,20}$"
CLIENT_ID: Final = r"^[a-zA-Z0-9-_]{1,36}$"
MAX_LONG: Final = 2**63 - 1

Word = TypeVar("Word", bound=StrEnum)


class Params:
    """Named values, all text. An empty value counts as not sent, as it does at the venue."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values: Final = values

    @classmethod
    def of_request(cls, query: bytes, body: bytes) -> "Params":
        """Read a query string and a form body; where both name a parameter, the query counts.

        Raises:
            Refusal: One of them names a parameter twice.
        """
        values: dict[str, str] = {}
        for part in (body, query):
            pairs = parse_qsl(part.decode("utf-8", "replace"), keep_blank_values=True)
            if len(dict(pairs)) < len(pairs):
                raise Refusal(Reason.DUPLICATE_VALUES)
            values.update(pairs)
        return cls(values)

    def text(self, name: str, pattern: str | None = None) -> str | None:
        """Return the value of `name`, None if it was not sent."""
        value = self.values.get(name) or None
        if value is not None and pattern is not None and not re.fullmatch(pattern, value):
            raise Refusal(Reason.ILLEGAL_CHARACTERS, name, pattern)
        return value

    def required(self, name: str, pattern: str | None = None) -> str:
        """Return the value of `name`, or refuse the request that lacks it."""
        value = self.text(name, pattern)
        if value is None:
            raise Refusal(Reason.MISSING, name)
        return value

    def integer(self, name: str) -> int | None:
        """Return a whole number >= 0 that fits into 63 bits."""
        value = self.text(name, INTEGER)
        if value is None:
            return None
        if int(value) > MAX_LONG:
            raise Refusal(Reason.OVERFLOWED, name)
        return int(value)

    def required_integer(self, name: str) -> int:
        """Return a whole number >= 0, or refuse the request that lacks it."""
        self.required(name, INTEGER)
        return self.integer(name) or 0

    def limit(self, default: int, most: int) -> int:
        """Return `limit`, 1..`most`; more counts as `most`."""
        value = self.integer("limit")
        if value == 0:
            raise Refusal(Reason.BAD_VALUE, "limit")
        return min(value or default, most)

    def decimal(self, name: str, *, places: int) -> Decimal | None:
        """Return a plain decimal number >= 0 with at most `places` digits after the point."""
        value = self.text(name, DECIMAL)
        if value is None:
            return None
        digits = value.partition(".")[2].rstrip("0")
        if len(digits) > places:
            raise Refusal(Reason.TOO_PRECISE, name)
        return Decimal(value)

    def atoms(self, name: str) -> int | None:
        """Return an amount in atoms."""
        value = self.decimal(name, places=8)
        return None if value is None else int(value * ATOMS)

    def word(self, name: str, words: type[Word], refusal: Reason, default: Word | None = None) -> Word:
        """Return one of `words`; refuse a request that has none or another."""
        value = self.text(name)
        if value is None and default is not None:
            return default
        if value is None:
            raise Refusal(Reason.MISSING, name)
        for word in words:
            if word.value == value:
                return word
        raise Refusal(refusal)
