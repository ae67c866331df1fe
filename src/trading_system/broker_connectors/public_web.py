"""The way out to public data: addresses are got, nothing is signed, nothing is changed anywhere."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

import aiohttp

from trading_system.broker_connectors.http import send

Get = Callable[[str], Awaitable[tuple[int, Mapping[str, str], bytes]]]
"""Gets an address: status, headers by lower-case name, body; raises VenueUnavailable or OutcomeUnknown."""

TIMEOUT: Final = aiohttp.ClientTimeout(total=60.0, connect=10.0)
"""A page of a thousand days takes some providers many seconds."""


@asynccontextmanager
async def public_web() -> AsyncIterator[Get]:
    """Yield what gets addresses over one session."""
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:

        async def get(address: str) -> tuple[int, Mapping[str, str], bytes]:
            """Get `address`; a redirection is an answer too."""
            response = await send(session, "GET", address, headers={})
            return response.status, response.headers, response.body

        yield get
