"""A desk for the testnet's tests: a client that counts what it hears, and signs with code of its own."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, Self
from urllib.parse import quote

import aiohttp
from yarl import URL

from trading_system.testnet.config import API_KEY, API_SECRET
from trading_system.testnet.server import Testnet

Json = Any
Answer = tuple[int, Json]


def sign(payload: str) -> str:
    """Return the HMAC-SHA256 of `payload` with the default secret."""
    return hmac.new(API_SECRET.encode(), payload.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


class Desk:
    """One client: REST, and named connections whose messages are kept in `told`."""

    def __init__(self, testnet: Testnet, http: aiohttp.ClientSession) -> None:
        self.testnet: Final = testnet
        self.http: Final = http
        self.sockets: Final[dict[str, aiohttp.ClientWebSocketResponse]] = {}
        self.told: Final[dict[str, list[Json]]] = {}

    @classmethod
    @asynccontextmanager
    async def at(cls, testnet: Testnet) -> AsyncIterator[Self]:
        """Open a desk at a running testnet."""
        async with aiohttp.ClientSession() as http:
            yield cls(testnet, http)

    async def ask(self, method: str, path: str, query: str = "", body: str = "", key: str | None = API_KEY) -> Answer:
        """Send a request just like this and return status and JSON."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"} | ({"X-MBX-APIKEY": key} if key else {})
        url = URL(f"{self.testnet.url}{path}{'?' + query if query else ''}", encoded=True)
        async with self.http.request(method, url, data=body or None, headers=headers) as response:
            return response.status, await response.json()

    async def signed(self, method: str, path: str, **params: object) -> Answer:
        """Send a signed request and return status and JSON."""
        params = {"timestamp": self.testnet.floor.clock.now_ms, **params}
        query = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in params.items())
        return await self.ask(method, path, f"{query}&signature={sign(query)}")

    async def order(self, **params: object) -> Answer:
        """Place an order: a market buy of 0.01 BTCUSDT unless told otherwise."""
        usual = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
        return await self.signed("POST", "/api/v3/order", **{**usual, **params})

    async def limit(self, price: str, **params: object) -> Answer:
        """Place a limit order, good till canceled."""
        return await self.order(type="LIMIT", timeInForce="GTC", price=price, **params)

    async def listen(self, name: str, *streams: str) -> None:
        """Open a named market connection."""
        await self._open(name, f"/stream?streams={'/'.join(streams)}&conn={name}")

    async def log_in(self, name: str) -> None:
        """Open a named connection and subscribe to the user data stream on it."""
        await self._open(name, f"/ws-api/v3?conn={name}")
        answer = await self.request(name, "userDataStream.subscribe.signature", self.ws_signed())
        assert answer["status"] == 200, answer

    def ws_signed(self, **params: object) -> Json:
        """Return parameters with key, time and signature, as the WebSocket API wants them signed."""
        full = {**params, "apiKey": API_KEY, "timestamp": self.testnet.floor.clock.now_ms}
        return {**full, "signature": sign("&".join(f"{name}={full[name]}" for name in sorted(full)))}

    async def request(self, name: str, method: str, params: Json = None) -> Json:
        """Send one request over a named connection and return its answer, the next message."""
        await self.sockets[name].send_json({"id": 1, "method": method, "params": params or {}})
        return await self.hear(name)

    async def _open(self, name: str, path: str) -> None:
        self.sockets[name] = await self.http.ws_connect(self.testnet.ws_url + path)
        self.told[name] = []

    async def hear(self, name: str) -> Json:
        """Wait for the next message on a connection."""
        message = await self.sockets[name].receive_json(timeout=5)
        self.told[name].append(message)
        return message

    async def events(self, name: str, count: int) -> list[Json]:
        """Wait for `count` user events and return them."""
        return [(await self.hear(name))["event"] for _ in range(count)]

    async def ended(self, name: str) -> bool:
        """Wait for the other side to close a connection without another message."""
        message = await self.sockets[name].receive(timeout=5)
        return message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING)

    async def step(self, *, desk: str = "desk", wake_ms: int | None = None, deaf: bool = False) -> Json:
        """Ask for a step, and hear all that it says was sent, unless `deaf`."""
        heard = {name: len(told) for name, told in self.told.items()}
        body = {"desk": desk, "connections": heard, "wake_ms": wake_ms}
        async with self.http.post(f"{self.testnet.url}/testnet/step", json=body) as response:
            answer = await response.json()
            assert response.status == 200, answer
        for name, sent in ({} if deaf else answer["connections"]).items():
            while name in self.told and len(self.told[name]) < sent:
                await self.hear(name)
        return answer

    async def post(self, path: str, body: bytes) -> Answer:
        """Send raw bytes to one of the testnet's own routes."""
        async with self.http.post(self.testnet.url + path, data=body) as response:
            return response.status, await response.json()


async def fails(asking: asyncio.Future[Answer] | Any) -> bool:
    """Say whether a request ended without an answer."""
    try:
        await asking
    except aiohttp.ClientError:
        return True
    return False
