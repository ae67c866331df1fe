"""Whatever is wrong between our books and the venue's, the audit names it."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.factories import START_NS, make_bar, make_fill, make_instrument, make_ticket
from tests.unit.blotter.scenes import decision, opening
from tests.unit.dashboard import told

from trading_system.blotter import events as e
from trading_system.blotter.tickets import Intent, Side
from trading_system.desk.audit import compare, tallies
from trading_system.market.money import to_atoms

Wrong = Callable[[dict[str, Any]], None]


def edited(kind: str, at: int, **fields: str) -> Wrong:
    """Change fields of one row of the ledger."""
    return lambda ledger: ledger[kind][at].update(fields)


def removed(kind: str, at: int) -> Wrong:
    """Take one row out of the ledger."""
    return lambda ledger: ledger[kind].pop(at)


def held(**free: str) -> Wrong:
    """Change what the venue says we have."""
    return lambda ledger: [ledger["balances"]["desk"][name].update(free=text) for name, text in free.items()] and None


def doubled(ledger: dict[str, Any]) -> None:
    """Place the first order once more, under its own name."""
    ledger["orders"].append({**ledger["orders"][0], "order_id": 4})


def seen_twice(ledger: dict[str, Any]) -> None:
    """Let a request have come twice, though only one became an order."""
    ledger["requests"][told.SOLD]["seen"] = 2


def test_books_that_agree_have_no_difference() -> None:
    """Nothing is reported where nothing is wrong, and all rows hash alike."""
    entries = told.entries(told.facts())
    assert compare(entries, told.ledger()) == []
    assert [(tally.kind, tally.ours, tally.theirs, tally.equal) for tally in tallies(entries, told.ledger())] == [
        ("orders", 3, 3, True),
        ("fills", 3, 3, True),
        ("balances", 1, 1, True),
    ]


@pytest.mark.parametrize(
    ("wrong", "kind", "subject"),
    [
        (edited("orders", 0, quantity="50.00100000"), "order", told.BOUGHT),
        (edited("orders", 0, executed="49.99900000"), "order", told.BOUGHT),
        (edited("orders", 0, side="SELL"), "order", told.BOUGHT),
        (edited("orders", 1, status="NEW"), "order", told.STOPPED),
        (edited("orders", 1, status="PENDING_CANCEL"), "order", told.STOPPED),
        (edited("orders", 1, stop_price="91.00000000"), "order", told.STOPPED),
        (edited("orders", 1, limit_price="88.00000000"), "order", told.STOPPED),
        (edited("orders", 2, client_order_id="web-1"), "order", told.SOLD),
        (removed("orders", 2), "order", told.SOLD),
        (doubled, "order", f"{told.BOUGHT} again, as 4"),
        (edited("fills", 0, trade_id="6"), "fill", "BTCUSDT/7"),
        (edited("fills", 0, quantity="29.99900000"), "fill", "BTCUSDT/7"),
        (edited("fills", 0, price="102.00000000"), "fill", "BTCUSDT/7"),
        (edited("fills", 0, commission="0.03000001"), "fill", "BTCUSDT/7"),
        (edited("fills", 0, commission_asset="BNB"), "fill", "BTCUSDT/7"),
        (edited("fills", 0, client_order_id=told.SOLD), "fill", "BTCUSDT/7"),
        (removed("fills", 2), "fill", "BTCUSDT/9"),
        (held(USDT="10139.60520001"), "balance", "USDT"),
        (held(BTC="0.00000001"), "balance", "BTC"),
        (seen_twice, "double post", told.SOLD),
    ],
)
def test_each_planted_difference_is_found(wrong: Wrong, kind: str, subject: str) -> None:
    """One row changed, gone or added at the venue: it is named first."""
    ledger = told.ledger()
    wrong(ledger)
    first, *_ = compare(told.entries(told.facts()), ledger)
    assert (first.kind, first.subject) == (kind, subject)


@pytest.mark.parametrize("lost", [told.BOUGHT, told.SOLD])
def test_a_fill_that_we_never_heard_of_is_found(lost: str) -> None:
    """The venue executed and our journal does not know: order, fill and balances differ."""
    facts = [fact for fact in told.facts() if not (isinstance(fact, e.OrderFilled) and fact.client_order_id == lost)]
    kinds = {difference.kind for difference in compare(told.entries(facts), told.ledger())}
    assert {"order", "fill", "balance"} <= kinds


def open_position(*, stop_lots: int) -> tuple[list[e.Fact], dict[str, Any]]:
    """The run up to the position with its stop, which sells `stop_lots`; both sides agree on it."""
    facts = [fact for fact in told.facts() if fact.ts_ns < told.closed(2) and not isinstance(fact, e.Decided)]
    at = next(index for index, fact in enumerate(facts) if _queues(fact, Intent.PROTECT))
    facts[at] = e.OrderQueued(
        ts_ns=facts[at].ts_ns, ticket=told.ticket(told.STOPPED, Intent.PROTECT, stop_lots, 0, stop=90)
    )
    facts.append(told.decided(1, "4950", "49.95", 0.6))
    ledger = told.ledger()
    ledger["orders"] = ledger["orders"][:2]
    ledger["orders"][1].update(status="NEW", quantity=f"{stop_lots / 1000:.8f}")
    ledger["fills"] = ledger["fills"][:2]
    ledger["balances"]["desk"] = {
        "USDT": {"free": "4950.00000000", "locked": "0.00000000"},
        "BTC": {"free": "0.00000000", "locked": "49.95000000"},
    }
    return facts, ledger


def _queues(fact: e.Fact, intent: Intent) -> bool:
    return isinstance(fact, e.OrderQueued) and fact.ticket.intent is intent


def test_a_position_with_a_stop_of_its_size_is_protected() -> None:
    """What is locked behind the resting stop counts as ours."""
    facts, ledger = open_position(stop_lots=49_950)
    assert compare(told.entries(facts), ledger) == []


def test_a_position_with_too_small_a_stop_is_unprotected() -> None:
    """One lot without its stop is one too many."""
    facts, ledger = open_position(stop_lots=49_949)
    (found,) = compare(told.entries(facts), ledger)
    assert (found.kind, found.ours, found.theirs) == ("unprotected", "49950 lots held", "stops for 49949 lots rest")


def test_dust_needs_no_stop() -> None:
    """What the venue would not take back cannot be protected: here 0.04 BTC, worth 4.40 of the 5 USDT it asks for."""
    facts = [fact for fact in told.facts() if fact.ts_ns <= told.closed(0)]
    facts = [fact for fact in facts if not isinstance(fact, e.OrderFilled | e.Reconciled | e.Decided)]
    facts = facts[: next(at for at, fact in enumerate(facts) if _queues(fact, Intent.PROTECT))]
    bought = [
        e.Reconciled(ts_ns=told.START_NS, balances={"USDT": to_atoms("10000")}, differences=()),
        told.filled(0, told.BOUGHT, "7", 40, 101, told.Money(atoms=0, currency="BTC")),
        e.OrderExpired(ts_ns=told.closed(0), client_order_id=told.BOUGHT, reason="EXPIRED"),
        told.decided(1, "9995.96", "0.04", 0.6),
    ]
    ledger = told.ledger()
    ledger["orders"] = [{**ledger["orders"][0], "executed": "0.04000000", "status": "EXPIRED"}]
    ledger["fills"] = [{**ledger["fills"][0], "quantity": "0.04000000", "commission": "0.00000000"}]
    ledger["balances"]["desk"] = {
        "USDT": {"free": "9995.96000000", "locked": "0.00000000"},
        "BTC": {"free": "0.04000000", "locked": "0.00000000"},
    }
    assert compare(told.entries([facts[0], facts[1], bought[0], *facts[2:], *bought[1:]]), ledger) == []


@pytest.mark.parametrize(("side", "held"), [(Side.BUY, "100 lots held"), (Side.SELL, "-100 lots held")])
def test_a_position_without_a_stop_is_unprotected_on_either_side(side: Side, held: str) -> None:
    """What is owed can be lost as well as what is owned."""
    ticket = make_ticket(lots=100, side=side)
    name = ticket.client_order_id
    facts: list[e.Fact] = [
        *opening(make_instrument(shortable=True)),
        e.OrderQueued(ts_ns=START_NS, ticket=ticket),
        e.OrderSubmitted(ts_ns=START_NS, client_order_id=name),
        make_fill(ticket),
    ]
    facts.append(decision(facts, make_bar()))
    nothing: dict[str, Any] = {"orders": [], "fills": [], "balances": {}, "requests": {}}
    found = [each.ours for each in compare(told.entries(facts), nothing) if each.kind == "unprotected"]
    assert found == [held]


@pytest.mark.parametrize(
    "ending",
    [
        e.OrderRejected(ts_ns=told.closed(3), client_order_id="ts-late", code=-2010, reason="insufficient balance"),
        e.OrderCanceled(ts_ns=told.closed(3), client_order_id="ts-late", reason="not sent"),
    ],
)
def test_an_order_that_never_came_to_be_needs_no_trace(ending: e.OrderEvent) -> None:
    """The venue keeps nothing of what it refused or never saw; but if it does know it, that is a difference."""
    queued = e.OrderQueued(ts_ns=told.closed(3), ticket=told.ticket("ts-late", Intent.ENTER, 1_000, 3))
    sent = e.OrderSubmitted(ts_ns=told.closed(3), client_order_id="ts-late")
    entries = told.entries([*told.facts(), queued, sent, ending])
    ledger = told.ledger()
    assert compare(entries, ledger) == []
    ledger["orders"].append(
        {**ledger["orders"][0], "order_id": 4, "client_order_id": "ts-late", "quantity": "1.00000000", "executed": "0"}
    )
    assert [difference.subject for difference in compare(entries, ledger)] == ["ts-late"]


def test_an_order_without_an_answer_is_a_difference() -> None:
    """Claimed and never heard of again: an open question is not agreement."""
    queued = e.OrderQueued(ts_ns=told.closed(3), ticket=told.ticket("ts-late", Intent.ENTER, 1_000, 3))
    sent = e.OrderSubmitted(ts_ns=told.closed(3), client_order_id="ts-late")
    (found,) = compare(told.entries([*told.facts(), queued, sent]), told.ledger())
    assert (found.kind, found.subject, found.theirs) == ("order", "ts-late", "nothing")


def test_a_canceled_order_that_filled_must_have_left_a_trace() -> None:
    """Only what never did anything may be unknown to the venue."""
    late = told.ticket("ts-late", Intent.ENTER, 1_000, 3)
    facts = [
        e.OrderQueued(ts_ns=told.closed(3), ticket=late),
        e.OrderSubmitted(ts_ns=told.closed(3), client_order_id="ts-late"),
        told.filled(3, "ts-late", "10", 1, 120, told.Money(atoms=0, currency="BTC")),
        e.OrderCanceled(ts_ns=told.closed(3), client_order_id="ts-late", reason="at our request"),
    ]
    found = compare(told.entries([*told.facts(), *facts]), told.ledger())
    assert ("order", "ts-late") in {(difference.kind, difference.subject) for difference in found}
