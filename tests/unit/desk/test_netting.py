"""Two strategies on one instrument, live: lots change hands inside the account, and nothing is doubled by a crash."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from tests.factories import START_NS, make_bar, make_instrument, make_policy
from tests.unit.desk.test_engine import CASH, LENGTH, Scripted, kinds, tickets

from trading_system.blotter import events as e
from trading_system.blotter.portfolio import fold
from trading_system.blotter.state import SIZE_LOTS, STOP_ABSENT, STOP_FIXED
from trading_system.blotter.story import stories
from trading_system.blotter.telling import WORDS
from trading_system.blotter.tickets import Intent, OrderTicket, Side
from trading_system.desk.engine import Desk
from trading_system.journal.memory import MemoryJournal
from trading_system.market.money import Money

BUYER, SELLER = ("buyer", "BTCUSDT"), ("seller", "BTCUSDT")


@dataclass
class Pair:
    """A desk with two sleeves, the seller protected with 600 lots; the buyer will want 1,000 at the next bar."""

    journal: list[e.Fact] = field(default_factory=list)
    now_ns: int = START_NS + LENGTH
    trades: int = 0
    stop_mode: int = STOP_FIXED
    beliefs: dict[tuple[str, str], list[float]] = field(
        default_factory=lambda: {BUYER: [0.5, 0.9, 0.9], SELLER: [0.9, 0.1, 0.1]}
    )

    def __post_init__(self) -> None:
        self.start([])
        for (strategy, _), lots in ((BUYER, 1_000.0), (SELLER, 600.0)):
            policy = make_policy(
                leave_below=0.4, size_mode=float(SIZE_LOTS), size_lots=lots, stop_mode=float(self.stop_mode)
            )
            opened = e.SleeveOpened(ts_ns=self.now_ns, strategy=strategy, instrument=make_instrument(), policy=policy)
            self.tell(opened)
        self.agree()
        (entry,) = tickets(self.bar(0))
        self.sent(entry)
        for stop in tickets(self.filled(entry)):
            self.sent(stop)
            self.stop = stop

    def start(self, journal: Sequence[e.Fact]) -> list[e.Fact]:
        """Start a desk from `journal`, as a process does; return what it answers."""
        self.journal = list(journal)
        self.desk = Desk(
            portfolio=fold(journal),
            forecasters={key: Scripted(list(beliefs)) for key, beliefs in self.beliefs.items()},
            interval_ns=LENGTH,
            stale_ns=LENGTH // 4,
            quote="USDT",
        )
        return self.tell(e.EngineStarted(ts_ns=self.now_ns, account="main", version="0", settings=""))

    def tell(self, event: e.Fact) -> list[e.Fact]:
        """Tell the desk `event` as the runner does; return what it answers."""
        facts = self.desk.handle(self.desk.admit(event))
        self.journal += [event, *facts]
        return facts

    def agree(self) -> list[e.Fact]:
        """Let the venue's books be ours."""
        balances = self.desk.portfolio.balances or {"USDT": CASH}
        return self.tell(e.Reconciled(ts_ns=self.now_ns, balances=dict(balances), differences=()))

    def bar(self, index: int) -> list[e.Fact]:
        """Close a flat bar."""
        bar = make_bar(index=index)
        self.now_ns = bar.close_ns
        return self.tell(e.BarClosed(ts_ns=self.now_ns, bar=bar))

    def sent(self, ticket: OrderTicket) -> None:
        """Let `ticket` be claimed and acknowledged."""
        name = ticket.client_order_id
        self.tell(e.OrderSubmitted(ts_ns=self.now_ns, client_order_id=name))
        self.tell(e.OrderAccepted(ts_ns=self.now_ns, client_order_id=name, venue_order_id="1"))

    def filled(self, ticket: OrderTicket, lots: int | None = None, price: int = 4_000_000) -> list[e.Fact]:
        """Let `ticket` execute."""
        self.trades += 1
        fill = e.OrderFilled(
            ts_ns=self.now_ns,
            client_order_id=ticket.client_order_id,
            trade_id=str(self.trades),
            lots=lots or ticket.lots,
            price_ticks=price,
            fee=Money(atoms=0, currency="USDT"),
        )
        return self.tell(fill)

    def canceled(self) -> list[e.Fact]:
        """Let the venue confirm that the seller's stop is gone."""
        name = self.stop.client_order_id
        return self.tell(e.OrderCanceled(ts_ns=self.now_ns, client_order_id=name, reason="", filled=0))

    def held(self) -> tuple[int, int]:
        """Return the lots that buyer and seller own."""
        sleeves = self.desk.portfolio.sleeves
        return sleeves[BUYER].held_lots, sleeves[SELLER].held_lots


def entries(facts: Sequence[e.Fact]) -> list[int]:
    """Return the lots of each entry asked for."""
    return [ticket.lots for ticket in tickets(facts) if ticket.intent is Intent.ENTER]


def test_an_entry_waits_for_the_lots_that_a_stop_still_locks() -> None:
    """The venue is asked for a cancel and for nothing else; the cash of the entry is promised meanwhile."""
    pair = Pair()
    facts = pair.bar(1)
    assert [kind for kind in kinds(facts) if kind != "Decided"] == ["EntryHeld", "CancelRequested"]
    reserve = 1_000 * 4_000_000 * 10 * 101 // 100  # a lot is worth 10 atoms a tick; 1 % of cash buffer
    assert pair.desk.portfolio.reserved_atoms() == reserve


def test_once_the_stop_is_gone_lots_cross_and_the_rest_is_asked_for_at_once() -> None:
    """600 of the 1,000 come from the seller, at the close that both know; 400 are bought, and neither is sold."""
    pair = Pair()
    pair.bar(1)
    before = dict(pair.desk.portfolio.balances)
    crossed, rest = pair.canceled()
    assert crossed == e.LotsCrossed(
        ts_ns=pair.now_ns, symbol="BTCUSDT", buyer="buyer", seller="seller", lots=600, price_ticks=4_000_000
    )
    (ticket,) = tickets([rest])
    assert (ticket.intent, ticket.side, ticket.lots) == (Intent.ENTER, Side.BUY, 400)
    assert ticket.reserve_atoms == 400 * 4_000_000 * 10 * 101 // 100
    assert pair.held() == (600, 0)
    assert pair.desk.portfolio.balances == before


def test_what_was_bought_on_both_ways_gets_one_stop() -> None:
    """While the rest is about to fill nothing rests; then 1,000 lots are protected, however they came."""
    pair = Pair()
    pair.bar(1)
    _, rest = pair.canceled()
    (entry,) = tickets([rest])
    pair.sent(entry)
    (stop,) = tickets(pair.filled(entry))
    assert (stop.intent, stop.strategy, stop.lots) == (Intent.PROTECT, "buyer", 1_000)


@pytest.mark.parametrize("answer", [e.CancelInDoubt, e.CancelRefused])
def test_a_cancel_in_doubt_is_not_waited_for(answer: type[e.CancelInDoubt | e.CancelRefused]) -> None:
    """Nobody knows when the lots will be free: the entry is asked for in full; what comes free later is sold."""
    pair = Pair()
    pair.bar(1)
    facts = pair.tell(answer(ts_ns=pair.now_ns, client_order_id=pair.stop.client_order_id, reason="lost"))
    assert entries(facts) == [1_000]
    (leave,) = tickets(pair.canceled())
    assert (leave.intent, leave.lots) == (Intent.EXIT, 600)


def test_a_stop_that_fills_first_leaves_nothing_to_wait_for() -> None:
    """A stop at the venue never crosses: its lots are gone, and the entry is asked for in full."""
    pair = Pair()
    pair.bar(1)
    assert entries(pair.filled(pair.stop)) == [1_000]


def test_a_price_that_only_one_of_them_has_heard_is_no_price_for_both() -> None:
    """Part of the stop filled at another price: what the close said is old, so the rest goes to the venue."""
    pair = Pair()
    pair.bar(1)
    assert entries(pair.filled(pair.stop, lots=100, price=3_950_000)) == [1_000]
    assert "LotsCrossed" not in kinds(pair.canceled())


def test_the_next_decision_ends_the_wait() -> None:
    """What was held back is dropped before anybody decides, and decided anew: one entry, named after the new bar."""
    pair = Pair()
    pair.bar(1)
    facts = pair.bar(2)
    assert kinds(facts)[0] == "EntryDropped"
    assert [fact.ticket.decided_ns for fact in facts if isinstance(fact, e.EntryHeld)] == [pair.now_ns]
    assert kinds(pair.canceled())[0] == "LotsCrossed"


@pytest.mark.parametrize("event", [e.StopRequested, e.FeedRestored])
def test_nothing_waits_while_nothing_may_be_opened(event: type[e.Fact]) -> None:
    """The process is to end, or the books may differ: the entry is dropped, and the seller sells to the venue."""
    pair = Pair()
    pair.bar(1)
    told = event(ts_ns=pair.now_ns, **({"feed": "user"} if event is e.FeedRestored else {}))
    assert "EntryDropped" in kinds(pair.tell(told))
    facts = pair.canceled()
    assert ("LotsCrossed" in kinds(facts), entries(facts)) == (False, [])
    assert [ticket.lots for ticket in tickets(facts)] == [600]


def test_without_a_stop_both_are_asked_at_one_close_and_only_the_rest_leaves_the_account() -> None:
    """Nothing locks the lots: they cross at the close itself, and the venue sees a buy of 400."""
    pair = Pair(stop_mode=STOP_ABSENT)
    facts = pair.bar(1)
    assert kinds(facts) == ["Decided", "EntryHeld", "Decided", "LotsCrossed", "OrderQueued"]
    assert [(ticket.strategy, ticket.intent, ticket.lots) for ticket in tickets(facts)] == [
        ("buyer", Intent.ENTER, 400)
    ]
    assert pair.held() == (600, 0)


@pytest.mark.parametrize("cut", range(1, 26))
def test_a_process_that_ended_after_any_fact_neither_doubles_nor_loses(cut: int) -> None:
    """Whatever prefix is left: no entry is asked for again before the next decision; what is to leave still leaves.

    Between the crossing and the ticket for the rest, too: the lots have changed hands, and stay where they are.
    """
    pair = Pair()
    pair.bar(1)
    pair.canceled()
    prefix = pair.journal[: min(cut, len(pair.journal))]
    owned = sum(book.held_lots for book in fold(prefix).sleeves.values())
    facts = pair.start(prefix)
    assert entries(facts) == []
    assert "LotsCrossed" not in kinds(facts)  # nobody knows yet whether what was to be given is still there
    assert sum(book.held_lots for book in pair.desk.portfolio.sleeves.values()) == owned
    assert all(book.held_back is None for book in pair.desk.portfolio.sleeves.values())
    assert fold(pair.journal) == pair.desk.portfolio


def test_the_story_of_the_rest_begins_with_what_the_neighbor_gave() -> None:
    """Why was only 400 bought? The journal says it in its own order, and in words."""
    pair, journal = Pair(), MemoryJournal()
    pair.bar(1)
    (ticket,) = tickets(pair.canceled())
    journal.append(pair.journal, pair.now_ns)
    story = stories(journal.read())[ticket.client_order_id]
    words = [WORDS[type(told.fact)](told.fact, make_instrument()) for told in story.life]
    assert words == [
        "held back, 0.01 BTC: other strategies may give it some",
        "crossed inside the account: buyer got 0.006 BTC from seller at 40000.00, without a fee",
        "asked for: buy 0.004 BTC at market",
    ]
    assert story.decided is not None
    assert story.decided.step.asks.entry_lots == 1_000
