"""The life of an order: what can follow what, written out a second time as a grid."""

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories import make_fill, make_ticket

from trading_system.blotter import events as e
from trading_system.blotter.orders import Cancel, Order, OrderStatus
from trading_system.errors import IllegalTransition, Overfill
from trading_system.market.money import Money

TICKET: Final = make_ticket(lots=10)
NAME: Final = TICKET.client_order_id

EVENTS: Final[dict[str, e.OrderEvent]] = {
    "submitted": e.OrderSubmitted(ts_ns=5, client_order_id=NAME),
    "accepted": e.OrderAccepted(ts_ns=5, client_order_id=NAME, venue_order_id="17"),
    "part": make_fill(TICKET, trade=1, lots=4),
    "whole": make_fill(TICKET, trade=2, lots=10),
    "canceled": e.OrderCanceled(ts_ns=5, client_order_id=NAME, reason=""),
    "expired": e.OrderExpired(ts_ns=5, client_order_id=NAME, reason=""),
    "rejected": e.OrderRejected(ts_ns=5, client_order_id=NAME, code=-2010, reason=""),
    "in doubt": e.OrderInDoubt(ts_ns=5, client_order_id=NAME, reason=""),
    "not found": e.OrderNotFound(ts_ns=5, client_order_id=NAME),
    "cancel": e.CancelRequested(ts_ns=5, client_order_id=NAME),
    "cancel in doubt": e.CancelInDoubt(ts_ns=5, client_order_id=NAME, reason=""),
    "cancel refused": e.CancelRefused(ts_ns=5, client_order_id=NAME, reason=""),
    "inquiry": e.InquiryRequested(ts_ns=5, client_order_id=NAME, reason=""),
    "inquiry answered": e.InquiryAnswered(ts_ns=5, client_order_id=NAME),
}

GRID: Final = """
             submitted accepted part      whole     canceled expired  rejected in-doubt not-found cancel inquiry
queued       submitted working  working   filled    canceled expired  rejected ILLEGAL  ILLEGAL   .      ILLEGAL
submitted    .         working  working   filled    canceled expired  rejected in-doubt .         .      .
in-doubt     .         working  working   filled    canceled expired  rejected .        absent    .      .
working      .         .        .         filled    canceled expired  ILLEGAL  .        .         .      .
canceled     .         .        .         .         .        .        .        .        .         .      .
expired      .         .        .         .         .        .        .        .        .         .      .
rejected     .         .        .         .         .        .        .        .        .         .      .
absent       .         .        .         .         .        .        .        .        .         .      .
filled       .         .        OVERFILL  OVERFILL  .        .        .        .        .         .      .
"""
"""Status, event, next status; "." stays. An order that is over stays so, whatever is heard late."""


def cells() -> list[tuple[OrderStatus, str, str]]:
    """Return every cell of the grid as status, event and what follows; cancels share a column, and so do inquiries."""
    header, *rows = (line.split() for line in GRID.strip().splitlines())
    named = [
        (OrderStatus(row[0].replace("-", " ")), event.replace("-", " "), cell.replace("-", " "))
        for row in rows
        for event, cell in zip(header, row[1:], strict=True)
    ]
    alike = [
        (s, f"cancel {how}", cell) for s, event, cell in named if event == "cancel" for how in ("in doubt", "refused")
    ]
    return named + alike + [(s, "inquiry answered", cell) for s, event, cell in named if event == "inquiry"]


def order_in(status: OrderStatus) -> Order:
    """Return an order of 10 lots that lives, or ended, like this."""
    return Order(ticket=TICKET, status=status, filled=10 if status is OrderStatus.FILLED else 0)


def test_the_grid_is_complete() -> None:
    """Nine states, fourteen events: no pair is left out, and every kind of event is among them."""
    assert {(status, event) for status, event, _ in cells()} == {(s, name) for s in OrderStatus for name in EVENTS}
    assert {type(event) for event in EVENTS.values()} == {
        kind for kind in e.KINDS.values() if issubclass(kind, e.OrderEvent)
    }


@pytest.mark.parametrize(("status", "event", "then"), cells())
def test_every_event_in_every_state_does_what_the_grid_says(status: OrderStatus, event: str, then: str) -> None:
    """It moves the order, leaves it where it is, or is refused as a bug of ours."""
    order = order_in(status)
    if then in ("ILLEGAL", "OVERFILL"):
        with pytest.raises(IllegalTransition if then == "ILLEGAL" else Overfill, match=NAME):
            order.apply(EVENTS[event])
        return
    assert order.apply(EVENTS[event]).status == (status if then == "." else OrderStatus(then))


@pytest.mark.parametrize("status", OrderStatus)
@pytest.mark.parametrize("event", EVENTS)
def test_hearing_twice_changes_nothing(status: OrderStatus, event: str) -> None:
    """Once or five times, the order is the same: venues and queues repeat themselves."""
    try:
        once = order_in(status).apply(EVENTS[event])
    except (IllegalTransition, Overfill):
        return  # the grid says which
    again = once
    for _ in range(4):
        again = again.apply(EVENTS[event])
    assert again == once


@pytest.mark.parametrize("status", [s for s in OrderStatus if order_in(s).over and s is not OrderStatus.FILLED])
def test_a_late_fill_counts_and_reopens_nothing(status: OrderStatus) -> None:
    """The fill that crossed our cancel is ours, with its lots; the order stays over even when it completes it."""
    order = order_in(status)
    for trade, lots in ((1, 4), (2, 6)):
        order = order.apply(make_fill(TICKET, trade=trade, lots=lots))
    assert (order.status, order.filled, order.open_lots) == (status, 10, 0)


FILLS: Final = [make_fill(TICKET, trade=number, lots=lots) for number, lots in enumerate((1, 2, 3, 4), 1)]


@given(heard=st.lists(st.sampled_from(FILLS), max_size=12).flatmap(st.permutations))
def test_fills_sum_the_same_in_any_order_and_however_often_heard(heard: list[e.OrderFilled]) -> None:
    """Each trade id counts once."""
    order = order_in(OrderStatus.WORKING)
    for fill in heard:
        order = order.apply(fill)
    once = {fill.trade_id: fill.lots for fill in heard}
    assert order.filled == sum(once.values())
    assert order.trade_ids == once.keys()
    assert order.status == (OrderStatus.FILLED if order.filled == 10 else OrderStatus.WORKING)


@given(heard=st.lists(st.sampled_from(list(EVENTS.values())), max_size=20))
def test_an_order_that_is_over_stays_over_and_never_unfills(heard: list[e.OrderEvent]) -> None:
    """Whatever is heard in whatever order: filled lots never shrink, and an end is an end."""
    order = Order(ticket=TICKET)
    for event in heard:
        try:
            told = order.apply(event)
        except (IllegalTransition, Overfill):
            continue
        assert told.filled >= order.filled
        assert told.status is order.status or not order.over
        assert 0 <= told.filled + told.open_lots <= 10
        order = told


def test_more_than_was_asked_for_is_refused() -> None:
    """An execution beyond the quantity means that we or the venue count wrongly: stop."""
    order = order_in(OrderStatus.WORKING).apply(make_fill(TICKET, trade=1, lots=9))
    with pytest.raises(Overfill, match="11 lots executed of 10"):
        order.apply(make_fill(TICKET, trade=2, lots=2))


def test_the_same_trade_with_other_numbers_changes_nothing() -> None:
    """The venue's trade id decides: a second report of it, even with another quantity, is the same trade."""
    order = order_in(OrderStatus.WORKING).apply(make_fill(TICKET, trade=1, lots=3))
    other = replace(make_fill(TICKET, trade=1, lots=5), fee=Money(atoms=9, currency="BNB"))
    assert order.apply(other) == order


def test_a_wish_to_cancel_is_kept_beside_the_status() -> None:
    """Requested, in doubt or refused; an order that the venue, asked, says still works may be canceled anew."""
    order = order_in(OrderStatus.WORKING)
    for event, wish, doubtful in (
        ("cancel", Cancel.REQUESTED, False),
        ("cancel in doubt", Cancel.IN_DOUBT, True),
        ("cancel refused", Cancel.REFUSED, True),
        ("inquiry", Cancel.REFUSED, True),
        ("accepted", Cancel.REFUSED, True),
        ("inquiry answered", Cancel.NONE, False),
    ):
        order = order.apply(EVENTS[event])
        assert (order.status, order.cancel, order.doubtful) == (OrderStatus.WORKING, wish, doubtful), event


def test_an_answer_to_the_order_does_not_forget_an_unanswered_cancel() -> None:
    """Acceptance may be old news that was on its way when we asked to cancel."""
    order = order_in(OrderStatus.SUBMITTED).apply(EVENTS["cancel"]).apply(EVENTS["accepted"])
    assert (order.status, order.cancel) == (OrderStatus.WORKING, Cancel.REQUESTED)


def test_an_order_that_is_over_is_in_no_doubt() -> None:
    """Nothing needs to be asked about it any more."""
    order = order_in(OrderStatus.WORKING).apply(EVENTS["cancel in doubt"]).apply(EVENTS["canceled"])
    assert (order.doubtful, order.open_lots) == (False, 0)


def test_an_order_remembers_when_it_was_claimed_and_its_name_at_the_venue() -> None:
    """The claim starts the time in which an unanswered order may still appear."""
    order = Order(ticket=TICKET).apply(EVENTS["submitted"]).apply(EVENTS["accepted"])
    assert (order.submitted_ns, order.venue_order_id) == (5, "17")


# --- a share of the cash ------------------------------------------------------------------------------

SHARE: Final = make_ticket(lots=10, share=0.5)


def counted(lots: int) -> e.OrderAccepted:
    """Return the venue's word that it has the order, and for how many lots."""
    return e.OrderAccepted(ts_ns=5, client_order_id=SHARE.client_order_id, venue_order_id="17", lots=lots)


@pytest.mark.parametrize("lots", [4, 10, 25])
def test_an_order_for_a_share_of_the_cash_has_the_lots_that_the_venue_counts(lots: int) -> None:
    """Fewer or more than were reckoned with at the close: it is whole once they are filled."""
    order = Order(ticket=SHARE).apply(counted(lots))
    assert (order.lots, order.open_lots, order.status) == (lots, lots, OrderStatus.WORKING)
    order = order.apply(make_fill(SHARE, trade=1, lots=lots - 1))
    assert (order.open_lots, order.status) == (1, OrderStatus.WORKING)
    assert order.apply(make_fill(SHARE, trade=2, lots=1)).status is OrderStatus.FILLED


def test_before_the_venue_has_counted_the_tickets_own_lots_are_open() -> None:
    """What is reserved and expected meanwhile is what was reckoned with."""
    assert (Order(ticket=SHARE).lots, Order(ticket=SHARE).open_lots) == (10, 10)


def test_an_order_whose_lots_stand_does_not_take_the_venues_count() -> None:
    """Only a share is counted there; and a venue that counts none leaves what was asked."""
    assert Order(ticket=TICKET).apply(replace(counted(4), client_order_id=NAME)).lots == 10
    assert Order(ticket=SHARE).apply(counted(0)).lots == 10
