"""From fills to round trips: a trade runs from flat to flat, or through zero, which ends it and starts the next.

The prices of a trade are averages over its fills; its profit is not worked out from them but from the money that moved,
in whole atoms, so that the trades' profits add up to what the account gained.

**Dust.** Where the venue takes its fee in base currency, or a bar's volume left an exit unfinished, what remains may be
too small to be sold: less than a lot, or than the venue's smallest order at the price of the last fill. That counts as
flat. It is handed on to the next trade of the sleeve at that price: the one is credited with its worth, the other pays
for it. Not an atom is lost or counted twice.
"""

from dataclasses import dataclass, fields
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading_system.backtest.result import Fills, Reason, Result
from trading_system.kernel import compiled, kernel
from trading_system.market.columns import Floats, Ints
from trading_system.market.instruments import Instrument
from trading_system.market.money import to_atoms

STILL_OPEN: Final = -1
"""Stands in `Trades.reason` for a trade that nothing has ended yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trades:
    """Round trips, by the slice in which they ended. All columns (N,).

    Attributes:
        sleeve: Index into `Result.sleeves`.
        side: +1 long, -1 short.
        entry_slice: The slice of the first fill.
        exit_slice: The slice of the last fill; the last slice of the run where the trade is still open.
        lots: What all its entries came to, lots, > 0.
        entry_price: Average price of its entries, quote per base.
        exit_price: Average price of its exits, quote per base; what is left of an open trade counts at the last close.
        entry_atoms: What the entries were worth, quote atoms, > 0.
        pnl_atoms: What the trade brought after all costs, quote atoms; an open one is marked at the last close.
        returns: `pnl_atoms / entry_atoms`.
        fees_atoms: Fees, quote atoms; those taken in base currency are valued at their fill's price.
        spread_atoms: Half the spread, paid on each fill, quote atoms, >= 0.
        slippage_atoms: What the fills cost beyond that against the bar's price, quote atoms.
        reason: The `Reason` of the last fill, or `STILL_OPEN`.
        open: Whether it was still open at the end.
    """

    sleeve: Ints
    side: Ints
    entry_slice: Ints
    exit_slice: Ints
    lots: Ints
    entry_price: Floats
    exit_price: Floats
    entry_atoms: Ints
    pnl_atoms: Ints
    returns: Floats
    fees_atoms: Ints
    spread_atoms: Ints
    slippage_atoms: Ints
    reason: Ints
    open: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.side)

    @property
    def bars(self) -> Ints:
        """Slices from the first fill to the last, >= 0."""
        return self.exit_slice - self.entry_slice

    def where(self, rows: NDArray[np.bool_] | Ints) -> "Trades":
        """Return those trades that `rows`, a mask or indices, picks."""
        return Trades(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def trades(fills: Fills, sleeve: int, instrument: Instrument, *, last_close_ticks: int, last_slice: int) -> Trades:
    """Return the trades of one sleeve, which starts flat.

    Args:
        fills: All fills of the run, in order.
        sleeve: Whose fills to look at.
        instrument: What it trades: a lot of at most 3e9 base atoms (30 units), as the engine demands.
        last_close_ticks: What marks a trade that is still open, ticks.
        last_slice: Where such a trade counts as ended.
    """
    mine = np.flatnonzero(fills.sleeve == sleeve)
    columns = (fills.slice, fills.reason, fills.side, fills.lots, fills.price_ticks, fills.reference_ticks)
    costs = (fills.spread_ticks, fills.fee_atoms, fills.fee_in_base)
    told = np.stack([column[mine] for column in (*columns, *costs)], axis=1).astype(np.int64)
    rows = np.zeros((len(mine), TRADE_COLUMNS), dtype=np.int64)
    told, steps = np.ascontiguousarray(told), steps_of(instrument)
    count = compiled(match)(told, steps, last_close_ticks, last_slice, rows) if len(mine) else 0
    rows = rows[:count]
    a_lot_at_a_price = instrument.notional_atoms / float(instrument.tick)
    entry_atoms, pnl_atoms = rows[:, ENTRY_ATOMS].copy(), rows[:, PNL].copy()
    return Trades(
        sleeve=np.full(count, sleeve, dtype=np.int64),
        side=rows[:, SIDE].copy(),
        entry_slice=rows[:, ENTRY_SLICE].copy(),
        exit_slice=rows[:, EXIT_SLICE].copy(),
        lots=rows[:, ENTRY_LOTS].copy(),
        entry_price=entry_atoms / (rows[:, ENTRY_LOTS] * a_lot_at_a_price),
        exit_price=rows[:, EXIT_ATOMS] / (rows[:, EXIT_LOTS] * a_lot_at_a_price),
        entry_atoms=entry_atoms,
        pnl_atoms=pnl_atoms,
        returns=pnl_atoms / entry_atoms,
        fees_atoms=rows[:, FEES].copy(),
        spread_atoms=rows[:, SPREAD].copy(),
        slippage_atoms=rows[:, SLIPPAGE].copy(),
        reason=rows[:, REASON].copy(),
        open=rows[:, REASON] == STILL_OPEN,
    )


def all_trades(result: Result) -> Trades:
    """Return the trades of all sleeves, in the order in which they ended."""
    traded = {one.instrument.symbol: one for one in result.traded}
    parts = []
    for sleeve, (_, symbol) in enumerate(result.sleeves):
        bars = traded[symbol].bars
        last = int(np.searchsorted(bars.close_ns, result.close_ns[-1], side="right")) - 1
        close = int(bars.close[last]) if last >= 0 else 0
        instrument = traded[symbol].instrument
        slices = len(result.close_ns)
        parts.append(trades(result.fills, sleeve, instrument, last_close_ticks=close, last_slice=slices - 1))
    whole = Trades(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Trades)})
    return whole.where(np.argsort(whole.exit_slice, kind="stable"))


# Columns of a told fill.
T_SLICE: Final = 0
T_REASON: Final = 1
T_SIDE: Final = 2
T_LOTS: Final = 3
T_PRICE: Final = 4
T_REFERENCE: Final = 5
T_SPREAD: Final = 6
T_FEE: Final = 7
T_IN_BASE: Final = 8

# Columns of a trade.
SIDE: Final = 0
ENTRY_SLICE: Final = 1
EXIT_SLICE: Final = 2
ENTRY_LOTS: Final = 3
ENTRY_ATOMS: Final = 4
EXIT_LOTS: Final = 5
EXIT_ATOMS: Final = 6
PNL: Final = 7
FEES: Final = 8
SPREAD: Final = 9
SLIPPAGE: Final = 10
REASON: Final = 11
TRADE_COLUMNS: Final = 12


class Steps(NamedTuple):
    """The instrument, in numbers: base atoms in a lot, quote atoms of a lot at a price of one tick, smallest order."""

    lot_atoms: int
    tick_atoms: int
    min_lots: int
    min_notional_atoms: int


@kernel
def match(told: Ints, steps: Steps, last_close: int, last_slice: int, rows: Ints) -> int:
    """Write the trades of one sleeve's fills into `rows`, (N, 12) zeros, and return how many there are.

    Args:
        told: (N, 9) the fills, columns `T_...`.
        steps: The instrument.
        last_close: Price that marks what is still open, ticks.
        last_slice: Where what is still open counts as ended.
        rows: What is written, columns as above. A fill starts at most one trade: N rows are enough.
    """
    count, position, last_price, handed, is_open = 0, 0, 0, 0, False
    for i in range(len(told)):
        side, lots, price = int(told[i, T_SIDE]), int(told[i, T_LOTS]), int(told[i, T_PRICE])
        if is_open and _is_over(rows, count - 1, side, position, last_price, steps):
            handed, is_open = _worth(position, last_price, steps), False
            rows[count - 1, PNL] += handed
        closing = 0
        if is_open and side != rows[count - 1, SIDE]:
            fee_in_base = int(told[i, T_FEE]) if told[i, T_IN_BASE] == 1 else 0
            through = side * (position + side * lots * steps.lot_atoms - fee_in_base) >= steps.lot_atoms
            closing = abs(position) // steps.lot_atoms if through else lots
            position += _book(told, i, closing, 0, False, steps, rows, count - 1)
            if through:
                handed, is_open = _worth(position, price, steps), False
                rows[count - 1, PNL] += handed
                _price_unsold(rows, count - 1, price * steps.tick_atoms)
        if closing < lots:
            if not is_open:
                rows[count, SIDE], rows[count, ENTRY_SLICE], rows[count, PNL] = side, told[i, T_SLICE], -handed
                count, is_open = count + 1, True
            position += _book(told, i, lots - closing, closing, True, steps, rows, count - 1)
        last_price = price
    if is_open and _is_over(rows, count - 1, int(rows[count - 1, SIDE]), position, last_price, steps):
        rows[count - 1, PNL] += _worth(position, last_price, steps)
    elif is_open:
        left = abs(position) // steps.lot_atoms
        rows[count - 1, PNL] += _worth(position, last_close, steps)
        rows[count - 1, EXIT_LOTS] += left
        rows[count - 1, EXIT_ATOMS] += left * last_close * steps.tick_atoms
        rows[count - 1, EXIT_SLICE], rows[count - 1, REASON] = last_slice, STILL_OPEN
        _price_unsold(rows, count - 1, last_close * steps.tick_atoms)
    return count


@kernel
def _is_over(rows: Ints, n: int, side: int, position: int, price: int, steps: Steps) -> bool:
    """Return whether trade `n` ended with the fill before one of `side`: it was reduced, and what was left is dust.

    Dust of a lot or more may still be sold by what remains of the exit; only an entry proves that it was left.
    """
    lots = abs(position) // steps.lot_atoms
    if rows[n, EXIT_LOTS] == 0 or lots == 0:
        return bool(rows[n, EXIT_LOTS] > 0)
    small = lots < steps.min_lots or lots * price * steps.tick_atoms < steps.min_notional_atoms
    return bool(side == rows[n, SIDE] and small)


@kernel
def _price_unsold(rows: Ints, n: int, lot_worth: int) -> None:
    """Give trade `n` an exit price where its fees left less than a lot in hand, of which nothing could be sold."""
    if rows[n, EXIT_LOTS] == 0:
        rows[n, EXIT_LOTS], rows[n, EXIT_ATOMS] = 1, lot_worth


@kernel
def _book(told: Ints, i: int, lots: int, before: int, enters: bool, steps: Steps, rows: Ints, n: int) -> int:
    """Book `lots` of fill `i`, after `before` of them went elsewhere, to trade `n`; return the change in base atoms."""
    side, price, spread = int(told[i, T_SIDE]), int(told[i, T_PRICE]), int(told[i, T_SPREAD])
    fee, whole = int(told[i, T_FEE]), int(told[i, T_LOTS])
    fee = _share(fee, before + lots, whole) - _share(fee, before, whole)
    notional = lots * price * steps.tick_atoms
    if enters:
        rows[n, ENTRY_LOTS] += lots
        rows[n, ENTRY_ATOMS] += notional
    else:
        rows[n, EXIT_LOTS] += lots
        rows[n, EXIT_ATOMS] += notional
        rows[n, EXIT_SLICE], rows[n, REASON] = told[i, T_SLICE], told[i, T_REASON]
    rows[n, PNL] -= side * notional
    rows[n, SPREAD] += lots * spread * steps.tick_atoms
    rows[n, SLIPPAGE] += lots * (side * (price - int(told[i, T_REFERENCE])) - spread) * steps.tick_atoms
    if told[i, T_IN_BASE] == 1:  # what did not arrive: it is missing from the position, not from the cash
        rows[n, FEES] += _worth(fee, price, steps)
        return side * lots * steps.lot_atoms - fee
    rows[n, FEES] += fee
    rows[n, PNL] -= fee
    return side * lots * steps.lot_atoms


@kernel
def _share(amount: int, part: int, whole: int) -> int:
    """Return `amount x part / whole`, rounded down, without leaving 63 bits."""
    return amount // whole * part + amount % whole * part // whole


@kernel
def _worth(atoms: int, price: int, steps: Steps) -> int:
    """Return what signed `atoms` of base currency are worth at `price` ticks, quote atoms, rounded towards zero."""
    sign = 1 if atoms >= 0 else -1
    lot, one = steps.lot_atoms, price * steps.tick_atoms
    whole, rest = abs(atoms) // lot, abs(atoms) % lot
    return sign * (whole * one + rest * (one // lot) + rest * (one % lot) // lot)


def worth(atoms: int, ticks: int, instrument: Instrument) -> int:
    """Return what signed `atoms` of base currency are worth at `ticks`, quote atoms, rounded towards zero."""
    return _worth(atoms, ticks, steps_of(instrument))


def steps_of(instrument: Instrument) -> Steps:
    """Return the instrument in numbers."""
    return Steps(
        lot_atoms=instrument.lot_atoms,
        tick_atoms=instrument.notional_atoms,
        min_lots=instrument.min_lots,
        min_notional_atoms=to_atoms(instrument.min_notional),
    )


REASONS: Final = {**{int(reason): reason.name.lower() for reason in Reason}, STILL_OPEN: "open"}
"""What ended a trade, in words, by the number in `Trades.reason`."""
