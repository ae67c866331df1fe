"""The inbox: one ordered stream, whatever order things arrive in."""

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st
from tests.factories import make_bar

from trading_system.blotter import events as e
from trading_system.desk.clock import SimulatedClock
from trading_system.desk.inbox import Inbox


@dataclass
class Script:
    """A pacer that lets things arrive, one batch a wait, and then ends."""

    batches: list[Callable[[], None]]
    waits: list[int | None] = field(default_factory=list)

    async def settle(self) -> None:
        """Nothing is under way."""

    async def wait(self, wake_ns: int | None) -> bool:
        """Let the next batch arrive."""
        self.waits.append(wake_ns)
        if not self.batches:
            return False
        self.batches.pop(0)()
        return True


def accepted(ts_ns: int, name: str = "ts-a") -> e.OrderAccepted:
    return e.OrderAccepted(ts_ns=ts_ns, client_order_id=name, venue_order_id="1")


async def told(inbox: Inbox, *batches: Callable[[], None]) -> list[e.Fact]:
    return [event async for event in inbox.events(Script(list(batches)))]


async def test_at_one_moment_reports_come_before_the_bar() -> None:
    """A decision knows of every fill at or before its bar's close."""
    bar = make_bar()
    inbox = Inbox(clock=SimulatedClock(), wake_ns=lambda: None)
    inbox.hear(e.BarClosed(ts_ns=bar.close_ns, bar=bar))
    inbox.hear(e.FeedInterrupted(ts_ns=bar.close_ns, feed="user", reason=""))
    inbox.hear(accepted(bar.close_ns))
    assert [type(event).__name__ for event in await told(inbox)] == ["OrderAccepted", "FeedInterrupted", "BarClosed"]


async def test_answers_come_before_what_streams_tell() -> None:
    """The acknowledgement is heard before the report of the fill that followed it."""
    inbox = Inbox(clock=SimulatedClock(), wake_ns=lambda: None)
    inbox.hear(accepted(1, "ts-streamed"))
    inbox.answer(accepted(2, "ts-answered"))
    names = [event.client_order_id for event in await told(inbox) if isinstance(event, e.OrderEvent)]
    assert names == ["ts-answered", "ts-streamed"]


async def test_a_timer_that_is_due_waits_for_what_was_told_before_it() -> None:
    """The pacer is asked first; a report that arrives then is handed out before the timer."""
    wishes: list[int | None] = [5, 5, 5, 5]
    inbox = Inbox(clock=SimulatedClock(10), wake_ns=lambda: wishes.pop() if wishes else None)
    events = await told(inbox, lambda: inbox.hear(accepted(7)), lambda: None)
    assert [type(event).__name__ for event in events] == ["OrderAccepted", "TimerFired"]


async def test_after_a_stop_what_is_pending_is_handed_out_and_then_nothing_more() -> None:
    """A fill that was heard is told, so that its stop is placed before the process ends."""
    inbox = Inbox(clock=SimulatedClock(), wake_ns=lambda: None)
    inbox.hear(accepted(1))
    rest = iter([False, True])
    inbox.stop(lambda: next(rest))
    events = await told(inbox, lambda: inbox.hear(accepted(2)), lambda: inbox.hear(accepted(3)))
    assert [event.ts_ns for event in events] == [1, 2]


@given(times=st.lists(st.integers(0, 5), min_size=1, max_size=20), data=st.data())
async def test_the_order_of_arrival_at_different_moments_changes_nothing(times: list[int], data: st.DataObject) -> None:
    """What is pending is handed out by its time; equals keep the order they came in."""
    events = [accepted(ts, f"ts-{number}") for number, ts in enumerate(times)]
    moments = sorted(set(times))
    shuffled = [event for ts in data.draw(st.permutations(moments)) for event in events if event.ts_ns == ts]
    inbox = Inbox(clock=SimulatedClock(), wake_ns=lambda: None)
    for event in shuffled:
        inbox.hear(event)
    assert await told(inbox) == sorted(events, key=lambda event: event.ts_ns)
