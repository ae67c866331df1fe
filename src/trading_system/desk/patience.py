"""When to ask again: soon at first, then less and less often."""

from dataclasses import dataclass
from typing import Final

from trading_system.market.timestamps import NS_PER_S

PATIENCE_S: Final = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Pauses between questions about one thing, seconds; the last is repeated."""


@dataclass(slots=True)
class Due:
    """When to ask next about an order, or about the books, and how often was asked already."""

    at_ns: int
    asked: int = 0

    def again(self, now_ns: int) -> None:
        """Put the next question off by the next pause."""
        self.at_ns = now_ns + int(PATIENCE_S[min(self.asked, len(PATIENCE_S) - 1)] * NS_PER_S)
        self.asked += 1
