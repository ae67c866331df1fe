"""The connector against the local exchange, over real sockets, in calm and in foul weather."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import aiohttp
import pytest
from tests.factories import make_ticket

from trading_system.blotter.orders import OrderStatus
from trading_system.blotter.tickets import Intent
from trading_system.broker_connectors.binance.rest import Rest
from trading_system.broker_connectors.binance.venue import BinanceVenue
from trading_system.desk.clock import SimulatedClock
from trading_system.errors import (
    AuthenticationFailed,
    ConfigurationError,
    OrderRejected,
    OutcomeUnknown,
    VenueUnavailable,
)
from trading_system.market.bars import interval_ns
from trading_system.market.instruments import Instrument
from trading_system.testnet.config import API_KEY, API_SECRET, BTCUSDT, Listing, TestnetConfig
from trading_system.testnet.faults import LoseAnswer, LoseRequest
from trading_system.testnet.server import Testnet
from trading_system.testnet.synthetic import synthetic_bars

LENGTH = interval_ns("15m")
MINUTE_NS = interval_ns("1m")


@dataclass
class Bench:
    """A running exchange and a venue connected to it."""

    testnet: Testnet
    venue: BinanceVenue
    session: aiohttp.ClientSession
    clock: SimulatedClock
    instrument: Instrument

    def with_key(
        self, key: str, secret: str, host: str | None = None, resync: Callable[[], Awaitable[None]] | None = None
    ) -> BinanceVenue:
        """Return another venue, under another key or at another address."""
        rest = Rest(
            self.session,
            host=host or self.testnet.url,
            api_key=key,
            api_secret=secret,
            recv_window_ms=5_000,
            clock=self.clock,
            reached=lambda step: None,
            resync=resync,
        )
        return BinanceVenue(rest, self.clock)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """An exchange with 1,200 bars of history, and a venue connected to it."""
    bars = synthetic_bars(seed=3, count=1_300, interval_ns=LENGTH, instrument=BTCUSDT)
    listing = Listing(instrument=BTCUSDT, interval="15m", bars=tuple(bars), history=1_200)
    async with Testnet(TestnetConfig(listings=(listing,), seed=3)) as testnet, aiohttp.ClientSession() as session:
        clock = SimulatedClock(testnet.now_ns)
        made = Bench(testnet, None, session, clock, BTCUSDT)  # type: ignore[arg-type] - filled in on the next line
        made.venue = made.with_key(API_KEY, API_SECRET)
        (made.instrument,) = await made.venue.instruments(["BTCUSDT"])
        yield made


async def test_the_instrument_has_the_venues_steps(bench: Bench) -> None:
    """Tick, lot and minimum come from the filters of exchangeInfo."""
    assert (str(bench.instrument.tick), str(bench.instrument.lot)) == ("0.01", "0.00001")
    assert bench.instrument.min_notional == 5


async def test_a_market_order_is_found_filled_with_its_executions(bench: Bench) -> None:
    """The acknowledgement names it, the question finds it with every execution and fee; the balances follow."""
    ticket = make_ticket(lots=1_000)
    accepted = await bench.venue.submit(ticket, bench.instrument)
    report = await bench.venue.find_order(ticket, bench.instrument)
    assert report is not None
    assert (report.status, report.filled, report.venue_order_id) == (OrderStatus.FILLED, 1_000, accepted.venue_order_id)
    assert sum(fill.lots for fill in report.fills) == 1_000
    balances = await bench.venue.balances()
    assert balances["BTC"] == 1_000 * 1_000 - sum(fill.fee.atoms for fill in report.fills)


async def test_a_resting_stop_is_open_until_it_is_canceled(bench: Bench) -> None:
    """It is among the open orders under our name, and gone after the cancel, with nothing executed."""
    await bench.venue.submit(make_ticket(lots=1_000), bench.instrument)
    stop = make_ticket(intent=Intent.PROTECT, lots=900, stop_ticks=3_000_000)
    await bench.venue.submit(stop, bench.instrument)
    assert await bench.venue.open_order_ids(["BTCUSDT"]) == {stop.client_order_id}
    assert await bench.venue.cancel(stop, bench.instrument) == 0
    assert await bench.venue.open_order_ids(["BTCUSDT"]) == set()
    report = await bench.venue.find_order(stop, bench.instrument)
    assert report is not None
    assert report.status is OrderStatus.CANCELED


async def test_an_order_that_the_venue_does_not_know_is_none(bench: Bench) -> None:
    """Not found is an answer, not an error: whether it is final is for the worker to say."""
    assert await bench.venue.find_order(make_ticket(), bench.instrument) is None


async def test_a_refused_order_is_rejected_with_the_venues_code(bench: Bench) -> None:
    """More than the account can pay for."""
    with pytest.raises(OrderRejected, match="insufficient balance") as caught:
        await bench.venue.submit(make_ticket(lots=500_000), bench.instrument)
    assert caught.value.code == -2010


@pytest.mark.parametrize(("fault", "arrived"), [(LoseRequest, False), (LoseAnswer, True)])
async def test_silence_is_an_unknown_outcome_whether_or_not_it_arrived(
    bench: Bench, fault: type[LoseRequest | LoseAnswer], arrived: bool
) -> None:
    """From here the two look the same; only asking tells them apart.

    The request was sent exactly once, although the connection that closed under it was a kept-alive one, on which
    the client repeats what may be repeated (tests/unit/broker_connectors/test_http.py).
    """
    bench.testnet.schedule(fault(1))
    ticket = make_ticket()
    with pytest.raises(OutcomeUnknown):
        await bench.venue.submit(ticket, bench.instrument)
    assert (await bench.venue.find_order(ticket, bench.instrument) is not None) is arrived
    assert bench.testnet.ledger()["requests"] == {ticket.client_order_id: {"seen": 1, "lost": 0 if arrived else 1}}


async def test_a_closed_door_means_that_nothing_was_sent(bench: Bench) -> None:
    """No connection, no order: it may be tried again."""
    nobody = bench.with_key(API_KEY, API_SECRET, host="http://127.0.0.1:1")
    with pytest.raises(VenueUnavailable):
        await nobody.submit(make_ticket(), bench.instrument)


@pytest.mark.parametrize(("key", "secret"), [("testnet-key", "wrong"), ("nobody", "testnet-secret"), ("", "")])
async def test_a_wrong_key_is_named_as_such(bench: Bench, key: str, secret: str) -> None:
    """Wrong signature, unknown key, no key at all."""
    with pytest.raises(AuthenticationFailed):
        await bench.with_key(key, secret).balances()


async def test_a_clock_that_is_off_places_nothing(bench: Bench) -> None:
    """-1021: a request stamped a minute ahead is not accepted, and nothing was done: it may be tried again."""
    bench.clock.move(bench.testnet.now_ns + MINUTE_NS)
    ticket = make_ticket()
    with pytest.raises(VenueUnavailable, match="-1021"):
        await bench.venue.submit(ticket, bench.instrument)
    bench.clock = SimulatedClock(bench.testnet.now_ns)
    assert await bench.with_key(API_KEY, API_SECRET).find_order(ticket, bench.instrument) is None


async def test_a_clock_that_was_late_is_set_before_the_order_is_tried_again(bench: Bench) -> None:
    """The refused request has the clock measured; the second try is stamped right, and is the only one to count."""
    bench.clock = SimulatedClock(bench.testnet.now_ns - MINUTE_NS)

    async def resync() -> None:
        bench.clock.move(await bench.venue.now_ns())

    late = bench.with_key(API_KEY, API_SECRET, resync=resync)
    ticket = make_ticket()
    with pytest.raises(VenueUnavailable, match="-1021"):
        await late.submit(ticket, bench.instrument)
    await late.submit(ticket, bench.instrument)
    report = await late.find_order(ticket, bench.instrument)
    assert report is not None
    assert (report.status, report.filled) == (OrderStatus.FILLED, ticket.lots)


async def test_a_symbol_that_the_venue_does_not_know_is_a_wrong_setting(bench: Bench) -> None:
    """At the start it names what to look at."""
    with pytest.raises(ConfigurationError, match=r"venue\.symbols .*NOSUCH"):
        await bench.venue.instruments(["BTCUSDT", "NOSUCH"])
