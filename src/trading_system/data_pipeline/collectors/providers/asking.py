"""One question at a time, at the pace a provider allows, and each failure named by what to do next."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from trading_system.errors import ConfigurationError, DataError, RateLimited, VenueUnavailable
from trading_system.utils.error_handling.retries import answered

Send = Callable[[str], Awaitable[tuple[int, Mapping[str, str], bytes]]]
"""Gets an address: status, headers by lower-case name, body; raises VenueUnavailable or OutcomeUnknown."""

TRIES: Final = 6
"""How often a question is asked in all; the pauses between add up to some seconds, or to what the provider wants."""
LONGEST_WAIT_S: Final = 600.0
_USUAL_WAIT_S: Final = 30.0
_TOO_OFTEN: Final = frozenset({418, 429})
_ASK_AGAIN: Final = frozenset({408, 425})
_DECODER: Final = msgspec.json.Decoder(Any, float_hook=str)  # numbers keep the digits that were sent


class Asker:
    """Asks one provider, `pause_s` after the last question at the earliest, and again where that may help.

    Args:
        send: The way out.
        url: The provider's address.
        pause_s: Seconds between two requests.
        notice: Told why a question is asked again.
        tries: How often it is asked in all.
    """

    def __init__(
        self,
        send: Send,
        *,
        url: str,
        pause_s: float,
        notice: Callable[[str], None] = lambda why: None,
        tries: int = TRIES,
    ) -> None:
        self._send = send
        self._url = url.rstrip("/")
        self._pause_s = pause_s
        self._notice = notice
        self._tries = tries
        self._next_s = 0.0

    async def __call__(self, path: str, parameters: Mapping[str, str]) -> bytes:
        """Return the body of a good answer.

        Raises:
            ConfigurationError: The provider refuses the question; asking again would not help.
            VenueUnavailable, RateLimited, OutcomeUnknown: It does not answer; what was stored so far stays.
        """
        query = f"?{urlencode(parameters)}" if parameters else ""
        return await answered(lambda: self._once(f"{self._url}{path}{query}"), notice=self._notice, tries=self._tries)

    async def _once(self, address: str) -> bytes:
        await asyncio.sleep(self._next_s - time.monotonic())
        try:
            status, headers, body = await self._send(address)
        finally:
            self._next_s = time.monotonic() + self._pause_s
        if status == 200:
            return body
        message = f"{address}: HTTP {status}: {body[:200].decode(errors='replace')}"
        if status in _TOO_OFTEN:
            raise RateLimited(message, retry_after_s=wait_s(headers))
        if status >= 500 or status in _ASK_AGAIN:
            raise VenueUnavailable(message)
        raise ConfigurationError(message)


def wait_s(headers: Mapping[str, str]) -> float:
    """Return how long a provider wants us to wait, seconds, 0..`LONGEST_WAIT_S`.

    Source: RFC 9110, 10.2.3 (Retry-After: seconds, or a date, which is held against the answer's own Date); the draft
    "RateLimit header fields for HTTP", 03 (RateLimit-Reset: seconds), as Coin Metrics sends it.
    """
    for name in ("retry-after", "ratelimit-reset", "x-ratelimit-reset"):
        text = headers.get(name, "").strip()
        if text.isascii() and text.isdecimal():
            return min(float(text), LONGEST_WAIT_S)
    try:
        until = parsedate_to_datetime(headers.get("retry-after", ""))
        return min(max((until - parsedate_to_datetime(headers.get("date", ""))).total_seconds(), 0.0), LONGEST_WAIT_S)
    except (ValueError, TypeError):
        return _USUAL_WAIT_S


def decoded(body: bytes) -> object:
    """Return what a body says in JSON; numbers with a point or an exponent as the text that was sent.

    Raises:
        DataError: It is no JSON.
    """
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:  # ValueError: no UTF-8, a number too long
        raise DataError(f"the answer is no JSON ({error}): {body[:100].decode(errors='replace')}") from error


def rows_of(value: object, what: str) -> list[object]:
    """Return `value`, which must be a list.

    Raises:
        DataError: It is none: the provider answers in another shape than its documentation says.
    """
    if not isinstance(value, list):
        raise DataError(f"the answer has no list of {what}: the provider's form has changed")
    return value
