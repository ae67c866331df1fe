"""Request weight: what was used in this minute, who is refused for it, and who is banned.

Source: Binance Spot REST API, "IP Limits": 429 with `Retry-After` past the limit; 418 for those who keep asking.
"""

from typing import Final, NamedTuple

from trading_system.testnet.clock import VirtualClock
from trading_system.testnet.refusals import Reason, Refusal

MINUTE_MS: Final = 60_000
FORBEARANCE: Final = 5
"""Refused requests of one minute after which the asker is banned."""
BAN_MS: Final = 2 * MINUTE_MS


class TooMuch(NamedTuple):
    """A refusal, and after how many real seconds to come back, rounded up."""

    refusal: Refusal
    wait_s: int


class Scales:
    """Counts by the minute of the venue's clock.

    Attributes:
        refused: Requests that were answered 429, in all.
        banned: Requests that were answered 418, in all.

    Args:
        limit: Weight that a minute allows; None: any.
    """

    def __init__(self, clock: VirtualClock, limit: int | None) -> None:
        self.refused = 0
        self.banned = 0
        self._clock = clock
        self._limit = limit
        self._minute = -1
        self._used = 0
        self._tries = 0
        self._banned_until_ms = 0

    def weigh(self, weight: int) -> int:
        """Count `weight` and return what was used in this minute."""
        minute = self._clock.now_ms // MINUTE_MS
        if minute != self._minute:
            self._minute, self._used, self._tries = minute, 0, 0
        self._used += weight
        return self._used

    def too_much(self) -> TooMuch | None:
        """Return how the request that was just weighed is refused; None where it may be answered."""
        now_ms = self._clock.now_ms
        if now_ms < self._banned_until_ms:
            self.banned += 1
            until_ms = self._banned_until_ms
            return TooMuch(Refusal(Reason.BANNED, str(until_ms)), self._real_s(until_ms - now_ms))
        if self._limit is None or self._used <= self._limit:
            return None
        self.refused += 1
        self._tries += 1
        if self._tries > FORBEARANCE:
            self._banned_until_ms = now_ms + BAN_MS
        wait_s = self._real_s(MINUTE_MS - now_ms % MINUTE_MS)
        return TooMuch(Refusal(Reason.TOO_MANY_REQUESTS, str(self._limit)), wait_s)

    def _real_s(self, venue_ms: int) -> int:
        return -(-venue_ms // (1_000 * max(1, self._clock.speed)))
