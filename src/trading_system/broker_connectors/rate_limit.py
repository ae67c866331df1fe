"""Request weight: how much may be asked in a minute, and who waits when it is nearly used up.

Many processes share the budget of one address, so the venue's own count is what is believed. We stop before the limit;
whoever is refused all the same waits as long as the venue says, and so do all others that share the budget, since
asking on is what turns a refusal (429) into a ban (418).

Source: binance-spot-api-docs, rest-api.md, "IP Limits": the weight used is told with every answer, and counted by the
minute of the venue's clock.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

SHARE: Final = 0.8
"""Part of the limit that we use; the rest is left to orders and to whoever shares the address."""
MINUTE_S: Final = 60.0
PAD_S: Final = 0.5
"""So much later than a minute ends we go on: neither our clock nor the way to the venue is exact."""


class WeightBudget:
    """The request weight of one address at one venue.

    Args:
        limit: Weight of a minute, > 0, until `set_limit` says what the venue says.
        now_s: The venue's time, seconds since 1970.
        sleep: Waits so many seconds.
        waiting: Told of each wait: how long, seconds, and why.
    """

    def __init__(
        self,
        *,
        limit: int,
        now_s: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        waiting: Callable[[float, str], None] = lambda seconds, why: None,
    ) -> None:
        self._limit = limit
        self._now_s = now_s
        self._sleep = sleep
        self._waiting = waiting
        self._minute = -1
        self._used = 0
        self._held_until_s = 0.0

    def set_limit(self, limit: int) -> None:
        """Take over the limit that the venue tells, > 0."""
        self._limit = limit

    async def spend(self, weight: int) -> None:
        """Return when `weight` may be asked; it then counts as used.

        One request that weighs more than our whole share goes where nothing is used yet.
        """
        while (wait := self._wait(weight)) is not None:
            self._waiting(*wait)
            await self._sleep(wait[0])
        self._used += weight

    def learn(self, used: int) -> None:
        """Take note of the weight that the venue counts in this minute, ours and others'."""
        self._turn()
        self._used = used

    def hold(self, seconds: float) -> None:
        """Let nobody ask for so long: the venue refused to answer."""
        self._held_until_s = max(self._held_until_s, self._now_s() + seconds)

    def _wait(self, weight: int) -> tuple[float, str] | None:
        now_s = self._now_s()
        if now_s < self._held_until_s:
            return self._held_until_s - now_s, "the venue asks for a pause"
        self._turn()
        if self._used and self._used + weight > self._limit * SHARE:
            why = f"{self._used} of {self._limit} request weight of this minute is used"
            return MINUTE_S - now_s % MINUTE_S + PAD_S, why
        return None

    def _turn(self) -> None:
        minute = int(self._now_s() // MINUTE_S)
        if minute != self._minute:
            self._minute, self._used = minute, 0
