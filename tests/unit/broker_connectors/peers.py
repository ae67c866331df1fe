"""Servers on the loopback interface that say what a test tells them to, and count what they hear."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qsl

import aiohttp
from aiohttp import web

from trading_system.broker_connectors.binance.rest import Rest
from trading_system.broker_connectors.binance.venue import BinanceVenue
from trading_system.broker_connectors.rate_limit import WeightBudget
from trading_system.desk.clock import SimulatedClock

NOW_NS = 1_700_006_400_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One request as it came, its query and body together, and on which connection, from 1."""

    method: str
    path: str
    parameters: Mapping[str, str]
    connection: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer; `headers` beside the length."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)


def told(value: object, *, status: int = 200) -> Said:
    """Return `value` as a JSON answer."""
    return Said(status=status, body=json.dumps(value).encode())


def refused(code: int, *, status: int = 400) -> Said:
    """Return the venue's no."""
    return told({"code": code, "msg": "No."}, status=status)


class Peer:
    """An HTTP server that keeps connections alive and asks `answer` what to say; None: hang up without a word."""

    def __init__(self, answer: Callable[[Heard], Said | None]) -> None:
        self._answer = answer
        self._server: asyncio.Server | None = None
        self.heard: list[Heard] = []
        self.connections = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *exception: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection = self.connections
        try:
            while line := (await reader.readline()).decode():
                method, target, _ = line.split(" ")
                length = 0
                while header := (await reader.readline()).strip().decode().lower():
                    if header.startswith("content-length:"):
                        length = int(header.partition(":")[2])
                path, _, query = target.partition("?")
                body = (await reader.readexactly(length)).decode()
                parameters = dict(parse_qsl(query) + parse_qsl(body))
                self.heard.append(Heard(method=method, path=path, parameters=parameters, connection=connection))
                said = self._answer(self.heard[-1])
                if said is None:
                    break
                head = {"Content-Length": str(len(said.body)), **said.headers}
                lines = [f"HTTP/1.1 {said.status} Told", *(f"{name}: {value}" for name, value in head.items())]
                writer.write("\r\n".join([*lines, "", ""]).encode() + said.body)
        except ConnectionError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def venue_of(answer: Callable[[Heard], Said | None]) -> AsyncIterator[tuple[BinanceVenue, Peer]]:
    """Yield a venue behind which stands a peer that answers so."""
    async with Peer(answer) as peer, aiohttp.ClientSession() as session:
        clock = SimulatedClock(NOW_NS)
        yield BinanceVenue(rest_of(session, peer.url, clock), clock), peer


def rest_of(
    session: aiohttp.ClientSession,
    host: str,
    clock: SimulatedClock,
    resync: Callable[[], Awaitable[None]] | None = None,
    budget: WeightBudget | None = None,
) -> Rest:
    """Return requests to `host` under a key that the peer does not check."""
    return Rest(
        session,
        host=host,
        api_key="key",
        api_secret="secret",
        recv_window_ms=5_000,
        clock=clock,
        reached=lambda step: None,
        resync=resync,
        budget=budget,
    )


@asynccontextmanager
async def websocket_peer(talk: Callable[[web.WebSocketResponse, int], Awaitable[None]]) -> AsyncIterator[str]:
    """Yield the address of a server that gives each connection, counted from 1, to `talk`, and then closes it."""
    count = 0

    async def serve(request: web.Request) -> web.StreamResponse:
        nonlocal count
        count += 1
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await talk(socket, count)
        await socket.close()
        return socket

    app = web.Application()
    app.router.add_get("/", serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()
