"""What a decision may know, and what it answers: NamedTuples of plain numbers.

*Booked* values come from facts (fills, answers of the venue) and are never predicted; *carried* values
come from the decision alone. Prices are whole ticks, quantities whole lots, amounts whole atoms (1e-8);
ratios and indicators are floats. Nothing here is a Decimal, an enum or an object, so that the same
functions run as plain Python live and compiled in a back-test.
"""

from typing import Final, NamedTuple

STOP_NONE: Final = 0
"""No protective order lives at the venue or on the way to it."""
STOP_PENDING: Final = 1
"""Asked for and not yet confirmed, or in doubt: it may rest, it may not."""
STOP_RESTING: Final = 2
"""The venue confirmed it; it can be canceled."""
STOP_CANCELING: Final = 3
"""A cancel is on its way or in doubt."""
STOP_REFUSED: Final = 4
"""The venue refused the last one (its price was passed already): the position must be left at market."""


class Terms(NamedTuple):
    """The instrument, in a decision's numbers."""

    lot_atoms: int
    """Base atoms in one lot, > 0."""
    notional_atoms: int
    """Quote atoms that one lot is worth at a price of one tick, > 0."""
    min_lots: int
    """Smallest order, lots, >= 1."""
    min_notional_atoms: int
    """Smallest order, quote atoms, >= 0."""


class BarRow(NamedTuple):
    """A closed bar. Prices in ticks, volume in base atoms."""

    close_ns: int
    open: int
    high: int
    low: int
    close: int
    volume_atoms: int
    atr: float
    """Average true range in ticks, > 0; 0.0 while it is not known."""


class View(NamedTuple):
    """What a strategy believes about one instrument."""

    probability: float
    """Calibrated probability, 0..1, that the price stands higher at the horizon."""
    gain: float
    """Expected move if it rises, a fraction of the price, > 0."""
    loss: float
    """Expected move if it falls, a fraction of the price, > 0."""
    expires_ns: int
    """The view holds for decisions at or before this moment, UTC ns; 0 for no view at all."""


NO_VIEW: Final = View(probability=0.0, gain=0.0, loss=0.0, expires_ns=0)


class Policy(NamedTuple):
    """What to do about a belief. Every number is a configured choice."""

    kelly_share: float
    """Part of full Kelly to stake, 0..1."""
    kelly_cap: float
    """Largest fraction of equity ever staked (lost at the stop) on one position, 0..1."""
    max_exposure: float
    """Largest notional of one sleeve's position, a fraction of equity, > 0."""
    enter_above: float
    """Enter only if the probability of a rise is at least this, 0..1."""
    leave_below: float
    """Leave once the probability of a rise is at most this, 0..1, below `enter_above`."""
    round_trip_cost: float
    """Fees, spread and slippage of going in and out, a fraction of the price, >= 0."""
    atr_stop: float
    """Distance of the protective stop below the close, in multiples of ATR, > 0."""
    stop_step: float
    """Move a resting stop only if it gains at least this multiple of ATR, >= 0."""
    stop_slack: float
    """How far below the stop its limit price lies, a fraction of the stop price, 0..0.25."""
    cash_buffer: float
    """How far above the close a market buy may fill when cash is reserved for it, a fraction, >= 0."""
    max_drawdown: float
    """Largest fall of marked equity from its peak, a fraction, 0 < limit < 1; it latches."""


class AccountCarried(NamedTuple):
    """What the decision itself remembers of the account."""

    peak_equity: float
    """Highest marked equity seen, quote atoms; 0.0 before the first decision."""
    latched: int
    """Objections that stay until a person releases them."""


class Account(NamedTuple):
    """The account that all sleeves share. Amounts in quote atoms."""

    cash_atoms: int
    """Booked: all quote currency owned, reserved or not."""
    reserved_atoms: int
    """Booked: the part promised to live buy orders, at their worst; orders in doubt included."""
    holdings_atoms: int
    """All sleeves' positions, marked at the closes of this slice of bars."""
    gates: int
    """Objections that come from outside the decision as facts: unreconciled, stale feed, halted."""
    carried: AccountCarried


class SleeveCarried(NamedTuple):
    """What the decision itself remembers of one strategy on one instrument."""

    target_lots: int
    """The position wanted, lots, >= 0 (spot is long-only)."""
    stop_ticks: int
    """Level of the protective stop, ticks; 0 for none."""


class Sleeve(NamedTuple):
    """One strategy on one instrument."""

    terms: Terms
    position_atoms: int
    """Booked: base currency owned by this sleeve, atoms; fees paid in it are already gone."""
    entry_lots: int
    """Booked: lots that live buy orders may still buy: queued, sent, working or in doubt."""
    entry_taking: int
    """Booked: 1 while a live buy is a market order whose answer is awaited and not in doubt, else 0."""
    exit_lots: int
    """Booked: lots that live sell orders other than the stop may still sell."""
    stop_lots: int
    """Booked: lots that the live protective stop may still sell; 0 when there is none."""
    stop_resting_ticks: int
    """Booked: trigger price of the live protective stop, ticks; 0 when there is none."""
    stop_limit_ticks: int
    """Booked: below this price the live protective stop sells nothing, ticks; 0 when there is none."""
    stop_status: int
    """Booked: one of the STOP_ constants."""
    carried: SleeveCarried


class Asks(NamedTuple):
    """What to ask of the venue now: the difference between what is wanted and what is booked or on its way.

    Each is 0 when there is nothing to ask. The order in which they are sent is the queue's: stop and
    reduce before cancel before open.
    """

    cancel_entry: int
    """1: cancel the live buy orders that rest."""
    cancel_stop: int
    """1: cancel the resting protective stop (to move it, or to leave)."""
    exit_lots: int
    """Sell this many lots at market."""
    entry_lots: int
    """Buy this many lots at market."""
    protect_lots: int
    """Rest a protective stop for this many lots ..."""
    protect_ticks: int
    """... triggered at this price, ticks."""


class Step(NamedTuple):
    """The answer of one decision."""

    account: AccountCarried
    sleeve: SleeveCarried
    objections: int
    """Why new risk is refused now; 0 for nothing against it."""
    asks: Asks


FLAT: Final = SleeveCarried(target_lots=0, stop_ticks=0)
FRESH: Final = AccountCarried(peak_equity=0.0, latched=0)
