"""Every Protocol of the house: what the desk needs from the outside, and nothing about who gives it."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from trading_system.blotter.events import Errand, Fact, OrderAccepted, OrderFilled
from trading_system.blotter.orders import OrderStatus
from trading_system.blotter.signals import Forecast
from trading_system.blotter.tickets import OrderTicket
from trading_system.market.bars import Bar
from trading_system.market.instruments import Instrument
from trading_system.market.onchain import Metric

Checkpoint = Callable[[str], None]
"""Called with the name of a step when it is reached; tests end the process there. Does nothing otherwise."""

Tell = Callable[[Fact], None]
"""Writes a fact down, and whatever the desk answers to it; returns once all of it is durable."""


class Clock(Protocol):
    """What time it is, for whoever stands outside the decision."""

    def now_ns(self) -> int:
        """Return the venue's time, UTC ns."""
        ...


class Forecaster(Protocol):
    """Forms a view from bars, one by one."""

    def push(self, bar: Bar) -> Forecast:
        """Return what is believed after `bar`, the next closed bar of one instrument."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReport:
    """What a venue says when asked about one order.

    Attributes:
        status: WORKING, FILLED, CANCELED, EXPIRED or REJECTED.
        filled: Lots executed by the venue's count.
        fills: The executions that the venue lists; they may lag behind `filled`.
        reason: The venue's word for how it ended, "" where it gives none.
    """

    client_order_id: str
    venue_order_id: str
    status: OrderStatus
    filled: int
    fills: tuple[OrderFilled, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BarRecord:
    """One bar in its source's own words, and what they say.

    Attributes:
        raw: The words, as they were received.
        form: What they are written in, so that they can be read again; "" for what nobody can.
        columns: What their cells are, as `quarantine_records.Record` names them.
        bar: What they say; None where they cannot be a bar of the series.
        wrong: Why they cannot, in a sentence; "" where they can.
    """

    raw: bytes
    form: Literal["csv", "json", ""]
    columns: tuple[str, ...]
    bar: Bar | None
    wrong: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BarPage:
    """What a source answers when it is asked for bars from a moment on.

    It says what was asked and whether the answer is cut short, and nothing that rests on the rows' own times: those may
    be garbled, and `collectors.pages` judges them, for every source alike.

    Attributes:
        records: As the source tells them, oldest first if it is right.
        until_ns: They were asked for up to here, UTC ns; no later than the caller wanted.
        whole: The source has no others of that time; else there may be more behind the last.
    """

    records: Sequence[BarRecord]
    until_ns: int
    whole: bool


class BarSource(Protocol):
    """Where the closed bars of one venue can be asked for; nothing it is asked does anything there.

    Both methods may raise VenueUnavailable, RateLimited or OutcomeUnknown: ask again; and ConfigurationError: the
    venue does not have what is asked for.
    """

    async def now_ns(self) -> int:
        """Return the venue's time, UTC ns."""
        ...

    async def page(self, instrument: Instrument, interval: str, start_ns: int, end_ns: int) -> BarPage:
        """Return bars that open in [start_ns, end_ns), from the first on as many as one answer holds.

        Prices are in ticks of `instrument`, volumes in base atoms. The span ends before the bar that is still open.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A row that says nothing that could be believed: as it was received, and why not."""

    received: object
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricPage:
    """What one answer of a provider said: metrics, and rows that are none."""

    metrics: Sequence[Metric]
    refused: Sequence[Refused]


class MetricSource(Protocol):
    """Where metrics are published; asking does nothing there."""

    def pages(self, asset: str, names: Sequence[str], *, since_ns: int, until_ns: int) -> AsyncIterator[MetricPage]:
        """Yield the metrics `names` of `asset` whose spans end in (since_ns, until_ns], oldest page first.

        Each page may be stored before the next is asked for, so that whoever is interrupted goes on from there.

        Raises:
            ConfigurationError: The provider does not have them, or does not give them to us.
            DataError: It answers in another form than its documentation says.
            VenueUnavailable, RateLimited, OutcomeUnknown: It does not answer.
        """
        ...


class Venue(Protocol):
    """Where orders meet.

    Every method may raise VenueUnavailable (nothing was sent), RateLimited (nothing was done),
    AuthenticationFailed, or OutcomeUnknown (no answer; for a read this means: ask again).
    """

    async def instruments(self, symbols: Sequence[str]) -> list[Instrument]:
        """Return the instruments of `symbols` with their present steps."""
        ...

    async def submit(self, ticket: OrderTicket, instrument: Instrument) -> OrderAccepted:
        """Place `ticket`, once. OrderRejected is final; after OutcomeUnknown ask, never submit again."""
        ...

    async def cancel(self, ticket: OrderTicket, instrument: Instrument) -> int:
        """End a resting order and return the lots it had executed by then.

        OrderRejected: the venue would not; it is most likely over.
        """
        ...

    async def find_order(self, ticket: OrderTicket, instrument: Instrument) -> OrderReport | None:
        """Return what the venue knows of an order, with its executions; None where it knows none of that name."""
        ...

    async def open_order_ids(self, symbols: Sequence[str]) -> set[str]:
        """Return the client order ids of all orders open at the venue, ours and foreign."""
        ...

    async def balances(self) -> dict[str, int]:
        """Return the total of each currency, free and locked, atoms."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a journal: a fact, its place, when it was written down, and the chain up to it."""

    seq: int
    recorded_ns: int
    fact: Fact
    hash: bytes


class Journal(Protocol):
    """Append-only facts of one account."""

    def append(self, facts: Sequence[Fact], recorded_ns: int) -> None:
        """Make `facts` durable, all or none, in this order.

        Raises:
            JournalBroken: They could not be made durable: nothing that follows from them may be done.
        """
        ...

    def read(self) -> Iterator[Entry]:
        """Return every entry in order; raises JournalBroken where the chain does not hold."""
        ...


class Observer(Protocol):
    """Is told each fact after it became durable; returns at once and never stops the desk."""

    def notice(self, fact: Fact) -> None:
        """Take note of `fact`."""
        ...


class OrderQueue(Protocol):
    """Takes errands to a worker, the urgent first."""

    def put(self, errand: Errand) -> None:
        """Add an errand; returns at once."""
        ...


class Pacer(Protocol):
    """Decides how long the inbox waits: for real, or until a stepped venue has told all it has."""

    async def settle(self) -> None:
        """Return when the next event may be handed out."""
        ...

    async def wait(self, wake_ns: int | None) -> bool:
        """Wait until something was heard or `wake_ns` has come; False when nothing will ever come again."""
        ...
