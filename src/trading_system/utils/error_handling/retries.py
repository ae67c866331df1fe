"""Try again what can be tried again without harm: a question that nobody answered."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from trading_system.errors import OutcomeUnknown, RateLimited, VenueUnavailable

T = TypeVar("T")

FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 30.0


async def answered(
    question: Callable[[], Awaitable[T]], *, notice: Callable[[str], None] = lambda why: None, tries: int | None = None
) -> T:
    """Ask until there is an answer, with growing pauses; for reads only, never for what places or ends an order.

    Args:
        notice: Told why each failed try failed.
        tries: How often in all; None for as long as it takes.

    Raises:
        VenueUnavailable, RateLimited, OutcomeUnknown: The last try failed too.
    """
    attempt = 0
    while True:
        attempt += 1
        try:
            return await question()
        except (VenueUnavailable, RateLimited, OutcomeUnknown) as error:
            notice(str(error))
            if attempt == tries:
                raise
            wanted_s = error.retry_after_s if isinstance(error, RateLimited) else 0.0
            await asyncio.sleep(max(wanted_s, min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(attempt - 1, 9))))
