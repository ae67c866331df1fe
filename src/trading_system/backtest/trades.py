"""From fills to round trips: a trade runs from flat to flat, or through zero, which ends it and starts the next.

The prices of a trade are averages over its fills; its profit is not worked out from them but from the money that moved,
in whole atoms, so that the trades' profits add up to what the account gained.

**Dust.** Where the venue takes its fee in base currency, what is left after a sale is seldom nothing. Less than one lot
cannot be sold and counts as flat; it is handed on to the next trade of the sleeve at the price of the fill that ended
this one: the one is credited with its worth, the other pays for it. Not an atom is lost or counted twice.
"""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trading_system.backtest.result import Fills, Reason, Result
from trading_system.kernel import compiled, kernel
from trading_system.market.columns import Floats, Ints
from trading_system.market.instruments import Instrument

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
    steps = (instrument.lot_atoms, instrument.notional_atoms)
    count = compiled(match)(np.ascontiguousarray(told), *steps, last_close_ticks, last_slice, rows) if len(mine) else 0
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


@kernel
def match(told: Ints, lot_atoms: int, tick_atoms: int, last_close: int, last_slice: int, rows: Ints) -> int:
    """Write the trades of one sleeve's fills into `rows`, (N, 12) zeros, and return how many there are.

    Args:
        told: (N, 9) the fills, columns `T_...`.
        lot_atoms: Base atoms in a lot.
        tick_atoms: Quote atoms that a lot is worth at a price of one tick.
        last_close: Price that marks what is still open, ticks.
        last_slice: Where what is still open counts as ended.
        rows: What is written, columns as above. A fill starts at most one trade: N rows are enough.
    """
    count, position, dust_worth, is_open = 0, 0, 0, False
    for i in range(len(told)):
        side, lots, price = int(told[i, T_SIDE]), int(told[i, T_LOTS]), int(told[i, T_PRICE])
        in_base = int(told[i, T_FEE]) if told[i, T_IN_BASE] == 1 else 0
        after = position + side * lots * lot_atoms - in_base
        closing = 0
        if is_open and side != rows[count - 1, SIDE]:
            flat = abs(after) < lot_atoms
            through = not flat and (after > 0) == (side > 0)
            closing = abs(position) // lot_atoms if through else lots
            position += _book(told, i, closing, 0, False, lot_atoms, tick_atoms, rows, count - 1)
            if flat or through:
                dust_worth = _worth(position, price, lot_atoms, tick_atoms)
                is_open = False
                _end(rows, count - 1, dust_worth, price * tick_atoms, int(told[i, T_SLICE]), int(told[i, T_REASON]))
        if closing < lots:
            if not is_open:
                rows[count, SIDE], rows[count, ENTRY_SLICE] = side, told[i, T_SLICE]
                rows[count, PNL] = -dust_worth
                count, is_open = count + 1, True
            position += _book(told, i, lots - closing, closing, True, lot_atoms, tick_atoms, rows, count - 1)
    if is_open:
        left = abs(position) // lot_atoms
        rows[count - 1, EXIT_LOTS] += left
        rows[count - 1, EXIT_ATOMS] += left * last_close * tick_atoms
        marked = _worth(position, last_close, lot_atoms, tick_atoms)
        _end(rows, count - 1, marked, last_close * tick_atoms, last_slice, STILL_OPEN)
    return count


@kernel
def _book(
    told: Ints, i: int, lots: int, before: int, enters: bool, lot_atoms: int, tick_atoms: int, rows: Ints, n: int
) -> int:
    """Book `lots` of fill `i`, after `before` of them went elsewhere, to trade `n`; return the change in base atoms."""
    side, price, spread = int(told[i, T_SIDE]), int(told[i, T_PRICE]), int(told[i, T_SPREAD])
    fee = _share(int(told[i, T_FEE]), before + lots, int(told[i, T_LOTS])) - _share(
        int(told[i, T_FEE]), before, int(told[i, T_LOTS])
    )
    worth = lots * price * tick_atoms
    if enters:
        rows[n, ENTRY_LOTS] += lots
        rows[n, ENTRY_ATOMS] += worth
    else:
        rows[n, EXIT_LOTS] += lots
        rows[n, EXIT_ATOMS] += worth
    rows[n, PNL] -= side * worth
    rows[n, SPREAD] += lots * spread * tick_atoms
    rows[n, SLIPPAGE] += lots * (side * (price - int(told[i, T_REFERENCE])) - spread) * tick_atoms
    if told[i, T_IN_BASE] == 1:  # what did not arrive: it is missing from the position, not from the cash
        rows[n, FEES] += _worth(fee, price, lot_atoms, tick_atoms)
        return side * lots * lot_atoms - fee
    rows[n, FEES] += fee
    rows[n, PNL] -= fee
    return side * lots * lot_atoms


@kernel
def _end(rows: Ints, n: int, worth: int, lot_worth: int, last: int, reason: int) -> None:
    """End trade `n` in slice `last`, crediting it with what it leaves behind."""
    rows[n, PNL] += worth
    rows[n, EXIT_SLICE], rows[n, REASON] = last, reason
    if rows[n, EXIT_LOTS] == 0:  # less than a lot had been in hand, and nothing of it could be sold
        rows[n, EXIT_LOTS], rows[n, EXIT_ATOMS] = 1, lot_worth


@kernel
def _share(amount: int, part: int, whole: int) -> int:
    """Return `amount x part / whole`, rounded down, without leaving 63 bits."""
    return amount // whole * part + amount % whole * part // whole


@kernel
def _worth(atoms: int, price: int, lot_atoms: int, tick_atoms: int) -> int:
    """Return what signed `atoms` of base currency are worth at `price` ticks, quote atoms, rounded towards zero."""
    sign = 1 if atoms >= 0 else -1
    whole, rest, one = abs(atoms) // lot_atoms, abs(atoms) % lot_atoms, price * tick_atoms
    return sign * (whole * one + rest * (one // lot_atoms) + rest * (one % lot_atoms) // lot_atoms)


def worth(atoms: int, ticks: int, instrument: Instrument) -> int:
    """Return what signed `atoms` of base currency are worth at `ticks`, quote atoms, rounded towards zero."""
    return _worth(atoms, ticks, instrument.lot_atoms, instrument.notional_atoms)


REASONS: Final = {**{int(reason): reason.name.lower() for reason in Reason}, STILL_OPEN: "open"}
"""What ended a trade, in words, by the number in `Trades.reason`."""
