"""How often a request leaves this machine: an order once, whatever happens on the way."""

import aiohttp
import pytest
from tests.unit.broker_connectors.peers import Heard, Peer, Said

from trading_system.broker_connectors.http import send
from trading_system.errors import OutcomeUnknown


@pytest.mark.parametrize(("method", "times"), [("POST", 1), ("GET", 2), ("DELETE", 2)])
async def test_only_a_request_that_may_be_repeated_is_repeated_on_a_connection_that_closed(
    method: str, times: int
) -> None:
    """A kept-alive connection that closes under a request is the one place where aiohttp sends again by itself.

    It does so for idempotent methods (RFC 9110, 9.2.2). An order is a POST, and is sent once: a second one would
    execute twice. This test is here to fail on the day that an upgrade changes that.
    """

    def answer(heard: Heard) -> Said | None:
        return Said() if heard.path == "/before" else None

    async with Peer(answer) as peer, aiohttp.ClientSession() as session:
        await send(session, "GET", f"{peer.url}/before", headers={})
        with pytest.raises(OutcomeUnknown):
            await send(session, method, f"{peer.url}/order", headers={}, body=b"a=1" if method == "POST" else None)
    orders = [heard for heard in peer.heard if heard.path == "/order"]
    assert orders[0].connection == 1  # the kept-alive one: the repetition was provoked
    assert len(orders) == times


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirection_is_not_followed(status: int) -> None:
    """307 and 308 would send an order again, the others lose it; and our key is for one host only."""

    def answer(heard: Heard) -> Said:
        return Said(status=status, headers={"Location": "/elsewhere"})

    async with Peer(answer) as peer, aiohttp.ClientSession() as session:
        response = await send(session, "POST", f"{peer.url}/order", headers={}, body=b"a=1")
    assert response.status == status
    assert [heard.path for heard in peer.heard] == ["/order"]
