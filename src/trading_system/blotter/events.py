"""The facts: everything that the system has heard, decided or done, each written down once.

A fact carries the time of what it tells (`ts_ns`, UTC ns). Its class name is its kind in the journal.
All state is a fold of these; nothing else is ever stored.
"""

from dataclasses import dataclass
from typing import Final

from trading_system.blotter.state import Account, BarRow, Policy, Sleeve, Step, View
from trading_system.blotter.tickets import OrderTicket
from trading_system.market.bars import Bar
from trading_system.market.instruments import Instrument
from trading_system.market.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that happened at `ts_ns`."""

    ts_ns: int


# --- the engine -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStarted(Fact):
    """A process began to trade for `account`; `version` is the code's, `settings` a hash of its settings."""

    account: str
    version: str
    settings: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SleeveOpened(Fact):
    """A strategy trades an instrument from now on, by this policy."""

    strategy: str
    instrument: Instrument
    policy: Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRequested(Fact):
    """The process is to end: nothing is opened any more, what is under way is brought to rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired(Fact):
    """Time passed and something was waiting for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedInterrupted(Fact):
    """A stream broke; what it would have told is missed until it is restored."""

    feed: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRestored(Fact):
    """A stream is connected again; what was missed must be asked for."""

    feed: str


# --- the market and the decision --------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class BarClosed(Fact):
    """A bar is complete. `ts_ns` is when we heard of it, which may be long after its close."""

    bar: Bar


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceClosed(Fact):
    """Every bar that closes at `ts_ns` has been told: an instrument that is missing has none. History knows; live, time
    tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided(Fact):
    """One decision with all that it was reached on, so that it can be worked out again.

    `model` names who formed the view, `features` are what it saw, `why` says why there is no view.
    """

    strategy: str
    symbol: str
    account: Account
    sleeve: Sleeve
    bar: BarRow
    view: View
    policy: Policy
    step: Step
    model: str
    features: tuple[float, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerTripped(Fact):
    """A brake latched: `objections` are the bits new since the decision before."""

    objections: int


# --- between the sleeves of one account -------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryHeld(Fact):
    """An entry at market is held back: sleeves of the same instrument may give it lots before the venue is asked.

    `ticket` is what will be asked for where nobody gives any. Its cash is promised from now on.
    """

    ticket: OrderTicket


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDropped(Fact):
    """What was still held back of this sleeve's entry is not asked for; the next decision may want it again."""

    strategy: str
    symbol: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LotsCrossed(Fact):
    """Two sleeves wanted opposite things at one moment: `lots` > 0 went from one to the other inside the account.

    Attributes:
        buyer, seller: Their strategies.
        price_ticks: The last price that both had heard; neither a fee nor a spread is paid.
    """

    symbol: str
    buyer: str
    seller: str
    lots: int
    price_ticks: int


# --- the books against the venue's ------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileRequested(Fact):
    """Our books are to be compared with the venue's. Until they were, nothing is opened, unless it is `routine`."""

    reason: str
    routine: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled(Fact):
    """Books and venue were compared.

    Attributes:
        balances: The venue's total balance of each currency, free and locked, atoms.
        differences: What does not agree, in words; none means that everything does.
    """

    balances: dict[str, int]
    differences: tuple[str, ...]


# --- the life of an order ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderQueued(Fact):
    """We intend to send this ticket. Durable before its first byte leaves."""

    ticket: OrderTicket

    @property
    def client_order_id(self) -> str:
        """Our name for the order."""
        return self.ticket.client_order_id


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent(Fact):
    """Something happened to the order of this name."""

    client_order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSubmitted(OrderEvent):
    """A worker claims the order and is about to send it. Durable before the send: no claim, never sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAccepted(OrderEvent):
    """The venue has it, under its own id; `lots` is its count where we asked for a share of the cash, else 0."""

    venue_order_id: str
    lots: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilled(OrderEvent):
    """One execution: `lots` > 0 at `price_ticks`; `trade_id` is the venue's, unique in a symbol."""

    trade_id: str
    lots: int
    price_ticks: int
    fee: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCanceled(OrderEvent):
    """It is over by our wish, or was provably never sent; `filled` is the venue's count of lots, if it gave one."""

    reason: str
    filled: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderExpired(OrderEvent):
    """The venue ended it: out of book, or by its time in force; `filled` is its count of lots, if it gave one."""

    reason: str
    filled: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRejected(OrderEvent):
    """The venue said no, with its own code and words."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderInDoubt(OrderEvent):
    """It may or may not live: it was sent, or could have been, and nobody answered."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderNotFound(OrderEvent):
    """The venue does not know it, asked after the last moment at which it could still have appeared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequested(OrderEvent):
    """We want it ended. Durable before the request leaves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelInDoubt(OrderEvent):
    """The cancel was sent and nobody answered."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRefused(OrderEvent):
    """The venue would not cancel, most often because the order is over; it is asked which."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InquiryRequested(OrderEvent):
    """The venue is to be asked what became of the order."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InquiryAnswered(OrderEvent):
    """The venue was asked about the order, and all that it said stands before this."""


Errand = OrderQueued | CancelRequested | InquiryRequested | ReconcileRequested
"""The facts that a worker carries to the venue."""
ERRANDS: Final = (OrderQueued, CancelRequested, InquiryRequested, ReconcileRequested)
"""Their classes."""

KINDS: Final[dict[str, type[Fact]]] = {
    kind.__name__: kind
    for kind in (
        EngineStarted,
        SleeveOpened,
        StopRequested,
        TimerFired,
        FeedInterrupted,
        FeedRestored,
        BarClosed,
        SliceClosed,
        Decided,
        BreakerTripped,
        EntryHeld,
        EntryDropped,
        LotsCrossed,
        ReconcileRequested,
        Reconciled,
        OrderQueued,
        OrderSubmitted,
        OrderAccepted,
        OrderFilled,
        OrderCanceled,
        OrderExpired,
        OrderRejected,
        OrderInDoubt,
        OrderNotFound,
        CancelRequested,
        CancelInDoubt,
        CancelRefused,
        InquiryRequested,
        InquiryAnswered,
    )
}
"""Every kind of fact by its name in the journal."""
