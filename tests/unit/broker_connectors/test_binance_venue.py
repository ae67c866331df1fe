"""Questions and orders to a venue that answers oddly."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from tests.factories import make_instrument, make_ticket
from tests.unit.broker_connectors.peers import NOW_NS, Heard, Peer, Said, refused, rest_of, told, venue_of

from trading_system.blotter.orders import OrderStatus
from trading_system.broker_connectors.binance.venue import BinanceVenue
from trading_system.desk.clock import SimulatedClock
from trading_system.errors import (
    AuthenticationFailed,
    ConfigurationError,
    OutcomeUnknown,
    VenueUnavailable,
)

Ask = Callable[[BinanceVenue], Awaitable[object]]
PAST_NS = NOW_NS - 3_600_000_000_000

WRITES: dict[str, Ask] = {
    "submit": lambda venue: venue.submit(make_ticket(), make_instrument()),
    "cancel": lambda venue: venue.cancel(make_ticket(), make_instrument()),
}
ACCOUNT: dict[str, Ask] = {
    "find_order": lambda venue: venue.find_order(make_ticket(), make_instrument()),
    "open_order_ids": lambda venue: venue.open_order_ids(["BTCUSDT"]),
    "balances": lambda venue: venue.balances(),
}
MARKET: dict[str, Ask] = {
    "instruments": lambda venue: venue.instruments(["BTCUSDT"]),
}
TIME: dict[str, Ask] = {"now_ns": lambda venue: venue.now_ns()}
ALL = WRITES | ACCOUNT | MARKET | TIME


@pytest.mark.parametrize("ask", ALL.values(), ids=ALL)
@pytest.mark.parametrize("body", [b"<html>Welcome to the proxy</html>", b"", b"{}", b"[{}]", b'"text"', b"\xff"])
async def test_an_answer_that_cannot_be_read_leaves_the_outcome_open(ask: Ask, body: bytes) -> None:
    """A 200 without what we need says nothing about what the venue did: an order is asked about, a question again."""
    async with venue_of(lambda heard: Said(body=body)) as (venue, peer):
        with pytest.raises(OutcomeUnknown):
            await ask(venue)
        assert len(peer.heard) == 1


async def test_an_amount_that_is_none_leaves_the_outcome_open() -> None:
    """The shape is right and the number is not: no less unreadable."""
    async with venue_of(lambda heard: told({"executedQty": "some"})) as (venue, _):
        with pytest.raises(OutcomeUnknown, match="some"):
            await WRITES["cancel"](venue)


@pytest.mark.parametrize("code", [-1121, -2026, -1102])
@pytest.mark.parametrize("ask", (ACCOUNT | TIME).values(), ids=ACCOUNT | TIME)
async def test_a_question_is_never_rejected(ask: Ask, code: int) -> None:
    """Who asks is told that there is no answer, or what the refusal means; OrderRejected is about orders."""
    async with venue_of(lambda heard: refused(code)) as (venue, _):
        if code == -2026 and ask is ACCOUNT["find_order"]:
            assert await ask(venue) is not None
        else:
            with pytest.raises(OutcomeUnknown, match=str(code)):
                await ask(venue)


async def test_executions_that_are_refused_are_asked_for_again() -> None:
    """The order is found, its executions are not to be had: nothing is known of it yet."""
    row = {"orderId": 7, "status": "FILLED", "executedQty": "1.00000"}
    async with venue_of(lambda heard: told(row) if heard.path == "/api/v3/order" else refused(-1121)) as (venue, _):
        with pytest.raises(OutcomeUnknown, match="-1121"):
            await ACCOUNT["find_order"](venue)


async def test_an_unknown_order_is_none_and_an_archived_one_ended_with_nothing() -> None:
    """-2013 may still appear; -2026 was "canceled or expired with no executed qty over 90 days ago" (errors.md)."""
    async with venue_of(lambda heard: refused(-2013)) as (venue, _):
        assert await venue.find_order(make_ticket(), make_instrument()) is None
    async with venue_of(lambda heard: refused(-2026)) as (venue, _):
        report = await venue.find_order(make_ticket(), make_instrument())
    assert report is not None
    assert (report.status, report.filled, report.fills) == (OrderStatus.CANCELED, 0, ())
    assert "-2026" in report.reason


async def test_a_symbol_that_the_venue_does_not_know_is_named() -> None:
    """-1121 on what names nothing but symbols: the settings are wrong."""
    async with venue_of(lambda heard: refused(-1121)) as (venue, _):
        with pytest.raises(ConfigurationError, match=r"BTCUSDT.*-1121"):
            await MARKET["instruments"](venue)


async def test_a_symbol_that_the_venue_leaves_out_is_named() -> None:
    """A list without it is a no as well."""
    async with venue_of(lambda heard: told({"symbols": []})) as (venue, _):
        with pytest.raises(ConfigurationError, match="BTCUSDT"):
            await MARKET["instruments"](venue)


def account_of(sizes: list[int], *, executed: int, status: str = "FILLED") -> Callable[[Heard], Said]:
    """Return a venue whose one order has executions of so many lots, with ids 10, 20, 30 ... ("Account trade list").

    With `fromId` it lists the first from there on, without it the latest.
    """
    trades: list[dict[str, Any]] = [
        {
            "id": 10 * number,
            "orderId": 7,
            "price": "40000.00",
            "qty": f"{lots * 1e-5:.5f}",
            "commission": "0.00000001",
            "commissionAsset": "BTC",
            "time": NOW_NS // 1_000_000 + number,
        }
        for number, lots in enumerate(sizes, start=1)
    ]

    def answer(heard: Heard) -> Said:
        if heard.path == "/api/v3/order":
            return told({"orderId": 7, "status": status, "executedQty": f"{executed * 1e-5:.5f}"})
        limit = int(heard.parameters["limit"])
        if "fromId" not in heard.parameters:
            return told(trades[-limit:])
        return told([row for row in trades if row["id"] >= int(heard.parameters["fromId"])][:limit])

    return answer


@pytest.mark.parametrize(("count", "pages"), [(1, 1), (999, 1), (1_000, 1), (1_001, 2), (2_500, 3)])
async def test_every_execution_is_listed_however_many_pages_it_takes(count: int, pages: int) -> None:
    """Each once, from the first on; and no page is asked for once all of the executed quantity is there."""
    sizes = [1 + number % 3 for number in range(count)]
    async with venue_of(account_of(sizes, executed=sum(sizes))) as (venue, peer):
        report = await venue.find_order(make_ticket(lots=sum(sizes)), make_instrument())
    assert report is not None
    assert [fill.lots for fill in report.fills] == sizes
    assert [fill.trade_id for fill in report.fills] == [str(10 * number) for number in range(1, count + 1)]
    assert len(peer.heard) == 1 + pages


async def test_executions_that_are_not_listed_yet_are_not_waited_for() -> None:
    """The venue counts more than it lists: the list so far is the answer, and the worker asks again."""
    async with venue_of(account_of([1] * 1_000, executed=1_500)) as (venue, peer):
        report = await venue.find_order(make_ticket(lots=1_500), make_instrument())
    assert report is not None
    assert (report.filled, len(report.fills)) == (1_500, 1_000)
    assert len(peer.heard) == 3


async def test_a_short_page_is_the_last() -> None:
    """There is nothing behind it: one question less for a list that lags."""
    async with venue_of(account_of([1] * 500, executed=700)) as (venue, peer):
        report = await venue.find_order(make_ticket(lots=700), make_instrument())
    assert report is not None
    assert len(report.fills) == 500
    assert len(peer.heard) == 2


async def test_a_page_that_is_told_again_adds_nothing() -> None:
    """A venue that does not heed `fromId` is asked once more, and no execution counts twice."""
    same = account_of([1] * 1_000, executed=1_500)

    def answer(heard: Heard) -> Said:
        parameters = {**heard.parameters, "fromId": "0"}
        return same(replace(heard, parameters=parameters))

    async with venue_of(answer) as (venue, peer):
        report = await venue.find_order(make_ticket(lots=1_500), make_instrument())
    assert report is not None
    assert len(report.fills) == 1_000
    assert len(peer.heard) == 3


async def test_an_order_without_executions_is_not_asked_for_them() -> None:
    """Nothing executed, one question."""
    async with venue_of(account_of([], executed=0, status="NEW")) as (venue, peer):
        report = await venue.find_order(make_ticket(), make_instrument())
    assert report is not None
    assert (report.status, report.fills) == (OrderStatus.WORKING, ())
    assert len(peer.heard) == 1


async def test_another_orders_executions_are_not_taken_for_ours() -> None:
    """Then the answer is to something else, and nothing is known."""
    mine = account_of([1], executed=1)

    def answer(heard: Heard) -> Said:
        said = mine(heard)
        return Said(body=said.body.replace(b'"orderId": 7, "price"', b'"orderId": 8, "price"'))

    async with venue_of(answer) as (venue, _):
        with pytest.raises(OutcomeUnknown, match="other orders"):
            await venue.find_order(make_ticket(), make_instrument())


def timed(heard: Heard) -> Said:
    """Answer a signed request within 5 s of `NOW_NS`, refuse any other with -1021 ("Timing security")."""
    late_ms = NOW_NS // 1_000_000 - int(heard.parameters["timestamp"])
    return told({"balances": []}) if -1_000 < late_ms <= 5_000 else refused(-1021)


async def test_a_request_out_of_time_has_the_clock_measured_before_it_fails() -> None:
    """-1021: nothing was done and our clock is off. It is measured once, and the next request is stamped right."""
    clock, measured = SimulatedClock(NOW_NS - 60_000_000_000), 0

    async def resync() -> None:
        nonlocal measured
        measured += 1
        clock.move(NOW_NS)

    async with Peer(timed) as peer, aiohttp.ClientSession() as session:
        venue = BinanceVenue(rest_of(session, peer.url, clock, resync), clock)
        with pytest.raises(VenueUnavailable, match="-1021"):
            await venue.balances()
        assert measured == 1
        assert await venue.balances() == {}
        assert (measured, len(peer.heard)) == (1, 2)


async def test_a_clock_that_stays_wrong_is_unavailable_each_time() -> None:
    """Whether the measuring fails or does not help: nothing was done, and that is what is said."""
    measured = 0

    async def resync() -> None:
        nonlocal measured
        measured += 1
        if measured == 1:
            raise OutcomeUnknown("no answer")

    async with Peer(timed) as peer, aiohttp.ClientSession() as session:
        clock = SimulatedClock(NOW_NS - 60_000_000_000)
        venue = BinanceVenue(rest_of(session, peer.url, clock, resync), clock)
        for tries in (1, 2):
            with pytest.raises(VenueUnavailable, match="-1021"):
                await venue.balances()
            assert (measured, len(peer.heard)) == (tries, tries)


async def test_only_a_request_out_of_time_has_the_clock_measured() -> None:
    """A wrong key is no reason to doubt the clock."""

    async def resync() -> None:
        raise AssertionError("nobody doubted the clock")

    async with Peer(lambda heard: refused(-2015, status=401)) as peer, aiohttp.ClientSession() as session:
        clock = SimulatedClock(NOW_NS)
        with pytest.raises(AuthenticationFailed):
            await BinanceVenue(rest_of(session, peer.url, clock, resync), clock).balances()
