"""What a back-test reads and writes: arrays, named.

Letters in shapes: S slices (all bars with one close are a slice), I instruments, K sleeves, N rows of a list.
"""

from typing import Final, NamedTuple

from trading_system.execution_engine.simulator.rules import Rules as Rules
from trading_system.market.columns import Floats, Ints

ROOM: Final = 256
"""Rows that one sleeve may need in one slice, of orders or fills; where fewer are left, `play` pauses."""


class Tape(NamedTuple):
    """The market, slice by slice; all 0 where an instrument has no bar."""

    close_ns: Ints
    """(S,) close of the slice, UTC ns, rising."""
    open: Ints
    """(S, I) ticks; so are the next three."""
    high: Ints
    low: Ints
    close: Ints
    volume_atoms: Ints
    """(S, I) base atoms."""
    atr: Floats
    """(S, I) average true range, ticks; 0.0 while unknown."""
    gates: Ints
    """(S,) objections from outside the decision: stale feed, halted. Or (0,) for none at all."""


class Beliefs(NamedTuple):
    """The strategies' views, each formed from its slice and the past."""

    probability: Floats
    """(S, K) as in `View`; not a number where there is no view."""
    gain: Floats
    """(S, K) as in `View`."""
    loss: Floats
    """(S, K) as in `View`."""


class Setup(NamedTuple):
    """What stays the same during a run."""

    cash_atoms: int
    """Quote currency at the start, atoms, 0..1e17."""
    rules: Rules
    instrument: Ints
    """(K,) index of the instrument that each sleeve trades, 0..I-1."""
    terms: Ints
    """(I, 5) the fields of `Terms`."""
    costs: Ints
    """(I, 7) the fields of `Costs`."""
    policies: Floats
    """(K, P) the fields of `Policy`, or of the policy that replaces it."""
    life_ns: Ints
    """(K,) how long after its bar's close a view holds, ns."""


ACCOUNT: Final = "backtest"
"""Part of every client order id, in a back-test and in its replay."""

ENTER: Final = 0
EXIT: Final = 1
PROTECT: Final = 2
CROSS: Final = 3
"""No order: lots that another sleeve of the account gave or got, filled in the moment in which both wanted it."""

ORDER_DECIDED: Final = 0
"""Slice of the decision that the order goes back to."""
ORDER_SLEEVE: Final = 1
ORDER_INTENT: Final = 2
"""`ENTER`, `EXIT`, `PROTECT`; or `CROSS`."""
ORDER_ATTEMPT: Final = 3
"""How many tickets this bar and intent have had, this one included; 0 for a crossing."""
ORDER_SIDE: Final = 4
"""1 buys, -1 sells."""
ORDER_LOTS: Final = 5
ORDER_LIMIT: Final = 6
"""Ticks, 0 for a market order."""
ORDER_STOP: Final = 7
"""Ticks, 0 for none."""
ORDER_TAKE: Final = 8
"""Ticks, 0 for none."""
ORDER_REASON: Final = 9
"""Why an exit leaves: one of the reasons of `blotter.state`."""
ORDER_COLUMNS: Final = 10

FILL_SLICE: Final = 0
FILL_ORDER: Final = 1
"""Row of the order in `Record.orders`."""
FILL_LOTS: Final = 2
FILL_TICKS: Final = 3
FILL_REFERENCE: Final = 4
"""The bar's price before spread and slippage."""
FILL_SPREAD: Final = 5
"""How many ticks of the difference are half the spread."""
FILL_FEE: Final = 6
"""Atoms."""
FILL_FEE_IN_BASE: Final = 7
FILL_MAKER: Final = 8
FILL_COLUMNS: Final = 9

CASH: Final = 0
FILLS: Final = 1
ORDERS: Final = 2
REJECTED: Final = 3
AMBIGUOUS: Final = 4
DECISIONS: Final = 5
CROSSED: Final = 6
TALLY_COLUMNS: Final = 7


class Record(NamedTuple):
    """What a run writes down."""

    cash: Ints
    """(S,) quote currency owned at the close, atoms."""
    holdings: Ints
    """(S,) worth of all positions at the close, atoms; cash + holdings is equity."""
    short: Ints
    """(S,) worth of the short ones among them, atoms, >= 0; (0,) where nothing may be sold short."""
    decided: Ints
    """(S, K, 3) target in lots, stop in ticks, objections; objections -1 where there was no bar to decide on. Or
    (0, K, 3) where decisions are not recorded."""
    denials: Ints
    """(COMBINATIONS,) how often each set of objections denied a wish to enter."""
    orders: Ints
    """(N, 10) the orders asked for, columns `ORDER_...`; of a crossing one row for the buyer, then one for the seller.
    """
    fills: Ints
    """(N, 9) the fills in the order in which they happened, columns `FILL_...`, both sides of crossings among them."""
    marks: Ints
    """(I,) last close of each instrument, ticks."""
    volume: Ints
    """(I,) lots that the volume of this slice still lets us trade."""
    book: Ints
    """(K, COLUMNS) what each sleeve has booked, carries and has at the venue: columns of `backtest.rows`."""
    shares: Floats
    """(K,) part of the free cash that a live entry is for; 0.0 where its lots stand."""
    carried: Floats
    """(2,) peak and the day's first equity, quote atoms."""
    latches: Ints
    """(2,) latched objections; the end of the day, UTC ns."""
    tally: Ints
    """(7,) `CASH` owned now, atoms; how many rows of `FILLS` and `ORDERS`, entries `REJECTED` by the venue (for cash,
    or because a post-only order would have taken), `AMBIGUOUS` bars, `DECISIONS`, and how often lots were `CROSSED`."""
