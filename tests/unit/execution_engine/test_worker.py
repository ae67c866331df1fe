"""The worker claims before it sends, sends once, and names what came of it."""

import asyncio
import itertools
from dataclasses import dataclass, field

import pytest
from tests.factories import START_NS, make_fill, make_instrument, make_policy, make_ticket
from tests.fakes import FakeVenue

from trading_system.blotter import events as e
from trading_system.blotter.orders import OrderStatus
from trading_system.blotter.portfolio import Portfolio
from trading_system.blotter.tickets import Intent, OrderTicket
from trading_system.desk.clock import SimulatedClock
from trading_system.errors import (
    AuthenticationFailed,
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
    VenueError,
    VenueUnavailable,
)
from trading_system.execution_engine.order_queue.local_queue import LocalQueue
from trading_system.execution_engine.order_queue.worker import Worker
from trading_system.market.timestamps import NS_PER_S


@dataclass
class Bench:
    """A worker with a portfolio, a venue and a list of all that was told, in order."""

    venue: FakeVenue = field(default_factory=FakeVenue)
    portfolio: Portfolio = field(default_factory=lambda: Portfolio(account="main"))
    clock: SimulatedClock = field(default_factory=lambda: SimulatedClock(START_NS))
    told: list[e.Fact] = field(default_factory=list)
    sent_when_claimed: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        opened = e.SleeveOpened(ts_ns=START_NS, strategy="lstm", instrument=make_instrument(), policy=make_policy())
        self.portfolio.apply(opened)
        self.worker = Worker(
            venue=self.venue,
            portfolio=self.portfolio,
            instruments={"BTCUSDT": make_instrument()},
            tell=self.take,
            hear=self.take,
            compare=lambda open_ids, balances: ("compared",),
            clock=self.clock,
            recv_window_ms=5_000,
            stale_ns=60 * NS_PER_S,
        )

    def take(self, fact: e.Fact) -> None:
        """Take a fact down and into account."""
        if isinstance(fact, e.OrderSubmitted):
            self.sent_when_claimed.append(len(self.venue.submitted))
        self.told.append(fact)
        self.portfolio.apply(fact)

    async def carry(self, *errands: e.Errand) -> list[str]:
        """Carry errands, each first taken into account; return the kinds of what was told."""
        for errand in errands:
            if not (isinstance(errand, e.OrderQueued) and errand.client_order_id in self.portfolio.orders):
                self.portfolio.apply(errand)
            await self.worker.carry(errand)
        return [type(fact).__name__ for fact in self.told]


def queued(ticket: OrderTicket) -> e.OrderQueued:
    return e.OrderQueued(ts_ns=START_NS, ticket=ticket)


def inquiry(ticket: OrderTicket) -> e.InquiryRequested:
    return e.InquiryRequested(ts_ns=START_NS, client_order_id=ticket.client_order_id, reason="test")


async def test_an_order_is_claimed_before_it_is_sent() -> None:
    """The claim is told while the venue has seen nothing yet; then comes its answer."""
    bench = Bench()
    assert await bench.carry(queued(make_ticket())) == ["OrderSubmitted", "OrderAccepted"]
    assert bench.sent_when_claimed == [0]


async def test_a_redelivered_order_is_asked_about_and_not_sent_again() -> None:
    """A message may come twice; what is claimed was perhaps sent."""
    bench, ticket = Bench(), make_ticket()
    await bench.carry(queued(ticket), queued(ticket))
    assert bench.venue.submitted == [ticket.client_order_id]


@pytest.mark.parametrize(
    ("error", "told"),
    [(OrderRejected("no", code=-2010), "OrderRejected"), (OutcomeUnknown("hung up"), "OrderInDoubt")],
)
async def test_a_failed_submit_is_named_for_what_to_do_next(error: VenueError, told: str) -> None:
    """A no is final; no answer is a doubt."""
    bench = Bench(FakeVenue(before=lambda method: error))
    assert await bench.carry(queued(make_ticket())) == ["OrderSubmitted", told]
    assert bench.venue.submitted == []


async def test_a_lost_answer_is_a_doubt_and_the_order_is_sent_once() -> None:
    """The venue has it; we do not know; nothing is sent again."""
    bench = Bench(FakeVenue(after=lambda method: OutcomeUnknown("hung up")))
    assert await bench.carry(queued(make_ticket())) == ["OrderSubmitted", "OrderInDoubt"]
    assert len(bench.venue.submitted) == 1


async def test_what_was_provably_not_done_is_tried_again() -> None:
    """No connection, then too many requests, then it goes through: one claim, one order."""
    errors = iter([VenueUnavailable("refused"), RateLimited("slow down", retry_after_s=0.0), None])
    bench = Bench(FakeVenue(before=lambda method: next(errors)))
    assert await bench.carry(queued(make_ticket(intent=Intent.EXIT))) == ["OrderSubmitted", "OrderAccepted"]
    assert len(bench.venue.submitted) == 1


async def test_an_order_that_never_left_is_over_after_some_tries() -> None:
    """The venue cannot be reached: nothing was sent, so the order ends and the desk may ask for another."""
    bench = Bench(FakeVenue(before=lambda method: RateLimited("slow down", retry_after_s=0.0)))
    assert await bench.carry(queued(make_ticket(intent=Intent.EXIT))) == ["OrderSubmitted", "OrderCanceled"]
    assert bench.venue.submitted == []


async def test_an_entry_is_tried_once() -> None:
    """What adds risk does not insist: the next bar decides afresh."""
    errors = iter([VenueUnavailable("refused"), None])
    bench = Bench(FakeVenue(before=lambda method: next(errors)))
    assert await bench.carry(queued(make_ticket())) == ["OrderSubmitted", "OrderCanceled"]


async def test_an_entry_that_has_grown_old_is_not_sent() -> None:
    """The process slept between decision and claim: the price that it was decided on is gone."""
    bench = Bench()
    bench.clock.move(START_NS + 60 * NS_PER_S + 1)
    assert await bench.carry(queued(make_ticket())) == ["OrderCanceled"]
    assert bench.venue.submitted == []


async def test_a_venue_that_wants_to_be_left_alone_is_left_alone() -> None:
    """A pause of a minute: nothing is sent in it, neither orders nor questions; the worker does not sleep meanwhile."""
    asked: list[str] = []

    def weather(method: str) -> VenueError | None:
        asked.append(method)
        return RateLimited("banned", retry_after_s=60.0) if len(asked) == 1 else None

    bench, first, second = Bench(FakeVenue(before=weather)), make_ticket(intent=Intent.EXIT), make_ticket()
    await bench.carry(queued(first), queued(second), e.ReconcileRequested(ts_ns=START_NS, reason="test"))
    assert asked == ["submit"]
    told = bench.told[-1]
    assert isinstance(told, e.Reconciled)
    assert told.differences != ()
    bench.clock.move(START_NS + 60 * NS_PER_S)
    await bench.carry(queued(make_ticket(intent=Intent.EXIT, attempt=2)))
    assert len(bench.venue.submitted) == 1


async def test_a_refused_key_stops_the_worker() -> None:
    """Nothing can be done here; the claim stays, and a start asks."""
    bench = Bench(FakeVenue(before=lambda method: AuthenticationFailed("-2015")))
    with pytest.raises(AuthenticationFailed):
        await bench.carry(queued(make_ticket()))


async def test_an_unknown_order_is_proven_absent_only_after_it_could_no_longer_appear() -> None:
    """recvWindow (5 s) and the venue's own limit (10 s) after the doubt: before that, not found proves nothing."""
    bench, ticket = Bench(FakeVenue(before=lambda m: OutcomeUnknown("lost") if m == "submit" else None)), make_ticket()
    await bench.carry(queued(ticket))
    bench.clock.move(START_NS + 15 * NS_PER_S)
    assert (await bench.carry(inquiry(ticket)))[-1] == "OrderInDoubt"
    bench.clock.move(START_NS + 15 * NS_PER_S + 1)
    assert (await bench.carry(inquiry(ticket)))[-1] == "OrderNotFound"
    assert bench.portfolio.orders[ticket.client_order_id].status is OrderStatus.ABSENT


async def test_an_order_found_after_a_doubt_comes_with_its_fills() -> None:
    """The answer was lost, the order filled: asking brings both executions, then that it is filled."""
    bench, ticket = Bench(FakeVenue(after=lambda m: OutcomeUnknown("lost") if m == "submit" else None)), make_ticket()
    await bench.carry(queued(ticket))
    fills = (make_fill(ticket, trade=1, lots=40), make_fill(ticket, trade=2, lots=60))
    bench.venue.settle(ticket.client_order_id, OrderStatus.FILLED, fills)
    await bench.carry(inquiry(ticket))
    order = bench.portfolio.orders[ticket.client_order_id]
    assert (order.status, order.filled) == (OrderStatus.FILLED, 100)
    assert bench.portfolio.sleeves["lstm", "BTCUSDT"].position_atoms == 100 * 1_000


async def test_an_end_is_not_believed_before_its_executions_are_listed() -> None:
    """The venue counts 40 lots executed and lists none yet: what is told is nothing, and it is asked again."""
    bench, ticket = Bench(), make_ticket(intent=Intent.PROTECT)
    await bench.carry(queued(ticket))
    counted = bench.venue.orders[ticket.client_order_id]
    bench.venue.orders[ticket.client_order_id] = type(counted)(
        client_order_id=counted.client_order_id,
        venue_order_id="1",
        status=OrderStatus.CANCELED,
        filled=40,
        fills=(),
        reason="",
    )
    assert (await bench.carry(inquiry(ticket)))[-1] == "OrderAccepted"  # the answer to the submit; nothing since
    assert bench.portfolio.orders[ticket.client_order_id].doubtful  # asked, not answered: it is asked again


async def test_the_window_of_absence_begins_with_the_last_try_and_not_with_the_claim() -> None:
    """The claim is 20 s old when the last try leaves and is not answered: it may still appear."""
    bench, ticket = Bench(), make_ticket(intent=Intent.EXIT)

    def weather(method: str) -> VenueError | None:
        if method != "submit":
            return None
        bench.clock.move(bench.clock.now_ns() + 20 * NS_PER_S)
        return OutcomeUnknown("lost")

    bench.venue.before = weather
    await bench.carry(queued(ticket))
    bench.clock.move(bench.clock.now_ns() + NS_PER_S)
    await bench.carry(inquiry(ticket))
    assert bench.portfolio.orders[ticket.client_order_id].status is OrderStatus.IN_DOUBT


async def test_an_order_that_the_stream_tells_of_while_it_is_asked_for_is_not_absent() -> None:
    """The question was answered with "not found"; the report of its acceptance overtook the answer."""
    bench, ticket = Bench(FakeVenue(before=lambda m: OutcomeUnknown("lost") if m == "submit" else None)), make_ticket()
    await bench.carry(queued(ticket))
    bench.clock.move(START_NS + 3_600 * NS_PER_S)

    def overtaking(method: str) -> None:
        name = ticket.client_order_id
        bench.take(e.OrderAccepted(ts_ns=bench.clock.now_ns(), client_order_id=name, venue_order_id="1"))

    bench.venue.before = overtaking
    await bench.carry(inquiry(ticket))
    assert bench.portfolio.orders[ticket.client_order_id].status is OrderStatus.WORKING


@pytest.mark.parametrize(
    "error",
    [OutcomeUnknown("lost"), VenueUnavailable("refused"), RateLimited("slow down", retry_after_s=0.0)],
)
async def test_a_cancel_without_an_answer_is_in_doubt(error: VenueError) -> None:
    """Whatever went wrong, only asking tells."""
    bench, ticket = Bench(), make_ticket(intent=Intent.PROTECT)
    await bench.carry(queued(ticket))
    bench.venue.before = lambda method: error
    wish = e.CancelRequested(ts_ns=START_NS, client_order_id=ticket.client_order_id)
    assert (await bench.carry(wish))[-1] == "CancelInDoubt"


async def test_a_cancel_of_an_order_that_is_over_at_the_venue_is_refused() -> None:
    """-2011: most likely it filled; the desk asks which."""
    bench, ticket = Bench(), make_ticket(intent=Intent.PROTECT)
    await bench.carry(queued(ticket))
    bench.venue.settle(ticket.client_order_id, OrderStatus.FILLED, (make_fill(ticket),))
    wish = e.CancelRequested(ts_ns=START_NS, client_order_id=ticket.client_order_id)
    assert (await bench.carry(wish))[-1] == "CancelRefused"


async def test_books_that_cannot_be_compared_are_said_to_differ() -> None:
    """No answer to a comparison is no agreement."""
    bench = Bench(FakeVenue(before=lambda method: OutcomeUnknown("lost")))
    await bench.carry(e.ReconcileRequested(ts_ns=START_NS, reason="test"))
    told = bench.told[-1]
    assert isinstance(told, e.Reconciled)
    assert told.differences == ("no answer: lost",)


@pytest.mark.parametrize(
    ("first", "second"),
    list(
        itertools.combinations(
            [
                queued(make_ticket(intent=Intent.PROTECT)),
                queued(make_ticket(intent=Intent.EXIT)),
                e.CancelRequested(ts_ns=0, client_order_id="a"),
                e.InquiryRequested(ts_ns=0, client_order_id="a", reason=""),
                e.ReconcileRequested(ts_ns=0, reason=""),
                queued(make_ticket(intent=Intent.ENTER)),
            ],
            2,
        )
    ),
)
async def test_what_reduces_risk_overtakes_what_adds_it(first: e.Errand, second: e.Errand) -> None:
    """Stop before reduce before cancel before questions before open, whatever came first."""
    carried: list[e.Errand] = []

    async def carry(errand: e.Errand) -> None:
        carried.append(errand)

    queue = LocalQueue(carry)
    queue.put(second)
    queue.put(first)
    task = asyncio.create_task(queue.run())
    await queue.idle()
    task.cancel()
    assert carried == [first, second]
