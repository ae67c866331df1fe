"""What a simulated venue keeps: the instruments listed there, and the orders that live there."""

from dataclasses import dataclass, field
from typing import Final

from trading_system.blotter.portfolio import terms_of
from trading_system.blotter.state import BarRow, Terms
from trading_system.blotter.tickets import Intent, OrderTicket, Side
from trading_system.execution_engine.simulator.costs import Costs
from trading_system.execution_engine.simulator.matching import LIMIT, MARKET, STOP_LIMIT, Working, out_of_reach
from trading_system.market.bars import Bar
from trading_system.market.instruments import Instrument

ANY_VOLUME: Final = 1 << 60


@dataclass(slots=True, kw_only=True)
class Listing:
    """One instrument at the venue.

    Attributes:
        costs: What it charges.
        terms: The instrument in numbers.
        bar: The bar of this slice; None where it has none.
        last_ticks: The last price, ticks.
        mark_ticks: The last close, ticks.
        available: Lots that the bar's volume still lets us trade.
    """

    instrument: Instrument
    costs: Costs
    terms: Terms = field(init=False)
    bar: Bar | None = None
    last_ticks: int = 0
    mark_ticks: int = 0
    available: int = ANY_VOLUME

    def __post_init__(self) -> None:
        self.terms = terms_of(self.instrument)


@dataclass(slots=True, kw_only=True)
class VenueOrder:
    """One order at the venue, or on its way there.

    Attributes:
        due: The slice in which it arrives, or meets the market.
        working: What is left of it, as a bar meets it.
        accepted: Whether the venue has confirmed it.
        cancel_due: The slice in which its cancel arrives; None while none is on its way.
        filled: Lots executed.
        counted: Whether its lots stand: they do unless it asks for a share of the cash.
    """

    ticket: OrderTicket
    listing: Listing
    place: int
    side: int
    due: int
    working: Working
    accepted: bool = False
    cancel_due: int | None = None
    filled: int = 0
    counted: bool

    @property
    def name(self) -> str:
        """Our own name for it."""
        return self.ticket.client_order_id


def touched(working: Working, bar: Bar | BarRow) -> bool:
    """Return whether a bar may touch a protective order: it was triggered already, or lies within reach."""
    kind, side, _, stop, _, _, take = working
    return kind == LIMIT or not out_of_reach(bar.low, bar.high, stop, take, side)


def row_of(bar: Bar) -> BarRow:
    """Return `bar` in the numbers of a match."""
    return BarRow(
        close_ns=bar.close_ns,
        open=bar.open,
        high=bar.high,
        low=bar.low,
        close=bar.close,
        volume_atoms=bar.volume_atoms,
        atr=0.0,  # no venue knows it
    )


def working_of(ticket: OrderTicket) -> Working:
    """Return `ticket` as a bar meets it."""
    taking = MARKET if ticket.limit_ticks is None else LIMIT
    return Working(
        kind=STOP_LIMIT if ticket.intent is Intent.PROTECT else taking,
        side=1 if ticket.side is Side.BUY else -1,
        lots=ticket.lots,
        stop_ticks=ticket.stop_ticks or 0,
        limit_ticks=ticket.limit_ticks or 0,
        resting=0,
        take_ticks=ticket.take_ticks or 0,
    )
