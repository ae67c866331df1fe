"""The rules themselves, forty lines that do nothing else: what every engine must come to, and the physical bound.

At each close one knows the signals. At the next open what they ask for is filled; a position's stop stands from the
entry on, triggers where the low reaches it and fills there, or at the open where that lies below; at each close it may
rise to `stop`, never fall. Fees are a fraction of each fill's worth. One unit is bought at a time. Equity is marked at
every close.
"""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray
from scripts.bench.market import CASH, FEE, Bools, Ints, Market, crosses, quote
from scripts.bench.worker import Case, Traded, serve

Floats = NDArray[np.float64]


@numba.njit(cache=True)
def play(
    open_: Floats, low: Floats, close: Floats, enter: Bools, leave: Bools, stop: Floats, cash: float, fee: float,
    equity: Floats, entries: Ints, exits: Ints,
) -> int:  # fmt: skip
    """Fill `equity` at each close, and the bars of entries and exits; return how many trades there were."""
    held, buy, sell, level, trades = False, False, False, 0.0, 0
    for i in range(len(close)):
        if sell or buy:
            cash += open_[i] * (1.0 - fee) if sell else -open_[i] * (1.0 + fee)
            if buy:
                entries[trades], held = i, True
            else:
                exits[trades], held, trades = i, False, trades + 1
        if held and low[i] <= level:
            cash += min(open_[i], level) * (1.0 - fee)
            exits[trades], held, trades = i, False, trades + 1
        buy, sell = enter[i] and not held, leave[i] and held
        level = max(level, stop[i]) if held else stop[i]
        equity[i] = cash + (close[i] if held else 0.0)
    return trades


def prepare(told: Market) -> dict[str, Case]:
    """Return the cases: without and with the stop, and the first with the averages worked out too."""
    open_, low, close, ticks = quote(told.open), quote(told.low), quote(told.close), told.close
    enter, leave = told.enter, told.leave  # `told` itself is not held: its other columns are given back
    none, stop = np.zeros(len(close)), quote(told.stop)
    equity = np.empty(len(close))
    entries, exits = np.empty(len(close), dtype=np.int64), np.empty(len(close), dtype=np.int64)

    def run(buy: Bools, sell: Bools, level: Floats) -> int:
        count: int = play(open_, low, close, buy, sell, level, CASH, FEE, equity, entries, exits)
        return count

    def read(trades: Any) -> Traded:
        return Traded(entries[:trades].copy(), exits[:trades].copy(), float(equity[-1]))

    return {
        "cross": Case(lambda: run(enter, leave, none), read),
        "cross, from bars": Case(lambda: run(*crosses(ticks), none), read),
        "stop": Case(lambda: run(enter, leave, stop), read),
    }


if __name__ == "__main__":
    serve(f"bare loop, numba {numba.__version__}", prepare)
