"""What doing nothing would have brought: everything bought at the start and held."""

import numpy as np

from trading_system.backtest.result import Fills, Reason, Result, Traded
from trading_system.backtest.trades import worth
from trading_system.market.columns import Floats, Ints
from trading_system.market.instruments import Instrument
from trading_system.market.money import ATOMS


def start_atoms(result: Result) -> int:
    """Return what the account had before its first fill, quote atoms.

    That is equity at the first close. Only where an order may fill at the close that decided it can the first bar hold
    fills already; what they brought and cost is taken back.
    """
    start, traded = int(result.equity_atoms[0]), by_symbol(result)
    fills = result.fills
    for i in range(int(np.searchsorted(fills.slice, 0, side="right"))):
        one = traded[result.sleeves[int(fills.sleeve[i])][1]]
        close = int(_marks(one, result.close_ns[:1])[0])
        moved = int(fills.lots[i]) * (close - int(fills.price_ticks[i])) * one.instrument.notional_atoms
        fee = int(fills.fee_atoms[i])
        start -= int(fills.side[i]) * moved - (worth(fee, close, one.instrument) if fills.fee_in_base[i] else fee)
    return start


def curve(result: Result) -> Floats:
    """Return equity at each close, (S,), quote units; the first is what the account had before its first fill."""
    equity: Floats = result.equity_atoms / ATOMS
    equity[0] = start_atoms(result) / ATOMS
    return equity


def buy_and_hold(result: Result, *, first: int = 0, cost: float | None = None) -> Floats:
    """Return the equity of buying at the close of slice `first` and holding, (S,), quote units.

    The money is shared equally among the instruments; the part of one without a bar so far waits as cash for its first.
    Quantities are not rounded, and nothing is sold at the end: the last close marks it.

    Args:
        result: Whose start equity and bars to use.
        first: The slice from which the run could decide.
        cost: What the one purchase costs, a fraction of its worth; what the run's own fills cost on average (fees,
            spread and slippage) where it is not given, nothing where there was no fill.
    """
    start = start_atoms(result) / ATOMS
    rate = cost_rate(result) if cost is None else cost
    held = np.zeros(len(result.close_ns))
    for one in result.traded:
        marks = _marks(one, result.close_ns).astype(np.float64)
        bought = max(first, int(np.argmax(marks > 0.0)))
        share = start / len(result.traded)
        if marks[bought] > 0.0:
            held[bought:] += share / (1.0 + rate) * (marks[bought:] / marks[bought])
            held[:bought] += share
        else:
            held += share
    return held


def cost_rate(result: Result) -> float:
    """Return what all fills cost over what they were worth, a fraction; 0.0 without a fill."""
    paid, notional = 0.0, 0.0
    for sleeve, (_, symbol) in enumerate(result.sleeves):
        part = costs(result.fills, sleeve, by_symbol(result)[symbol].instrument)
        paid, notional = paid + part[0] + part[1] + part[2], notional + part[3]
    return paid / notional if notional else 0.0


def costs(fills: Fills, sleeve: int, instrument: Instrument) -> tuple[float, float, float, float]:
    """Return fees, spread and slippage of a sleeve's fills, and what the fills were worth; quote units.

    A fee in base currency is valued at its fill's price. Lots that crossed inside the account did not reach the market.
    """
    mine = (fills.sleeve == sleeve) & (fills.reason != Reason.CROSSED)
    columns = (fills.lots, fills.price_ticks, fills.spread_ticks)
    lots, price, spread = (column[mine].astype(np.float64) for column in columns)
    one = instrument.notional_atoms / ATOMS
    fee = fills.fee_atoms[mine] / ATOMS
    fees = np.where(fills.fee_in_base[mine] == 1, fee * price * float(instrument.tick), fee)
    apart = fills.side[mine] * (price - fills.reference_ticks[mine])
    return (
        float(fees.sum()),
        float((lots * spread).sum()) * one,
        float((lots * (apart - spread)).sum()) * one,
        float((lots * price).sum()) * one,
    )


def by_symbol(result: Result) -> dict[str, Traded]:
    """Return what was traded by the venue's string for it."""
    return {one.instrument.symbol: one for one in result.traded}


def _marks(one: Traded, close_ns: Ints) -> Ints:
    """Return the instrument's last close at each of `close_ns`, ticks; 0 before its first bar."""
    if np.array_equal(one.bars.close_ns, close_ns):
        return one.bars.close
    last = np.searchsorted(one.bars.close_ns, close_ns, side="right") - 1
    return np.where(last >= 0, one.bars.close[last], 0)
