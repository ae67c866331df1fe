"""The desk: events in, facts out; every state that a process can end in is a state that it can start from."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.factories import START_NS, make_bar, make_bars, make_instrument, make_policy

from trading_system.blotter import events as e
from trading_system.blotter import objections
from trading_system.blotter.orders import OrderStatus
from trading_system.blotter.portfolio import Portfolio, fold
from trading_system.blotter.signals import Forecast, Unknown
from trading_system.blotter.state import ENTER_AT_LIMIT, VIEW_GONE, Policy
from trading_system.blotter.tickets import Intent, OrderKind, OrderTicket, Side
from trading_system.desk.engine import Desk
from trading_system.desk.reconcile import check_attended
from trading_system.errors import ConfigurationError
from trading_system.market.bars import Bar, interval_ns
from trading_system.market.money import Money
from trading_system.market.timestamps import NS_PER_S

LENGTH = interval_ns("15m")
CASH = 100_000 * 100_000_000


@dataclass
class Scripted:
    """A forecaster that believes what it is told to, bar by bar; the last belief stays."""

    beliefs: list[float]

    def push(self, bar: Bar) -> Forecast:
        """Return the next belief."""
        belief = self.beliefs.pop(0) if len(self.beliefs) > 1 else self.beliefs[0]
        return Forecast(
            probability=belief,
            gain=0.02,
            loss=0.01,
            horizon=4,
            known=True,
            reason=Unknown.NONE,
            model="scripted",
            atr=20_000.0,
            features=(),
        )


@dataclass
class Line:
    """A desk, all facts it has been told and has answered, and a venue played by hand."""

    beliefs: list[float] = field(default_factory=lambda: [0.9])
    journal: list[e.Fact] = field(default_factory=list)
    now_ns: int = START_NS + LENGTH
    shortable: bool = False
    policy: Policy = field(default_factory=lambda: make_policy(leave_below=0.4))

    def __post_init__(self) -> None:
        self.started = self.start(self.journal)
        if not self.desk.portfolio.sleeves:
            opened = e.SleeveOpened(
                ts_ns=self.now_ns,
                strategy="s",
                instrument=make_instrument(shortable=self.shortable),
                policy=self.policy,
            )
            self.tell(opened)

    def start(self, journal: Sequence[e.Fact]) -> list[e.Fact]:
        """Start a desk from `journal`, as a process does; return what it answers to being started."""
        self.journal = list(journal)
        self.desk = Desk(
            portfolio=fold(journal),
            forecasters={("s", "BTCUSDT"): Scripted(self.beliefs)},
            interval_ns=LENGTH,
            stale_ns=LENGTH // 4,
            quote="USDT",
        )
        return self.tell(e.EngineStarted(ts_ns=self.now_ns, account="main", version="0", settings=""))

    def tell(self, event: e.Fact) -> list[e.Fact]:
        """Tell the desk `event` as the runner does; return what it answers."""
        event = self.desk.admit(event)
        facts = self.desk.handle(event)
        self.journal += [event, *facts]
        return facts

    def agree(self) -> list[e.Fact]:
        """Let the venue's books be ours."""
        balances = self.desk.portfolio.balances or {"USDT": CASH}
        return self.tell(e.Reconciled(ts_ns=self.now_ns, balances=dict(balances), differences=()))

    def bar(self, index: int = 0, close: int = 4_000_000, late_ns: int = 0) -> list[e.Fact]:
        """Close bar number `index`."""
        bar = make_bar(index=index, open=4_000_000, close=close)
        self.now_ns = bar.close_ns + late_ns
        return self.tell(e.BarClosed(ts_ns=self.now_ns, bar=bar))

    def submitted(self, ticket: OrderTicket) -> list[e.Fact]:
        """Claim `ticket`."""
        return self.tell(e.OrderSubmitted(ts_ns=self.now_ns, client_order_id=ticket.client_order_id))

    def accepted(self, ticket: OrderTicket) -> list[e.Fact]:
        """Let the venue acknowledge `ticket`."""
        name = ticket.client_order_id
        return self.tell(e.OrderAccepted(ts_ns=self.now_ns, client_order_id=name, venue_order_id="1"))

    def filled(
        self, ticket: OrderTicket, *, trade: int = 1, lots: int | None = None, price: int = 4_000_000
    ) -> list[e.Fact]:
        """Let `ticket` execute."""
        fill = e.OrderFilled(
            ts_ns=self.now_ns,
            client_order_id=ticket.client_order_id,
            trade_id=str(trade),
            lots=ticket.lots if lots is None else lots,
            price_ticks=price,
            fee=Money(atoms=0, currency="USDT"),
        )
        return self.tell(fill)

    def doubt(self, ticket: OrderTicket) -> list[e.Fact]:
        """Let the answer be lost."""
        return self.tell(e.OrderInDoubt(ts_ns=self.now_ns, client_order_id=ticket.client_order_id, reason="lost"))


def tickets(facts: Sequence[e.Fact]) -> list[OrderTicket]:
    return [fact.ticket for fact in facts if isinstance(fact, e.OrderQueued)]


def kinds(facts: Sequence[e.Fact]) -> list[str]:
    return [type(fact).__name__ for fact in facts]


def entered(line: Line) -> OrderTicket:
    """Bring `line` to a queued entry."""
    line.agree()
    (ticket,) = tickets(line.bar())
    return ticket


def protected(line: Line) -> tuple[OrderTicket, OrderTicket]:
    """Bring `line` to a filled entry whose stop rests."""
    entry = entered(line)
    line.submitted(entry)
    line.accepted(entry)
    (stop,) = tickets(line.filled(entry))
    line.submitted(stop)
    line.accepted(stop)
    return entry, stop


def test_nothing_is_opened_before_the_books_agree() -> None:
    """Until venue and journal were compared, every decision carries the objection and asks for nothing."""
    line = Line()
    facts = line.bar()
    decided = facts[0]
    assert isinstance(decided, e.Decided)
    assert decided.step.objections & objections.UNRECONCILED
    assert tickets(facts) == []


def test_a_bar_heard_too_late_opens_nothing() -> None:
    """A quarter of its length after its close a bar is old; the decision is written down all the same."""
    line = Line()
    line.agree()
    facts = line.bar(late_ns=LENGTH // 4 + 1)
    assert isinstance(facts[0], e.Decided)
    assert facts[0].step.objections == objections.STALE_FEED
    assert tickets(facts) == []


def test_a_filled_entry_gets_its_stop_at_once() -> None:
    """The answer to the fill is the protective stop, for exactly what was bought, below the close by 2 ATR."""
    line = Line()
    entry = entered(line)
    line.submitted(entry)
    (stop,) = tickets(line.filled(entry))
    assert (stop.intent, stop.lots, stop.stop_ticks) == (Intent.PROTECT, entry.lots, 4_000_000 - 40_000)


def test_a_market_entry_filled_in_parts_gets_one_stop() -> None:
    """While a market order is still being answered nothing rests; its last part brings the stop for all."""
    line = Line()
    entry = entered(line)
    line.submitted(entry)
    assert tickets(line.filled(entry, trade=1, lots=entry.lots - 1)) == []
    (stop,) = tickets(line.filled(entry, trade=2, lots=1))
    assert stop.lots == entry.lots


def test_to_leave_the_stop_is_canceled_first_and_the_exit_follows_its_end() -> None:
    """On spot the stop locks what it would sell."""
    line = Line(beliefs=[0.9, 0.1])
    entry, stop = protected(line)
    facts = line.bar(index=1)
    assert kinds(facts)[1:] == ["CancelRequested"]
    canceled = e.OrderCanceled(ts_ns=line.now_ns, client_order_id=stop.client_order_id, reason="", filled=0)
    (leave,) = tickets(line.tell(canceled))
    assert (leave.intent, leave.lots) == (Intent.EXIT, entry.lots)


def test_a_refused_stop_means_leaving_at_market() -> None:
    """Its price was passed before it could rest: no position stays without protection."""
    line = Line()
    entry = entered(line)
    line.submitted(entry)
    (stop,) = tickets(line.filled(entry))
    line.submitted(stop)
    refused = e.OrderRejected(ts_ns=line.now_ns, client_order_id=stop.client_order_id, code=-2010, reason="")
    (leave,) = tickets(line.tell(refused))
    assert (leave.intent, leave.lots) == (Intent.EXIT, entry.lots)


def test_a_fall_is_sold_short_protected_above_and_bought_back() -> None:
    """The same line upside down: sold on a belief of 0.1, its stop buys 2 ATR above; then the stop goes, then we."""
    line = Line(beliefs=[0.1, 0.9], shortable=True)
    entry = entered(line)
    line.submitted(entry)
    (stop,) = tickets(line.filled(entry))
    assert (entry.side, stop.side, stop.lots, stop.stop_ticks) == (Side.SELL, Side.BUY, entry.lots, 4_040_000)
    line.submitted(stop)
    line.accepted(stop)
    assert kinds(line.bar(index=1))[1:] == ["CancelRequested"]
    canceled = e.OrderCanceled(ts_ns=line.now_ns, client_order_id=stop.client_order_id, reason="", filled=0)
    (leave,) = tickets(line.tell(canceled))
    assert (leave.intent, leave.side, leave.lots, leave.reason) == (Intent.EXIT, Side.BUY, entry.lots, VIEW_GONE)
    line.submitted(leave)
    assert tickets(line.filled(leave, trade=2)) == []
    assert line.desk.portfolio.sleeves["s", "BTCUSDT"].position_atoms == 0


def test_an_order_that_was_in_doubt_over_a_bar_and_turns_out_filled_is_kept() -> None:
    """It has waited long enough and would have been canceled; but it is ours now, so it is protected, not sold."""
    line = Line()
    entry = entered(line)
    line.submitted(entry)
    line.doubt(entry)
    assert tickets(line.bar(index=1)) == []
    (stop,) = tickets(line.filled(entry))
    assert (stop.intent, stop.lots) == (Intent.PROTECT, entry.lots)
    line.submitted(stop)
    line.accepted(stop)
    assert kinds(line.bar(index=2)) == ["Decided"]


def test_a_resting_entry_is_canceled_once_it_has_waited_long_enough_and_what_crosses_the_cancel_is_kept() -> None:
    """Two bars at a limit; the fill that was faster than our cancel brings its stop, and no sale."""
    line = Line(policy=make_policy(leave_below=0.4, entry_mode=1.0, entry_offset=0.5, entry_bars=2.0))
    entry = entered(line)
    assert (entry.kind, entry.limit_ticks) == (OrderKind.LIMIT, 4_000_000 - 10_000)
    line.submitted(entry)
    line.accepted(entry)
    assert kinds(line.bar(index=1)) == ["Decided"]
    assert kinds(line.bar(index=2)) == ["Decided", "CancelRequested"]
    (stop,) = tickets(line.filled(entry))
    assert (stop.intent, stop.lots) == (Intent.PROTECT, entry.lots)


def test_a_brake_that_trips_is_told_once_and_a_days_is_told_again_on_another_day() -> None:
    """4 % of the day's equity lost where 3 % may be: a fact for whoever is to be woken; at midnight it is cleared."""
    line = Line(policy=make_policy(leave_below=0.4, max_daily_loss=0.03, stop_mode=1.0, atr_stop=50.0, kelly_cap=1.0))
    entry = entered(line)
    line.submitted(entry)
    (stop,) = tickets(line.filled(entry))
    line.submitted(stop)
    line.accepted(stop)
    held = line.desk.portfolio.sleeves["s", "BTCUSDT"].position_atoms
    fall = 4_000_000 - int(0.04 * CASH / (held / 1_000 * 10))
    tripped = [fact for fact in line.bar(index=1, close=fall) if isinstance(fact, e.BreakerTripped)]
    assert [fact.objections for fact in tripped] == [objections.DAILY_LOSS]
    assert "BreakerTripped" not in kinds(line.bar(index=2, close=fall))
    assert line.desk.portfolio.carried.latched == objections.DAILY_LOSS
    line.bar(index=95, close=fall)  # closes at the next midnight
    assert line.desk.portfolio.carried.latched == objections.NONE


def test_a_refused_entry_is_not_asked_again_before_the_next_bar() -> None:
    """What the venue would not take it will not take a millisecond later."""
    line = Line()
    entry = entered(line)
    line.submitted(entry)
    refused = e.OrderRejected(ts_ns=line.now_ns, client_order_id=entry.client_order_id, code=-2010, reason="")
    assert line.tell(refused) == []
    (again,) = tickets(line.bar(index=1))
    assert again.intent is Intent.ENTER
    assert again.client_order_id != entry.client_order_id


def test_what_a_refused_part_leaves_is_protected_at_once() -> None:
    """Two parts: one is filled, the other refused. The stop for the first does not wait for the next bar."""
    line = Line(policy=make_policy(leave_below=0.4, entry_parts=2.0))
    line.agree()
    first, second = tickets(line.bar())
    for part in (first, second):
        line.submitted(part)
    assert tickets(line.filled(first)) == []
    refused = e.OrderRejected(ts_ns=line.now_ns, client_order_id=second.client_order_id, code=-2010, reason="")
    (stop,) = tickets(line.tell(refused))
    assert (stop.intent, stop.lots) == (Intent.PROTECT, first.lots)


def test_five_cancels_of_five_parts_are_one_wish_and_keep_no_stop_back() -> None:
    """Only what is asked for again and again has to pause; here each order is canceled once."""
    policy = make_policy(leave_below=0.4, entry_parts=5.0, entry_mode=float(ENTER_AT_LIMIT), entry_bars=1.0)
    line = Line(policy=policy, beliefs=[0.9, 0.5])
    line.agree()
    parts = tickets(line.bar())
    for part in parts:
        line.submitted(part)
        line.accepted(part)
    assert kinds(line.bar(index=1))[1:] == ["CancelRequested"] * 5
    (stop,) = tickets(line.filled(parts[0]))  # it crossed our cancel
    assert (stop.intent, stop.lots) == (Intent.PROTECT, parts[0].lots)


def test_an_order_in_doubt_is_asked_about_with_growing_pauses_and_never_sent_again() -> None:
    """At once, and after 0.25, 0.5 and 1 s more; meanwhile its cash stays promised and no second entry is asked."""
    line = Line()
    entry = entered(line)
    line.submitted(entry)
    assert kinds(line.doubt(entry)) == ["InquiryRequested"]
    start = line.now_ns
    asked_at = []
    for _ in range(3):
        wake = line.desk.wake_ns()
        assert wake is not None
        assert kinds(line.tell(e.TimerFired(ts_ns=wake))) == ["InquiryRequested"]
        asked_at.append((wake - start) / NS_PER_S)
    assert asked_at == [0.25, 0.75, 1.75]
    assert line.desk.portfolio.reserved_atoms() == entry.reserve_atoms
    assert tickets(line.bar(index=1)) == []


def test_once_a_doubt_is_cleared_up_the_books_are_compared() -> None:
    """Found filled: the stop follows, and a comparison is asked for."""
    line = Line()
    entry = entered(line)
    line.submitted(entry)
    line.doubt(entry)
    assert kinds(line.filled(entry)) == ["OrderQueued", "ReconcileRequested"]


def test_a_stop_proven_absent_is_asked_for_again_under_a_new_name() -> None:
    """The position must be protected; the name says that it is the second attempt."""
    line = Line()
    entry = entered(line)
    line.submitted(entry)
    (stop,) = tickets(line.filled(entry))
    line.submitted(stop)
    line.doubt(stop)
    absent = e.OrderNotFound(ts_ns=line.now_ns, client_order_id=stop.client_order_id)
    (again,) = tickets(line.tell(absent))
    assert (again.intent, again.attempt, again.lots) == (Intent.PROTECT, 2, stop.lots)
    assert again.client_order_id != stop.client_order_id


def test_an_end_with_executions_that_we_have_not_heard_of_is_asked_about_first() -> None:
    """The stop was canceled after selling a part that no report told of: an exit for all would sell too much."""
    line = Line(beliefs=[0.9, 0.1])
    _, stop = protected(line)
    line.bar(index=1)
    ended = e.OrderCanceled(ts_ns=line.now_ns, client_order_id=stop.client_order_id, reason="", filled=10)
    line.tell(ended)
    assert kinds(line.journal)[-1] == "InquiryRequested"
    line.filled(stop, lots=10, trade=2)
    (leave,) = tickets(line.tell(ended))
    assert leave.lots == stop.lots - 10


def test_an_order_of_ours_that_the_journal_does_not_know_stops_new_risk() -> None:
    """It can only mean that facts were lost; the books are compared."""
    line = Line()
    line.agree()
    line.tell(e.OrderAccepted(ts_ns=line.now_ns, client_order_id="ts-unknown", venue_order_id="9"))
    assert kinds(line.journal)[-1] == "ReconcileRequested"
    assert tickets(line.bar()) == []


def test_after_the_user_stream_broke_every_live_order_is_asked_about() -> None:
    """Missed reports are not told again."""
    line = Line()
    _, stop = protected(line)
    facts = line.tell(e.FeedRestored(ts_ns=line.now_ns, feed="user"))
    assert kinds(facts) == ["InquiryRequested", "ReconcileRequested"]
    assert isinstance(facts[0], e.InquiryRequested)
    assert facts[0].client_order_id == stop.client_order_id


def test_the_drawdown_latch_survives_a_restart() -> None:
    """Equity falls by more than the limit: the brake trips once, and holds in a new process."""
    line = Line()
    _, stop = protected(line)
    facts = line.bar(index=1, close=1_000_000)
    assert any(isinstance(fact, e.BreakerTripped) and fact.objections == objections.DRAWDOWN for fact in facts)
    line.start(line.journal)
    assert line.desk.portfolio.carried.latched == objections.DRAWDOWN
    assert stop.client_order_id in line.desk.portfolio.live


def test_an_entry_that_nobody_claimed_is_dropped_at_a_start() -> None:
    """No claim means never sent; the next bar decides afresh."""
    line = Line()
    entry = entered(line)
    facts = line.start(line.journal)
    assert kinds(facts) == ["OrderCanceled", "ReconcileRequested"]
    assert line.desk.portfolio.orders[entry.client_order_id].status is OrderStatus.CANCELED


def test_a_claimed_order_is_in_doubt_at_a_start() -> None:
    """It may have been sent: it is asked about, and never sent again."""
    line = Line()
    entry = entered(line)
    line.submitted(entry)
    facts = line.start(line.journal)
    assert kinds(facts) == ["OrderInDoubt", "InquiryRequested", "ReconcileRequested"]
    assert tickets(facts) == []


def test_a_position_without_a_stop_gets_one_at_a_start() -> None:
    """The process ended between the fill and the stop's ticket."""
    line = Line()
    entry = entered(line)
    line.submitted(entry)
    line.filled(entry)
    until_fill = line.journal[:-1]  # the ticket of the stop was not written any more
    assert isinstance(line.journal[-1], e.OrderQueued)
    (stop,) = tickets(line.start(until_fill))
    assert (stop.intent, stop.lots) == (Intent.PROTECT, entry.lots)


def test_the_same_bar_decided_before_and_after_a_crash_makes_the_same_order() -> None:
    """The decision was lost with the process; the new one names its order the same."""
    line = Line()
    line.agree()
    before = list(line.journal)
    (first,) = tickets(line.bar())
    line.start(before)
    line.agree()
    (second,) = tickets(line.bar())
    assert second == first


def leaving(line: Line) -> tuple[OrderTicket, OrderTicket]:
    """Bring `line` to an exit that is queued after its stop was canceled; return the stop and the exit."""
    _, stop = protected(line)
    line.bar(index=1)
    canceled = e.OrderCanceled(ts_ns=line.now_ns, client_order_id=stop.client_order_id, reason="", filled=0)
    (leave,) = tickets(line.tell(canceled))
    return stop, leave


def refused(line: Line, ticket: OrderTicket) -> list[e.Fact]:
    """Claim `ticket` and let the venue refuse it."""
    line.submitted(ticket)
    no = e.OrderRejected(
        ts_ns=line.now_ns, client_order_id=ticket.client_order_id, code=-1013, reason="MARKET_LOT_SIZE"
    )
    return line.tell(no)


def test_a_refused_exit_puts_a_short_positions_stop_back() -> None:
    """What could not be bought back is protected again, and is not asked for a second time at once."""
    line = Line(beliefs=[0.1, 0.9], shortable=True)
    entry, stop = protected(line)
    line.bar(index=1)
    (leave,) = tickets(
        line.tell(e.OrderCanceled(ts_ns=line.now_ns, client_order_id=stop.client_order_id, reason="", filled=0))
    )
    line.submitted(leave)
    refused = e.OrderRejected(ts_ns=line.now_ns, client_order_id=leave.client_order_id, code=-2010, reason="")
    (again,) = tickets(line.tell(refused))
    assert (again.intent, again.side, again.lots) == (Intent.PROTECT, Side.BUY, entry.lots)


def test_a_refused_exit_puts_the_stop_back() -> None:
    """The venue would not let us leave: until the next bar asks again, the position does not stand bare."""
    line = Line(beliefs=[0.9, 0.1])
    stop, leave = leaving(line)
    (again,) = tickets(refused(line, leave))
    assert (again.intent, again.lots, again.stop_ticks) == (Intent.PROTECT, stop.lots, stop.stop_ticks)
    line.submitted(again)
    line.accepted(again)
    assert kinds(line.bar(index=2))[1:] == ["CancelRequested"]


def test_what_is_refused_again_and_again_is_asked_for_with_growing_pauses() -> None:
    """Neither a stop nor an exit is taken: after three tickets of a kind there are pauses, not a storm."""
    line = Line(beliefs=[0.9, 0.1])
    _, leave = leaving(line)
    asked_for, facts = 1, refused(line, leave)
    while found := tickets(facts):
        asked_for += 1
        facts = refused(line, found[0])
    assert asked_for <= 6
    pauses = []
    for _ in range(3):
        wake = line.desk.wake_ns()
        assert wake is not None
        pauses.append((wake - line.now_ns) / NS_PER_S)
        line.now_ns = wake
        (ticket,) = tickets(line.tell(e.TimerFired(ts_ns=wake)))
        assert tickets(refused(line, ticket)) == []
    assert pauses == [0.25, 0.5, 1.0]


def test_a_question_that_nobody_answered_is_asked_again() -> None:
    """After a start every live order is asked about until the venue has answered, not just once."""
    line = Line()
    _, stop = protected(line)
    line.start(line.journal)
    for _ in range(3):
        wake = line.desk.wake_ns()
        assert wake is not None
        line.now_ns = max(line.now_ns, wake)
        asked = [f for f in line.tell(e.TimerFired(ts_ns=line.now_ns)) if isinstance(f, e.InquiryRequested)]
        assert [f.client_order_id for f in asked] == [stop.client_order_id]
    line.accepted(stop)
    answer = e.InquiryAnswered(ts_ns=line.now_ns, client_order_id=stop.client_order_id)
    assert "ReconcileRequested" in kinds(line.tell(answer))
    assert not line.desk.portfolio.orders[stop.client_order_id].doubtful


def test_books_that_agree_are_compared_again_every_hour_without_stopping_anything() -> None:
    """A stream that died silently is found out; a routine comparison keeps nobody from trading."""
    line = Line()
    line.agree()
    assert line.desk.wake_ns() == line.now_ns + 3_600 * NS_PER_S
    line.now_ns += 3_600 * NS_PER_S
    (fact,) = line.tell(e.TimerFired(ts_ns=line.now_ns))
    assert isinstance(fact, e.ReconcileRequested)
    assert line.desk.portfolio.differences == ()
    assert line.desk.wake_ns() == line.now_ns + 3_600 * NS_PER_S


def test_once_the_end_was_asked_for_nothing_is_opened_and_stops_are_still_placed() -> None:
    """The entry was on its way when the signal came: its fill gets its stop, and then all is at rest."""
    line = Line()
    entry = entered(line)
    line.submitted(entry)
    line.tell(e.StopRequested(ts_ns=line.now_ns))
    assert not line.desk.at_rest()
    (stop,) = tickets(line.filled(entry))
    line.submitted(stop)
    line.accepted(stop)
    assert line.desk.at_rest()
    idle = Line()
    idle.agree()
    idle.tell(e.StopRequested(ts_ns=idle.now_ns))
    assert tickets(idle.bar()) == []


def test_a_slice_is_decided_without_an_instrument_that_stays_silent() -> None:
    """Half the time that a bar stays fresh is waited for the other instrument; then its own bar must not grow old."""
    line = Line()
    line.desk.forecasters = {**line.desk.forecasters, ("s", "ETHUSDT"): Scripted([0.9])}
    line.agree()
    assert line.bar() == []
    wake = line.desk.wake_ns()
    assert wake == line.now_ns + LENGTH // 8
    line.now_ns = wake
    decided, queued = line.tell(e.TimerFired(ts_ns=wake))
    assert isinstance(decided, e.Decided)
    assert (decided.symbol, decided.step.objections) == ("BTCUSDT", objections.NONE)
    assert isinstance(queued, e.OrderQueued)


def test_a_slice_that_is_told_to_be_whole_is_decided_without_who_is_missing() -> None:
    """History knows that no bar will come: nothing is waited for."""
    line = Line()
    line.desk.forecasters = {**line.desk.forecasters, ("s", "ETHUSDT"): Scripted([0.9])}
    line.agree()
    assert line.bar() == []
    decided, queued = line.tell(e.SliceClosed(ts_ns=line.now_ns))
    assert isinstance(decided, e.Decided)
    assert decided.step.objections == objections.NONE
    assert isinstance(queued, e.OrderQueued)
    assert line.tell(e.SliceClosed(ts_ns=line.now_ns)) == []


def test_a_position_that_nobody_would_decide_about_stops_the_start() -> None:
    """Another strategy in the settings, a symbol taken out, or other steps at the venue: each is named."""
    line = Line()
    protected(line)
    books, here = line.desk.portfolio, {"BTCUSDT": make_instrument()}
    check_attended(books, [("s", "BTCUSDT")], here)
    with pytest.raises(ConfigurationError, match=r"strategy 's' on BTCUSDT"):
        check_attended(books, [("other", "BTCUSDT")], here)
    with pytest.raises(ConfigurationError, match="changed tick and lot"):
        check_attended(books, [("s", "BTCUSDT")], {"BTCUSDT": make_instrument(tick="0.1")})
    check_attended(Line().desk.portfolio, [("other", "BTCUSDT")], here)


def test_an_order_that_lives_though_it_was_taken_for_dead_stops_new_risk() -> None:
    """It cannot happen once the window has closed; if it does, a person must see it."""
    line = Line()
    entry = entered(line)
    line.submitted(entry)
    line.doubt(entry)
    line.tell(e.OrderNotFound(ts_ns=line.now_ns, client_order_id=entry.client_order_id))
    line.agree()
    assert kinds(line.accepted(entry)) == ["ReconcileRequested"]
    assert tickets(line.bar(index=1)) == []


CLOSES = st.lists(st.integers(3_000_000, 5_000_000), min_size=3, max_size=12)
BELIEFS = st.lists(st.sampled_from([0.1, 0.5, 0.9]), min_size=12, max_size=12)


def story(closes: list[int], beliefs: list[float], fates: list[int]) -> Line:
    """Play bars against a venue that answers each order by `fates`: fill, lose the answer, refuse, or fill in parts."""
    line = Line(beliefs=list(beliefs))
    line.agree()
    turn = 0
    for bar in make_bars(closes):
        line.now_ns = bar.close_ns
        errands = line.tell(e.BarClosed(ts_ns=line.now_ns, bar=bar))
        while errands:
            errand = errands.pop(0)
            if isinstance(errand, e.OrderQueued):
                fate = fates[turn % len(fates)]
                turn += 1
                errands += _answered(line, errand.ticket, fate, turn)
            elif isinstance(errand, e.CancelRequested):
                name = errand.client_order_id
                errands += line.tell(e.OrderCanceled(ts_ns=line.now_ns, client_order_id=name, reason="", filled=0))
    return line


def _answered(line: Line, ticket: OrderTicket, fate: int, turn: int) -> list[e.Fact]:
    facts = line.submitted(ticket)
    if fate == 1:
        return facts + line.doubt(ticket)
    if fate == 2:
        no = e.OrderRejected(ts_ns=line.now_ns, client_order_id=ticket.client_order_id, code=-2010, reason="")
        return facts + line.tell(no)
    facts += line.accepted(ticket)
    if ticket.intent is Intent.PROTECT:
        return facts
    if fate == 3 and ticket.lots > 1:
        facts += line.filled(ticket, trade=2 * turn, lots=1)
        return facts + line.filled(ticket, trade=2 * turn + 1, lots=ticket.lots - 1)
    return facts + line.filled(ticket, trade=2 * turn)


FATES = st.lists(st.integers(0, 3), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(closes=CLOSES, beliefs=BELIEFS, fates=FATES)
def test_folding_the_journal_gives_the_portfolio(closes: list[int], beliefs: list[float], fates: list[int]) -> None:
    """Nothing is known that was not written down, whatever the venue answered."""
    line = story(closes, beliefs, fates)
    assert fold(line.journal) == line.desk.portfolio


@settings(max_examples=60, deadline=None)
@given(closes=CLOSES, beliefs=BELIEFS, fates=FATES)
def test_the_same_events_make_the_same_facts(closes: list[int], beliefs: list[float], fates: list[int]) -> None:
    """No clock, no chance."""
    assert story(closes, beliefs, fates).journal == story(closes, beliefs, fates).journal


@settings(max_examples=60, deadline=None)
@given(closes=CLOSES, beliefs=BELIEFS, fates=FATES, shock=st.sampled_from([0.5, 0.9, 1.1, 3.0]), data=st.data())
def test_the_future_cannot_change_the_past(
    closes: list[int], beliefs: list[float], fates: list[int], shock: float, data: st.DataObject
) -> None:
    """Every fact up to a bar is the same, whatever the market does after it."""
    cut = data.draw(st.integers(1, len(closes) - 1))
    shocked = closes[:cut] + [int(close * shock) for close in closes[cut:]]
    until = make_bars(closes)[cut - 1].close_ns
    told = [fact for fact in story(closes, beliefs, fates).journal if fact.ts_ns <= until]
    retold = [fact for fact in story(shocked, beliefs, fates).journal if fact.ts_ns <= until]
    assert told == retold


@settings(max_examples=60, deadline=None)
@given(closes=CLOSES, beliefs=BELIEFS, fates=FATES)
def test_no_more_is_ever_asked_to_be_sold_than_is_owned(
    closes: list[int], beliefs: list[float], fates: list[int]
) -> None:
    """Live sells together never exceed the position, and the position is never negative."""
    line = story(closes, beliefs, fates)
    replayed = Portfolio()
    for fact in line.journal:
        replayed.apply(fact)
        for book in replayed.sleeves.values():
            selling = sum(o.open_lots for o in replayed.live_orders() if o.ticket.intent is not Intent.ENTER)
            assert 0 <= selling <= book.held_lots


@pytest.mark.parametrize("cut", range(1, 26))
def test_a_process_that_ended_after_any_fact_starts_again(cut: int) -> None:
    """Whatever prefix of the journal is left, the start neither raises nor asks for a second entry."""
    line = story([4_000_000, 4_010_000, 4_020_000, 3_990_000], [0.9, 0.9, 0.1, 0.9], [0])
    facts = line.start(line.journal[: min(cut, len(line.journal))])
    assert all(ticket.intent is not Intent.ENTER for ticket in tickets(facts))
