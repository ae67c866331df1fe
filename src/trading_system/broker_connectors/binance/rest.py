"""Binance's REST API: sign, send, read, and name the failure."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final, TypeVar
from urllib.parse import urlencode

import aiohttp

from trading_system.broker_connectors.binance import failures
from trading_system.broker_connectors.binance.signing import rest_payload
from trading_system.broker_connectors.http import Response, send
from trading_system.broker_connectors.rate_limit import WeightBudget
from trading_system.errors import AuthenticationFailed, DataError, OutcomeUnknown, RateLimited, VenueError
from trading_system.market.timestamps import to_ms
from trading_system.ports import Checkpoint, Clock

T = TypeVar("T")

USED_WEIGHT: Final = "x-mbx-used-weight-1m"
"""The header that tells the request weight of this minute ("IP Limits")."""


class Rest:
    """Requests to one host under one key.

    Args:
        recv_window_ms: How long a signed request stays valid at the venue ("Timing security").
        reached: Called as `TAG.sending` and `TAG.answered` around requests that carry a tag.
        resync: Measures the clock against the venue's anew. Awaited once for each request that the venue found out
            of time (-1021), before the error is raised, so that whoever tries again is stamped right. A
            VenueError of its own is passed over: the clock is then as it was.
        budget: What questions without a key are counted in; None: they are not. What is signed never waits for it:
            an order has its own time.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        host: str,
        api_key: str,
        api_secret: str,
        recv_window_ms: int,
        clock: Clock,
        reached: Checkpoint,
        resync: Callable[[], Awaitable[None]] | None = None,
        budget: WeightBudget | None = None,
    ) -> None:
        self._session = session
        self._host = host
        self._api_key = api_key
        self._api_secret = api_secret
        self._recv_window_ms = recv_window_ms
        self._clock = clock
        self._reached = reached
        self._resync = resync
        self._budget = budget

    async def public(
        self,
        path: str,
        read: Callable[[bytes], T],
        parameters: Mapping[str, str] | None = None,
        *,
        weight: int = 1,
    ) -> T:
        """Return what `read` makes of the answer of an endpoint that asks for no key.

        Args:
            path: Of the endpoint.
            read: As in `signed`.
            parameters: Of the query.
            weight: What the request costs of the minute's weight, as the endpoint's page says.

        Raises:
            VenueError: See `signed`.
        """
        query = f"?{urlencode(parameters)}" if parameters else ""
        if self._budget is None:
            return _answer(await send(self._session, "GET", f"{self._host}{path}{query}", headers={}), read)
        await self._budget.spend(weight)
        response = await send(self._session, "GET", f"{self._host}{path}{query}", headers={})
        used = response.headers.get(USED_WEIGHT, "")
        if used.isascii() and used.isdigit():
            self._budget.learn(int(used))
        try:
            return _answer(response, read)
        except RateLimited as error:
            self._budget.hold(error.retry_after_s)
            raise

    async def signed(
        self, method: str, path: str, parameters: Mapping[str, str], read: Callable[[bytes], T], *, tag: str = ""
    ) -> T:
        """Return what `read` makes of the answer of an endpoint that asks for a signature.

        Args:
            read: Body of a 200 to what is wanted of it; its DataError is an OutcomeUnknown here, for a 200 that
                cannot be read (a proxy's page) says nothing about what the venue did.

        Raises:
            VenueUnavailable, RateLimited, OrderRejected, AuthenticationFailed, OutcomeUnknown: see `failures.failure`.
        """
        if not self._api_key or not self._api_secret:
            raise AuthenticationFailed(
                "no API key: set TRADING_SECRETS__API_KEY and TRADING_SECRETS__API_SECRET, or a secrets folder"
            )
        stamped = {
            **parameters,
            "recvWindow": str(self._recv_window_ms),
            "timestamp": str(to_ms(self._clock.now_ns())),
        }
        payload = rest_payload(stamped, self._api_secret)
        headers = {"X-MBX-APIKEY": self._api_key}
        if tag:
            self._reached(f"{tag}.sending")
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            response = await send(self._session, method, self._host + path, headers=headers, body=payload.encode())
        else:
            response = await send(self._session, method, f"{self._host}{path}?{payload}", headers=headers)
        if tag:
            self._reached(f"{tag}.answered")
        if self._resync is not None and failures.is_out_of_time(response.status, response.body):
            with suppress(VenueError):
                await self._resync()
        return _answer(response, read)


def _answer(response: Response, read: Callable[[bytes], T]) -> T:
    if response.status != 200:
        raise failures.failure(response.status, response.headers, failures.told(response.body))
    try:
        return read(response.body)
    except DataError as error:
        raise OutcomeUnknown(f"HTTP 200, and {error}") from error
