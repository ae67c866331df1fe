"""The life of an order, as a table.

How far an order lived and how much of it filled are two things: a fill counts in every state after
sending, and neither reopens nor renames an order that is over. A wish to cancel is a third thing, kept
beside the status, since one may want to cancel what nobody has answered for yet. Hearing a thing twice
changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from trading_system.blotter import events as e
from trading_system.blotter.tickets import OrderTicket
from trading_system.errors import IllegalTransition, Overfill


class OrderStatus(StrEnum):
    """How far an order lived."""

    QUEUED = "queued"
    SUBMITTED = "submitted"
    IN_DOUBT = "in doubt"
    WORKING = "working"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    ABSENT = "absent"
    """Proven never to have reached the venue."""


class Cancel(StrEnum):
    """What became of our wish to cancel."""

    NONE = "none"
    REQUESTED = "requested"
    IN_DOUBT = "in doubt"
    REFUSED = "refused"


S = OrderStatus
Row = Mapping[type[e.OrderEvent], OrderStatus | None]  # None: changes nothing in how far it lived

CANCEL: Final[Row] = dict.fromkeys((e.CancelRequested, e.CancelInDoubt, e.CancelRefused))
ASKING: Final[Row] = dict.fromkeys((e.InquiryRequested, e.InquiryAnswered))
STALE: Final[Row] = {  # late news about an order that is over
    **CANCEL,
    **ASKING,
    **dict.fromkeys((e.OrderSubmitted, e.OrderInDoubt, e.OrderAccepted, e.OrderCanceled, e.OrderExpired)),
    **dict.fromkeys((e.OrderRejected, e.OrderNotFound)),
}
ENDS: Final[Row] = {e.OrderCanceled: S.CANCELED, e.OrderExpired: S.EXPIRED}
ANSWER: Final[Row] = {**ENDS, e.OrderAccepted: S.WORKING, e.OrderFilled: S.WORKING, e.OrderRejected: S.REJECTED}

NEXT: Final[Mapping[OrderStatus, Row]] = {
    S.QUEUED: {**ANSWER, **CANCEL, e.OrderSubmitted: S.SUBMITTED},
    S.SUBMITTED: {
        **ANSWER,
        **CANCEL,
        **ASKING,
        e.OrderSubmitted: None,
        e.OrderInDoubt: S.IN_DOUBT,
        e.OrderNotFound: None,  # it was asked for in an older doubt
    },
    S.IN_DOUBT: {
        **ANSWER,
        **CANCEL,
        **ASKING,
        e.OrderSubmitted: None,
        e.OrderInDoubt: None,
        e.OrderNotFound: S.ABSENT,
    },
    S.WORKING: {
        **CANCEL,
        **ENDS,
        **ASKING,
        e.OrderFilled: S.WORKING,
        e.OrderAccepted: None,
        e.OrderSubmitted: None,
        e.OrderInDoubt: None,
        e.OrderNotFound: None,  # the stream was faster than the question
    },
    S.CANCELED: {**STALE, e.OrderFilled: S.CANCELED},  # the fill crossed our cancel
    S.EXPIRED: {**STALE, e.OrderFilled: S.EXPIRED},
    S.REJECTED: {**STALE, e.OrderFilled: S.REJECTED},  # should not happen; the position is real
    S.ABSENT: {**STALE, e.OrderFilled: S.ABSENT},  # likewise
    S.FILLED: STALE,
}

OVER: Final = frozenset({S.FILLED, S.CANCELED, S.EXPIRED, S.REJECTED, S.ABSENT})
"""An order in one of these can no longer change the position, short of a late fill."""

WISH: Final[Mapping[type[e.OrderEvent], Cancel]] = {
    e.CancelRequested: Cancel.REQUESTED,
    e.CancelInDoubt: Cancel.IN_DOUBT,
    e.CancelRefused: Cancel.REFUSED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A ticket and what became of it.

    Attributes:
        ticket: What was asked.
        status: How far it lived.
        cancel: What became of our wish to cancel it.
        lots: Quantity: the ticket's, or the venue's own where the ticket asks for a share of the cash.
        filled: Lots executed, 0..lots.
        trade_ids: The venue's ids of the executions heard so far.
        submitted_ns: When a worker claimed it, UTC ns; 0 before.
        doubted_ns: When it was last found to be in doubt: whatever was sent had left by then, UTC ns; 0 for never.
        asked: The venue was asked about it and has not answered.
        venue_order_id: The venue's name for it; "" before it answered.
    """

    ticket: OrderTicket
    lots: int = 0
    status: OrderStatus = S.QUEUED
    cancel: Cancel = Cancel.NONE
    filled: int = 0
    trade_ids: frozenset[str] = frozenset()
    submitted_ns: int = 0
    doubted_ns: int = 0
    asked: bool = False
    venue_order_id: str = ""

    def __post_init__(self) -> None:
        if self.lots == 0:
            object.__setattr__(self, "lots", self.ticket.lots)

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.status in OVER

    @property
    def open_lots(self) -> int:
        """Lots that it may still execute."""
        return 0 if self.over else self.lots - self.filled

    @property
    def doubtful(self) -> bool:
        """Whether only the venue can say what became of it, or of our wish to cancel it."""
        unsure = self.asked or self.status is S.IN_DOUBT or self.cancel in (Cancel.IN_DOUBT, Cancel.REFUSED)
        return unsure and not self.over

    def knows(self, event: e.OrderEvent) -> bool:
        """Return whether `event` tells of an execution that is already counted."""
        return isinstance(event, e.OrderFilled) and event.trade_id in self.trade_ids

    def apply(self, event: e.OrderEvent) -> "Order":
        """Return the order after `event`; an execution heard before changes nothing.

        Raises:
            Overfill: More was executed than asked for.
            IllegalTransition: The event cannot follow this status.
        """
        if self.knows(event):
            return self
        lots, filled, trade_ids = self.lots, self.filled, self.trade_ids
        if isinstance(event, e.OrderAccepted) and event.lots and self.ticket.share:
            lots = event.lots
        if isinstance(event, e.OrderFilled):
            filled, trade_ids = filled + event.lots, trade_ids | {event.trade_id}
            if filled > lots:
                raise Overfill(f"{event.client_order_id}: {filled} lots executed of {lots} asked for")
        try:
            status = NEXT[self.status][type(event)] or self.status
        except KeyError:
            raise IllegalTransition(
                f"{event.client_order_id}: {type(event).__name__} after {self.status.value!r}"
            ) from None
        if status is S.WORKING and filled == lots:
            status = S.FILLED
        return Order(
            ticket=self.ticket,
            lots=lots,
            status=status,
            cancel=self._wish_after(event),
            filled=filled,
            trade_ids=trade_ids,
            submitted_ns=event.ts_ns if isinstance(event, e.OrderSubmitted) else self.submitted_ns,
            doubted_ns=event.ts_ns if isinstance(event, e.OrderInDoubt) else self.doubted_ns,
            asked=not isinstance(event, e.InquiryAnswered) and (self.asked or isinstance(event, e.InquiryRequested)),
            venue_order_id=event.venue_order_id if isinstance(event, e.OrderAccepted) else self.venue_order_id,
        )

    def _wish_after(self, event: e.OrderEvent) -> Cancel:
        if isinstance(event, e.InquiryAnswered) and self.cancel is not Cancel.NONE:
            return Cancel.NONE  # the venue was asked and it still works: the wish may be spoken again
        return WISH.get(type(event), self.cancel)
