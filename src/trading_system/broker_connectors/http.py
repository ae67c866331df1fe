"""One request: send it, and name the failure by the one question that matters for an order: may it have arrived?"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import aiohttp

from trading_system.errors import OutcomeUnknown, VenueUnavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What came back: HTTP status, headers, and the body's bytes."""

    status: int
    headers: dict[str, str]
    body: bytes


@contextmanager
def could_it_have_arrived() -> Iterator[None]:
    """Name a transport failure by the one question that matters for an order."""
    try:
        yield
    except aiohttp.ClientConnectorError as error:
        number = error.os_error.errno or 0
        why = os.strerror(number) if number > 0 else str(error.os_error)  # names that nobody knows have no such number
        raise VenueUnavailable(f"no connection to {error.host}:{error.port}: {why}") from error  # it never left
    except aiohttp.ConnectionTimeoutError as error:
        raise VenueUnavailable(f"no connection in time: {error}") from error  # it never left either
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise OutcomeUnknown(f"no answer: {type(error).__name__} {error}".strip()) from error  # it may have


async def send(
    session: aiohttp.ClientSession, method: str, url: str, *, headers: dict[str, str], body: bytes | None = None
) -> Response:
    """Send one request and return the whole response, whatever its status; a redirection is a response too.

    Following one would send an order a second time (307 and 308 repeat the POST), and our key to another host. The
    client itself repeats a GET or DELETE once where a kept-alive connection turns out to be closed, and never a
    POST; the tests hold it to that.

    Raises:
        VenueUnavailable: No connection could be made: nothing was sent.
        OutcomeUnknown: The request left, or may have, and no complete answer came back.
    """
    with could_it_have_arrived():
        async with session.request(method, url, data=body, headers=headers, allow_redirects=False) as response:
            return Response(
                status=response.status,
                headers={name.lower(): value for name, value in response.headers.items()},
                body=await response.read(),
            )
