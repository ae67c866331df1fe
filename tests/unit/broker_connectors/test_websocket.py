"""A connection that comes back by itself, and does not hammer whom it comes back to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.broker_connectors.peers import websocket_peer

from trading_system.broker_connectors.websocket import Connection, Greet, Patience, Receive, no_greeting
from trading_system.errors import AuthenticationFailed, DataError

Talk = Callable[[web.WebSocketResponse, int], Awaitable[None]]


@dataclass
class Line:
    """A connection, and what it told: frames, losses, returns, pauses."""

    connection: Connection
    frames: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    restored: int = 0
    pauses: list[float] = field(default_factory=list)


@asynccontextmanager
async def line(
    talk: Talk, *, pauses: int, greet: Greet = no_greeting, patience: Patience | None = None
) -> AsyncIterator[Line]:
    """Yield a line to a server that talks so, after it has paused so often (or has ended with an error)."""
    ended = asyncio.Event()

    async def sleep(seconds: float) -> None:
        made.pauses.append(seconds)
        if len(made.pauses) == pauses:
            ended.set()
            await asyncio.Event().wait()

    def restored() -> None:
        made.restored += 1

    def read(frame: bytes) -> str:
        if frame == b"garbage":
            raise DataError("the venue's message cannot be read")
        return frame.decode()

    async with websocket_peer(talk) as url, aiohttp.ClientSession() as session:
        connection = Connection(
            session,
            prefix="line-",
            url=lambda name: url,
            greet=greet,
            lost=lambda why: made.lost.append(why),
            restored=restored,
            patience=patience or Patience(),
            sleep=sleep,
        )
        made = Line(connection)

        async def listen() -> None:
            async for frame in connection.frames(read):
                made.frames.append(frame)

        listening = asyncio.create_task(listen())
        waiting = asyncio.create_task(ended.wait())
        try:
            async with asyncio.timeout(20.0):
                await asyncio.wait([listening, waiting], return_when=asyncio.FIRST_COMPLETED)
            if listening.done():
                listening.result()
            yield made
        finally:
            listening.cancel()
            waiting.cancel()
            await asyncio.gather(listening, waiting, return_exceptions=True)


async def hang_up(socket: web.WebSocketResponse, number: int) -> None:
    """Say nothing and close."""


def assert_doubling(pauses: list[float]) -> None:
    """Pause n lies between half of 0.05 * 2**(n-1) seconds and all of it: the jitter."""
    for number, pause in enumerate(pauses):
        assert 0.025 * 2**number <= pause <= 0.05 * 2**number


async def test_a_server_that_accepts_and_hangs_up_is_not_hammered() -> None:
    """To be let in is no success: the pauses go on doubling."""
    async with line(hang_up, pauses=6) as told:
        assert_doubling(told.pauses)
        assert (told.restored, len(told.lost)) == (5, 6)


async def test_a_connection_that_told_something_begins_with_the_first_pause_again() -> None:
    """The fourth one tells a frame before it closes: the pause after it is a short one."""

    async def talk(socket: web.WebSocketResponse, number: int) -> None:
        if number == 4:
            await socket.send_str("news")

    async with line(talk, pauses=5) as told:
        assert told.frames == ["news"]
        assert_doubling(told.pauses[:3])
        assert_doubling(told.pauses[3:])


async def test_a_connection_that_lived_long_enough_begins_with_the_first_pause_again() -> None:
    """A quiet account tells nothing for hours; a connection to it that lived is a good one all the same."""
    async with line(hang_up, pauses=5, patience=Patience(steady_s=0.0)) as told:
        assert all(0.025 <= pause <= 0.05 for pause in told.pauses)


async def test_a_frame_that_cannot_be_read_breaks_the_connection() -> None:
    """It may be a report that nobody repeats: the return of the connection makes us ask. It counts as no success."""

    async def talk(socket: web.WebSocketResponse, number: int) -> None:
        await socket.send_str("garbage" if number < 4 else "news")

    async with line(talk, pauses=4) as told:
        assert told.frames == ["news"]
        assert told.lost[:3] == ["the venue's message cannot be read"] * 3
        assert told.connection.trouble == told.lost[3]
        assert told.restored == 3
        assert_doubling(told.pauses[:3])


async def test_a_greeting_that_nobody_answers_is_given_up() -> None:
    """A peer that is connected and silent would else keep us waiting for ever; it was never ready, so never lost."""

    async def ask(send: Callable[[bytes], Awaitable[None]], receive: Receive) -> None:
        await send(b"hello?")
        await receive()

    async def silent(socket: web.WebSocketResponse, number: int) -> None:
        assert (await socket.receive()).data == "hello?"
        await socket.receive()

    async with line(silent, pauses=2, greet=ask, patience=Patience(greeting_s=0.05)) as told:
        assert told.connection.trouble == "no answer to the greeting within 0.05 s"
        assert (told.lost, told.connection.ready) == ([], False)
        assert_doubling(told.pauses)


async def test_a_greeting_that_is_refused_for_good_ends_the_connection() -> None:
    """A wrong key does not become right by asking again."""

    async def refused(send: Callable[[bytes], Awaitable[None]], receive: Receive) -> None:
        raise AuthenticationFailed("-2015")

    with pytest.raises(AuthenticationFailed):
        async with line(hang_up, pauses=1, greet=refused):
            pass


@given(failures=st.integers(1, 10_000))
def test_a_pause_only_grows_and_never_beyond_the_longest(failures: int) -> None:
    """Twice the one before, up to 30 s."""
    patience = Patience()
    assert patience.pause_s(failures) <= patience.pause_s(failures + 1) <= 30.0
