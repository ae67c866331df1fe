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

STOP_TRAILING: Final = 0
"""The stop follows the price and never loosens."""
STOP_FIXED: Final = 1
"""The stop stays where the entry set it."""
STOP_ABSENT: Final = 2
"""No stop at all: for back-tests that compare with engines without one, never for real money."""

SIZE_KELLY: Final = 0
"""A share of Kelly is lost at the stop."""
SIZE_FRACTION: Final = 1
"""A fixed fraction of equity is put into each position."""
SIZE_AT_FILL: Final = 2
"""A fixed fraction of the free cash, counted anew at the price of the fill; only a simulator can do that."""
SIZE_LOTS: Final = 3
"""The same number of lots each time."""
SIZE_QUOTE: Final = 4
"""The same amount of quote currency each time, in whole lots at the close."""

ENTER_AT_MARKET: Final = 0
ENTER_AT_LIMIT: Final = 1
ENTER_POST_ONLY: Final = 2
"""A limit order that the venue refuses rather than let it take."""

WAITED_OUT: Final = -1
"""An entry has waited as long as the policy allows."""

NO_REASON: Final = 0
"""Nothing is to be left."""
VIEW_GONE: Final = 1
"""The strategy does not want the position any more."""
TIMED_OUT: Final = 2
"""It was held as long as the policy allows."""
JUMPED: Final = 3
"""The market closed beyond all that the stop would still trade at."""
TARGET_REACHED: Final = 4
"""The price was at the target before an order could rest there."""
UNPROTECTED: Final = 5
"""The price was beyond the stop before the stop could stand."""


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
    shortable: int = 0
    """1 where more may be sold than the sleeve owns: borrowed, or from inventory; 0 on plain spot."""


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
    max_daily_loss: float = 1.0
    """Largest fall of marked equity since the UTC day began, a fraction, 0 < limit <= 1; it latches until the next."""
    max_gross: float = 1.0
    """Largest sum of all positions and live entries, a fraction of equity, > 0."""
    stop_mode: float = STOP_TRAILING
    """One of `STOP_TRAILING`, `STOP_FIXED`, `STOP_ABSENT`."""
    take_profit: float = 0.0
    """Distance of the target from the close of the decision to enter, in multiples of ATR; 0 for none."""
    max_bars: float = 0.0
    """Leave after this many bars in the position, whole; 0 for no limit."""
    size_mode: float = SIZE_KELLY
    """One of the SIZE_ constants."""
    size_fraction: float = 0.0
    """What `SIZE_FRACTION` and `SIZE_AT_FILL` put into one position, 0..1."""
    size_lots: float = 0.0
    """How many lots `SIZE_LOTS` trades, whole, >= 0."""
    entry_mode: float = ENTER_AT_MARKET
    """One of the ENTER_ constants."""
    entry_offset: float = 0.0
    """How far from the close, on the better side, the limit of an entry lies, in multiples of ATR, >= 0."""
    entry_bars: float = 1.0
    """Cancel what is left of an entry after this many bars, whole, >= 1."""
    entry_parts: float = 1.0
    """Send an entry as this many orders of equal size, whole, 1..100."""
    size_quote: float = 0.0
    """How much `SIZE_QUOTE` puts into one position, quote units, >= 0."""


class AccountCarried(NamedTuple):
    """What the decision itself remembers of the account."""

    peak_equity: float
    """Highest marked equity seen, quote atoms; 0.0 before the first decision."""
    latched: int
    """Objections that stay: the daily loss until the next UTC day, the others until a person releases them."""
    day_equity: float = 0.0
    """Marked equity at the first decision of the UTC day, quote atoms."""
    day_ends_ns: int = 0
    """When that day ends, UTC ns; 0 before the first decision."""


class Account(NamedTuple):
    """The account that all sleeves share. Amounts in quote atoms."""

    cash_atoms: int
    """Booked: all quote currency owned, reserved or not."""
    reserved_atoms: int
    """Booked: the part promised to live buy orders, at their worst; orders in doubt included."""
    holdings_atoms: int
    """All sleeves' positions, marked at the closes of this slice of bars; short ones count below zero."""
    gates: int
    """Objections that come from outside the decision as facts: unreconciled, stale feed, halted."""
    carried: AccountCarried
    short_atoms: int = 0
    """What the short ones among them are worth, >= 0."""


class SleeveCarried(NamedTuple):
    """What the decision itself remembers of one strategy on one instrument."""

    target_lots: int
    """The position wanted at most, signed lots."""
    stop_ticks: int
    """Level of the protective stop, ticks; 0 for none."""
    take_ticks: int = 0
    """Level of the target, ticks; 0 for none."""
    bars_held: int = 0
    """Decisions since the sleeve was last flat."""
    bars_waiting: int = 0
    """Decisions since the live entry was asked for; `WAITED_OUT` once it is to be canceled, whatever fills until then
    being kept."""
    reason: int = NO_REASON
    """Why the position is to be left: `VIEW_GONE`, `TIMED_OUT`, `JUMPED`; `NO_REASON` while it is not."""


class Sleeve(NamedTuple):
    """One strategy on one instrument."""

    terms: Terms
    position_atoms: int
    """Booked: base currency owned by this sleeve, atoms, < 0 when short; fees paid in it are already gone."""
    entry_lots: int
    """Booked: signed lots that live entries may still trade: queued, sent, working or in doubt."""
    entry_taking: int
    """Booked: 1 while a live entry of this very bar is a market order, its answer awaited and not in doubt; else 0."""
    exit_lots: int
    """Booked: lots that live orders other than the stop may still take off the position, >= 0."""
    stop_lots: int
    """Booked: lots that the live protective stop may still take off; 0 when there is none."""
    stop_resting_ticks: int
    """Booked: trigger price of the live protective stop, ticks; 0 when there is none."""
    stop_limit_ticks: int
    """Booked: the worst price at which the live protective stop still trades, ticks; 0 when there is none."""
    stop_status: int
    """Booked: `STOP_NONE`, `STOP_PENDING`, `STOP_RESTING`, `STOP_CANCELING` or `STOP_REFUSED`."""
    carried: SleeveCarried
    stop_take_ticks: int = 0
    """Booked: price of the target that rests beside the stop, ticks; 0 when there is none."""


class Entry(NamedTuple):
    """How a decision would enter."""

    lots: int
    """Signed lots: > 0 buys, < 0 sells short; 0 for not at all."""
    limit_ticks: int
    """Worst price accepted, ticks; 0 for a market order."""
    post_only: int
    """1 where the order must rest and never take."""
    parts: int
    """As how many orders of equal size, >= 1; the last one takes what does not divide."""
    share: float
    """Part of the free cash at the fill, 0 < share <= 1, that replaces `lots` there; 0.0 where `lots` stand."""


class Asks(NamedTuple):
    """What to ask of the venue now: the difference between what is wanted and what is booked or on its way.

    Each is 0 when there is nothing to ask. The order in which they are sent is the queue's: stop and
    reduce before cancel before open.
    """

    cancel_entry: int
    """1: cancel the live entries that rest."""
    cancel_stop: int
    """1: cancel the resting protective stop (to move it, or to leave)."""
    exit_lots: int
    """Take this many lots off the position, at market."""
    entry_lots: int
    """Buy (> 0) or sell short (< 0) this many lots ..."""
    protect_lots: int
    """Rest a protective order for this many lots ..."""
    protect_ticks: int
    """... triggered at this price, ticks; 0 for none ..."""
    take_ticks: int = 0
    """... or filled as a limit order at this price, ticks; 0 for none. One of the two fills."""
    entry_limit_ticks: int = 0
    """... at this price or better, ticks; 0 for at market ..."""
    entry_post_only: int = 0
    """... resting, never taking ..."""
    entry_parts: int = 1
    """... as this many orders ..."""
    entry_share: float = 0.0
    """... or for this part of the free cash at the fill; 0.0 where the lots stand."""


class Step(NamedTuple):
    """The answer of one decision."""

    account: AccountCarried
    sleeve: SleeveCarried
    objections: int
    """Why new risk is refused now; 0 for nothing against it."""
    asks: Asks
    denied: int = 0
    """The objections again where they kept a wish to enter from becoming an order; else 0."""


NO_ENTRY: Final = Entry(lots=0, limit_ticks=0, post_only=0, parts=1, share=0.0)
NOTHING: Final = Asks(cancel_entry=0, cancel_stop=0, exit_lots=0, entry_lots=0, protect_lots=0, protect_ticks=0)
FLAT: Final = SleeveCarried(target_lots=0, stop_ticks=0)
FRESH: Final = AccountCarried(peak_equity=0.0, latched=0)
