"""Binance's REST API: sign, send, and name the failure."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import aiohttp

from trading_system.broker_connectors.binance import codec
from trading_system.broker_connectors.binance.signing import rest_payload
from trading_system.broker_connectors.http import Response, send
from trading_system.errors import AuthenticationFailed
from trading_system.market.timestamps import to_ms
from trading_system.ports import Checkpoint, Clock


class Rest:
    """Requests to one host under one key.

    Args:
        recv_window_ms: How long a signed request stays valid at the venue ("Timing security").
        reached: Called as `TAG.sending` and `TAG.answered` around requests that carry a tag.
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
    ) -> None:
        self._session = session
        self._host = host
        self._api_key = api_key
        self._api_secret = api_secret
        self._recv_window_ms = recv_window_ms
        self._clock = clock
        self._reached = reached

    async def public(self, path: str, parameters: Mapping[str, str] | None = None) -> Any:
        """Return the answer of an endpoint that asks for no key."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        return _answer(await send(self._session, "GET", f"{self._host}{path}{query}", headers={}))

    async def signed(self, method: str, path: str, parameters: Mapping[str, str], *, tag: str = "") -> Any:
        """Return the answer of an endpoint that asks for a signature.

        Raises:
            VenueUnavailable, RateLimited, OrderRejected, AuthenticationFailed, OutcomeUnknown: see `codec.failure`.
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
        return _answer(response)


def _answer(response: Response) -> Any:
    if response.status != 200:
        raise codec.failure(response.status, response.headers, response.body)
    return codec.decoded(response.body)
